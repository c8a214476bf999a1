"""The picture of the layer: how far it reaches, and what its terms do."""

from __future__ import annotations

import numpy as np
import pytest

from tools.docs_pictures import layer


@pytest.mark.parametrize("steps", layer.REACH_STEPS)
def test_the_reach_is_the_diamond_of_so_many_steps(steps):
    seen = layer.reach(steps) > 0
    rows, columns = np.indices(seen.shape) - layer.SIDE // 2
    assert not seen[abs(rows) + abs(columns) > steps].any()
    assert seen[layer.SIDE // 2, layer.SIDE // 2 + steps]
    assert seen.sum() > steps * steps


def test_diffusion_keeps_the_sum_and_spreads():
    before, diffused, carried, _ = (effect.image for effect in layer.effects())
    assert diffused.sum() == pytest.approx(before.sum(), rel=1e-5)
    assert diffused.std() < 0.8 * before.std()
    rows = np.arange(before.shape[0])
    assert (carried[:30].sum(1) @ rows[:30]) / carried[:30].sum() < (before.sum(1) @ rows) / before.sum()
