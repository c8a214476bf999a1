"""The multi-trial strategy against an engine that ends trials in any order."""

from __future__ import annotations

import pytest

from execution.multi_trial import candidate_loop
from execution.nni_bridge.portal_limits import Limits
from execution.trials.last_words import last_words
from records.errors import UserError
from records.run_files.measurement_lines import checked_measurement
from search_space import Genotype
from search_space.problem import Problem
from search_space.sampling import random_genotype
from strategies.multi_trial.asha import Asha
from strategies.multi_trial.evolution import Evolution
from tests.execution.multi_trial.engine import PROBLEM, TRIALS, WRONG, Engine, genotypes, run
from tests.execution.nni_bridge.nni_server import SERVER


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(candidate_loop, "_POLL_SECONDS", 0)
    monkeypatch.setattr(candidate_loop, "_LATE_SECONDS", 0.2)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_candidates_do_not_depend_on_the_order_in_which_trials_end(concurrency):
    engines = [Engine(concurrency, order) for order in range(6)]
    runs = [run(engine, concurrency=concurrency) for engine in engines]
    assert all(genotypes(measured) == genotypes(runs[0]) for measured in runs)
    assert all(engine.submitted == list(range(TRIALS)) for engine in engines)
    assert {engine.most for engine in engines} == {concurrency}
    if concurrency > 1:
        assert len({tuple(engine.ended) for engine in engines}) > 1  # the orders really differed


def test_slow_workers_change_nothing():
    """Three trials may run, but the machine only ever has room for one."""
    assert genotypes(run(Engine(1, 0), concurrency=3)) == genotypes(run(Engine(3, 0), concurrency=3))


def test_each_candidate_is_proposed_from_results_it_may_know():
    engine = Engine(3, 1)
    measured = run(engine, concurrency=3)
    assert [m.index for m in measured] == engine.ended
    for place, index in enumerate(engine.ended):
        # When i was still running, no candidate beyond i + 2 had been proposed, far less ended.
        assert max(engine.ended[: place + 1]) <= index + 2


@pytest.mark.parametrize("cut", [1, 5, 9])
def test_a_resumed_run_goes_on_as_if_nothing_had_happened(cut):
    whole = run(Engine(2, 0), concurrency=2)
    engine = Engine(2, 3)
    rest = run(engine, concurrency=2, known=whole[:cut])
    assert {m.index for m in whole[:cut]} & set(engine.submitted) == set()
    assert genotypes(whole[:cut] + rest) == genotypes(whole)


def test_fewer_trials_in_the_portal_end_it_with_what_was_measured_and_say_why():
    whole = run(Engine(2, 0), concurrency=2)
    engine = Engine(2, 0)
    some = run(engine, concurrency=2, limits=lambda done: Limits(14 if done < 3 else 5, 2))
    assert sorted(m.index for m in some) == list(range(5))
    assert genotypes(some) == genotypes(whole)[:5]
    assert engine.said == "Ended with 5 of 14 candidates: Max trial No. was set to 5 in the portal"
    again = Engine(2, 0)
    assert genotypes(some + run(again, concurrency=2, known=some)) == genotypes(whole)
    assert again.said is None


def test_what_runs_when_the_limit_falls_below_it_is_still_measured():
    engine = Engine(4, 0)
    some = run(engine, concurrency=4, limits=lambda done: Limits(14 if done < 3 else 1, 4))
    assert 3 < len(some) < 14
    assert len(some) == len(engine.submitted)


def test_more_trials_in_the_portal_go_on():
    engine = Engine(2, 0)
    assert len(run(engine, concurrency=2, limits=lambda done: Limits(4 if done < 3 else 6, 2))) == 6
    assert engine.said is None


def test_a_duration_that_is_over_lets_what_runs_end():
    engine = Engine(3, 0)
    over = "Max duration was set to 1m in the portal"
    some = run(engine, concurrency=3, limits=lambda done: Limits(14, 3, over if done >= 4 else None))
    assert 4 <= len(some) <= 6
    assert engine.said == f"Ended with {len(some)} of 14 candidates: {over}"


