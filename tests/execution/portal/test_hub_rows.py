"""Rows of a hub: searches as words, and back."""

from __future__ import annotations

import pytest

from execution.portal import hub
from execution.portal.hub import resume_hub
from execution.portal.hub_rows import SHARED, grid, of_one_value, row_of
from execution.portal.rows import row_options
from execution.runs import find_runs
from execution.settings import SearchSettings, parse_option
from records.errors import UserError
from records.run_files.run_folder import RunFolder


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
    assert row["strategy"] == "nsga2"
    assert not set(row) & {*SHARED, "port", "run_dir"}


def test_a_grid_is_every_combination_named_after_what_differs():
    rows, settings = grid(
        {"mac_penalty": "0,0.1", "seed": "0, 1,2", "strategy": "evolution", "data_dir": "a,b"}
    )
    assert [name for name, _ in rows][:3] == [f"mac-penalty-0_seed-{seed}" for seed in range(3)]
    assert len(rows) == len({name for name, _ in rows}) == 6
    assert [(s.mac_penalty, s.seed, s.strategy) for s in settings][-1] == (0.1, 2, "evolution")
    assert settings[0].data_dir == "a,b"  # one folder
    assert [row for _, row in rows] == [row_of(s) for s in settings]


def test_what_is_of_one_value_keeps_its_commas():
    assert {"run_dir", "data_dir", "primitives", "objectives", "hosts"} <= set(of_one_value())
    assert not {"seed", "dataset", "setting"} & set(of_one_value())
    rows, (made,) = grid({"run_dir": "a,b", "primitives": "skip_connect,global_1"})
    assert (len(rows), made.run_dir, made.primitives) == (1, "a,b", "skip_connect,global_1")
    rows, made_by = grid({"strategy": "nsga2", "objectives": "accuracy,params", "seed": "0,1"})
    assert [(s.seed, s.objectives) for s in made_by] == [(0, "accuracy,params"), (1, "accuracy,params")]


def test_files_of_arrays_are_found_whatever_folder_the_rows_share():
    rows, settings = grid({"dataset": "one/a.npz,/two/b.npz", "data_dir": "/data"})
    assert [name for name, _ in rows] == ["dataset-a.npz", "dataset-b.npz"]
    assert [row["dataset"] for _, row in rows] == ["/data/one/a.npz", "/two/b.npz"]
    assert [made.data_dir for made in settings] == ["/data/one", "/two"]
    assert SearchSettings(dataset=rows[1][1]["dataset"], data_dir="/data/one").data_dir == "/two"
    rows, _ = grid({"dataset": "one/a.npz,two/a.npz"})
    assert [name for name, _ in rows] == ["dataset-1", "dataset-2"]


def test_a_setting_may_be_a_list_and_may_have_several_values():
    def swept(text):
        rows, settings = grid({"space": "resnet-global", "dataset": "cifar10", "setting": text})
        return [name for name, _ in rows], [made.space_settings() for made in settings]

    assert swept("stages=3 widths=8,16") == (["search"], [{"stages": 3, "widths": [8, 16]}])
    assert swept("stages=3 widths=8,16, stages=4") == (
        ["setting-stages=3-widths=8,16", "setting-stages=4"],
        [{"stages": 3, "widths": [8, 16]}, {"stages": 4}],
    )
    layers = "layers=none," + ",".join(f"global_{steps}+basic_block" for steps in range(1, 20))
    names, made = swept(f"stages=2,{layers}")
    assert names == ["setting-stages=2", "setting-2"]  # a folder's name has 255 bytes at most
    assert len(made[1]["layers"]) == 20


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"seed": "0,many"}, "seed is 'many'; accepted: a whole number"),
        ({"seed": "1,1"}, "seed is '1,1'; accepted: different values"),
        (
            {"space": "resnet-global", "setting": "stages=2 bias=true,stages=2  bias=true"},
            "setting is 'stages=2 bias=true,stages=2  bias=true'; accepted: different values",
        ),
        ({"strategy": "random,magic"}, "strategy is 'magic'"),
        ({"max_macs": "1M,3Q"}, "max_macs: '3Q' is no count"),
    ],
)
def test_a_wrong_value_is_named(texts, said):
    with pytest.raises(UserError, match=said):
        grid(texts)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["seed"], r"values is \['seed'\]; accepted: texts with commas by setting"),
        ({"seeds": "0,1"}, "a search has no setting 'seeds'; accepted: space, "),
        ({"seed": [0, 1]}, r"seed is \[0, 1\]; accepted: text with commas"),
    ],
)
def test_a_sweeps_values_are_texts_by_setting(values, said):
    with pytest.raises(UserError, match=said):
        grid(values)


@pytest.mark.parametrize("given", [{"port": "8080"}, {"threads": "x"}, {"threads": -1}, {"port": 70000}])
def test_a_hub_takes_no_wrong_values_from_python_either(tmp_path, given):
    run = RunFolder.create(tmp_path / "hub", {"kind": "hub", "searches": 1, "shared": {}})
    with pytest.raises(UserError, match="accepted: "):
        resume_hub(run, given, "run_search")
    assert run.settings()["shared"] == {}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "rows.jsonl is damaged: it holds no row"),
        ({"shared": {"threads": "x"}}, "settings.json is damaged: threads is 'x'; accepted: "),
        ({"shared": 5}, "settings.json is damaged: shared is 5; accepted: an object"),
        ({"searches": 0}, "settings.json is damaged: searches is 0; accepted: "),
    ],
)
def test_a_damaged_hub_is_not_gone_on_with(tmp_path, monkeypatch, settings, said):
    monkeypatch.setattr(hub, "_proceed", lambda *_: pytest.fail("it went on"))
    run = RunFolder.create(tmp_path / "hub", {"kind": "sweep", "searches": 1, "shared": {}} | settings)
    with pytest.raises(UserError, match=said):
        resume_hub(run, {"threads": 2}, "run_search")
    assert [status.state for status in find_runs([run.path])] == ["damaged"]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({}, "values is {}; accepted: a setting or more"),
        ({"seed": ",".join(map(str, range(2000)))}, "2,000 searches"),
    ],
)
def test_nothing_and_far_too_much_is_refused(texts, said):
    with pytest.raises(UserError, match=said):
        grid(texts)


def test_a_hub_goes_on_at_the_port_that_it_had(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(hub, "Portal", lambda host, port, pages: opened.append(port))
    monkeypatch.setattr(hub, "_proceed", lambda *_: [])
    run = hub._create(
        hub.HUB,
        [("first", row_of(SearchSettings()))],
        SearchSettings(port=45111, run_dir=tmp_path / "hub"),
        1,
    )
    for given, port in (({}, 45111), ({"port": 45112}, 45112), ({}, 45112)):
        resume_hub(run, given, "program")
        assert opened.pop() == port
