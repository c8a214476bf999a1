"""The paper's rows as a page in Markdown: counts beside the poster's, what each rests on, and what was reached here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from analysis.references import DATASETS
from analysis.training import Summary, Training, read_trainings, summaries
from records.files import write_whole
from records.text import count_text
from search_space.paper.ablation_rows import AblationRow, ablation_rows
from search_space.paper.rows import Row, rows

INTRODUCTION = """# The paper's rows

Every row of the poster's tables, the counts of this project's network of that row, and its test accuracy where it was \
trained here on the whole data set. Written by

```sh
python run_search.py published --page docs/rows.md --trained results/published/trainings.jsonl
```

MACs are published ones (convolutions, linear layers, 2 an element of each norm's output), counted for the number of \
classes that the poster's counts are for. Differences are in percent of what the poster prints. *measured*: a public \
configuration, counted on its authors' code; *quoted*: another paper's numbers, which the poster quotes; *inferred*: \
chosen because its counts fit; *guess*: the form of the system was chosen so, too. Accuracies are of the test set after \
the last epoch, with the number of seeds n; the poster's are the best of all epochs.
"""
ABLATIONS = """## The ablations' networks

Networks that the authors' scripts compare, without accuracies in public. Each can be trained: `run_search.py train \
--published NAME`. *measured* ones have the counts of the authors' classes to the digit; of *described* ones the script \
says what they are, and their counts are not known.
"""


def paper_page(
    poster: Iterable[Row], ablations: Iterable[AblationRow], trained: Iterable[Summary] = ()
) -> str:
    """The whole page; ``trained`` are trainings, those that differ in their seed alone together."""
    reached = longest(trained)
    heading = ("table", "system", "data set", "network", "params", "diff", "MACs", "diff", "poster %", "here %", "standing")  # fmt: skip
    lines = [
        (
            row.table, row.system, row.dataset, row.network,
            f"{row.params:,}", _difference(row.params_difference),
            f"{row.macs_published:,}", _difference(row.macs_difference),
            "–" if row.poster_accuracy is None else f"{row.poster_accuracy:g}",
            _reached(reached.get((row.network, row.dataset))), _standing(row.standing, row.reason),
        )
        for row in poster
    ]  # fmt: skip
    others = [
        (
            row.network, str(row.classes), f"{row.params:,}", f"{row.macs_published:,}", count_text(row.macs),
            _reached(reached.get((row.network, _dataset_of(row)))),
            _standing(row.standing, row.note),
        )
        for row in ablations
    ]  # fmt: skip
    second = ("network", "classes", "params", "MACs", "MACs with the PDE", "here %", "standing")
    return "\n".join(
        [INTRODUCTION, *_table(heading, lines, 4, 9), "", ABLATIONS, *_table(second, others, 1, 5), ""]
    )


def write_page(path: str | Path, trained: str | Path | None = None) -> Path:
    """Writes the page; ``trained`` is a file of trainings (``trainings.jsonl``). Raises `UserError` where it cannot be
    read or written."""
    trainings: list[Training] = [] if trained is None else read_trainings(trained)
    return write_whole(path, paper_page(rows(), ablation_rows(), summaries(trainings)))


def _dataset_of(row: AblationRow) -> str:
    return "MNIST" if row.network.startswith("MNIST") else f"CIFAR-{row.classes}"


def longest(trained: Iterable[Summary]) -> dict[tuple[str, str], Summary]:
    """Of each network and data set (as the poster has them) the trainings with the most epochs; of two with as many
    those with the more seeds, and then the higher accuracy."""
    found: dict[tuple[str, str], Summary] = {}
    for summary in trained:
        first = summary.trainings[0]
        if first.train_limit is not None:
            continue
        key = first.network, DATASETS.get(first.dataset, first.dataset)
        if key not in found or _length(summary) > _length(found[key]):
            found[key] = summary
    return found


def _length(summary: Summary) -> tuple[int, int, float]:
    return summary.trainings[0].epochs, len(summary.trainings), summary.mean


def _reached(summary: Summary | None) -> str:
    if summary is None:
        return ""
    first = summary.trainings[0]
    spread = "" if summary.deviation is None else f" ± {summary.deviation:.2f}"
    return f"{summary.mean:.2f}{spread} (n = {len(summary.trainings)}, {first.recipe}, {first.epochs} epochs)"


def _difference(percent: float | None) -> str:
    return "–" if percent is None else f"{percent:+.1f}"


def _standing(standing: str, reason: str) -> str:
    return standing + (f": {reason}" if reason else "")


def _table(
    heading: Sequence[str], lines: Iterable[Sequence[str]], first_number: int, last_number: int
) -> list[str]:
    rule = ["---:" if first_number <= place <= last_number else "---" for place in range(len(heading))]
    return ["| " + " | ".join(cells) + " |" for cells in (heading, rule, *lines)]