def test_concurrency_changed_in_the_portal_is_kept_to_and_resumed_exactly():
    engine = Engine(3, 0)
    whole = run(engine, concurrency=1, limits=lambda done: Limits(TRIALS, 1 if done < 4 else 3))
    assert engine.most == 3
    assert engine.submitted == list(range(TRIALS))
    seen = {m.index: m.seen for m in whole}
    assert [seen[i] for i in range(4)] == [0, 1, 2, 3]
    assert [seen[i] for i in range(4, TRIALS)] == [i - 2 for i in range(4, TRIALS)]
    known = [m for m in whole if m.index < 9]
    rest = run(Engine(3, 5), concurrency=3, known=known)
    assert genotypes(known + rest) == genotypes(whole)


@pytest.mark.parametrize("stop", [5, 6, 9])
def test_what_ran_when_it_was_stopped_is_proposed_again_from_as_many_results(stop):
    def limits(done):
        return Limits(TRIALS, 1 if done < 4 else 3)

    whole = run(Engine(3, 0), concurrency=1, limits=limits)
    engine, some, proposed = Engine(3, 0), [], {}

    def tick():
        if len(engine.ended) == stop:
            raise UserError("stopped")
        engine.tick()

    with pytest.raises(UserError, match="stopped"):
        run(engine, concurrency=1, limits=limits, tick=tick, measured=some, proposed=proposed)
    assert len(proposed) > len(some)
    rest = run(Engine(2, 4), concurrency=3, known=some, proposed=proposed)
    assert genotypes(some + rest) == genotypes(whole)


def test_failures_are_measurements_with_their_reason():
    faults = {1: "crash", 2: "kill", 3: "silent"}
    said = {"trial1": "RuntimeError: no", "trial3": "a warning"}
    measured = {m.index: m for m in run(Engine(2, 0, faults), concurrency=2, errors=said)}
    assert len(measured) == TRIALS
    assert measured[1].error == "RuntimeError: no"
    assert measured[2].error == "the trial was killed"
    assert measured[3].error == "the trial ended without a result. a warning"
    for index, each in measured.items():
        cost = Genotype.from_json(each.genotype).cost()
        assert (each.macs, each.params) == (cost.macs, cost.params)
        assert each.status == ("failed" if index in faults else "ok")
        assert each.seen == max(0, index - 1)
        assert (each.accuracy is None) == (index in faults)
        assert len(each.history) == 2
        if index not in faults:
            assert each.seconds == 1.5
            assert each.trial == f"trial{index}"


def test_ten_that_fail_as_soon_as_they_start_end_it(monkeypatch):
    """A module that is gone, say: the rest of the candidates would be lost to it in a minute."""
    said = {f"trial{index}": "ImportError: no training" for index in range(30)}
    every = dict.fromkeys(range(30), "crash")
    measured = run(Engine(1, 0, every), concurrency=1, trials=30, errors=said)
    assert [m.status for m in measured] == ["failed"] * 10
    rest = run(Engine(1, 0), concurrency=1, trials=30, known=measured)  # mended, and resumed
    assert [m.index for m in rest] == list(range(10, 30))
    some = {index: "crash" for index in range(30) if index % 10}  # one of ten is trained
    assert len(run(Engine(1, 0, some), concurrency=1, trials=30, errors=said)) == 30
    monkeypatch.setattr(candidate_loop, "_AT_ONCE_SECONDS", 0.0)  # all of them took longer
    assert len(run(Engine(1, 0, every), concurrency=1, trials=30, errors=said)) == 30


def test_what_ends_it_early_is_told():
    limits = Limits(80, 1, "the last 10 failed at once, the last one by: ImportError")
    told = candidate_loop._reason(Limits(80, 1), limits, None, 34)
    assert told == "Ended with 34 of 80 candidates: the last 10 failed at once, the last one by: ImportError"


