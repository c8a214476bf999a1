"""The pages of our own in NNI's portal: which there are, and the process that answers for them.

A page is made as `execution.pages` says; here stands the list, with the data that rooms apart from each other give.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from execution.pages.contract import Page
from execution.pages.new_search import new_search_page
from execution.pages.searches import searches_page

PROGRAM = "run_search"  # the module whose command line runs a search


def compare(runs: Sequence[Path]) -> dict[str, Any]:
    """The common front of run folders, drawn and tabulated as `report` does: ``picture`` and ``lines``. Nothing is left
    in the folders."""
    from analysis import report

    with tempfile.TemporaryDirectory() as folder:
        outcome = report(runs, out=folder)
        picture = next(file for file in outcome.files if file.name in ("comparison.png", "front.png"))
        drawn = base64.b64encode(picture.read_bytes()).decode()
    table = outcome.table.partition(f"\n\nIn {folder}")[0]
    return {
        "picture": f"data:image/png;base64,{drawn}",
        "table": table,
        "command": f"run_search.py report {' '.join(map(str, runs))}",
    }


PAGES = [
    Page("front", "Front"),
    new_search_page(PROGRAM),
    searches_page(PROGRAM, compare),
]


def main() -> None:
    """The process: ``python -m portal_pages RUN SOCKET``."""
    from execution.pages.process import serve

    serve(PAGES, *sys.argv[1:3])


if __name__ == "__main__":
    main()
