"""The picture of a report, as a browser shows it: ``python -m tools.docs_pictures.report``, which needs Chromium."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from analysis import report
from tools.docs_pictures.front import DIGITS_RUN

FILE = Path(__file__).parents[2] / "docs" / "pictures" / "report.png"
_SIZE = {"width": 1120, "height": 1640}


def main() -> None:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        run = Path(shutil.copytree(DIGITS_RUN, Path(folder, "digits")))
        report([run])
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport=_SIZE)
        page.goto((run / "report.html").as_uri())
        page.wait_for_selector("html[data-interactive=drawn]", state="attached")
        page.screenshot(path=str(FILE))
        browser.close()
    print(FILE)


if __name__ == "__main__":
    main()
