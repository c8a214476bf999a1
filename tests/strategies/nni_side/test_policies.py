"""tianshou's returns by Python are those that numba compiles, to the bit."""

import subprocess
import sys

import pytest

from strategies.extras import RL

pytestmark = pytest.mark.skipif(bool(RL.missing()), reason="the part `rl` is not installed")


PROGRAM = """
import numpy as np
from strategies.nni_side.policies import policy_searches
import tianshou.policy.base as base

compiled, random = base._gae_return, np.random.default_rng(0)
policy_searches()
assert base._gae_return is not compiled
for dtype in (np.float32, np.float64):
    for steps in (1, 2, 7, 60):
        value, next_value = random.normal(size=(2, steps)).astype(dtype)
        given = value, next_value, random.normal(size=steps), random.random(steps) < 0.2, 0.99, 0.95
        assert np.array_equal(base._gae_return(*given), compiled(*given))
base.BasePolicy._compile(None)
print(len(base._nstep_return.signatures))
"""


def test_they_are_the_same_numbers_and_nothing_else_is_compiled():
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", PROGRAM], capture_output=True, text=True)
    assert done.stdout == "0\n", done.stderr
