"""Takes the pictures of our own pages in the portal: `python -m tools.page_pictures RUN CANDIDATE`, into docs/pictures.

It needs a Chromium and Playwright, as the tests of the pages do.
"""

from __future__ import annotations

import sys
from pathlib import Path

from portal_pages import PAGES
from tests.execution.pages.served import served
from tests.integration.browser import page

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
_HEIGHT = 1000  # pixels; what is below is left out


def main(run: str, candidate: str) -> None:
    """The pages Front and, of a candidate, Architecture of a run folder."""
    with served(Path(run).absolute(), PAGES) as address, page() as tab:
        tab.set_viewport_size({"width": 1200, "height": _HEIGHT})
        for name, query, awaited in (
            ("front", "", "#table table"),
            ("architecture", f"?candidate={candidate}", "#genotype"),
        ):
            tab.goto(f"{address}/pages/{name}{query}")
            tab.wait_for_selector(awaited)
            tab.screenshot(path=str(FOLDER / f"page-{name}.png"))


if __name__ == "__main__":
    main(*sys.argv[1:3])
