"""What the interactive front shows, as one plain record: every judged candidate of some runs, in columns."""

from __future__ import annotations

import contextlib
import json
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.certainty.noise import Certainty
from analysis.front import front
from analysis.pictures.plot import front_plot
from analysis.references import Reference
from analysis.run import Run
from analysis.selection.best import best
from analysis.selection.picking import knee
from records.errors import UserError
from records.measurement import Measurement
from search_space.contents import global_share

MOST_DRAWN = 20_000  # candidates whose architecture is in the page
_OF_THE_SPACE = ("space", "image", "classes", "settings")
_SHOWN_SETTINGS = ("width", "cells")


@dataclass(frozen=True)
class Judged:
    """A judged candidate of one of the runs; ``run`` is that one's number."""

    run: int
    measurement: Measurement


@dataclass(frozen=True)
class Architectures:
    """The ``spaces`` with what is fixed in them; those that are ``drawn``, [number of the space, architecture] each: of the
    front, and of the most accurate ones; and of each candidate the share of global layers in [0, 1] and the place among
    the drawn ones, or None."""

    spaces: list[dict[str, Any]]
    drawn: list[list[Any]]
    shares: list[float | None]
    places: list[int | None]


def front_record(
    runs: Sequence[Run],
    names: Sequence[str],
    certainties: Sequence[Certainty],
    *,
    references: Sequence[Reference] = (),
    max_macs: int | None = None,
) -> dict[str, Any]:
    """The record as plain JSON.

    ``columns`` has a value for each judged candidate, run by run in the order in which they became known: ``accuracy``
    in percent and ``margin``, twice its standard error, in points (None where it cannot be known); ``macs``,
    ``published`` and ``params`` of one image; ``latency`` in ms; ``seconds``; ``share`` of global layers in percent;
    ``age``, the place in its run from 1; ``architecture``, the place in ``architectures``, or None beyond
    `MOST_DRAWN`. ``range`` is of accuracy in percent, without networks that learned nothing. Numbers of candidates elsewhere are places in these columns: ``best`` (within ``max_macs``),
    ``knee`` and ``ties`` (with the best) of one run, and in ``confirmed``.
    """
    judged = [Judged(number, m) for number, run in enumerate(runs) for m in run.ok]
    rows = {id(each.measurement): row for row, each in enumerate(judged)}
    held = _architectures(judged)
    return {
        "runs": [
            {"name": name, "folder": command_path(run.path), "images": c.images and c.images.count}
            for run, name, c in zip(runs, names, certainties, strict=True)
        ],
        "columns": _columns(judged, certainties, held),
        "spaces": held.spaces,
        "architectures": held.drawn,
        "confirmed": _confirmed(judged, runs),
        "references": [
            {"name": r.name, "accuracy": 100 * r.accuracy, "macs": r.macs_published, "global": r.uses_global_layer}
            for r in references
        ],
        "budget": max_macs,
        "range": _range(runs, certainties),
        **_marks(runs, certainties, rows, max_macs),
    }  # fmt: skip


def command_path(folder: Path) -> str:
    """How a command names a run's folder, ready for a shell: below ``runs`` of the working folder as searches place it,
    else by its name alone, for a report tells nothing of the machine, nor the folder of a user."""
    path = folder.name
    with contextlib.suppress(OSError):
        if folder.resolve().parent == Path("runs").resolve():
            path = f"runs/{folder.name}"
    return shlex.quote(f"./{path}" if path.startswith("-") else path)


def export_command(folder: Path, index: int) -> str:
    """What exports a candidate."""
    return f"python run_search.py export {command_path(folder)} --pick index={index}"


def _columns(
    judged: Sequence[Judged], certainties: Sequence[Certainty], held: Architectures
) -> dict[str, list[Any]]:
    ages: dict[int, int] = {}
    columns: dict[str, list[Any]] = {
        name: []
        for name in (
            "run", "index", "accuracy", "margin", "macs", "published", "params", "latency", "seconds", "share",
            "age", "architecture",
        )
    }  # fmt: skip
    for each, share, place in zip(judged, held.shares, held.places, strict=True):
        m = each.measurement
        ages[each.run] = ages.get(each.run, 0) + 1
        values = (
            each.run, m.index, _percent(m.accuracy), _percent(certainties[each.run].margin(m)), m.macs,
            m.macs_published, m.params, m.latency, round(m.seconds, 3), _percent(share), ages[each.run], place,
        )  # fmt: skip
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    return columns


def _percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 4)


def _architectures(judged: Sequence[Judged]) -> Architectures:
    points = {id(m) for m in front(each.measurement for each in judged)}
    order = sorted(
        range(len(judged)),
        key=lambda row: (id(judged[row].measurement) not in points, -(judged[row].measurement.accuracy or 0)),
    )
    kept = set(order[:MOST_DRAWN])
    spaces: dict[str, int] = {}
    found = Architectures([], [], [], [])
    for row, each in enumerate(judged):
        record = each.measurement.genotype  # read anew each time it is asked for
        architecture = record.get("architecture")
        found.shares.append(global_share(architecture))
        found.places.append(len(found.drawn) if row in kept else None)
        if row in kept:
            text = json.dumps(_space_shown(record), sort_keys=True)
            found.drawn.append([spaces.setdefault(text, len(spaces)), architecture])
    found.spaces.extend(map(json.loads, spaces))
    return found


def _space_shown(record: dict[str, Any]) -> dict[str, Any]:
    settings = record.get("settings")
    known = settings if isinstance(settings, dict) else {}
    numbers = {name: known[name] for name in _SHOWN_SETTINGS if type(known.get(name)) is int}
    return {name: record.get(name) for name in _OF_THE_SPACE[:-1]} | {"settings": numbers}


def _range(runs: Sequence[Run], certainties: Sequence[Certainty]) -> list[float]:
    """Of accuracy in percent, up to the ends of the fronts' error bars."""
    low, high = front_plot([run for run in runs if run.ok]).axes.y
    bars = [
        100 * ((m.accuracy or 0.0) + (certainty.margin(m) or 0.0))
        for run, certainty in zip(runs, certainties, strict=True)
        for m in front(run.ok)
    ]
    return [low, max(high, *(min(bar, 100.0) + 0.5 for bar in bars))]


def _confirmed(judged: Sequence[Judged], runs: Sequence[Run]) -> list[dict[str, Any]]:
    found = []
    for row, each in enumerate(judged):
        known = runs[each.run].confirmed.get(each.measurement.index)
        if known is not None:
            found.append({
                "row": row, "mean": _percent(known.mean), "deviation": _percent(known.deviation),
                "seeds": len(known.accuracies), "epochs": known.epochs,
            })  # fmt: skip
    return found


def _marks(
    runs: Sequence[Run], certainties: Sequence[Certainty], rows: dict[int, int], max_macs: int | None
) -> dict[str, Any]:
    nothing: dict[str, Any] = {"best": None, "knee": None, "ties": []}
    if len(runs) != 1 or not runs[0].ok:
        return nothing
    run = runs[0]
    bend = knee([(run, m) for m in front(run.ok)])[1]
    try:
        chosen = best(run, max_macs)
    except UserError:  # nothing within the budget
        return nothing | {"knee": rows[id(bend)]}
    ties = _within(certainties[0].ties(chosen, run.ok), max_macs)
    return {"best": rows[id(chosen)], "knee": rows[id(bend)], "ties": [rows[id(m)] for m in ties]}


def _within(ties: Iterable[Any], max_macs: int | None) -> list[Measurement]:
    return [t.measurement for t in ties if max_macs is None or t.measurement.macs <= max_macs]
