"""What is trained of a supernet's networks: points spread over its front, then random ones of the same MACs."""

import itertools
import json

import pytest

from records.errors import UserError
from records.measurement import Measurement
from search_space import sample
from strategies.budget import Budget
from strategies.multi_trial.random_search import RandomSearch
from strategies.objectives import spread
from strategies.shared_weights.chosen import (
    FRONT,
    RANDOM,
    Chosen,
    choose,
    extended,
    random_likes,
    read_chosen,
    write_chosen,
)
from strategies.shared_weights.exploring import explore, read_judged
from strategies.shared_weights.judge import Judge


def judged_of(points: list[tuple[float, int]]) -> list[Measurement]:
    genotypes = itertools.count()
    return [
        Measurement(
            i, sample("tiny-global", next(genotypes)).to_json(), "ok", accuracy, macs=macs, macs_published=macs,
            params=1, seconds=0.0, seed=0,
        )
        for i, (accuracy, macs) in enumerate(points)
    ]  # fmt: skip


def test_points_are_spread_over_the_front_before_what_it_dominates():
    judged = judged_of([(0.5, 10), (0.6, 20), (0.61, 22), (0.4, 30), (0.9, 1000), (0.7, 100), (0.3, 40)])
    assert [m.index for m in spread(judged, 4)] == [4, 0, 5, 2]
    assert [m.index for m in spread(judged, 6)] == [4, 0, 5, 2, 1, 3]
    assert len(spread(judged, 99)) == 7
    assert [m.index for m in spread(judged, 99, front_only=True)] == [4, 0, 5, 2, 1]


def test_networks_of_unlike_costs_are_not_compared():
    """On shared weights large networks look too bad: the best of each band of costs is a point of the front all the same."""
    points = [
        (0.50, 100),
        (0.44, 140),
        (0.45, 500),
        (0.43, 600),
        (0.47, 700),
        (0.40, 2000),
        (0.42, 2900),
        (0.41, 2950),
    ]
    judged = judged_of(points)
    assert [m.index for m in spread(judged, 8, front_only=True)] == [0]
    chosen = spread(judged, 8, front_only=True, bands=1.5)
    assert {m.index for m in chosen} == {0, 1, 2, 4, 5, 6}
    assert [m.index for m in chosen[:2]] == [6, 0]  # the best of the dearest band, then who is farthest


def test_random_ones_have_the_macs_of_the_front(problem):
    models = judged_of([(0.5, 3_000_000), (0.6, 6_000_000)])
    problem = sample("tiny-global", 0).problem
    likes = random_likes(problem, models, 4, 0, Budget())
    assert likes == random_likes(problem, models, 4, 0, Budget())
    assert len({g.key() for g in likes}) == 4
    for number, genotype in enumerate(likes):
        assert genotype.cost().macs == pytest.approx(models[number % 2].macs, rel=0.1)


def test_what_was_chosen_stays_first_when_more_are_asked_for(tmp_path):
    judged = judged_of([(0.5 + i / 100, 100_000 * 2**i) for i in range(8)])
    chosen = choose(judged, 4, 1, seed=0, budget=Budget(), accuracy=lambda genotype: 0.25)
    assert [each.role for each in chosen] == [FRONT] * 3 + [RANDOM]
    assert chosen[3].accuracy == 0.25
    more = extended(chosen, judged, 7)
    assert more[:4] == chosen
    assert len({each.genotype.key() for each in more}) == 7
    assert len(extended(chosen, judged, 99)) == 9  # all that were judged, and the random one
    write_chosen(tmp_path / "chosen.json", more)
    assert read_chosen(tmp_path / "chosen.json") == more
    assert isinstance(more[0], Chosen)


def test_exploring_goes_on_where_it_was_stopped(problem, data, shared, tmp_path):
    judge, path = Judge(shared, data, calibration=64), tmp_path / "judged.jsonl"

    def run(count):
        return explore(RandomSearch(problem, 0), judge, count, path, progress=False)

    whole = run(12)
    assert len({str(m.genotype) for m in whole}) == 12
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:5]) + lines[5][:20])  # a crash in the middle of a line
    again = run(12)
    assert [(m.genotype, m.accuracy) for m in again] == [(m.genotype, m.accuracy) for m in whole]
    assert len(path.read_text().splitlines()) == 12


def test_a_damaged_network_of_those_that_were_chosen_is_named(tmp_path):
    path = tmp_path / "chosen.json"
    good = judged_of([(0.5, 100)])[0].genotype
    records = [
        {"genotype": genotype, "role": "front", "accuracy": 0.5} for genotype in (good, {"version": 1})
    ]
    path.write_text(json.dumps(records))
    with pytest.raises(UserError, match=r"chosen\.json, network 1: genotype: space, .* is missing"):
        read_chosen(path)


@pytest.mark.parametrize(
    "change", [{"accuracy": "x"}, {"accuracy": float("nan")}, {"genotype": {}}, {"macs": None}]
)
def test_a_damaged_line_of_what_was_judged_is_told(tmp_path, change):
    path = tmp_path / "judged.jsonl"
    good = judged_of([(0.5, 100)])[0].to_json()
    path.write_text(json.dumps(good) + "\n" + json.dumps(good | change) + "\n")
    with pytest.raises(UserError, match=r"judged\.jsonl, line 2, is damaged: "):
        read_judged(path)
