"""Forecasts: what short trainings tell of architectures, trained or not."""

from __future__ import annotations

import dataclasses
import math
import random
import statistics

import pytest
from scipy.stats import kendalltau
from sklearn.linear_model import RidgeCV

from search_space import sample
from search_space.sampling import random_genotype
from strategies.forecast import LEAST, Forecast, _libraries, _Model, features
from strategies.objectives import ranked
from tests.strategies.table import PROBLEM, result, worth

DRAWN = [random_genotype(PROBLEM, seed) for seed in range(80)]


def short(count: int, noise: float = 0.05) -> list:
    """Trainings of 2 of 6 epochs: half of what each is worth, with noise."""
    chance = random.Random(0)
    return [
        dataclasses.replace(
            result(index, genotype, worth(genotype) / 2 + chance.gauss(0, noise)), epochs=2, status="partial"
        )
        for index, genotype in enumerate(DRAWN[:count])
    ]


def test_untrained_architectures_are_ranked_by_what_short_trainings_told_of_others():
    forecast = Forecast(("accuracy", "macs"), 6)
    forecast.learn(short(50))
    untrained = [result(index, genotype, 0.0) for index, genotype in enumerate(DRAWN[50:])]
    # As of one rung, so what they came to themselves shifts all alike.
    expected = [m.accuracy for m in forecast.of(untrained)]
    assert kendalltau(expected, [worth(genotype) for genotype in DRAWN[50:]])[0] > 0.6


def test_the_most_promising_one_of_a_pool_is_on_the_front_of_what_is_expected():
    forecast, pool = Forecast(("accuracy", "macs"), 6), DRAWN[50:]
    forecast.learn(short(50))
    chosen = forecast.most_promising(pool)
    assert chosen in pool
    better = [g for g in pool if worth(g) > worth(chosen) + 0.15 and g.cost().macs <= chosen.cost().macs]
    assert not better


def test_the_level_is_that_of_the_longest_trainings():
    forecast, trained = Forecast(("accuracy", "macs"), 6), short(30, noise=0.0)
    whole = [result(30 + index, genotype, worth(genotype)) for index, genotype in enumerate(DRAWN[:15])]
    forecast.learn([*trained, *whole])
    gaps = [m.accuracy - worth(g) for m, g in zip(forecast.of(trained[15:]), DRAWN[15:30], strict=True)]
    assert abs(sum(gaps) / len(gaps)) < 0.1


def test_half_of_what_a_whole_training_has_beyond_the_model_is_its_own_and_less_of_a_short_one():
    forecast, trained = Forecast(("accuracy", "macs"), 6), short(30)
    forecast.learn(trained)
    whole = dataclasses.replace(trained[0], epochs=6, status="ok")
    for measured, share in ((whole, 0.5), (trained[0], 0.5 / 3)):
        low, high = forecast.of([measured, dataclasses.replace(measured, accuracy=measured.accuracy + 0.1)])
        assert high.accuracy - low.accuracy == pytest.approx(0.1 * share, abs=1e-5)


def test_too_little_forecasts_nothing():
    forecast, few = Forecast(("accuracy", "macs"), 6), short(LEAST - 1)
    forecast.learn([*few, result(99, DRAWN[60], None)])  # one that failed tells nothing
    assert not forecast.ready
    assert forecast.of(few) == few
    forecast.learn(short(LEAST))
    assert forecast.ready


def test_all_equal_accuracies_are_no_fault():
    forecast = Forecast(("accuracy", "macs"), 6)
    equal = [dataclasses.replace(m, accuracy=0.1) for m in short(20)]
    forecast.learn(equal)
    assert [m.accuracy for m in forecast.of(equal)] == pytest.approx([0.1] * 20)


def test_the_best_are_the_first_of_the_front_that_is_expected():
    forecast, trained = Forecast(("accuracy", "macs"), 6), short(40)
    forecast.learn(trained)
    ends = ranked(forecast.of(trained), ("accuracy", "macs"))
    front = {random_genotype(PROBLEM, each.measurement.index).key() for each in ends if each.rank == 0}
    assert {genotype.key() for genotype in forecast.best(len(front))} == front


def test_latency_is_forecast_where_it_is_an_objective():
    forecast = Forecast(("accuracy", "latency"), 6)
    timed = [dataclasses.replace(m, latency=1e-5 * m.macs) for m in short(40)]
    forecast.learn([*timed, *short(41)[40:]])  # the last one was not timed
    pool = sorted(DRAWN[50:], key=lambda genotype: genotype.cost().macs)
    equal = [dataclasses.replace(m, accuracy=0.3) for m in timed]
    forecast.learn(equal)  # then the quickest is the best
    places = pool.index(forecast.most_promising(pool))
    assert places <= len(pool) // 5


def test_features_count_and_name():
    found = features(DRAWN[0])
    cost = DRAWN[0].cost()
    assert found["log MACs"] == pytest.approx(math.log(cost.macs))
    operations = [pair[0] for nodes in DRAWN[0].architecture.values() for node in nodes for pair in node]
    counts = {f"op={name}": operations.count(name) for name in operations}
    assert {name: found[name] for name in counts} == counts
    of_cell = {name: value for name, value in found.items() if name.startswith("normal/op=")}
    assert sum(of_cell.values()) == pytest.approx(1.0)


def test_features_of_sizes_are_logarithms_and_idle_decisions_say_nothing():
    genotype = sample("tiny-global", 0, stages=2, widths=(4, 8), depths=(1, 2), stem_strides=(1, 2))
    architecture, found = genotype.architecture, features(genotype)
    widths = [architecture[f"stage{number}"]["width"] for number in (1, 2)]
    stem = architecture["stem"]["width"]
    scaled = found["stage1/width"], found["stage2/width"]
    assert found["width"] == pytest.approx(statistics.mean([math.log(stem), *scaled]))
    assert found["stem/width"] == pytest.approx(math.log(stem))
    assert math.exp(scaled[1] - scaled[0]) == pytest.approx(widths[1] / widths[0])
    blocks = [architecture[f"stage1/block{b}"] for b in range(1, architecture["stage1"]["depth"] + 1)]
    expansions = [math.log(block["expansion"]) for block in blocks]
    assert found["stage1/expansion"] == pytest.approx(statistics.mean(expansions))


def test_linear_algebra_has_one_thread_meanwhile_and_all_of_them_afterwards(monkeypatch):
    def threads():
        return {each["num_threads"] for each in _libraries().info() if each["user_api"] == "blas"}

    seen = []
    fit = RidgeCV.fit
    monkeypatch.setattr(
        RidgeCV, "fit", lambda *given, **more: (seen.append(threads()), fit(*given, **more))[1]
    )
    with _libraries().limit(limits=2, user_api="blas"):
        _Model([{"x": 0.0}, {"x": 1.0}, {"x": 2.0}], [0.0, 1.0, 2.0], [1.0, 1.0, 1.0])
        assert threads() == {2}
    assert seen == [{1}]
