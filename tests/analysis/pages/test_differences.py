"""In what the runs of a comparison differ."""

from __future__ import annotations

from pathlib import Path

from analysis.pages.differences import differences, differences_html
from analysis.run import Run
from tests.analysis.pages.test_page import tables


def run(seed: int, started: str = "now", **resolved) -> Run:
    settings = {"strategy": "random", "seed": seed, "epochs": None}
    return Run(Path("/data/ada/run"), settings, (), {"commit": None, "started": started}, resolved=resolved)


def test_what_was_used_is_compared():
    found = differences([run(0, epochs=3), run(0, "later", epochs=5)])
    assert found.different == {"epochs": ("3", "5")}
    assert found.equal == {"strategy": "random", "seed": "0", "made with: commit": "–"}


def test_a_setting_that_only_one_run_has_is_a_dash_in_the_other():
    found = differences([run(0, population=8), run(0)])
    assert found.different == {"population": ("8", "–")}


def test_few_runs_stand_beside_each_other_and_many_below():
    differing, same = tables("".join(differences_html(differences([run(0), run(1)]), ["a", "<b>"])))
    assert differing == [["setting", "a", "&lt;b&gt;"], ["seed", "0", "1"]]
    assert ["strategy", "random"] in same
    names = [f"run{seed}" for seed in range(9)]
    differing, _ = tables("".join(differences_html(differences([run(seed) for seed in range(9)]), names)))
    assert differing[0] == ["run", "seed"]
    assert differing[9] == ["run8", "8"]


def test_runs_of_the_same_settings_are_said_to_be_that():
    page = "".join(differences_html(differences([run(0), run(0)]), ["a", "b"]))
    assert "Their settings are the same." in page
    assert "<summary>4 settings that are the same in all runs</summary>" in page
