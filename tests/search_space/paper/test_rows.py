import csv
from pathlib import Path

import pytest

from search_space.paper.rows import facts, poster_table, printed_number, rows, write_csv

# The poster's rows, and what was counted on the authors' code (commit 5bc2b5d of anilkagak2/PDE_GlobalLayer).
REFERENCE = Path(__file__).parents[1] / "reference"


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
        "measured": 31, "quoted": 2, "inferred": 13, "guess": 3,
    }  # fmt: skip
    row = found["imagenet-mobile", "MBV2-Global", "ImageNet-1K"]
    assert (row.params, row.macs_published, row.standing) == (1_593_280, 194_447_680, "inferred")
    assert row.params_difference == pytest.approx(-0.42)
    row = found["low-footprint", "ResNet-Global", "CIFAR-100"]
    assert (row.params, row.macs_published, row.standing) == (167_252, 15_249_664, "measured")


def test_only_what_the_rule_allows_is_called_measured() -> None:
    """Within 2% of what was measured on the authors' code, or of the poster; so is what is inferred, or rounds to it."""
    for fact, row in zip(facts(), rows(), strict=True):
        ours = (row.params, row.macs_published)
        measured = within(ours, (fact.measured_params, fact.measured_macs))
        poster = within(ours, (row.poster_params, row.poster_macs))
        if row.standing == "measured":
            assert measured or poster, row
        elif row.standing in ("inferred", "guess") and row.poster_params:
            assert poster or (
                rounds_to(row.params, fact.params) and rounds_to(row.macs_published, fact.macs)
            ), row


def rounds_to(count: int, printed: str) -> bool:
    """Whether a count is within 2% of what is printed, or rounds to it."""
    said, half = printed_number(printed)
    return abs(count - said) <= max(half, 0.02 * said)


def within(ours: tuple, others: tuple) -> bool:
    """Whether both counts are known and within 2% of the others."""
    pairs = list(zip(ours, others, strict=True))
    return all(None not in pair for pair in pairs) and all(abs(a - b) <= 0.02 * b for a, b in pairs)


def test_table_and_file(tmp_path: Path) -> None:
    found = rows()
    lines = poster_table(found).splitlines()
    assert len(lines) == len(found) + 1
    with write_csv(found, tmp_path / "rows.csv").open() as file:
        read = list(csv.DictReader(file))
    assert [int(line["params"]) for line in read if line["network"] == "DARTS"] == [3_401_272] * 3


def test_measured_facts_are_those_of_the_reference() -> None:
    tables = {
        "mnist": "mnist", "baseline-cifar10": "baseline", "low-footprint": "low", "same-footprint": "high",
        "same-footprint-tiny": "tiny", "imagenet-ode": "imagenet", "imagenet-mobile": "imagenet",
    }  # fmt: skip
    with (REFERENCE / "measured_counts.csv").open() as file:
        reference = {(line["table"], line["architecture"]): line for line in csv.DictReader(file)}
    measured = [fact for fact in facts() if fact.measured_params or fact.measured_macs]
    told = [fact for fact in measured if "MDEQ" not in fact.network]  # see tests/search_space/equilibrium
    assert len(measured) == len(told) + 4
    assert len(told) == 30
    for fact in told:
        place = tables[fact.table]
        line = reference.get((place, "ResNet" if fact.network == "ResNet-Tiny" else fact.system))
        assert line is not None, f"{fact.network} was not measured"
        assert (fact.params, fact.macs) == (line["poster_params"], line["poster_macs"])
        assert fact.measured_params == int(line["measured_params"])
        assert fact.measured_macs == int(line["conv_linear_plus_2norm"])


def test_facts_are_those_of_the_reference() -> None:
    with (REFERENCE / "poster.csv").open() as file:
        poster = list(csv.DictReader(file))
    assert len(poster) == len(facts())
    for line, fact in zip(poster, facts(), strict=True):
        assert (line["table"], line["system"], line["dataset"]) == (
            fact.table,
            fact.system,
            fact.dataset,
        )
        assert float(line["accuracy_percent"]) == fact.accuracy_percent
        if line["params"]:
            assert printed_number(fact.params)[0] == pytest.approx(int(line["params"]), rel=0.01)
            assert printed_number(fact.macs)[0] == pytest.approx(int(line["macs"]), rel=0.01)
