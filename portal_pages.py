"""The pages of our own in NNI's portal: which there are, and the process that answers for them.

A page is made as `execution.pages` says; here stands the list, with the data that rooms apart from each other give.
"""

from __future__ import annotations

import base64
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.pages.chart import BOKEH, CHART, STYLE
from execution.launching.new_search_page import new_search_page
from execution.launching.searches_page import searches_page
from execution.pages.contract import Asked, Page, Place, several, whole
from records.errors import UserError


def front_runs(place: Place, asked: Asked) -> Any:
    """The runs whose candidates the page Front shows: those named, or the portal's own; of a hub all its searches."""
    from analysis.live.runs import paper_points, run_facts, searches_of
    from records.run_files.preparing import work_line
    from records.run_files.run_folder import RunFolder

    folders = [place.folder(key) for key in several(asked, "run") or [""]]
    searches = dict.fromkeys(search for folder in folders for search in searches_of(folder))
    runs = []
    for run in searches:
        running = RunFolder(run).owner() is not None
        work = work_line(run) if running else None
        runs.append({"key": place.key(run), "running": running, "work": work, **run_facts(run)})
    data = {run["dataset"] for run in runs}
    return {"runs": runs, "references": paper_points(data.pop()) if len(data) == 1 else []}


def front_candidates(place: Place, asked: Asked) -> Any:
    """What a run's candidates say from a byte on."""
    from analysis.live.candidates import COLUMNS, new_candidates
    from records.run_files.run_folder import CANDIDATES

    path = place.folder(asked.get("run")) / CANDIDATES
    return {"columns": COLUMNS, **new_candidates(path, whole(asked, "from", 0))}


def progress(place: Place, asked: Asked) -> Any:
    """How far the work is of which NNI's pages show nothing: a one-shot search's, and what comes before a first candidate."""
    from analysis.live.progress import search_progress

    return search_progress(place.run)


def architecture(place: Place, asked: Asked) -> Any:
    """All that is known of a candidate, but for what its parts cost."""
    from analysis.live.architecture import candidate_view

    return candidate_view(place.folder(asked.get("run")), whole(asked, "candidate"))


def architecture_cost(place: Place, asked: Asked) -> Any:
    """What the parts of a candidate cost."""
    from analysis.live.architecture import cost_view

    return cost_view(place.folder(asked.get("run")), whole(asked, "candidate"))


def export(place: Place, asked: Asked) -> Any:
    """Writes a candidate's network as `run_search.py export` does, into ``export/candidateN`` of its run, with the weights of
    its latest training there, where there is one; says where the files are."""
    from execution.pages.exports import export_candidate
    from pde_nas import PROGRAM, candidate_weights

    run, index = place.folder(asked.get("run")), whole(asked, "candidate")
    return export_candidate(run, index, PROGRAM, candidate_weights(run, index))


def report_document(place: Place, asked: Asked) -> str:
    """The report of the runs that are named, or of the portal's own: the file in the run's folder where the search has ended
    since it measured last, else one made now, of which nothing is left."""
    from analysis import report
    from records.run_files.run_folder import CANDIDATES, OUTCOME

    folders = [place.folder(key) for key in several(asked, "run") or [""]]
    (run, *others) = folders
    made, ended = run / "report.html", run / OUTCOME
    if not others and ended.is_file() and made.is_file():
        measured = run / CANDIDATES
        if not measured.is_file() or measured.stat().st_mtime <= made.stat().st_mtime:
            return made.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        try:
            report(folders, out=folder)
        except UserError:  # of a run without a judged candidate there is a page that says why
            if not (pages := list(Path(folder).glob("*.html"))):
                raise
        else:
            pages = list(Path(folder).glob("*.html"))
        return pages[0].read_text(encoding="utf-8")


def program() -> str:
    """The module whose command line runs a search."""
    from pde_nas import PROGRAM

    return PROGRAM


def compare(runs: Sequence[Path]) -> Any:
    """The common front of run folders, as `report` draws and tabulates it: ``picture`` (an address that holds it),
    ``table``, and the ``command`` that keeps it. Nothing is left in the folders."""
    from analysis import report

    with tempfile.TemporaryDirectory() as folder:
        outcome = report(runs, out=folder)
        picture = next(file for file in outcome.files if file.name in ("comparison.png", "front.png"))
        drawn = base64.b64encode(picture.read_bytes()).decode()
    return {
        "picture": f"data:image/png;base64,{drawn}",
        "table": outcome.table.partition(f"\nIn {folder}")[0].strip(),
        "command": shlex.join(["run_search.py", "report", *map(str, runs)]),
    }


_CHART = (STYLE, *CHART)

PAGES = [
    Page(
        "front",
        "Front",
        gets={"front-runs": front_runs, "front-candidates": front_candidates, "progress": progress},
        documents={"report": report_document},
        files=_CHART,
        scripts=BOKEH,
    ),
    Page(
        "architecture",
        "Architecture",
        gets={"architecture": architecture, "architecture-cost": architecture_cost},
        posts={"export": export},
        files=_CHART,
        scripts=BOKEH,
        linked=False,  # it is reached by a candidate
    ),
    new_search_page(program),
    searches_page(program, compare),
]


def main() -> None:
    """The process: ``python -m portal_pages RUN SOCKET``."""
    from execution.pages.process import serve

    serve(PAGES, *sys.argv[1:3])


if __name__ == "__main__":
    main()
