"""A real, tiny one-shot search on the handwritten digits: supernet, penalty, candidates, resume, front."""

import dataclasses
import json
import math
from types import SimpleNamespace

import pytest
import torch

from analysis.supernet import read_supernet
from execution.one_shot.session import EPOCHS_FILE, OneShotSession
from execution.settings import SearchSettings
from records.errors import UserError
from records.run_files.kept_files import check_kept_files
from records.run_files.run_folder import RunFolder
from search_space import Genotype, Problem, get_space
from strategies.supernet.distribution import CellDistribution, uniform
from strategies.supernet.table import cost_table
from training import trial


class Small(SearchSettings):
    """Two nodes a cell and four primitives, so that a search takes seconds."""

    def space_settings(self):
        primitives = ("skip_connect", "sep_conv_3x3", "global_diffusion_3", "global_1")
        return {"width": 4, "cells": 2, "nodes": 2, "primitives": primitives}


COMMON = {
    "dataset": "digits", "train_limit": 200, "validation": 0.3, "epochs": 1, "batch_size": 32, "threads": 1,
    "device": "cpu",
}  # fmt: skip
SETTINGS = Small(strategy="darts", trials=4, supernet_epochs=2, mac_penalty=0.5, **COMMON)


class Told(OneShotSession):
    """Keeps what it tells of, epochs by ``epoch`` and candidates by ``candidate``, and may stop at one."""

    def __init__(self, settings, run, stop=None):
        super().__init__(settings, run)
        self.told, self.stop = [], stop

    def on_epoch(self, state):
        known = self._lines.count
        super().on_epoch(state)
        for record in state.records[known:]:
            self._tell(record)

    def on_measurement(self, measurement, line):
        super().on_measurement(measurement, line)
        self._tell({"candidate": measurement.index + 1})

    def _tell(self, event):
        self.told.append(event)
        if self.stop in event.items():
            raise Stopped


class Stopped(Exception):
    pass


def lines(run):
    return [json.loads(line) for line in (run.path / EPOCHS_FILE).read_text().splitlines()]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    run = RunFolder.create(tmp_path_factory.mktemp("oneshot") / "run", SETTINGS.to_json())
    session = Told(SETTINGS, run)
    session.train()
    return run, session.told


def test_it_ends_in_different_candidates_with_their_exact_macs(finished):
    run, _ = finished
    measurements = run.measurements()
    assert [m.index for m in measurements] == [0, 1, 2, 3]
    genotypes = [Genotype.from_json(m.genotype) for m in measurements]
    assert len({genotype.key() for genotype in genotypes}) == 4
    for measurement, genotype in zip(measurements, genotypes, strict=True):
        assert measurement.status == "ok"
        assert measurement.macs == genotype.cost().macs
        assert 0 <= measurement.accuracy <= 1
    assert len({m.macs for m in measurements}) > 2  # spread out


def test_the_first_candidate_is_what_the_last_epoch_derived(finished):
    run, _ = finished
    assert run.measurements()[0].genotype == lines(run)[-1]["genotype"]


def test_each_epoch_is_a_line_and_was_reported(finished):
    run, told = finished
    epochs = lines(run)
    assert [epoch["epoch"] for epoch in epochs] == [1, 2]
    assert [each["default"] for each in told[:2]] == [epoch["default"] for epoch in epochs]
    assert [each["candidate"] for each in told[2:]] == [1, 2, 3, 4]
    for epoch in epochs:
        assert epoch["derived_macs"] == Genotype.from_json(epoch["genotype"]).cost().macs
        assert 0 < epoch["entropy"] <= math.log(5)


def test_going_on_where_it_was_stopped_gives_the_same_run(finished, tmp_path):
    run = RunFolder.create(tmp_path / "run", SETTINGS.to_json())
    for event in (("epoch", 1), ("candidate", 2)):
        with pytest.raises(Stopped):
            Told(SETTINGS, run, event).train()
    (run.path / EPOCHS_FILE).write_text("")  # as if it had been lost: the checkpoint is the truth
    session = Told(SETTINGS, run)
    session.train()
    assert [each["candidate"] for each in session.told if "candidate" in each] == [3, 4]

    def comparable(run):
        plain = [dataclasses.replace(m, seconds=0.0, time=None) for m in run.measurements()]
        return plain, [{**line, "seconds": 0} for line in lines(run)]

    assert comparable(run) == comparable(finished[0])


