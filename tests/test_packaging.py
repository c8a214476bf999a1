"""What pyproject declares: the console command, the licence, types."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = [pattern.rstrip("*") for pattern in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]]


def test_the_console_command_does_what_run_search_does(tmp_path):
    ((name, value),) = PROJECT["project"]["scripts"].items()
    point = EntryPoint(name, value, "console_scripts")
    assert name == "pde-nas"
    assert point.module in PROJECT["tool"]["setuptools"]["py-modules"]
    # What an installer writes as the command.
    script = f"import sys; from {point.module} import {point.attr}; sys.argv[0] = {name!r}; sys.exit({point.attr}())"

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", script, *words]
        return subprocess.run(
            command, cwd=tmp_path, env={"PYTHONPATH": str(ROOT), "PATH": ""}, capture_output=True, text=True
        )

    direct = [sys.executable, str(ROOT / "run_search.py"), "list"]
    assert call("list").stdout == subprocess.run(direct, cwd=tmp_path, capture_output=True, text=True).stdout
    refused = call("dance")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("package", PACKAGES)
def test_its_types_are_for_others_too(package):
    assert (ROOT / package / "py.typed").read_bytes() == b""
    assert "py.typed" in PROJECT["tool"]["setuptools"]["package-data"]["*"]


def test_every_folder_with_code_is_packaged():
    inside = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert inside - {"tests", "benchmarks"} == set(PACKAGES)


def test_every_file_that_code_reads_is_packaged():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["*"]
    read = [
        path
        for package in PACKAGES
        for kind in ("cpp", "h", "js", "css", "csv")
        for path in (ROOT / package).rglob(f"*.{kind}")
    ]
    assert len(read) > 10
    for path in read:
        assert any(path.match(pattern) for pattern in patterns), path


def test_licence_and_citation():
    assert PROJECT["project"]["license"] == "MIT"
    assert (
        (ROOT / "LICENSE").read_text().startswith("MIT License\n\nCopyright (c) 2026 the pde-nas authors\n")
    )
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"version: {PROJECT['project']['version']}\n" in citation
    assert "Condensing CNNs with Partial Differential Equations" in citation
    assert f"## {PROJECT['project']['version']}" in (ROOT / "CHANGELOG.md").read_text()


def test_what_the_documentation_needs_is_pinned():
    pinned = {line.split("==")[0] for line in (ROOT / "constraints.txt").read_text().splitlines()}
    for need in PROJECT["project"]["optional-dependencies"]["docs"]:
        assert need.split("[")[0].split("<")[0] in pinned
