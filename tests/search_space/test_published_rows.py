import csv
from pathlib import Path

import pytest

from search_space.published_rows import facts, printed_number, rows, table, write_csv

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"


def test_printed_numbers() -> None:
    assert printed_number("3.4M") == (3_400_000, 50_000)
    assert printed_number("9M") == (9_000_000, 500_000)
    assert printed_number("473K") == (473_000, 500)
    assert printed_number("") is None
    with pytest.raises(ValueError, match="accepted"):
        printed_number("9 million")


def test_standings() -> None:
    found = {(row.table, row.system, row.dataset): row for row in rows()}
    assert len(found) == 49
    standings = [row.standing for row in found.values()]
    assert {s: standings.count(s) for s in set(standings)} == {
        "measured": 29, "inferred": 9, "not reachable": 11,
    }  # fmt: skip
    assert all(row.reason for row in found.values() if row.standing == "not reachable")
    row = found["imagenet-mobile", "MBV2-Global", "ImageNet-1K"]
    assert row.standing == "not reachable"
    assert row.params_difference == pytest.approx(84.5145)
    row = found["low-footprint", "ResNet-Global", "CIFAR-100"]
    assert (row.params, row.macs_published, row.standing) == (167_252, 15_249_664, "measured")


def test_table_and_file(tmp_path: Path) -> None:
    found = rows()
    lines = table(found).splitlines()
    assert len(lines) == len(found) + 1
    with write_csv(found, tmp_path / "rows.csv").open() as file:
        read = list(csv.DictReader(file))
    assert [int(line["params"]) for line in read if line["network"] == "DARTS"] == [3_401_272] * 3


@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference tables are not on this machine")
def test_facts_are_those_of_the_reference() -> None:
    with (REFERENCE / "poster.csv").open() as file:
        poster = list(csv.DictReader(file))
    assert len(poster) == len(facts())
    for line, fact in zip(poster, facts(), strict=True):
        assert (line["table"], line["system"], line["dataset"]) == (fact.table, fact.system, fact.dataset)
        assert float(line["accuracy_percent"]) == fact.accuracy_percent
        if line["params"]:
            assert printed_number(fact.params)[0] == pytest.approx(int(line["params"]), rel=0.01)
            assert printed_number(fact.macs)[0] == pytest.approx(int(line["macs"]), rel=0.01)
