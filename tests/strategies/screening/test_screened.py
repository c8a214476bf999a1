"""A strategy that begins with the best by a score: what comes first, what the strategy is shown, and resuming."""

import random

import pytest

from records.run_files.scored import SCORED, read_scored
from strategies.contract import MultiTrialStrategy
from strategies.multi_trial.random_search import RandomSearch
from strategies.registry import get_strategy, strategies
from strategies.screening import scores
from strategies.screening.screened import Screen, Screened
from strategies.workplace import Workplace
from tests.strategies.table import PROBLEM, judged, play, worth
from training.trial_settings import TrialSettings

SCREEN = Screen(count=5, bins=2, chosen=2)
NAMES = [name for name, kind in strategies().items() if not kind.trains_here and not kind.stages]


def screened(folder, name="random", screen=SCREEN, **budget) -> Screened:
    kind = get_strategy(name)
    assert issubclass(kind, MultiTrialStrategy)
    if missing := kind.missing():
        pytest.skip(f"{', '.join(missing)} is not installed")
    folder.mkdir(exist_ok=True)
    made = Screened(kind(PROBLEM, 0, **budget), screen)
    made.prepare(Workplace(folder, TrialSettings(train_limit=80), trials=20))
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of a search by chance, whose scores the tests share."""
    made = tmp_path_factory.mktemp("screened") / "run"
    screened(made)
    return made


@pytest.mark.parametrize("score", ["synflow", "naswot"])
def test_the_best_of_each_bin_come_first(folder, score):
    strategy = screened(folder, screen=Screen(5, score, bins=2, chosen=2))
    drawn = read_scored(folder)[:10]
    best = [
        sorted((s for s in drawn if s.bin == place), key=lambda s: -s.scores[score])[:2] for place in range(2)
    ]
    wanted = [best[0][0], best[1][0], best[0][1], best[1][1]]
    assert [g.to_json() for g in strategy.first] == [each.genotype for each in wanted]
    assert [strategy.propose(i, []).to_json() for i in range(4)] == [each.genotype for each in wanted]


def test_then_comes_the_strategy_as_if_an_earlier_search_had_measured_them(folder):
    strategy = screened(folder, "nsga2")
    results = play(strategy, 12)
    alone = get_strategy("nsga2")(PROBLEM, 0)
    alone.start_from(results[:4])
    assert [alone.propose(i, results[4 : 4 + i]).to_json() for i in range(8)] == [
        m.genotype for m in results[4:]
    ]


@pytest.mark.parametrize("name", NAMES)
def test_one_killed_and_resumed_at_any_moments_goes_on_as_if_it_had_not_been(folder, name):
    whole, chance, measured = play(screened(folder, name), 16, at_once=2), random.Random(name), []
    assert len({str(m.genotype) for m in whole}) == 16
    while len(measured) < len(whole):
        resumed, stop = screened(folder, name), chance.randint(len(measured) + 1, len(whole))
        for index in range(stop):
            genotype = resumed.propose(index, whole[: max(0, index - 1)])
            if index >= len(measured):
                measured.append(judged(resumed, index, genotype, worth(genotype)))
    assert measured == whole


def test_nothing_is_scored_twice_and_a_torn_line_is_scored_again(tmp_path, monkeypatch):
    first, calls = screened(tmp_path / "run"), []
    results = play(first, 8)
    content = (tmp_path / "run" / SCORED).read_bytes()
    assert len(read_scored(tmp_path / "run")) == 10 + 4  # what came later too
    counted = {
        name: lambda *given, score=score: calls.append(1) or score(*given)
        for name, score in scores.SCORES.items()
    }
    monkeypatch.setattr(scores, "SCORES", counted)
    again = screened(tmp_path / "run")
    assert play(again, 8) == results
    assert not calls
    (tmp_path / "run" / SCORED).write_bytes(content[:-30])
    assert play(screened(tmp_path / "run"), 8) == results
    assert len(calls) == 2
    assert len(read_scored(tmp_path / "run")) == 14


def test_the_budget_holds(tmp_path):
    macs = sorted(m.macs for m in play(RandomSearch(PROBLEM, 0), 40))[10]
    assert max(m.macs for m in play(screened(tmp_path / "run", max_macs=macs), 10)) <= macs


def test_how_far_drawing_and_scoring_are_is_told(tmp_path, capsys):
    made = Screened(RandomSearch(PROBLEM, 0), SCREEN)
    made.prepare(Workplace(tmp_path, TrialSettings(train_limit=80), trials=20, progress=True))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "drawing up to 10 architectures, to score them without training"
    assert lines[1:11] == [f"scored without training: {done} of 10 architectures" for done in range(1, 11)]
    assert "the 4 best" in lines[11]
    again = Screened(RandomSearch(PROBLEM, 0), SCREEN)
    again.prepare(Workplace(tmp_path, TrialSettings(train_limit=80), trials=20, progress=True))
    drawing, best = capsys.readouterr().out.splitlines()  # nothing is scored again, nor told so
    assert (drawing, best) == (lines[0], lines[11])
