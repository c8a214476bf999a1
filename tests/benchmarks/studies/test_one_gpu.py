"""Which trainings come in what order, and that one's fault leaves the others alone."""

import json

import pytest

from benchmarks.studies import candidates, one_gpu
from benchmarks.studies.one_gpu import Order, run
from search_space import Genotype
from search_space.problem import Problem
from search_space.sampling import random_genotype

PUBLISHED = [("ResNet-Tiny", "cifar10", 1, 0), ("ResNet-32", "cifar10", 100, 0)]
BEST = 2  # of the trials


class Stub:
    """Gives a record at once; one candidate's training fails."""

    def do(self, job):
        kind, what = job
        if kind == "trial":
            cost = Genotype.from_json(what[2]).cost()
            return {
                "index": what[1], "genotype": what[2], "status": "ok", "accuracy": 0.9 if what[1] == BEST else 0.5,
                "macs": cost.macs, "macs_published": cost.macs_published, "params": cost.params, "seconds": 1.0, "seed": 0,
            }  # fmt: skip
        if kind == "likes":
            return {"genotypes": [["random", 0, what[1]]]}
        if kind == "candidate":
            raise ValueError("no such luck")
        return {"test_accuracy": 0.8}


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(one_gpu, "TRIALS", 4)
    monkeypatch.setattr(one_gpu, "PUBLISHED", PUBLISHED)
    monkeypatch.setattr(one_gpu, "SEARCHED", {"plain": ("depthwise_3x3",)})
    monkeypatch.setattr(candidates, "OPERATORS", ("skip_connect",))
    problem = Problem("tiny-global", {"widths": [4], "depths": [1]}, image=(3, 32, 32), classes=10)
    monkeypatch.setattr(
        one_gpu.Nsga2, "draw", lambda self, rng, _: random_genotype(problem, rng.randrange(99))
    )


def test_all_is_done_the_long_first_and_what_was_found_thrice(small, tmp_path, capsys):
    run(Order(tmp_path, ["published", "search", "candidates"]), Stub(), workers=1, seconds=60)
    told = [
        line.split(" s  ")[1].split(" (")[0]
        for line in capsys.readouterr().out.splitlines()
        if " s  " in line
    ]
    assert told == [
        "published", *["trial"] * 4, *["found"] * 3, "likes", "found", "published", *["candidate"] * 3,
    ]  # fmt: skip
    done = [json.loads(line) for line in (tmp_path / "published.jsonl").read_text().splitlines()]
    assert [record["job"][0] for record in done] == ["ResNet-32", "ResNet-Tiny"]
    failed = [json.loads(line) for line in (tmp_path / "candidate.jsonl").read_text().splitlines()]
    assert {record["error"] for record in failed} == {"ValueError: no such luck"}
    trials = [json.loads(line) for line in (tmp_path / "search-plain.jsonl").read_text().splitlines()]
    assert Genotype.load(tmp_path / "plain.json").to_json() == trials[BEST]["genotype"]
    found = [json.loads(line)["job"] for line in (tmp_path / "found.jsonl").read_text().splitlines()]
    assert [job[:2] for job in found] == [["plain", 0], ["plain", 1], ["plain", 2], ["random", 0]]


def test_the_time_ends_it_and_what_was_begun_is_told(small, tmp_path, capsys):
    run(Order(tmp_path, ["published"]), Stub(), workers=2, seconds=0)
    assert "published ('ResNet-32', 'cifar10', 100, 0)" in capsys.readouterr().out.split("not finished:")[1]