def test_candidates_keep_to_the_budget(tmp_path, finished):
    macs = sorted(m.macs for m in finished[0].measurements())
    settings = dataclasses.replace(SETTINGS, max_macs=macs[1], trials=3)
    run = RunFolder.create(tmp_path / "run", settings.to_json())
    OneShotSession(settings, run).train()
    measured = run.measurements()
    assert len(measured) == 3
    assert max(m.macs for m in measured) <= macs[1]


@pytest.mark.parametrize(
    ("strategy", "own"),
    [
        ("darts", {"partial_channels": 2, "auxiliary_skip": 1.0, "operation_stop": 0.4}),
        ("gumbel-darts", {"partial_channels": 4}),
        ("proxyless", {}),
        ("random-one-shot", {}),
    ],
)
def test_every_one_derives_and_trains_within_the_budget(tmp_path, finished, strategy, own):
    macs = sorted(m.macs for m in finished[0].measurements())
    common = {"strategy": strategy, "max_macs": macs[1], "supernet_epochs": 1, "trials": 2}
    settings = Small(**{**COMMON, **common, **own})
    run = RunFolder.create(tmp_path / "run", settings.to_json())
    OneShotSession(settings, run).train()
    (epoch,) = lines(run)
    assert epoch["derived_macs"] <= macs[1]
    measured = run.measurements()
    assert measured[0].genotype == epoch["genotype"]
    assert [m.status for m in measured] == ["ok", "ok"]
    assert max(m.macs for m in measured) <= macs[1]


def test_channels_that_cannot_be_parted_are_refused(tmp_path):
    settings = Small(**COMMON, strategy="darts", partial_channels=3)
    run = RunFolder.create(tmp_path / "run", settings.to_json())
    with pytest.raises(
        UserError, match="partial_channels is 3; accepted: a divisor of the width, which is 4"
    ):
        OneShotSession(settings, run).train()


def test_a_budget_that_nothing_meets_ends_it_before_it_starts(tmp_path):
    run = RunFolder.create(tmp_path / "run", SETTINGS.to_json())
    before = sorted(run.path.iterdir())
    with pytest.raises(
        UserError,
        match=r"no architecture of this supernet with at most 10 MACs was found; the smallest has [\d,]+: raise --max-macs",
    ):
        OneShotSession(dataclasses.replace(SETTINGS, max_macs=10), run).train()
    assert sorted(run.path.iterdir()) == before


BLOCKS = {"stem_widths": [6], "stem_strides": [1], "widths": [4], "depths": [2], "expansions": [2, 3]}
PROBLEMS = [
    Problem("darts-global", {"width": 6, "cells": 5}, (3, 16, 16), 10),
    Problem("tiny-global", BLOCKS, (3, 16, 16), 10),
]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.space)
def test_expected_macs_at_one_hot_logits_are_the_genotypes_cost(problem):
    cells = get_space(problem.space).supernet_cells(problem)
    table = cost_table(cells)
    generator = torch.Generator().manual_seed(0)
    last = len(table.primitives)
    for _ in range(10):
        logits = {}
        for node, costs in table.nodes.items():
            rows = torch.zeros(len(costs), last + 1)
            rows[:, last] = 200.0
            for source in torch.randperm(len(costs), generator=generator)[: table.chosen]:
                primitive = int(torch.randint(last, (), generator=generator))
                rows[source] = 200.0 * torch.eye(last + 1)[primitive]
            logits[node] = rows
        distribution = CellDistribution(table, logits)
        derived = distribution.derive()
        cost = Genotype.of(problem, cells.architecture(derived)).cost()
        assert float(distribution.expected_macs()) == cost.macs
        assert table.cost(derived) == dataclasses.replace(cost, macs_published=0)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.space)
def test_smallest_network_is_the_smallest(problem):
    cells = get_space(problem.space).supernet_cells(problem)
    table = cost_table(cells)
    cheapest = uniform(table).derive(price=1e9)
    assert Genotype.of(problem, cells.architecture(cheapest)).cost().macs == table.smallest()


def test_a_space_without_such_cells_is_refused():
    with pytest.raises(
        UserError,
        match="space is 'resnet-global'; a one-shot search knows darts-global, tiny-global",
    ):
        get_space("resnet-global").supernet_cells(Problem("resnet-global", {}, (3, 32, 32), 10))


