"""A search that starts from an earlier run: what it is shown, what it keeps, what it refuses."""

from __future__ import annotations

import pytest

from execution.confirm import confirm
from execution.multi_trial.earlier import earlier_results
from execution.multi_trial.session import MultiTrialSession
from execution.settings import SearchSettings
from records.errors import UserError
from records.measurement import Measurement
from records.run_files.run_folder import RunFolder
from search_space import Genotype, Problem, sample
from training.trial_settings import TrialSettings

SETTINGS = {"width": 4, "cells": 2}
PROBLEM = Problem("darts-global", SETTINGS, (1, 8, 8), 10)


def run_of(path, count=6, **changes):
    run = RunFolder.create(path, SearchSettings(**SETTINGS).to_json())
    given = {"space": "darts-global", "image": (1, 8, 8), "classes": 10} | SETTINGS | changes
    for index in reversed(range(count)):
        genotype = sample(seed=index, **given)
        cost = genotype.cost()
        run.append(
            Measurement(
                index, genotype.to_json(), "failed" if index == 3 else "ok", None if index == 3 else index / 10,
                cost.macs, cost.macs_published, cost.params, seconds=1.0, seed=0,
            )
        )  # fmt: skip
    return path


def test_it_is_what_was_judged_in_the_order_of_the_indices(tmp_path):
    assert [m.index for m in earlier_results(run_of(tmp_path / "run"), PROBLEM)] == [0, 1, 2, 4, 5]


def test_what_that_run_was_shown_itself_comes_first(tmp_path):
    first, second = run_of(tmp_path / "first"), RunFolder.open(run_of(tmp_path / "second", count=2))
    shown = earlier_results(first, PROBLEM)
    second.keep_earlier(shown)
    found = earlier_results(second.path, PROBLEM)
    assert [m.index for m in found] == [2, 3, 4, 0, 1]  # of six its own two were shown to it, too
    assert [m.genotype for m in found[:3]] == [m.genotype for m in shown[2:]]
    run = RunFolder.open(run_of(tmp_path / "third"))
    run.keep_earlier(found)
    assert run.earlier() == found
    other = RunFolder.open(run_of(tmp_path / "fourth", count=2))
    other.keep_earlier(
        earlier_results(
            run_of(tmp_path / "wide", width=8),
            Problem("darts-global", SETTINGS | {"width": 8}, (1, 8, 8), 10),
        )
    )
    with pytest.raises(UserError, match="whose setting width is 8, here 4"):
        earlier_results(other.path, PROBLEM)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"image": (3, 32, 32)},
            r"whose image is \[3, 32, 32\], here \[1, 8, 8\]; accepted: a run of the same",
        ),
        ({"classes": 3}, "whose classes is 3, here 10"),
        ({"width": 8}, "whose setting width is 8, here 4"),
        (
            {"space": "mnist-global", "image": (1, 28, 28)},
            "whose space is 'mnist-global', here 'darts-global'",
        ),
    ],
)
def test_a_run_of_another_problem_is_refused_in_one_line(tmp_path, changes, said):
    if "space" in changes:
        changes = changes | dict.fromkeys(SETTINGS)
        run = RunFolder.create(tmp_path / "run", SearchSettings().to_json())
        genotype = sample("mnist-global", 0, image=(1, 28, 28))
        run.append(Measurement(0, genotype.to_json(), "ok", 0.5, 1, 1, 1, seconds=1.0, seed=0))
    else:
        run_of(tmp_path / "run", **changes)
    with pytest.raises(UserError, match=said) as error:
        earlier_results(tmp_path / "run", PROBLEM)
    assert "\n" not in str(error.value)


def test_a_folder_without_anything_to_start_from_is_refused(tmp_path):
    with pytest.raises(UserError, match="is no run folder"):
        earlier_results(tmp_path, PROBLEM)
    with pytest.raises(UserError, match="holds no judged candidate; accepted: a run that has one"):
        earlier_results(run_of(tmp_path / "run", count=0), PROBLEM)


def test_a_folder_of_another_kind_is_named(tmp_path):
    hub = RunFolder.create(tmp_path / "sweep", {"kind": "sweep", "searches": 1, "shared": {}})
    with pytest.raises(UserError, match=r"sweep, a sweep; accepted: one of its searches, .*/searches/NAME$"):
        earlier_results(hub.path, PROBLEM)
    training = RunFolder.create(tmp_path / "training", {})
    training.write("settings.json", {"settings": {}, "genotype": "x"})
    with pytest.raises(UserError, match="holds a training that has not ended"):
        earlier_results(training.path, PROBLEM)


def test_a_damaged_candidate_is_named_with_its_file(tmp_path):
    run = RunFolder.open(run_of(tmp_path / "run", count=2))
    run.append(Measurement(2, {}, "ok", 0.5, 1, 1, 1, seconds=1.0, seed=0))
    said = r"run/candidates\.jsonl, candidate 2: genotype: version, .* is missing"
    with pytest.raises(UserError, match=said):
        earlier_results(run.path, PROBLEM)
    with pytest.raises(UserError, match=said):
        MultiTrialSession(SearchSettings(**SETTINGS), run).check_kept()
    with pytest.raises(UserError, match=said):
        confirm(run, TrialSettings(), points=3, seeds=1, epochs=1, at_once=1)
    other = RunFolder.open(run_of(tmp_path / "other", count=2))
    other.keep_earlier([Measurement(7, {}, "ok", 0.5, 1, 1, 1, seconds=1.0, seed=0)])
    with pytest.raises(UserError, match=r"other/earlier\.jsonl, candidate 7: genotype: version"):
        _ = MultiTrialSession(SearchSettings(**SETTINGS), other).strategy


def test_a_search_is_shown_it_and_keeps_it_for_a_resume(tmp_path, monkeypatch):
    earlier = run_of(tmp_path / "earlier")
    monkeypatch.setattr(MultiTrialSession, "_run_experiment", lambda *_: None)
    settings = SearchSettings(
        strategy="evolution", population=4, trials=3, port=0, start_from=str(earlier),
        run_dir=str(tmp_path / "run"), **SETTINGS,
    )  # fmt: skip
    session = MultiTrialSession(settings)
    session.begin()
    proposed = session.strategy.propose(0, [])
    parents = [Genotype.from_json(m.genotype) for m in earlier_results(earlier, PROBLEM)]
    plain = MultiTrialSession(SearchSettings(population=4, port=0, **SETTINGS))
    assert proposed != plain.strategy.propose(0, [])  # it is a child of one of these
    assert proposed.key() not in {parent.key() for parent in parents}
    (earlier / "candidates.jsonl").unlink()
    again = MultiTrialSession(settings, RunFolder.open(tmp_path / "run"))
    assert again.strategy.propose(0, []) == proposed


def test_a_supernet_starts_from_nothing():
    with pytest.raises(UserError, match="start_from is 'x' with strategy darts; accepted with .*evolution"):
        SearchSettings(strategy="darts", start_from="x")
