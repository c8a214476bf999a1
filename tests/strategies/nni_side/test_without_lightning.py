"""NNI's searches are imported without Lightning, pandas and scipy's distributions, which are there when they are asked
for."""

import subprocess
import sys
from pathlib import Path

import pytest

from strategies.extras import RL

ROOT = Path(__file__).resolve().parents[3]
HEAVY = "{'pytorch_lightning', 'torchvision', 'torch._dynamo', 'scipy.stats', 'pandas'}"


def told(*lines: str) -> list[str]:
    """What a process of its own prints."""
    words = [sys.executable, "-W", "ignore", "-c", "\n".join(["import sys", *lines])]
    process = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    return process.stdout.splitlines()


def test_nni_itself_imports_lightning():
    assert told("import nni.nas.strategy", f"print({HEAVY} <= sys.modules.keys())") == ["True"]


def test_a_search_of_trials_does_not_and_a_supernet_is_there_all_the_same():
    said = told(
        "import execution.portal.hub, execution.portal.row_experiment",
        "import execution.nni_bridge.quiet_nni, execution.nni_bridge.experiment, execution.multi_trial.candidate_loop",
        f"print(sorted({HEAVY} & sys.modules.keys()))",
        "import nni.nas.evaluator, nni.nas.strategy",
        "print(hasattr(nni.nas.strategy, 'Nothing'), nni.get_default_framework())",
        "from nni.nas.strategy import DARTS, Random",
        "from nni.nas.evaluator import Lightning",
        "import nni.nas.oneshot.pytorch.strategy as its, nni.nas.strategy.oneshot as also",
        "print(DARTS is its.DARTS is also.DARTS, Lightning.__module__, Random.__module__)",
        "from nni.mutable import Numerical",
        "print(Numerical(1, 4, label='a').default(), round(Numerical(1, 4, log_distributed=True, label='b').default(), 9))",
    )
    assert said == [
        "[]",
        "False pytorch",
        "True nni.nas.evaluator.pytorch.lightning nni.nas.strategy.bruteforce",
        "2.5 2.0",
    ]


def test_tables_are_written_in_json_all_the_same():
    said = told(
        "from strategies.nni_side.without_lightning import import_nas",
        "import_nas()",
        "import json, nni, json_tricks",
        "print(nni.dump(1j), json_tricks.dumps(1j), 'pandas' in sys.modules)",
        "import pandas",
        "table = pandas.DataFrame({'a': [1, 2]})",
        "print(json_tricks.loads(json_tricks.dumps(table))['a'].tolist(), nni.load(nni.dump(table))['a'].tolist())",
        "print(json.loads(json_tricks.dumps(table['a'], primitives=True)))",
    )
    assert said == [
        '{"__complex__": [0.0, 1.0]} {"__complex__": [0.0, 1.0]} False',
        "[1, 2] [1, 2]",
        "{'index': [0, 1], 'data': [1, 2]}",
    ]


@pytest.mark.skipif(bool(RL.missing()), reason="the part `rl` is not installed")
def test_tianshou_waits_until_its_strategy_is_asked_for():
    program = (
        "import sys\n"
        "from strategies.nni_side.without_lightning import import_nas\n"
        "import_nas()\n"
        "print('tianshou' in sys.modules, 'gym' in sys.modules)\n"
        "from nni.nas.strategy import PolicyBasedRL, rl\n"
        "print(rl.has_tianshou, PolicyBasedRL is rl.PolicyBasedRL)\n"
    )
    ended = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("False False\nTrue True\n", "")
