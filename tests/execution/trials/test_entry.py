"""A trial's process: what it reports of a candidate, and what it says of one that cannot be judged."""

from __future__ import annotations

import dataclasses

import pytest

from execution.trials import entry as trial_entry
from search_space import sample
from training.trial_settings import TrialSettings

GENOTYPE = sample("darts-global", 0, image=(1, 8, 8), classes=10, width=4, cells=1, nodes=1)
TRIAL = TrialSettings(epochs=2, train_limit=64, threads=1, batch_size=32)


class Channel:
    """Hands out ``parameters`` and keeps what is reported."""

    def __init__(self, **changes) -> None:
        trial = TRIAL.to_json() | changes.pop("trial", {})
        self.given = {"index": 4, "genotype": GENOTYPE.to_json(), "trial": trial} | changes
        self.intermediate, self.final, self.measurements = [], [], []

    def parameters(self):
        return self.given

    def report_intermediate(self, metric):
        self.intermediate.append(metric)

    def report_final(self, metric, measurement):
        self.final.append(metric)
        self.measurements.append(measurement)


def test_each_epoch_and_the_outcome_are_reported():
    channel = Channel()
    assert trial_entry.run(channel) == 0
    cost = GENOTYPE.cost()
    assert [metric["epoch"] for metric in channel.intermediate] == [1, 2]
    (final,) = channel.final
    assert final["default"] == channel.intermediate[-1]["default"]
    assert (final["macs"], final["macs_published"], final["params"]) == (
        cost.macs, cost.macs_published, cost.params,
    )  # fmt: skip
    assert final["seconds"] > 0
    assert all(isinstance(value, float | int) for value in final.values())  # each is an axis of NNI's page
    (measured,) = channel.measurements
    assert (measured["accuracy"], measured["genotype"]) == (final["default"], GENOTYPE.to_json())
    for metric in (*channel.intermediate, final):
        assert 0 <= metric["default"] <= 1
        assert metric["macs"] == cost.macs


def test_its_log_is_worth_reading(capfd):
    channel = Channel()
    assert trial_entry.run(channel) == 0
    out, err = capfd.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert [line.split()[0] for line in lines] == [
        "candidate", "cost:", "run:", "started", "data:", "recipe:", "runs", "epoch", "epoch", "end:",
    ]  # fmt: skip
    assert GENOTYPE.key() in lines[0]
    assert "51 to train on and 13 to validate on" in lines[4]
    assert "2 epochs, 32 images a batch" in lines[5]
    accuracy = f"{100 * channel.final[0]['default']:.2f}% on validation images"
    assert accuracy in lines[-1]
    assert accuracy in lines[-2]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"trial": {"learning_rate": 1e30}}, "the loss is nan"),
        ({"trial": {"dataset": "cifar10", "data_dir": "/dev/null"}}, "cifar10"),
        ({"genotype": GENOTYPE.to_json() | {"version": 99}}, "99"),
    ],
)
def test_a_candidate_that_cannot_be_judged_is_one_line_and_no_result(capfd, changes, said):
    channel = Channel(**changes)
    assert trial_entry.run(channel) == 1
    out, err = capfd.readouterr()
    assert out.splitlines()[-1] == f"end: failed: {err.removeprefix('error: ').rstrip()}"
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err
    assert channel.final == []


def test_started_by_hand_it_says_who_starts_it(capsys, monkeypatch):
    monkeypatch.delenv("NNI_TRIAL_COMMAND_CHANNEL", raising=False)
    assert trial_entry.main() == 1
    assert "trials are started by NNI" in capsys.readouterr().err


@pytest.mark.parametrize(("there", "device"), [(True, "cuda"), (False, "cpu")])
def test_an_automatic_device_is_decided_where_the_trial_runs(monkeypatch, there, device):
    monkeypatch.setattr("torch.cuda.is_available", lambda: there)
    assert trial_entry.on_this_machine(dataclasses.replace(TRIAL, device="auto")).device == device
    assert trial_entry.on_this_machine(dataclasses.replace(TRIAL, device="cpu")).device == "cpu"


def test_one_above_the_latency_is_an_outcome_without_an_epoch(capfd):
    channel = Channel(trial={"max_latency": 1e-6})
    assert trial_entry.run(channel) == 0
    (final,) = channel.final
    assert channel.intermediate == []
    assert final["default"] == 0.0
    assert final["latency"] > 0
    assert [(each["status"], each["accuracy"]) for each in channel.measurements] == [("rejected", None)]
    assert "end: rejected: latency" in capfd.readouterr().out.splitlines()[-1]