def test_a_killed_trial_is_run_again_once_and_a_cancelled_one_is_not():
    engine = Engine(1, 0, {1: "kill", 2: "cancel"})
    measured = {m.index: m for m in run(engine, concurrency=1, errors={"trial2": "KeyboardInterrupt"})}
    assert engine.submitted.count(1) == 2
    assert engine.submitted.count(2) == 1
    assert (measured[1].status, measured[1].error) == ("failed", "the trial was killed")
    assert (measured[2].status, measured[2].error) == ("cancelled", "by the portal's user")
    assert measured[2].accuracy is None
    once = Engine(1, 0, {1: "kill"})

    def forgive():
        once.tick()
        if once.ended == [0, 1]:
            once.faults.clear()

    whole = run(Engine(1, 0), concurrency=1)
    again = run(once, concurrency=1, tick=forgive)
    assert genotypes(again) == genotypes(whole)
    assert [m.accuracy for m in again] == [m.accuracy for m in whole]


def test_a_server_that_is_gone_ends_it_with_what_was_measured():
    engine = Engine(2, 0)

    def tick():
        if len(engine.ended) == 3:
            raise UserError("gone")
        engine.tick()

    with pytest.raises(UserError, match="gone"):
        run(engine, concurrency=2, tick=tick)
    assert len(engine.ended) == 3


def test_last_words_are_the_end_of_stderr_on_one_line(tmp_path):
    folder = tmp_path / "environments" / "local-env" / "trials" / "abc"
    folder.mkdir(parents=True)
    (folder / "trial.stderr").write_text("one\n\n two\nthree\n  four \n")
    assert last_words(tmp_path, "abc") == "two | three | four"
    (folder / "trial.stderr").write_text("x" * 2000)
    assert last_words(tmp_path, "abc") == "x" * 500
    assert last_words(tmp_path, "other") == last_words(tmp_path, "") == ""


def test_a_failed_trials_history_is_by_epoch_however_its_results_arrive():
    failed = [m for m in run(Engine(2, 0, {3: "crash"}), concurrency=2) if m.status == "failed"]
    assert [m.history for m in failed] == [(pytest.approx(m.history[1] / 2), m.history[1]) for m in failed]
    assert len(failed) == 1


def test_a_space_without_anything_left_ends_it_in_order_and_a_resume_ends_as_it_did():
    tiny = Problem("darts-global", {"width": 4, "cells": 1, "nodes": 1, "inputs": 1}, (1, 8, 8), 10)
    whole = len(tiny_keys := {random_genotype(tiny, seed).key() for seed in range(500)})
    engine = Engine(3, 0)
    measured = run(engine, concurrency=3, trials=whole + 5, strategy=Evolution(tiny, 0))
    assert {Genotype.from_json(m.genotype).key() for m in measured} == tiny_keys
    assert len(measured) == whole
    assert engine.said == (
        f"Ended with {whole} of {whole + 5} candidates: no architecture of darts-global is left: 1,000 draws gave "
        "none that was not trained"
    )
    again = Engine(3, 0)
    assert run(again, concurrency=3, trials=whole + 5, strategy=Evolution(tiny, 0), known=measured) == []
    assert again.submitted == []
    assert again.said == engine.said


def staged(strategy=None, **more):
    """A search by halving, with the trials' settings as they were sent."""
    engine = Engine(more.pop("workers", 3), more.pop("order", 0))
    sent = {}
    submit = engine.submit_models
    engine.submit_models = lambda *models: (
        sent.update({m.parameters["index"]: m.parameters for m in models}),
        submit(*models),
    )
    found = run(engine, concurrency=3, trials=30, strategy=Asha(PROBLEM, 1, epochs=18), **more)
    return found, sent


def test_a_candidate_that_goes_on_has_the_checkpoint_of_the_one_that_began():
    measured, sent = staged()
    by_index = {m.index: m for m in measured}
    assert {(m.epochs, m.status) for m in measured} == {(2, "partial"), (6, "partial"), (18, "ok")}
    for index, m in by_index.items():
        first = m
        while first.continues is not None:
            first = by_index[first.continues]
        assert sent[index]["trial"]["checkpoint"] == f"/run/candidate-{first.index}.pt"
        assert sent[index]["trial"]["until"] == m.epochs
        assert sent[index]["genotype"] == first.genotype


