"""All that is known of one candidate, as plain values for a page."""

from __future__ import annotations

import base64
import json
import shlex
from pathlib import Path
from typing import Any

from analysis.live.candidates import COLUMNS, row_of
from records.checks import shown
from records.errors import UserError
from records.run_files.measurement_lines import is_finite
from search_space.contents import is_global, places
from search_space.genotype import Genotype, recorded_genotype

CANDIDATES = "candidates.jsonl"


def candidate_record(run: Path, index: int) -> dict[str, Any]:
    """What a run's file says of a candidate, last. Raises `UserError` where it says nothing."""
    found, known = None, 0
    path = run / CANDIDATES
    for line in path.open("rb") if path.is_file() else ():
        if line.endswith(b"\n") and row_of(line) is not None:
            known += 1
            record = json.loads(line)
            found = record if record["index"] == index else found
    if found is None:
        raise UserError(
            f"candidate is {index}, which {shown(run.name)} does not have (yet); it has {known} candidates"
        )
    return found


def candidate_view(run: Path, index: int) -> dict[str, Any]:
    """``facts`` (by `analysis.live.candidates.COLUMNS`), ``history`` (accuracies in [0, 1] by epoch), ``genotype`` (its JSON),
    ``commands`` (lines to copy by what they do), and of a genotype that can be read here ``key``, ``holds`` (how often each
    operation, and whether it is global) and ``drawing`` (an address that holds it); ``unreadable`` says otherwise why not. Raises `UserError`."""
    record = candidate_record(run, index)
    facts = dict(zip(COLUMNS, row_of(json.dumps(record).encode()) or [], strict=True))
    history = [value if is_finite(value) else None for value in _list(record.get("history"))]
    view = {
        "facts": facts | {name: _text(record.get(name)) for name in ("trial", "time")},
        "history": history,
        "genotype": record["genotype"],
        "commands": _commands(run, index) if facts["status"] != "rejected" else {},
        "key": None,
        "holds": _holds(record["genotype"].get("architecture")),
        "drawing": None,
        "unreadable": None,
    }
    try:
        genotype = recorded_genotype(record["genotype"], f"candidate {index}", run)
    except UserError as error:
        return view | {"unreadable": str(error)}
    return view | {"key": genotype.key(), "drawing": drawing_address(genotype)}


def cost_view(run: Path, index: int) -> list[dict[str, Any]]:
    """What the parts of a candidate's network cost, in their order, and of that its global layers. Raises `UserError`."""
    from search_space.cost_parts import cost_parts

    record = candidate_record(run, index)
    genotype = recorded_genotype(record["genotype"], f"candidate {index}", run)
    return [
        {
            "name": part.name,
            "kind": part.kind,
            "macs": part.cost.macs,
            "macs_published": part.cost.macs_published,
            "params": part.cost.params,
            "global_macs": part.of_global.macs,
        }
        for part in cost_parts(genotype)
    ]


def drawing_address(genotype: Genotype) -> str:
    """The drawing of an architecture as an SVG within an address (``data:``)."""
    from analysis.pictures.drawing import drawing_svg

    return f"data:image/svg+xml;base64,{base64.b64encode(drawing_svg(genotype)).decode()}"


def _holds(architecture: Any) -> list[dict[str, Any]]:
    counts: dict[str, int] = {}
    for names in places(architecture):
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"name": name, "count": count, "global": is_global(name)} for name, count in ordered]


def _commands(run: Path, index: int) -> dict[str, str]:
    where = f"{shlex.quote(str(run))} --pick index={index}"
    return {
        "export": f"python run_search.py export {where}",
        "train": f"python run_search.py retrain {where}",
    }


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
