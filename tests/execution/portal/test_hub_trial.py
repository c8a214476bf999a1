"""A row of a hub as the command line of its search."""

from __future__ import annotations

import pytest

from execution.portal.hub_trial import command, with_data
from execution.settings import SearchSettings
from records.run_files.run_folder import RunFolder


@pytest.fixture
def places(tmp_path):
    """A folder with a file of arrays in it, another one, and a third with neither."""
    for name, file in (("one", "a.npz"), ("two", "b.npz"), ("new", "a.npz")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_bytes(b"")
    return tmp_path


def test_a_file_of_arrays_is_sought_where_it_lay_and_then_where_the_data_are_now(places):
    def place(name, **shared):
        shared, row = with_data({"platform": "local", **shared}, {"dataset": str(name), "seed": "0"})
        assert row["seed"] == "0"
        return shared.get("data_dir"), row["dataset"]

    one, two, new = (str(places / name) for name in ("one", "two", "new"))
    assert place(places / "two/b.npz", data_dir=one) == (two, "b.npz")
    assert place(places / "gone/a.npz", data_dir=new) == (new, "a.npz")
    assert place(places / "gone/a.npz") == (str(places / "gone"), "a.npz")
    assert place("sub/a.npz", data_dir=new) == (f"{new}/sub", "a.npz")
    assert place("a.npz", data_dir=new) == (new, "a.npz")
    assert place("digits") == (None, "digits")
    # Said to have moved, it is taken from there, though the old one is still where it was.
    moved = with_data({"data_dir": new}, {"dataset": str(places / "one/a.npz")}, moved=True)
    assert moved[0]["data_dir"] == new
    assert with_data({"data_dir": new}, {"dataset": str(places / "two/b.npz")}, moved=True)[0] == {
        "data_dir": two
    }
    elsewhere = {"platform": "remote", "data_dir": one}
    assert place("/there/b.npz", **elsewhere) == ("/there", "b.npz")


def test_each_row_goes_on_with_its_own_file(places):
    shared = {"data_dir": str(places / "one"), "platform": "local"}
    hub = RunFolder.create(places / "hub", {"kind": "sweep", "searches": 1, "shared": shared})
    row = {"dataset": str(places / "two/b.npz"), "strategy": "random"}
    new = command(hub.path, "second", row, "run_search")
    assert {"search", f"--data-dir={places / 'two'}", "--dataset=b.npz"} <= set(new)
    settings = SearchSettings(dataset="b.npz", data_dir=str(places / "two"), strategy="random")
    RunFolder.create(hub.path / "searches" / "second", settings.to_json())
    again = command(hub.path, "second", row, "run_search")
    assert {"resume", f"--data-dir={places / 'two'}"} <= set(again)


def test_a_row_that_names_its_data_folder_goes_on_with_it(places):
    shared = {"data_dir": str(places / "one"), "threads": 1}
    hub = RunFolder.create(places / "hub", {"kind": "hub", "searches": 1, "shared": shared})
    row = {"dataset": "cifar10", "strategy": "random", "data_dir": str(places / "two")}
    assert f"--data-dir={places / 'two'}" in command(hub.path, "first", row, "run_search")
    RunFolder.create(hub.path / "searches" / "first", SearchSettings(strategy="random").to_json())
    again = command(hub.path, "first", row, "run_search")
    assert {"resume", f"--data-dir={places / 'two'}", "--threads=1"} <= set(again)
    hub.revise(hub.settings() | {"data_moved": True})
    assert f"--data-dir={places / 'one'}" in command(hub.path, "first", row, "run_search")
