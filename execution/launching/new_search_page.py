"""The page New search: the form, the check of what is typed, the estimate, the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from execution.pages.contract import Asked, Page, Place
from records.checks import shown
from records.errors import UserError
from records.run_files.run_folder import RunFolder

_ROOM = 1.1  # of a candidate's MACs, for a search around it


def new_search_page(program: Callable[[], str]) -> Page:
    """The page; ``program`` tells the module whose command line runs a search."""
    return Page(
        "new",
        "New search",
        gets={"form": _form, "prefill": _prefill},
        posts={"check": _check, "estimate": _estimate, "launch": _launcher(program)},
    )


def _form(place: Place, asked: Asked) -> dict[str, Any]:
    """What `execution.launching.form.form` describes, and how a search begins from here: ``hub`` (its name, or None), and
    ``beside``, the name of the run at work here that a search could wait for, or None."""
    from execution.launching.form import form
    from execution.launching.start import is_hub_at_work

    hub = is_hub_at_work(place.run)
    run = RunFolder(place.run)
    shared = run.settings().get("shared") or {} if hub else {}
    beside = None if hub or run.owner() is None else place.run.name
    return form(shared) | {
        "hub": place.run.name if hub else None,
        "beside": beside,
        "folder": str(place.base),
    }


def _prefill(place: Place, asked: Asked) -> dict[str, Any]:
    """The texts of a run's settings by field, and ``note``, what was taken; with ``candidate``, an index, those of a search
    that begins from it."""
    from execution.launching.form import shared_texts, texts_of
    from records.run_files.search_rows import read_rows

    folder = place.folder(asked.get("run"))
    run = RunFolder.open(folder)
    settings = run.settings()
    if "kind" in settings:
        _, parameters = read_rows(folder)[0]
        named = {name: value for name, value in parameters.items() if value != "default"}
        return {
            "texts": texts_of(named) | shared_texts(settings["shared"]),
            "note": f"As the first search of {folder.name}",
        }
    texts = texts_of(settings)
    if asked.get("candidate") is None:
        return {"texts": texts, "note": f"As {folder.name}"}
    return _around(run, texts, str(asked["candidate"]))


def _around(run: RunFolder, texts: dict[str, str], index: str) -> dict[str, Any]:
    """A search with a candidate's MACs, and a tenth more, as its budget, that is shown what the run measured."""
    from strategies.registry import is_one_shot

    found = next((m for m in run.measurements() if str(m.index) == index), None)
    if found is None:
        raise UserError(f"candidate is {shown(index)}; accepted: an index in {run.path.name}'s candidates")
    texts["max_macs"] = str(round(_ROOM * found.macs))
    note = f"As {run.path.name}, with 1.1 times the MACs of its candidate {index} as the budget"
    if is_one_shot(texts.get("strategy")):
        return {"texts": texts, "note": note}
    texts["start_from"] = str(run.path)
    return {"texts": texts, "note": f"{note}, and begun from all that it measured"}


def _texts(asked: Asked) -> dict[str, Any]:
    texts = asked.get("texts")
    if not isinstance(texts, dict):
        raise UserError(f"texts is {shown(texts)}; accepted: an object of texts by field")
    return texts


def _check(place: Place, asked: Asked) -> dict[str, Any]:
    from execution.launching.check import check

    found = check(_texts(asked))
    return {"errors": found.errors, "note": found.note}


def _estimate(place: Place, asked: Asked) -> dict[str, Any]:
    from execution.launching.check import check
    from execution.launching.estimate import estimate

    return estimate(check(_texts(asked)), place.base)


def _launcher(program: Callable[[], str]) -> Callable[[Place, Asked], dict[str, Any]]:
    def launch(place: Place, asked: Asked) -> dict[str, Any]:
        from execution.launching import start

        texts = _texts(asked)
        try:
            run, said = start.launch(
                place.run, place.base, texts, program(), waits=asked.get("waits") is True
            )
        except start.Refused as refused:
            return {"errors": refused.errors}
        return {"errors": {}, "key": place.key(run), "said": said}

    return launch