@pytest.mark.parametrize("cut", [4, 13, 22])
def test_halving_is_resumed_exactly(cut):
    whole, _ = staged()
    known = [m for m in whole if m.index < cut]
    rest, sent = staged(known=known, order=3, workers=1)
    assert min(sent) == cut

    def stages(measured):
        return [(m.genotype, m.continues, m.epochs) for m in sorted(measured, key=lambda m: m.index)]

    assert stages(known + rest) == stages(whole)


def test_a_failed_stage_says_which_it_was():
    engine = Engine(1, 0, {2: "crash"})
    measured = run(
        engine, concurrency=1, trials=4, strategy=Asha(PROBLEM, 1, epochs=9), errors={"trial2": "it fell"}
    )
    assert [(m.status, m.epochs) for m in measured] == [
        ("partial", 2), ("partial", 2), ("failed", 2), ("partial", 2)
    ]  # fmt: skip


def test_nnis_page_is_given_what_a_person_compares():
    """It draws what stands under the name that it knows, where there is one; the genotype it shows at a press of "Original
    parameters"."""
    source = "".join(path.read_text() for path in (SERVER / "static" / "static" / "js").glob("*.js"))
    assert f'"{candidate_loop.SHOWN}"' in source
    engine = Engine(workers=1, order=0)
    run(engine, concurrency=1, trials=2)
    first, second = engine.given
    shown = first[candidate_loop.SHOWN]
    assert shown.keys() == second[candidate_loop.SHOWN].keys()
    assert all(isinstance(value, float | int) for value in shown.values())
    genotype = Genotype.from_json(first["genotype"])
    assert (shown["macs"], shown["params"]) == (genotype.cost().macs, genotype.cost().params)


def test_a_result_that_no_reader_would_take_is_a_failure_with_its_reason():
    faults = dict(enumerate(WRONG))
    measured = {m.index: m for m in run(Engine(1, 0, faults), concurrency=1)}
    assert [measured[index].status for index in range(TRIALS)] == ["failed"] * 4 + ["ok"] * (TRIALS - 4)
    assert measured[0].error == (
        "the trial's result cannot be taken: accuracy is 1.01; accepted: a number from 0 to 1"
    )
    for each in measured.values():
        assert checked_measurement(each.to_json()) == each


def test_a_result_that_comes_after_the_end_of_its_trial_is_taken():
    whole = run(Engine(1, 0), concurrency=1)
    late = run(Engine(1, 0, dict.fromkeys(range(3), "late")), concurrency=1)
    assert [m.accuracy for m in late] == [m.accuracy for m in whole]
    assert {m.status for m in late} == {"ok"}


def test_what_comes_before_candidates_is_done_once_and_before_any():
    engine, prepared = Engine(1, 0), []
    run(engine, concurrency=1, prepare=lambda: prepared.append(list(engine.submitted)))
    assert prepared == [[]]
    assert engine.submitted == list(range(TRIALS))


def test_a_number_of_candidates_that_is_changed_meanwhile_holds_and_is_said():
    engine, prepared = Engine(1, 0), []
    measured = run(
        engine, concurrency=1, prepare=lambda: prepared.append(True),
        limits=lambda _: Limits(3 if prepared else TRIALS, 1),
    )  # fmt: skip
    assert len(measured) == 3
    assert engine.said == f"Ended with 3 of {TRIALS} candidates: Max trial No. was set to 3 in the portal"


def test_a_server_that_ended_meanwhile_is_seen_before_a_candidate_is_sent():
    def gone():
        raise UserError("NNI's server ended")

    engine = Engine(1, 0)
    with pytest.raises(UserError, match="NNI's server ended"):
        run(engine, concurrency=1, tick=gone)
    assert engine.submitted == []
