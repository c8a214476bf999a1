"""What the data of a page know of the place, and how runs are named in addresses."""

from __future__ import annotations

import pytest

from execution.pages.contract import Place, several, whole
from records.errors import UserError
from tests.analysis.live.records import run_folder


@pytest.fixture
def place(tmp_path):
    run_folder(tmp_path / "other", [])
    hub = run_folder(tmp_path / "hub", [])
    run_folder(hub / "searches" / "first", [])
    run_folder(tmp_path.parent / f"{tmp_path.name}-outside", [])
    return Place(run_folder(tmp_path / "own", []))


@pytest.mark.parametrize("name", ["own", "other", "hub", "hub/searches/first"])
def test_a_key_leads_to_its_run_and_back(place, name):
    assert place.folder(name) == place.base / name
    assert place.key(place.folder(name)) == name


def test_without_a_key_the_portals_own_run_is_meant(place):
    assert place.folder(None) == place.folder("") == place.run


def test_a_hubs_search_knows_the_runs_beside_its_hub(place):
    search = Place(place.base / "hub" / "searches" / "first")
    assert search.base == place.base
    assert search.key(search.run) == "hub/searches/first"
    assert search.folder("own") == place.run


@pytest.mark.parametrize(
    "key",
    [
        "nowhere",
        "..",
        "../{}-outside",
        "own/../../{}-outside",
        "/etc",
        "hub/searches",
        "hub/searches/..",
        "hub//first",
        "a\0b",
        "own\\x",
        "x" * 256,
        "\ud800",
        ".",
    ],
)
def test_no_key_leads_elsewhere(place, key):
    with pytest.raises(UserError, match="accepted: a run folder in"):
        place.folder(key.format(place.base.name))


@pytest.mark.parametrize("key", [["own", "other"], 5, {"own": 1}])
def test_a_key_is_one_text(place, key):
    with pytest.raises(UserError, match="accepted: a run folder in"):
        place.folder(key)


def test_a_run_elsewhere_has_no_key(place, tmp_path):
    with pytest.raises(UserError, match="is no run of this portal"):
        place.key(tmp_path.parent)


def test_texts_and_numbers_that_a_page_names():
    assert several({}, "run") == []
    assert several({"run": "a"}, "run") == ["a"]
    assert several({"run": ["a", "b"]}, "run") == ["a", "b"]
    assert whole({"from": "12"}, "from") == 12
    assert whole({"from": 3}, "from") == 3
    assert whole({}, "from", 0) == 0
    for wrong in ("-1", "1.5", "", "x", None, True, "9" * 20, ["1", "2"]):
        with pytest.raises(UserError, match="from is .*; accepted: a whole number, 0 or more"):
            whole({"from": wrong}, "from")
