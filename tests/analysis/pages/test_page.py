import re
from pathlib import Path

import pytest

from analysis.pages.page import Recommended, report_page
from analysis.run import Run
from analysis.selection.confirmed import Confirmation
from analysis.supernet import read_supernet
from tests.analysis.samples.runs import FIVE, SETTINGS, measurement
from tests.analysis.samples.supernets import EQUAL, write_epochs

RUN = Run(
    Path("/data/ada/run"),
    SETTINGS,
    tuple(FIVE),
    {"versions": {"torch": "2.11.0"}, "commit": None},
    torn_line=6,
    resolved={"space": {"width": 8}},
)


def tables(page):
    """Each table as rows of texts; of a link and of a word its text."""
    found = []
    for body in re.findall(r"<table.*?</table>", re.sub("<a [^>]*>|</a>|</?span>", "", page), re.DOTALL):
        rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
        found.append([re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows])
    return found


def test_front_progress_candidates_failures_and_settings():
    page = report_page(
        "title",
        [b"png"],
        [RUN],
        ["run"],
        [FIVE[0], FIVE[2], FIVE[4]],
        Recommended("the best", b"x"),
        studies=[],
    )
    budgets, front, progress, candidates, failed, settings, made_with = tables(page)
    assert [row[1] for row in budgets[1:]] == ["0", "2", "4"]
    assert [row[:4] for row in front[1:]] == [
        ["0", "50.00", "1,000", "999"], ["2", "70.00", "2,000", "1,999"], ["4", "80.00", "9,000", "8,999"],
    ]  # fmt: skip
    assert front[1][-1] == "25.0 50.0"
    assert progress[1] == [
        "5",
        "1",
        "0",
        "0",
        "0",
        "5.0",
        f"{100 * (0.5 * 8900 + 0.2 * 7900 + 0.1 * 900) / 9900:.2f}",
        "run",
    ]
    assert [row[0] for row in candidates[1:]] == ["0", "1", "2", "4"]
    assert failed[1] == ["3", "1.0", "the &lt;roof&gt; fell in"]
    assert ["dataset", "digits", "digits"] in settings
    assert ["space width", "", "8"] in settings
    assert ["versions", "torch 2.11.0"] in made_with
    assert ["commit", "–"] in made_with
    assert "line 6, was cut short" in page
    assert "the best" in page
    assert page.count("data:image/png;base64,") == 4


def test_several_runs_say_whose_a_point_is():
    other = Run(Path("other"), SETTINGS, tuple(FIVE[2:]), {"commit": "abc"})
    one = Run(Path("one"), SETTINGS, tuple(FIVE[:2]), {"commit": None})
    page = report_page(
        "title", [b"png"], [one, other], ["one", "other"], [FIVE[0], FIVE[4]], None, studies=[]
    )
    differing, same, front, progress, *_ = tables(page)
    assert differing[1:] == [["made with: commit", "–", "abc"]]
    assert ["dataset", "digits"] in same
    assert [(row[0], row[-1]) for row in front[1:]] == [("0", "one"), ("4", "other")]
    assert [row[-1] for row in progress[1:]] == ["one", "other"]
    assert "The best architecture" not in page


def test_a_supernet_is_drawn_paid_for_and_warned_of(tmp_path):
    write_epochs(tmp_path, [EQUAL, EQUAL], seconds=20.0)
    one_shot = Run(Path("darts"), SETTINGS, tuple(FIVE), supernet=read_supernet(tmp_path))
    page = report_page("title", [b"png"], [one_shot, RUN], ["darts", "run"], [FIVE[0]], None, studies=[])
    progress = tables(page)[3]  # after what differs, what does not, and the front
    costs = ["seconds of the supernet", "seconds of candidates", "seconds in all"]
    assert [row[5:8] for row in progress] == [costs, ["40.0", "5.0", "45.0"], ["0.0", "5.0", "5.0"]]
    assert "Warning: darts: the architecture weights stayed at the entropy of equal weights" in page
    assert page.count("Supernet of ") == 1
    assert page.count("over the supernet&#x27;s epochs") == 1


def test_the_seconds_of_training_again_stand_apart():
    again = {4: Confirmation((0.8, 0.82), 6, seconds=7.5)}
    run = Run(Path("run"), SETTINGS, tuple(FIVE), confirmed=again)
    page = report_page("title", [b"png"], [run], ["run"], [FIVE[0]], None, studies=[])
    progress = next(table for table in tables(page) if "hypervolume %" in table[0])
    assert [row[5:8] for row in progress] == [
        ["seconds of candidates", "seconds of training again", "seconds in all"], ["5.0", "7.5", "12.5"],
    ]  # fmt: skip
    assert "with those of the candidates that were trained again by other seeds." in page


def test_a_reason_names_no_folder():
    measured = measurement(5, None, 10, error='File "/home/ada/x/y.py", line 3: no /data/ada/run/a.npz')
    page = report_page(
        "title",
        [b"png"],
        [Run(Path("/data/ada/run"), SETTINGS, (FIVE[0], measured))],
        ["run"],
        [FIVE[0]],
        None,
    )
    assert "File &quot;y.py&quot;, line 3: no a.npz" in page
    assert "/ada" not in page


def test_studies_stand_after_the_front_and_those_with_nothing_to_say_are_left_out():
    def study(runs, names):
        return "What <matters>", f"<p>{names[0]} of {len(runs)}</p>"

    page = report_page(
        "title", [b"png"], [RUN], ["run"], [FIVE[0]], None, studies=[study, lambda runs, names: None]
    )
    before, after = page.split("<h2>What &lt;matters&gt;</h2><p>run of 1</p>")
    assert '<h2 id="front">The front</h2>' in before
    assert "<h2>How the search went</h2>" in after


def test_whether_global_layers_pay_is_said_first_and_shown_below():
    page = report_page("title", [b"png"], [RUN], ["run"], [FIVE[0]], None, studies=[])
    told = "cannot be told from these runs"
    assert told in page.split('<h2 id="front">The front</h2>')[0]
    assert told in page.split("<h2>Do global layers pay?</h2>")[1]


@pytest.mark.parametrize(
    ("measurements", "said"),
    [((), "No candidate was measured yet."), ((FIVE[3],), "None of 1 candidates was judged: see below why.")],
)
def test_a_run_without_a_judged_candidate_has_a_page_that_says_so(measurements, said):
    page = report_page("title", [], [Run(Path("run"), SETTINGS, measurements)], ["run"], [], None)
    assert said in page
    assert "packed-record" not in page
    assert page.count("the &lt;roof&gt; fell in") == len(measurements)
