"""NNI's portal in a headless Chromium, as a person uses it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SECONDS = 60_000  # in milliseconds, as Playwright counts: the machine may be busy


@contextmanager
def page() -> Iterator[Any]:
    """A page of the machine's Chromium; skips the test where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        made = browser.new_page(viewport={"width": 1400, "height": 1000})
        made.set_default_timeout(SECONDS)
        try:
            yield made
        except BaseException:
            made.screenshot(path=str(Path(tempfile.gettempdir(), "portal-of-a-failed-test.png")))
            raise
        finally:
            browser.close()


class TrialsPage:
    """The page "Trials detail" of a portal."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        page.goto(address)  # with the token, where there is one
        page.goto(address.split("?")[0].rstrip("/") + "/detail")
        page.wait_for_selector("text=Trial jobs")

    def row(self, number: int) -> Any:
        """The table's row of the trial with that number."""
        return self.page.locator("[role=row]", has=self.page.locator(f"[role=gridcell]:text-is('{number}')"))

    def wait_for(self, number: int, text: str) -> None:
        """Until the row says ``text``; the page looks for news every ten seconds, and at a press of Refresh."""
        cell = self.row(number).locator(f"text={text}").first
        for _ in range(SECONDS // 1000 * 4):
            if cell.is_visible():
                return
            self.page.click("button:has-text('Refresh')")
            self.page.wait_for_timeout(1000)
        raise AssertionError(f"row {number} does not say {text}: {self.row(number).all_inner_texts()}")

    def submit_copy(self, number: int, **values: str) -> str:
        """Presses "Customized trial" in the row, changes values, submits; what the page answers."""
        self.row(number).locator("button[title='Customized trial']").click()
        # The form puts the cursor into its first field once it is open, wherever somebody types by then.
        self.page.wait_for_selector(".hyper-box input:focus")
        before = self._form()
        for name, value in values.items():
            self.page.locator(f".hyper-box input[name='{name}']").fill(value)
        assert self._form() == before | values
        self.page.click("button:has-text('Submit')")
        answer = self.page.locator(".ms-Dialog-main", has_text="customized trial").last
        answer.locator("button:has-text('OK')").wait_for()
        said = answer.inner_text()
        answer.locator("button:has-text('OK')").click()
        return said

    def _form(self) -> dict[str, str]:
        """What the fields of the open form hold, by name."""
        fields = "fields => Object.fromEntries(fields.map(field => [field.name, field.value]))"
        return self.page.eval_on_selector_all(".hyper-box input", fields)

    def metric(self, number: int) -> float:
        """The "Default metric" that the row shows."""
        cells = self.row(number).locator("[role=gridcell]").all_inner_texts()
        return next(
            float(text.split()[0]) for text in cells if text.startswith("0.") or text.startswith("1.")
        )

    def screenshot(self, path: Path) -> None:
        """A picture of the whole page."""
        self.page.screenshot(path=str(path), full_page=True)


class Overview:
    """The page "Overview" of a portal."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        page.goto(address)
        page.wait_for_selector(".maxTrialNum")

    def edit(self, field: str, value: int) -> str:
        """Changes ``field`` (as NNI's profile calls it, such as ``maxTrialNumber``); what the page answers."""
        self.page.locator(f"div.{field}.show-params").click()
        self.page.locator(f"input.{field}").fill(str(value))
        self.page.locator(".edit-params .confirm").click()
        answer = self.page.locator(".info")
        answer.first.wait_for()
        said = answer.first.inner_text()
        answer.first.wait_for(state="detached")
        return said


def finals(answer: str) -> dict[str, dict[str, Any]]:
    """Final metrics by trial, out of what ``/api/v1/nni/metric-data`` answers."""
    return {
        metric["trialJobId"]: json.loads(json.loads(metric["data"]))
        for metric in json.loads(answer)
        if metric["type"] == "FINAL"
    }
