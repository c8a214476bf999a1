"""The table of a small space: every architecture in it, and what is read back."""

import json

import pytest

from benchmarks.studies.architecture_table import SPACE, architectures, load_table
from records.errors import UserError
from search_space import get_space


def written(path, genotypes, seeds=(0, 1)):
    with path.open("w") as file:
        for number, genotype in enumerate(genotypes):
            for seed in seeds:
                history = [0.1, number / 1000 + seed / 100]
                file.write(json.dumps({"key": genotype.key(), "seed": seed, "history": history}) + "\n")
    return path


def test_every_architecture_stands_in_it_once(tmp_path):
    genotypes = architectures()
    sizes = [len(decision.options) for decision in get_space(SPACE.space).decisions(SPACE)]
    total = 1
    for size in sizes:
        total *= size
    assert len(genotypes) == len({g.key() for g in genotypes}) == total == 256
    macs = sorted(g.cost().macs for g in genotypes)
    assert macs[-1] / macs[0] > 13
    table = load_table(written(tmp_path / "t.jsonl", genotypes))
    key = genotypes[7].key()
    assert table.mean(key) == pytest.approx(0.007 + 0.005)
    assert table.mean(key, epochs=1) == pytest.approx(0.1)
    measured = table.measurement(3, genotypes[7], seed=1)
    assert (measured.index, measured.accuracy, measured.macs) == (3, 0.017, genotypes[7].cost().macs)


def test_a_table_that_lacks_some_is_told(tmp_path):
    path = written(tmp_path / "t.jsonl", architectures()[:-3])
    with pytest.raises(UserError, match=r"t.jsonl lacks trainings of 3 of 256 architectures"):
        load_table(path)
