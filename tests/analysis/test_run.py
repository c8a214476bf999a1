import json
import re
from html import escape

import pytest

from analysis import choose, report
from analysis.run import read_run
from records.errors import UserError
from records.run_files.run_folder import RunFolder
from tests.analysis.samples.runs import FIVE, make_run, measurement


def test_a_run_is_read_as_it_was_written(tmp_path):
    run = read_run(make_run(tmp_path / "run", FIVE))
    assert run.measurements == tuple(FIVE)
    assert [m.index for m in run.failed] == [3]
    assert run.settings["dataset"] == run.dataset == "digits"
    assert run.provenance["versions"]["nni"] == "3.0"
    assert run.notes() == []


def test_a_torn_last_line_is_left_out_and_said(tmp_path):
    path = make_run(tmp_path / "run", FIVE)
    file = path / "candidates.jsonl"
    file.write_bytes(file.read_bytes()[:-10])
    run = read_run(path)
    assert [m.index for m in run.measurements] == [0, 1, 2, 3]
    assert run.notes() == ["candidates.jsonl, line 5, was cut short by a crash and is left out"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 6, is damaged: it is not a candidate's JSON"),
        ("[]", "line 6, is damaged: it is no object"),
        (json.dumps(FIVE[0].to_json()), "candidate 0 stands there a second time"),
        (json.dumps(FIVE[0].to_json() | {"index": 9, "accuracy": 1.5}), "accuracy is 1.5"),
        (json.dumps(FIVE[0].to_json() | {"index": 9, "macs": "many"}), "macs is 'many'"),
        (json.dumps({"index": 9}), "lacks genotype"),
        ("{}", "lacks index, .*; it has nothing$"),
    ],
)
def test_a_damaged_line_is_left_out_and_named(tmp_path, line, said):
    path = make_run(tmp_path / "run", FIVE)
    with (path / "candidates.jsonl").open("a") as file:
        file.write(line + "\n")
    run = read_run(path)
    assert run.measurements == tuple(FIVE)
    assert re.search(
        said,
        f"line {run.damaged['candidates.jsonl'][0].number}, is damaged: {run.damaged['candidates.jsonl'][0].reason}",
    )
    assert run.warning.startswith("line 6 of candidates.jsonl is damaged and left out (")
    assert run.warning.endswith("): all that follows is of the 5 candidates that can be read")


def test_the_front_is_drawn_of_what_a_disks_fault_left(tmp_path):
    path = make_run(tmp_path / "run", FIVE)
    file = path / "candidates.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    zeroed = lines[1][:200] + bytes(100) + lines[1][300:]  # within a genotype
    file.write_bytes(b"".join([lines[0], zeroed, *lines[2:4], b"\xff" * 50 + b"\n", lines[4]]))
    outcome = report(path)
    assert [m.index for m in outcome.front] == [0, 2, 4]
    said = (
        "lines 2, 5 of candidates.jsonl are damaged and left out (it is not a candidate's JSON): all that follows is of "
        "the 4 candidates that can be read"
    )
    assert outcome.warnings == (said,)
    assert f"Warning: {said}." in outcome.table
    assert escape(f"Warning: {said}.") in (path / "report.html").read_text()
    with pytest.raises(UserError, match="line 2, is damaged: .*; `run_search.py report` shows the others"):
        RunFolder.open(path).measurements()  # as a resume does


def test_a_run_of_damaged_lines_alone_says_so(tmp_path):
    path = make_run(tmp_path / "run", [])
    (path / "candidates.jsonl").write_text("{}\n" * 7)
    with pytest.raises(
        UserError, match="lines 1, 2, 3, 4, 5 and 2 more of .* are damaged and left out .*, and no other line"
    ):
        report(path)
    assert "are damaged and left out" in (path / "report.html").read_text()


def test_what_is_no_run(tmp_path):
    with pytest.raises(UserError, match="is no folder"):
        read_run(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"has no settings\.json"):
        read_run(tmp_path)
    (tmp_path / "settings.json").write_text("[1]")
    with pytest.raises(UserError, match="no object named settings"):
        read_run(tmp_path)


def test_a_run_without_a_result_says_why(tmp_path):
    with pytest.raises(UserError, match="holds no candidate yet"):
        read_run(make_run(tmp_path / "empty", [])).require_ok()
    with pytest.raises(
        UserError, match="none of 1 candidates was judged; the last one, 3, failed: the <roof> fell in"
    ):
        read_run(make_run(tmp_path / "failed", [FIVE[3]])).require_ok()
    slow = [measurement(i, None, 10, status="rejected", latency=ms) for i, ms in enumerate((1.25, 0.9))]
    with pytest.raises(
        UserError,
        match=r"all 2 candidates were rejected, the fastest takes 0\.9 ms and max_latency is 0\.5 ms; begin",
    ):
        read_run(make_run(tmp_path / "slow", slow, max_latency=0.5)).require_ok()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"settings": {}, "genotype": "x"}, "holds a training that has not ended; the command that began it"),
        ({"settings": {"kind": "swep"}}, "settings.json is damaged: kind is 'swep'; accepted: hub, sweep"),
    ],
)
def test_a_folder_of_another_kind_is_named(tmp_path, content, said):
    (tmp_path / "settings.json").write_text(json.dumps(content))
    for read in (read_run, choose, report):
        with pytest.raises(UserError, match=said):
            read(tmp_path)
