"""Whole searches on a toy space and the handwritten digits: penalty, resume, reports, errors."""

import dataclasses
import functools
import json
import logging
import math
import signal
import warnings

import pytest
import torch

from records.errors import UserError
from strategies.one_shot.darts import Darts
from strategies.supernet.distribution import CellDistribution
from strategies.supernet.settings import SupernetSettings
from tests.strategies.supernet.toy import SETTINGS, same, toy_table, without_seconds
from tests.strategies.supernet.toy import search as toy_search
from training.data.loading import load_data
from training.fit import TrainingFailed


@pytest.fixture(scope="module")
def digits():
    return load_data("digits", train_limit=240, validation=0.4, seed=0)


search = functools.partial(toy_search, strategy=Darts)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, digits):
    return search(tmp_path_factory.mktemp("whole"), digits)


def test_logits_follow_the_penaltys_scale_towards_fewer_macs(tmp_path, digits, uninterrupted):
    expected = [uninterrupted.records[-1]["expected_macs"]]
    for scale in (1.0, 100.0):
        folder = tmp_path / str(scale)
        state = search(folder, digits, dataclasses.replace(SETTINGS, mac_penalty=scale))
        assert not same(state, uninterrupted)
        expected.append(state.records[-1]["expected_macs"])
    assert expected[0] > expected[1] > expected[2]
    # Adam's steps are about the learning rate: 12 steps of 0.02 each way move the mean by several per cent
    assert expected[2] < 0.93 * float(CellDistribution(toy_table(), first(uninterrupted)).expected_macs())


def first(state):
    return {node: torch.zeros_like(rows) for node, rows in state.logits.items()}


def test_the_same_seed_gives_the_same_search_and_another_another(tmp_path, digits, uninterrupted):
    again = search(tmp_path / "again", digits)
    assert same(again, uninterrupted)
    assert without_seconds(again) == without_seconds(uninterrupted)
    assert not same(search(tmp_path / "other", digits, dataclasses.replace(SETTINGS, seed=4)), uninterrupted)


@pytest.mark.parametrize("stop_after", [1, 2])
def test_a_stopped_search_goes_on_with_the_same_numbers(tmp_path, digits, uninterrupted, stop_after):
    class Stopped(Exception):
        pass

    def stop(state):
        if len(state.records) == stop_after:
            raise Stopped

    with pytest.raises(Stopped):
        search(tmp_path, digits, on_epoch=stop)
    torch.manual_seed(12345)  # what else the process did in between does not matter
    told = []
    state = search(tmp_path, digits, on_epoch=lambda state: told.append(len(state.records)))
    assert told == list(range(stop_after, 4))
    assert same(state, uninterrupted)
    assert without_seconds(state) == without_seconds(uninterrupted)
    assert state.derived == uninterrupted.derived


def test_a_finished_search_is_read_back_without_training(tmp_path, digits):
    settings = dataclasses.replace(SETTINGS, epochs=1)
    done = search(tmp_path, digits, settings)
    (tmp_path / "search.log").unlink()
    again = search(tmp_path, digits, settings)
    assert again.records == done.records
    assert same(again, done)
    assert not (tmp_path / "search.log").exists()


def test_interrupt_from_the_keyboard_is_passed_on_and_what_was_done_kept(tmp_path, digits, uninterrupted):
    def interrupt(state):
        if len(state.records) == 2:
            raise KeyboardInterrupt

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        search(tmp_path, digits, on_epoch=interrupt)
    assert signal.getsignal(signal.SIGINT) is handler
    assert same(search(tmp_path, digits), uninterrupted)


def test_other_settings_are_refused_by_name(tmp_path, digits):
    search(tmp_path, digits, dataclasses.replace(SETTINGS, epochs=1))
    changed = dataclasses.replace(SETTINGS, epochs=1, mac_penalty=0.5)
    with pytest.raises(UserError, match=r"mac_penalty was 0\.0, now 0\.5"):
        search(tmp_path, digits, changed)


