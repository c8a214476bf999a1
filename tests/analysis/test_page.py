import re
from pathlib import Path

from analysis.page import Subject, report_page
from analysis.run import Run
from tests.analysis.runs import FIVE, SETTINGS

RUN = Run(Path("run"), SETTINGS, tuple(FIVE), {"versions": {"torch": "2.11.0"}, "commit": None}, torn_line=6)


def tables(page):
    """Each table as rows of texts."""
    found = []
    for body in re.findall(r"<table.*?</table>", page, re.DOTALL):
        rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
        found.append([re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows])
    return found


def test_front_progress_candidates_failures_and_settings():
    page = report_page(
        "title", [b"png"], [RUN], ["run"], [FIVE[0], FIVE[2], FIVE[4]], Subject("the best", b"x")
    )
    front, progress, candidates, failed, settings = tables(page)
    assert [row[:4] for row in front[1:]] == [
        ["0", "50.00", "1,000", "999"], ["2", "70.00", "2,000", "1,999"], ["4", "80.00", "9,000", "8,999"],
    ]  # fmt: skip
    assert front[1][-1] == "25.0 50.0"
    assert progress[1] == [
        "5",
        "1",
        "5.0 s",
        f"{100 * (0.5 * 8900 + 0.2 * 7900 + 0.1 * 900) / 9900:.2f}",
        "run",
    ]
    assert [row[0] for row in candidates[1:]] == ["0", "1", "2", "4"]
    assert failed[1] == ["3", "1.0 s", "the &lt;roof&gt; fell in"]
    assert ["dataset", "digits"] in settings
    assert ["versions", "torch 2.11.0"] in settings
    assert ["commit", "–"] in settings
    assert "line 6, was cut short" in page
    assert "the best" in page
    assert page.count("data:image/png;base64,") == 4


def test_several_runs_say_whose_a_point_is():
    other = Run(Path("other"), SETTINGS, tuple(FIVE[2:]))
    one = Run(Path("one"), SETTINGS, tuple(FIVE[:2]))
    page = report_page("title", [b"png"], [one, other], ["one", "other"], [FIVE[0], FIVE[4]], None)
    front, progress, *_ = tables(page)
    assert [(row[0], row[-1]) for row in front[1:]] == [("0", "one"), ("4", "other")]
    assert [row[-1] for row in progress[1:]] == ["one", "other"]
    assert "The best architecture" not in page
