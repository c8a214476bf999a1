"""What single strategies' own settings do, on the toy."""

import dataclasses

import pytest

from records.errors import UserError
from strategies.one_shot.darts import Darts
from strategies.one_shot.gumbel_darts import GumbelDarts
from strategies.supernet.learning.operation_stop import OperationStop
from tests.strategies.supernet.toy import SETTINGS, same, search
from training.data.loading import load_data


@pytest.fixture(scope="module")
def digits():
    return load_data("digits", train_limit=160, validation=0.4, seed=0)


def test_the_temperature_is_recorded_and_may_not_rise(tmp_path, digits):
    settings = dataclasses.replace(SETTINGS, epochs=2, temperature=2.0, final_temperature=0.5)
    state = search(tmp_path, digits, settings, strategy=GumbelDarts)
    assert [record["temperature"] for record in state.records] == [2.0, 0.5]
    with pytest.raises(UserError, match="final_temperature is 3; accepted: at most temperature, which is 1"):
        GumbelDarts.Settings(final_temperature=3.0)


def test_the_auxiliary_skip_decays_to_nothing_and_changes_the_search(tmp_path, digits):
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    state = search(
        tmp_path / "with", digits, dataclasses.replace(SETTINGS, auxiliary_skip=1.0), strategy=Darts
    )
    assert [record["auxiliary_skip"] for record in state.records] == [1.0, 0.5, 0.0]
    assert not same(state, search(tmp_path / "without", digits, SETTINGS, strategy=Darts))


def test_a_stopped_search_with_operation_stop_goes_on_with_the_same_numbers(tmp_path, digits):
    class Killed(Exception):
        pass

    def kill(state):
        raise Killed

    settings = dataclasses.replace(SETTINGS, epochs=4, batch_size=8, operation_stop=0.99)
    for folder in ("whole", "stopped"):
        (tmp_path / folder).mkdir()
    whole = search(tmp_path / "whole", digits, settings, strategy=Darts)
    assert whole.records[-1]["operations_stopped"] > 0
    with pytest.raises(Killed):
        search(tmp_path / "stopped", digits, settings, strategy=Darts, on_epoch=kill)
    assert same(search(tmp_path / "stopped", digits, settings, strategy=Darts), whole)


def test_what_operation_stop_compares_is_of_the_validation_images_alone(tmp_path, digits, monkeypatch):
    """A process that goes on has no gradient of the step before; one that was not stopped must not add it."""
    kept, keep = [], OperationStop.keep_validation

    def spy(self, weights):
        kept.append(sum(float(w.grad.double().square().sum()) for w in weights if w.grad is not None))
        keep(self, weights)

    class Killed(Exception):
        pass

    def kill(state):
        raise Killed

    monkeypatch.setattr(OperationStop, "keep_validation", spy)
    settings = dataclasses.replace(SETTINGS, epochs=2, batch_size=8, operation_stop=0.1)
    search(tmp_path, digits, settings, strategy=Darts)
    whole = kept.copy()
    kept.clear()
    (tmp_path / "stopped").mkdir()
    with pytest.raises(Killed):
        search(tmp_path / "stopped", digits, settings, strategy=Darts, on_epoch=kill)
    search(tmp_path / "stopped", digits, settings, strategy=Darts)
    assert kept == whole
