"""A candidate exported from a page, by a program that stands in for the command line."""

from __future__ import annotations

import json

import pytest

from execution.pages.exports import export_candidate
from records.errors import UserError
from tests.analysis.live.records import candidate, run_folder

PROGRAM = """
import json, pathlib, sys
words = sys.argv[1:]
out = pathlib.Path(words[words.index("--out") + 1])
if "index=9" in words:
    sys.exit("warning: nothing\\nerror: index is 9; accepted: 0")
out.joinpath("files").mkdir()
out.joinpath("files", "words.json").write_text(json.dumps(words))
print("written")
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    (tmp_path / "stands_in.py").write_text(PROGRAM)
    monkeypatch.syspath_prepend(tmp_path)
    return run_folder(tmp_path / "a run", [candidate(0)])


def test_the_command_is_run_into_a_folder_of_the_candidates_own(run):
    made = export_candidate(run, 0, "stands_in", run / "weights.safetensors")
    assert made == {"folder": f"{run}/export/candidate0", "files": ["files/words.json"], "said": "written"}
    words = json.loads((run / "export" / "candidate0" / "files" / "words.json").read_text())
    assert words == [
        "export", str(run), "--pick", "index=0", "--out", made["folder"], "--weights", str(run / "weights.safetensors"),
    ]  # fmt: skip
    assert export_candidate(run, 0, "stands_in", None)["folder"] == f"{run}/export/candidate0-2"


def test_what_the_command_refuses_is_its_own_line_and_leaves_nothing(run):
    with pytest.raises(UserError, match="^index is 9; accepted: 0$"):
        export_candidate(run, 9, "stands_in", None)
    assert list((run / "export").iterdir()) == []
