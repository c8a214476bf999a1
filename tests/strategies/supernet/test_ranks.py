"""The toy supernet trained by two processes on a CPU: the same search as by one, the same on both."""

import dataclasses
import os
import signal

import pytest
import torch

from execution.one_shot.processes import run_processes
from records.errors import UserError
from strategies.one_shot.darts import Darts
from strategies.supernet.ranks import ALONE, Ranks
from strategies.supernet.search import search_supernet
from strategies.supernet.settings import SupernetSettings
from strategies.supernet.state import SearchState
from tests.strategies.supernet.toy import Toy, toy_table
from training.data.loading import load_data

# 33 images a batch: one process gets 17 of them, the other 16
SETTINGS = SupernetSettings(
    epochs=3, batch_size=33, architecture_learning_rate=0.02, seed=3, mac_penalty=0.5, warmup_epochs=1
)


def together(folder, on_message=lambda number, message: None, strategies=("darts",)):
    """The last message of each of two processes."""
    last = {}

    def listen(number, message):
        last[number] = message
        on_message(number, message)

    request = {"folder": str(folder), "settings": dataclasses.asdict(SETTINGS), "strategies": strategies}
    run_processes("tests.strategies.supernet.toy_ranks", request, 2, log=folder / "log", on_message=listen)
    return [last[number] for number in (0, 1)]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """After a search by each of three strategies, one after the other."""
    return together(tmp_path_factory.mktemp("pair"), strategies=("darts", "proxyless", "random-one-shot"))


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    data = load_data("digits", train_limit=240, validation=0.4, seed=0)
    return search_supernet(
        Toy, toy_table(), data, SETTINGS, strategy=Darts, checkpoint=folder / "state.pt", log=folder / "log"
    )


def without_seconds(records):
    return [{name: value for name, value in each.items() if name != "seconds"} for each in records]


def test_both_processes_end_with_the_same_logits_and_architecture(pair):
    first, second = (message["states"]["darts"] for message in pair)
    assert first["logits"] == second["logits"]  # floats in full: to the last bit
    assert first["derived"] == second["derived"]
    assert without_seconds(first["records"]) == without_seconds(second["records"])
    assert len(first["records"]) == 3


@pytest.mark.parametrize("strategy", ["proxyless", "random-one-shot"])
def test_both_processes_take_the_same_paths(pair, strategy):
    first, second = (message["states"][strategy] for message in pair)
    assert first["logits"] == second["logits"]
    assert without_seconds(first["records"]) == without_seconds(second["records"])


def test_two_processes_do_what_one_does(pair, alone):
    """The toy has no norms: with them each process would normalise by its own part of a batch."""
    state = SearchState.from_json(pair[0]["states"]["darts"])
    for node, logits in alone.logits.items():
        assert logits.abs().max() > 0.02  # they have moved: by about the learning rate a step
        torch.testing.assert_close(state.logits[node], logits, rtol=1e-3, atol=2e-5)
    assert state.derived == alone.derived
    for record, expected in zip(state.records, alone.records, strict=True):
        for name in ("loss", "architecture_loss", "expected_macs", "entropy"):
            if name == "architecture_loss" and record["epoch"] == 1:  # warming up
                assert record[name] is expected[name] is None
                continue
            assert record[name] == pytest.approx(expected[name], rel=1e-4)
        assert record["default"] == pytest.approx(expected["default"], abs=0.011)  # one image of 96


def test_a_killed_process_is_named_and_the_search_goes_on_with_the_same_numbers(tmp_path, pair):
    pids, epochs = {}, []

    def kill_the_second(number, message):
        pids[number] = message.get("pid", pids.get(number))
        if "epochs" in message:
            epochs.append(message["epochs"])
            os.kill(pids[1], signal.SIGKILL)

    with pytest.raises(UserError, match=r"process 1 of the 2 that train the supernet was ended by signal 9"):
        together(tmp_path, kill_the_second)
    assert epochs[0] == 1
    assert len(epochs) < 3
    for pid in pids.values():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    told = []
    after = together(tmp_path, lambda number, message: told.append((number, message.get("epochs"))))
    assert told.index((0, 1)) < told.index((0, 2))  # read back first; process 1 reports no epochs
    assert (1, 1) not in told
    went_on, whole = (messages[0]["states"]["darts"] for messages in (after, pair))
    assert went_on["logits"] == whole["logits"]
    assert without_seconds(went_on["records"]) == without_seconds(whole["records"])


def test_what_differs_between_processes_is_noticed(pair):
    assert [message["noticed"] for message in pair] == [
        "numbers of process 1 are not those of process 0",
        "numbers of process 0 are not those of process 1",
    ]


def test_running_statistics_are_averaged(pair):
    assert [message["running_mean"] for message in pair] == [[0.5] * 3] * 2


def test_they_listen_on_loopback_alone(pair):
    listening = {address for message in pair for address in message["listening"]}
    assert listening <= {"127.0.0.1"}


def test_shares_of_a_batch_add_up_to_one():
    for size in (2, 5, 64):
        shares = [Ranks(number, 3).share(size) for number in range(3)]
        assert sum(shares) == pytest.approx(1)
        assert shares == sorted(shares, reverse=True)
    assert ALONE.share(7) == 1


def test_one_alone_exchanges_nothing():
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.grad = torch.full((2,), 3.0)
    ALONE.add_gradients([parameter], 0.5)
    assert parameter.grad.tolist() == [3.0, 3.0]
    assert ALONE.tell_all(0.25, torch.device("cpu")) == 0.25
    ALONE.require_equal([parameter], "it")
