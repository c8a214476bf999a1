"""Rows of a hub: searches as words, and back."""

from __future__ import annotations

import pytest

from search_space.errors import UserError
from strategies import SearchSettings
from strategies.hub_rows import (
    SHARED,
    grid,
    read_rows,
    row_of,
    row_options,
    submitted_name,
    waiting,
    write_rows,
)
from strategies.settings import parse_option


def test_a_row_means_the_settings_that_it_was_made_of():
    settings = SearchSettings(strategy="darts", mac_penalty=0.3, max_macs=2_000_000, width=8, seed=7)
    words = row_options(row_of(settings))
    read = {}
    for word in words:
        name, _, text = word.removeprefix("--").partition("=")
        read[name.replace("-", "_")] = parse_option(name.replace("-", "_"), text)
    assert SearchSettings(**read) == settings


def test_every_value_is_text_and_what_is_left_open_says_default():
    row = row_of(SearchSettings())
    assert all(isinstance(value, str) for value in row.values())
    assert row["width"] == "default"
    assert row["strategy"] == "evolution"
    assert not set(row) & {*SHARED, "port", "run_dir"}


def test_a_grid_is_every_combination_named_after_what_differs():
    rows, settings = grid({"mac_penalty": "0,0.1", "seed": "0, 1,2", "strategy": "random", "data_dir": "a,b"})
    assert [name for name, _ in rows][:3] == [f"mac-penalty-0_seed-{seed}" for seed in range(3)]
    assert len(rows) == len({name for name, _ in rows}) == 6
    assert [(s.mac_penalty, s.seed, s.strategy) for s in settings][-1] == (0.1, 2, "random")
    assert settings[0].data_dir == "a,b"  # one folder
    assert [row for _, row in rows] == [row_of(s) for s in settings]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"seed": "0,many"}, "seed is 'many'; accepted: int"),
        ({"seed": "1,1"}, "seed is '1,1'; accepted: different values"),
        ({"strategy": "random,magic"}, "unknown strategy 'magic'"),
        ({"max_macs": "1M,3Q"}, "max_macs: '3Q' is no count"),
    ],
)
def test_a_wrong_value_is_named(texts, said):
    with pytest.raises(UserError, match=said):
        grid(texts)


def test_rows_are_kept_in_order_and_a_torn_one_is_left_out(tmp_path):
    write_rows(tmp_path, [("a", {"seed": "0"})])
    write_rows(tmp_path, [("b", {"seed": "1"})])
    with (tmp_path / "rows.jsonl").open("a") as file:
        file.write('{"name": "c", "para')
    assert read_rows(tmp_path) == [("a", {"seed": "0"}), ("b", {"seed": "1"})]
    assert read_rows(tmp_path / "nowhere") == []


def test_submitted_rows_that_never_started_are_found():
    rows = [("first", {}), (submitted_name("old", "x"), {}), (submitted_name("new", "y"), {"seed": "1"})]
    submitted = [{"seed": "1"}, {"seed": "2"}, {"seed": "3"}]
    assert waiting(rows, "new", submitted) == [
        ("submitted-new-1", {"seed": "2"}),
        ("submitted-new-2", {"seed": "3"}),
    ]
