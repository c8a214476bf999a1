"""Strategies replayed on a table: what a training costs there, and when the front is found."""

import json
import math

import pytest

from benchmarks.studies import replays
from benchmarks.studies.architecture_table import EPOCHS, Table, architectures
from benchmarks.studies.replays import exact, quartiles, reached, replay, table_text


@pytest.fixture(scope="module")
def table():
    """Accuracy grows with the logarithm of the MACs, with a little of each architecture's and seed's own."""
    accuracies = {}
    for number, genotype in enumerate(architectures()):
        best = 0.1 * math.log10(genotype.cost().macs) + 0.01 * (number % 7)
        accuracies[genotype.key()] = {
            seed: tuple(best * epoch / EPOCHS + 0.001 * seed for epoch in range(1, EPOCHS + 1))
            for seed in (0, 1)
        }
    return Table(accuracies, {genotype.key(): genotype for genotype in architectures()})


def test_the_exact_front_is_of_the_means(table):
    key, genotype = next(iter(table.genotypes.items()))
    first = exact(table)[0]
    assert first.genotype == genotype.to_json()
    assert first.accuracy == pytest.approx(sum(h[-1] for h in table.accuracies[key].values()) / 2)


def test_one_that_trains_all_finds_all(table):
    curve = replay(table, "grid", 1)
    assert [cost for cost, _ in curve] == list(range(1, len(curve) + 1))
    shares = [share for _, share in curve]
    assert shares == sorted(shares)
    assert shares[-2] < 0.999 <= shares[-1] <= 1
    assert replay(table, "grid", 1) == curve != replay(table, "grid", 0)


def test_epochs_are_what_is_spent_where_trainings_go_on(table):
    """Rungs of 2 and 6 epochs: what goes on pays for the epochs that it lacks."""
    curve = replay(table, "asha", 0, trainings=20)
    epochs = [
        round((cost - before) * EPOCHS, 6)
        for (before, _), (cost, _) in zip([(0.0, 0.0), *curve], curve, strict=False)
    ]
    assert set(epochs) == {2, 4}
    assert 20 <= curve[-1][0] < 21
    assert curve[0][1] == 0.0  # a candidate that was trained in part is none of the front


def test_the_search_by_several_objectives_finds_this_front_before_chance(table):
    soon, late = ([reached(replay(table, name, seed)) for seed in range(3)] for name in ("nsga2", "random"))
    assert quartiles(soon)[1] < quartiles(late)[1]


def test_quartiles():
    assert quartiles([4, 1, 3, 2]) == (1.5, 2.5, 3.5)
    assert quartiles([5, 1, 3, 2, 4]) == (1.5, 3, 4.5)
    assert quartiles([1.0, math.inf]) == (1.0, math.inf, math.inf)
    assert quartiles([3]) == (3, 3, 3)


@pytest.fixture
def table_file(table, tmp_path):
    path = tmp_path / "table.jsonl"
    with path.open("w") as file:
        for key, by_seed in table.accuracies.items():
            for seed, history in by_seed.items():
                file.write(json.dumps({"key": key, "seed": seed, "history": history}) + "\n")
    return path


def test_the_page_and_the_picture(table, table_file, tmp_path, monkeypatch, capsys):
    words = ["replays", "--table", str(table_file), "--out", str(tmp_path), "--seeds", "2", "--strategies"]
    monkeypatch.setattr("sys.argv", [*words, "random", "nsga2"])
    replays.main()
    said = capsys.readouterr().out
    written = json.loads((tmp_path / "replays.json").read_text())
    trainings = {name: [reached(c) for c in curves] for name, curves in written["curves"].items()}
    assert said.strip() == table_text(trainings)
    assert trainings["random"] == [reached(replay(table, "random", seed)) for seed in range(2)]
    monkeypatch.setattr("sys.argv", [*words, "grid"])
    replays.main()  # the others are kept
    table_of_all = capsys.readouterr().out
    assert [name for name in ("random", "nsga2", "grid") if f"| `{name}` |" in table_of_all] == [
        "random", "nsga2", "grid"
    ]  # fmt: skip
    assert (tmp_path / "replays.png").stat().st_size > 5000


def test_what_was_stopped_goes_on_where_it_stood(table_file, tmp_path, monkeypatch):
    replayed = []
    monkeypatch.setattr(replays, "replay", lambda table, name, seed: replayed.append(seed) or [(1.0, 0.5)])
    words = ["replays", "--table", str(table_file), "--out", str(tmp_path), "--strategies", "random"]
    for seeds, more in ((2, []), (4, ["--add"]), (1, [])):
        monkeypatch.setattr("sys.argv", [*words, "--seeds", str(seeds), *more])
        replays.main()
    assert replayed == [0, 1, 2, 3, 0]
