"""What the exports of a run take on the machine that made them: the latencies of their ``model.json``."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from analysis.pages import html
from analysis.run import Run
from records.text import percent_text

_PLACES = ("export*/model.json", "export*/*/model.json")


def exports(run: Run, name: str) -> list[str]:
    """Parts of the page; none where the run's folder holds no export with latencies."""
    rows: list[tuple[Any, ...]] = []
    measured: dict[str, None] = {}
    for path in sorted((p for place in _PLACES for p in run.path.glob(place)), key=lambda p: p.parent):
        with contextlib.suppress(
            OSError, ValueError, TypeError, KeyError, AttributeError
        ):  # of another version
            record = json.loads(path.read_bytes())
            found = list(_rows(record, str(path.parent.relative_to(run.path))))
            latency = record["latency"]
            measured[
                f"{latency['threads']} thread{'s'[: latency['threads'] > 1]} of {latency['processor']}"
            ] = None
            rows += found
    if not rows:
        return []
    columns = (
        "export",
        "candidate",
        "weights",
        "form",
        "1 image, ms",
        "quartiles",
        "64 images, ms",
        "quartiles",
    )
    return [
        html.heading(f"Exports of {name}"),
        html.paragraph(
            f"Medians and quartiles, {'; '.join(measured)}. pytorch: the network itself, by this project's kernels."
        ),
        html.html_table(columns, rows),
    ]


def _rows(record: dict[str, Any], folder: str) -> Iterator[tuple[Any, ...]]:
    batches = record["latency"]["batch"]
    candidate, accuracy = record["candidate"], record["accuracy"]
    weights = "untrained" if record["weights"] != "trained" else "trained"
    if accuracy is not None:
        weights = f"{percent_text(accuracy['value'])}% {accuracy['set']}"
    for form in batches["1"]:
        cells: list[Any] = []
        for batch in ("1", "64"):
            low, median, high = map(float, batches[batch][form])
            cells += [html.Cell(median, f"{median:.2f}"), f"{low:.2f} to {high:.2f}"]
        yield (folder, "–" if candidate is None else candidate["index"], weights, form, *cells)