def test_checkpoint_is_read_by_the_safe_loader(tmp_path, digits):
    search(tmp_path, digits, dataclasses.replace(SETTINGS, epochs=1))
    saved = torch.load(tmp_path / "state.pt", weights_only=True)
    assert len(saved["optimizers"]) == 2
    assert saved["optimizers"][1]["param_groups"][0]["betas"] == (0.5, 0.999)
    assert saved["optimizers"][1]["param_groups"][0]["weight_decay"] == 1e-3
    # the weights' optimiser does not know the logits
    known = sum(len(group["params"]) for group in saved["optimizers"][0]["param_groups"])
    assert known == len(saved["model"]) - 2 * 5


def test_records_are_plain_and_say_what_happened(uninterrupted):
    for number, record in enumerate(uninterrupted.records, start=1):
        json.dumps(record)
        assert record["epoch"] == number
        assert 0 <= record["default"] <= 1
        assert (
            record["skips"]
            == record["skips_normal"]
            == sum(
                primitive == "skip"
                for pairs in uninterrupted.derived[number - 1]["normal"]
                for primitive, _ in pairs
            )
        )
        assert 0 < record["entropy"] < math.log(3)
        assert 0 < record["expected_skips"] < 4
        assert record["expected_counts"]["skip"] == {"normal": pytest.approx(record["expected_skips"])}
        assert record["derived_macs"] == toy_table().macs(uninterrupted.derived[number - 1])
    rates = [record["learning_rate"] for record in uninterrupted.records]
    assert rates == sorted(rates, reverse=True)
    assert uninterrupted.records[-1]["loss"] < uninterrupted.records[0]["loss"]


def test_architecture_stands_still_while_warming_up(tmp_path, digits):
    settings = dataclasses.replace(SETTINGS, epochs=2, warmup_epochs=1)
    seen = []
    search(tmp_path, digits, settings, on_epoch=lambda state: seen.append(state))
    assert seen[0].records[0]["architecture_loss"] is None
    assert seen[0].records[0]["entropy"] == pytest.approx(math.log(3), abs=1e-5)  # logits of about 0.001
    assert not same(*seen)


def test_a_loss_that_is_no_number_is_one_line_and_keeps_what_was_done(tmp_path, digits):
    settings = dataclasses.replace(SETTINGS, learning_rate=1e30, clip_norm=1e30)
    with pytest.raises(TrainingFailed, match=r"loss is (nan|inf) in epoch 1 of 3; lower") as caught:
        search(tmp_path, digits, settings)
    assert "\n" not in str(caught.value)


def test_nothing_is_printed_but_to_the_log(tmp_path, digits, capfd, caplog):
    root = logging.getLogger().handlers[:]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        search(tmp_path, digits, dataclasses.replace(SETTINGS, epochs=1))
    assert not caught
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger().handlers == root


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("mac_penalty", -1.0, "a number, 0 or more"),
        ("mac_penalty", math.nan, "a finite number, 0 or more"),
        ("epochs", 0, "1 or more"),
        ("learning_rate", 0.0, "above 0"),
    ],
)
def test_settings_are_checked(name, value, accepted):
    with pytest.raises(UserError) as caught:
        SupernetSettings(**{name: value})
    assert name in str(caught.value)
    assert accepted in str(caught.value)


def test_an_earlier_versions_checkpoint_is_gone_on_with(tmp_path, digits):
    settings = dataclasses.replace(SETTINGS, epochs=1)
    done = search(tmp_path, digits, settings, describe={"trial's image_size": 224})
    assert search(tmp_path, digits, settings, describe={"image": [1, 8, 8]}).records == done.records


def test_a_checkpoint_that_knows_of_no_other_strategy_is_one_of_darts(tmp_path, digits):
    settings = dataclasses.replace(SETTINGS, epochs=1)
    done = search(tmp_path, digits, settings)
    saved = torch.load(tmp_path / "state.pt", weights_only=True)
    for name in ("strategy", "max_macs", "temperature", "final_temperature", "partial_channels"):
        del saved["settings"][name]
    torch.save(saved, tmp_path / "state.pt")
    assert search(tmp_path, digits, settings).records == done.records