@pytest.mark.parametrize("strategy", ["darts", "gumbel-darts", "proxyless", "random-one-shot"])
def test_every_one_searches_blocks_within_both_limits(tmp_path, strategy):
    space = "stem_widths=6 stem_strides=1 widths=4 depths=1 expansions=2 operators=depthwise_3x3,global_1,skip_connect"
    own = {"auxiliary_skip": 1.0, "operation_stop": 0.4} if strategy == "darts" else {}
    settings = SearchSettings(
        space="tiny-global", setting=space, strategy=strategy, supernet_epochs=2, trials=4, max_params=1_400,
        max_macs=60_000, mac_penalty=0.1, **own, **COMMON,
    )  # fmt: skip
    run = RunFolder.create(tmp_path / "run", settings.to_json())
    OneShotSession(settings, run).train()
    measured = run.measurements()
    assert [m.status for m in measured] == ["ok"] * 4
    assert max(m.macs for m in measured) <= 60_000
    assert max(m.params for m in measured) <= 1_400
    assert len({Genotype.from_json(m.genotype).key() for m in measured}) == 4
    last = lines(run)[-1]
    assert measured[0].genotype == last["genotype"]
    assert sum(last["derived_counts"].values()) == 3  # blocks
    check_kept_files(run.path)
    found = read_supernet(run.path)
    assert (found.edges, found.equal_entropy) == (
        3,
        math.log(7),
    )  # three operators, squeezed or not, and none
    assert found.entropies[-1] <= found.equal_entropy


def test_blocks_need_one_size(tmp_path):
    settings = SearchSettings(space="tiny-global", setting="widths=4,8", strategy="darts", **COMMON)
    run = RunFolder.create(tmp_path / "run", settings.to_json())
    with pytest.raises(UserError, match="widths is 4, 8; accepted here: one value, a supernet of blocks has"):
        OneShotSession(settings, run).train()
    parts = SearchSettings(space="tiny-global", strategy="darts", partial_channels=2, **COMMON)
    with pytest.raises(UserError, match="partial_channels is 2; accepted with tiny-global: 1"):
        OneShotSession(parts, run).train()


def test_one_that_is_too_slow_is_not_trained_and_another_takes_its_place(tmp_path, monkeypatch):
    taken = iter([5.0, 1.0, 7.0, 1.0, 1.0])
    monkeypatch.setattr(
        trial, "measured_latency", lambda *args, **kwargs: SimpleNamespace(median=next(taken))
    )
    settings = dataclasses.replace(SETTINGS, supernet_epochs=1, trials=2, max_latency=2.0)
    run = RunFolder.create(tmp_path / "run", settings.to_json())
    OneShotSession(settings, run).train()
    measured = run.measurements()
    assert [m.status for m in measured] == ["rejected", "ok", "rejected", "ok"]
    assert [m.accuracy is None for m in measured] == [True, False, True, False]
    assert [m.latency for m in measured] == [5.0, 1.0, 7.0, 1.0]
    check_kept_files(run.path)
    assert OneShotSession(settings, run).all_measured()
    assert not OneShotSession(dataclasses.replace(settings, trials=3), run).all_measured()
    OneShotSession(settings, run).train()  # nothing is left to do
    assert run.measurements() == measured


def test_two_processes_leave_what_one_leaves(finished, tmp_path):
    settings = dataclasses.replace(SETTINGS, devices=2, trials=1)
    run = RunFolder.create(tmp_path / "run", settings.to_json())
    session = Told(settings, run)
    session.train()
    told = session.told
    one, two = lines(finished[0]), lines(run)
    assert [each["epoch"] for each in two] == [each.get("epoch") for each in told[:-1]] == [1, 2]
    assert one[0].keys() == two[0].keys()
    # Norms see half of each batch, so the numbers are near, and not the same
    assert two[-1]["loss"] == pytest.approx(one[-1]["loss"], rel=0.2)
    assert two[-1]["expected_macs"] == pytest.approx(one[-1]["expected_macs"], rel=0.02)
    assert [m.genotype for m in run.measurements()] == [two[-1]["genotype"]]
    # What two have done, one can go on with
    (run.path / EPOCHS_FILE).unlink()
    (run.path / "candidates.jsonl").unlink()
    OneShotSession(dataclasses.replace(settings, devices=None), run).train()
    assert lines(run) == two
