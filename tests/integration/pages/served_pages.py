"""The portal's own pages as they are served, for the tests that look at them."""

from __future__ import annotations

import dataclasses
import json
from urllib.parse import quote

from portal_pages import PAGES
from records.measurement import Measurement
from tests.analysis.live.records import HTML

NAME = HTML.replace("/", "-")  # of a folder
MANY = 10_000
EXPORTED = {"folder": f"/runs/{HTML}", "files": ["model.onnx"], "said": HTML}


def exports(place, asked):
    return EXPORTED | {"said": f"{HTML} {place.key(place.folder(asked['run']))} {asked['candidate']}"}


# All but the export is real; that has a test of its own.
SERVED = [dataclasses.replace(one, posts=dict.fromkeys(one.posts, exports)) for one in PAGES]


def measured(run):
    lines = (run / "candidates.jsonl").read_text().splitlines()
    return [Measurement.from_json(json.loads(line)) for line in lines]


LAYERS = "[chart.chart.picture.cloud, ...chart.chart.picture.layers]"


def open_front(tab, address, run, **choices):
    query = "&".join(f"{name}={quote(value)}" for name, value in {"run": run, **choices}.items())
    tab.goto(f"{address}/pages/front?{query}")
    tab.wait_for_selector("#table p")
    return tab.inner_text("#summary")


def drawn(tab, name):
    """Of each layer of that name how many points it has."""
    return tab.evaluate(f"{LAYERS}.filter(layer => layer.name === '{name}').map(layer => layer.x.length)")
