"""A report that was opened in a browser, for the tests that look at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analysis import front
from analysis.pages.page import report_page
from analysis.run import Run
from records.measurement import Measurement
from tests.analysis.samples.runs import SETTINGS

EVIL = "<img src=x onerror=alert(1)>&\"';</script><script>alert(1)<"  # no slash: it names a folder, too


CHART = "document.querySelector('#front-plot').chart"


class Report:
    """A report that was opened, with what the browser complained of."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append("a dialog"), dialog.dismiss()))
        page.on("console", lambda m: m.type == "error" and self.complaints.append(m.text))
        page.on("request", self._note)

    def _note(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            self.complaints.append(request.url)

    def open(self, path: Path) -> Report:
        self.complaints.clear()
        self.page.goto(path.as_uri())
        return self

    def drawn(self) -> Report:
        self.page.wait_for_selector("html[data-interactive]", state="attached")
        assert self.page.evaluate("document.documentElement.dataset.interactive") == "drawn", self.complaints
        return self

    def coordinates(self) -> None:
        """Scrolls to the parallel coordinates, which are drawn then."""
        self.page.locator("#coordinates").scroll_into_view_if_needed()
        self.until("document.querySelector('#coordinates').axes !== undefined")

    def until(self, expression: str) -> None:
        """Until that is true. The page's policy forbids `wait_for_function`, which evaluates within it."""
        for _ in range(600):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"never: {expression}")

    def layers(self) -> dict[str, list[float]]:
        """Of the front's named layers where their points are."""
        found = self.page.evaluate(
            f"{CHART}.picture.layers.filter(each => each.name).map(each => [each.name, each.x])"
        )
        return dict(found)

    def spot(self, name: str, x: float) -> tuple[float, float]:
        """Where on the screen the point of a layer with that ``x`` is."""
        return self.page.evaluate(
            "([name, x]) => { const { layers, plot, view } = document.querySelector('#front-plot').chart;"
            "const found = layers.find(each => each.layer.name === name), place = found.layer.x.indexOf(x);"
            "const { left, top } = plot.getBoundingClientRect(), { xs, ys } = found.places(view);"
            "return [left + xs[place], top + ys[place]] }",
            [name, x],
        )

    def shown(self) -> list[str]:
        """The names of the layers that are drawn."""
        return self.page.evaluate(f"{CHART}.layers.filter(each => each.shown).map(each => each.layer.name)")

    def ends(self) -> list[float]:
        """Of both axes."""
        ranges = f"[{CHART}.figure.x_range, {CHART}.figure.y_range]"
        return self.page.evaluate(f"{ranges}.flatMap(({{ start, end }}) => [start, end])")

    def name(self, text: str) -> Any:
        """A name in the legend."""
        return self.page.locator("#front-plot [role=button]").filter(
            has=self.page.locator(f".bk-label:text-is({text!r})")
        )

    def candidates(self) -> list[str]:
        """Those in the table, as they stand there."""
        return self.page.locator(".candidates tbody tr td:first-child").all_inner_texts()


def written(folder: Path, *runs: list[Measurement]) -> Path:
    """A page of runs 1, 2, ..., without pictures and studies."""
    made = [Run(folder / f"run{n}", SETTINGS, tuple(each)) for n, each in enumerate(runs, start=1)]
    points = front(m for run in made for m in run.ok)
    path = folder / "report.html"
    path.write_text(report_page("runs", [], made, [run.name for run in made], points, None, studies=[]))
    return path
