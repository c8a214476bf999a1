"""What the tests of pages share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.analysis.live.records import HTML, candidate, failed, run_folder
from tests.analysis.samples.runs import FIVE
from tests.execution.pages.served import served
from tests.integration.browser import page
from tests.integration.pages.opened_report import Report, written
from tests.integration.pages.served_pages import MANY, NAME, SERVED


@pytest.fixture(scope="module")
def opened() -> Iterator[Report]:
    with page() as tab:
        yield Report(tab)


@pytest.fixture(scope="module")
def five(tmp_path_factory) -> Path:
    return written(tmp_path_factory.mktemp("report"), FIVE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    run_folder(folder / "none", [])
    run_folder(folder / "one", [candidate(0)])
    run_folder(folder / "two", [candidate(0), candidate(1)], trials=5)
    statuses = ("failed", "cancelled", "rejected")
    run_folder(folder / "failed", [failed(index, statuses[index % 3]) for index in range(7)])
    run_folder(folder / "many", [candidate(index) if index % 50 else failed(index) for index in range(MANY)])
    run_folder(folder / NAME, [candidate(0), failed(1, error=HTML), candidate(2)], strategy=HTML)
    ends = [candidate(0, macs=1000, accuracy=0.5), candidate(1, macs=9000, accuracy=0.9)]
    run_folder(folder / "grows", ends, trials=4)
    return folder


@pytest.fixture(scope="module")
def address(folder):
    with served(folder / "two", SERVED) as made:
        yield made


@pytest.fixture(scope="module")
def browser():
    with page() as tab:
        yield tab


@pytest.fixture
def tab(browser, address):
    """The browser's page; what it asks another host for, and what fails in it, fails the test."""
    wrong = []
    hear = {
        "request": lambda request: (
            wrong.append(request.url) if not request.url.startswith((address, "data:", "blob:")) else None
        ),
        "pageerror": lambda error: wrong.append(str(error)),
        "console": lambda said: (
            wrong.append(said.text)
            if said.type == "error" and "Failed to load resource" not in said.text
            else None
        ),
    }
    for event, act in hear.items():
        browser.on(event, act)
    yield browser
    for event, act in hear.items():
        browser.remove_listener(event, act)
    assert browser.evaluate("window.hit") is None  # a name that holds HTML was none
    assert wrong == []
