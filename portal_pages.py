"""The pages of our own in NNI's portal: which there are, and the process that answers for them.

A page is made as `execution.pages` says; here stands the list, with the data that rooms apart from each other give.
"""

from __future__ import annotations

import sys
from typing import Any

from execution.pages.contract import Asked, Page, Place, several, whole


def front_runs(place: Place, asked: Asked) -> Any:
    """The runs whose candidates the page Front shows: those named, or the portal's own; of a hub all its searches."""
    from analysis.live.runs import paper_points, run_facts, searches_of
    from records.run_folder import RunFolder

    folders = [place.folder(key) for key in several(asked, "run") or [""]]
    searches = dict.fromkeys(search for folder in folders for search in searches_of(folder))
    runs = [
        {"key": place.key(run), "running": RunFolder(run).owner() is not None, **run_facts(run)}
        for run in searches
    ]
    data = {run["dataset"] for run in runs}
    return {"runs": runs, "references": paper_points(data.pop()) if len(data) == 1 else []}


def front_candidates(place: Place, asked: Asked) -> Any:
    """What a run's candidates say from a byte on."""
    from analysis.live.candidates import COLUMNS, new_candidates
    from records.run_folder import CANDIDATES

    path = place.folder(asked.get("run")) / CANDIDATES
    return {"columns": COLUMNS, **new_candidates(path, whole(asked, "from", 0))}


PAGES = [
    Page(
        "front",
        "Front",
        gets={"front-runs": front_runs, "front-candidates": front_candidates},
        chart=True,
    ),
]


def main() -> None:
    """The process: ``python -m portal_pages RUN SOCKET``."""
    from execution.pages.process import serve

    serve(PAGES, *sys.argv[1:3])


if __name__ == "__main__":
    main()
