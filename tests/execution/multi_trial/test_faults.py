"""A strategy that raises: the trace for its author, and one line for whoever runs it."""

import pytest

from execution.multi_trial.faults import faults_named
from records.errors import UserError
from strategies.contract import SpaceExhausted
from strategies.multi_trial.random_search import RandomSearch
from tests.strategies.table import PROBLEM


def test_the_strategy_and_its_module_are_named(capsys):
    strategy = RandomSearch(PROBLEM, 0)
    said = r"strategy random \(strategies\.multi_trial\.random_search\) raised ZeroDivisionError: .*`resume` goes on"
    with pytest.raises(UserError, match=said), faults_named(strategy):
        1 / 0  # noqa: B018
    assert "test_faults.py" in capsys.readouterr().err


@pytest.mark.parametrize(
    "error", [UserError("a mistake"), SpaceExhausted("none is left"), KeyboardInterrupt()]
)
def test_what_is_no_fault_passes(error, capsys):
    with pytest.raises(type(error)) as raised, faults_named(RandomSearch(PROBLEM, 0)):
        raise error
    assert raised.value is error
    assert not capsys.readouterr().err
