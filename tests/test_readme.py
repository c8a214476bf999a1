"""The README is short; its commands are run as they stand there, and its Python and that of docs/, too."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import run_search

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
MARK = "<!-- executed by tests/test_readme.py -->\n```sh\n"
MOST_WORDS = 1000
PAGES = {
    path: path.read_text()
    for path in (
        *sorted(ROOT.glob("*.md")),
        *sorted((ROOT / "docs").glob("*.md")),
        *sorted(ROOT.glob("docs/api/*.md")),
    )
}
# Its blocks are modules of a plugin: `tests/docs/test_extending.py` runs them.
ELSEWHERE = ("extending.md",)


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def anchors(text: str) -> set[str]:
    """Of the headings, as repository hosts and mkdocs make them."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_it_is_short():
    assert len(README.split()) <= MOST_WORDS


def test_the_commands_run_in_their_order(tmp_path):
    commands = README.split(MARK)[1].split("```")[0].strip().splitlines()
    assert [command.split()[2] for command in commands] == ["search", "retrain", "export", "report"]
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for command in commands:
        command = command.replace("run_search.py", str(ROOT / "run_search.py"))
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
    run = tmp_path / "runs" / "first"
    written = {path.name for path in run.iterdir()}
    assert written >= {"front.csv", "front.png", "best.json", "best.png", "report.html", "candidates.jsonl"}
    assert {path.name for path in (run / "export").iterdir()} >= {"model.json", "model.onnx", "model.pt2"}
    assert json.loads((run / "export" / "model.json").read_text())["weights"] == "trained"
    (trained,) = run.glob("best-*/result.json")
    assert 0 <= json.loads(trained.read_text())["test_accuracy"] <= 1
    assert (trained.parent / "weights.safetensors").is_file()


def test_its_python_runs(tmp_path):
    code = "\n".join(blocks("python"))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "page",
    [
        page
        for page, text in PAGES.items()
        if page.name not in (*ELSEWHERE, "README.md") and blocks("python", text)
    ],
    ids=lambda page: page.name,
)
def test_the_python_of_a_page_runs(page, tmp_path, monkeypatch):
    (tmp_path / "docs").symlink_to(ROOT / "docs")  # a page may read what it shows
    monkeypatch.chdir(tmp_path)
    exec(compile("\n".join(blocks("python", PAGES[page])), page.name, "exec"), {"__name__": page.stem})


def test_every_command_and_option_that_is_named_exists(capsys):
    for command in ("search", "sweep"):
        with pytest.raises(SystemExit):
            run_search.main([command, "--help"])
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    words = "\n".join(PAGES.values())
    search = "\n".join(
        line for line in words.splitlines() if "--strategy" in line or line.startswith(("- `--", "| `--"))
    )
    assert set(re.findall(r"(?<!\S)`?(--[a-z][a-z-]+)", search)) <= known
    for command in re.findall(r"run_search\.py ([a-z]+)", words):
        assert command in run_search.COMMANDS, command


def test_every_command_is_told_of():
    told = re.findall(r"^\| `([a-z]+)", PAGES[ROOT / "docs" / "commands.md"], re.MULTILINE)
    assert set(run_search.COMMANDS) <= set(told)


def test_every_make_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z]+)", README)) <= targets | {"of"}


def test_what_pages_point_to_exists():
    for page, text in PAGES.items():
        for target in re.findall(r"\]\((?!http)([^)\s]+)\)", text):
            path, _, anchor = target.partition("#")
            place = (page.parent / path).resolve() if path else page
            assert place.exists(), (page, target)
            if anchor:
                assert anchor in anchors(place.read_text()), (page, target)


def test_the_readme_names_every_page():
    for page in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{page.name})" in README, page.name
