"""Which network to take, and how sure that is: the first thing that a report says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.certainty.budgets import Budget, budgets
from analysis.certainty.noise import Certainty, Tie
from analysis.front import front
from analysis.pages import html
from analysis.pages.interactive.record import export_command
from analysis.run import Run
from analysis.selection.best import best
from analysis.selection.confirmed import by_other_seeds
from analysis.selection.picking import knee
from records.errors import UserError
from records.measurement import Measurement
from records.text import count_text, percent_text
from search_space.contents import global_share

MOST_NAMED = 4  # candidates that a sentence or a cell names


@dataclass(frozen=True)
class Answer:
    """What to take from a run, by which nothing was judged that is empty and None: ``best`` within the search's
    budget (None too where nothing is within), those that it ``ties`` with, the ``knee`` of the front, and a row for
    each of some ``budgets``."""

    certainty: Certainty
    best: Measurement | None
    ties: tuple[Tie, ...]
    knee: Measurement | None
    budgets: tuple[Budget, ...]


def answer(certainty: Certainty, max_macs: int | None = None) -> Answer:
    """Of the run of ``certainty``; the best is the best one with at most ``max_macs`` MACs."""
    run = certainty.run
    if not run.ok:
        return Answer(certainty, None, (), None, ())
    bend = knee([(run, m) for m in front(run.ok)])[1]
    try:
        chosen = best(run, max_macs)
    except UserError:
        return Answer(certainty, None, (), bend, tuple(budgets(certainty)))
    within = [m for m in run.ok if max_macs is None or m.macs <= max_macs]
    return Answer(certainty, chosen, tuple(certainty.ties(chosen, within)), bend, tuple(budgets(certainty)))


def noise_sentence(certainty: Certainty, chosen: Measurement | None) -> str:
    """How far an accuracy of the run can be off by its images alone."""
    if certainty.images is None:
        return (
            "On how many validation images the accuracies were measured cannot be known from this run, so their "
            "noise cannot either."
        )
    images = f"{certainty.images.count:,} validation images"
    source = " (derived from the accuracies: the run does not say it)" if certainty.images.derived else ""
    said = f"Accuracies are those of {images}{source}"
    if chosen is None or (margin := certainty.margin(chosen)) is None:
        return f"{said}."
    return (
        f"{said}: candidate {chosen.index}'s of {percent_text(chosen.accuracy)}% is known to ± {100 * margin:.1f} "
        "points, twice its standard error over the images."
    )


def tie_sentence(found: Answer) -> str | None:
    """Which candidates the best one ties with; None where that cannot be known."""
    if found.best is None or (found.certainty.images is None and not found.ties):
        return None
    index = found.best.index
    if not found.ties:
        return f"No other candidate is within the noise of candidate {index}."
    smaller = [tie for tie in found.ties if tie.measurement.macs < found.best.macs]
    count = "1 other" if len(found.ties) == 1 else f"{len(found.ties):,} others"
    fewer = (
        f" {len(smaller):,} of them {'has' if len(smaller) == 1 else 'have'} fewer MACs." if smaller else ""
    )
    named, more = _named(found.ties, " MACs")
    return f"It is a tie: candidate {index} leads {count} by no more than the noise: {', '.join(named)}{more}.{fewer}"


def rule_sentence(certainty: Certainty) -> str | None:
    """How ties are decided; None where it cannot be known, or where all candidates were trained once."""
    if not certainty.run.confirmed:
        return None
    images = "" if certainty.images is None else " with the noise of the images"
    by_search = f"all others by the search's one training{images}" if images else "others cannot be compared"
    both = "seeds and images" if images else "seeds"
    return (
        "How ties are decided: two candidates that were trained again are compared by their means over seeds with the noise "
        f"of {both}, {by_search}."
    )


def _named(ties: Sequence[Tie], unit: str = "") -> tuple[list[str], str]:
    """The first ones by rising MACs, and how many more there are."""
    named = [
        f"{t.measurement.index} ({count_text(t.measurement.macs)}{unit}{', by seeds' if t.by_seeds else ''})"
        for t in ties[:MOST_NAMED]
    ]
    more = len(ties) - MOST_NAMED
    return named, f" and {more:,} more" if more > 0 else ""


def answer_html(found: Answer, sentence: str | None, of_global: str | None = None) -> list[str]:
    """Parts of the page; ``sentence`` tells of the best one, ``of_global`` whether global layers pay. None where nothing
    was judged."""
    run, certainty = found.certainty.run, found.certainty
    if not run.ok:
        return []
    said = [] if sentence is None else [f"The best: {sentence}."]
    said += [noise_sentence(certainty, found.best)]
    said += [" ".join(filter(None, (tie, rule_sentence(certainty))))] if (tie := tie_sentence(found)) else []
    if found.best is not None and found.best.index not in run.confirmed and len(run.ok) > 1:
        said.append(
            f"It was chosen among {len(run.ok):,} for this accuracy, which is therefore too high on average: a longer "
            "training (retrain, with its command below) tells."
        )
    if found.knee is not None:
        said.append(
            f"The knee of the front, after which more accuracy costs clearly more MACs: {_short(found.knee)}."
        )
    said += [] if of_global is None else [f"{of_global}."]
    return [
        html.heading("Which network to take"),
        '<div class="answer">' + "".join(map(html.paragraph, said)) + "</div>",
        *_budget_table(found.budgets, run, certainty),
    ]


def _short(m: Measurement) -> str:
    return f"candidate {m.index}, {percent_text(m.accuracy)}%, {count_text(m.macs)} MACs"


def _budget_table(rows: Sequence[Budget], run: Run, certainty: Certainty) -> list[str]:
    again = [run.confirmed[r.measurement.index] for r in rows if r.measurement.index in run.confirmed]
    whole = len(rows) == len({m.macs for m in front(run.ok)})
    latency = any(row.measurement.latency is not None for row in rows)
    columns = [
        "your budget, MACs", "take candidate", "accuracy %", "±, images", *([by_other_seeds(again)] if again else []),
        "params", *(["latency, ms"] if latency else []), "global layers %", "as good within the noise, with fewer MACs: candidate (MACs)",
        "to export it",
    ]  # fmt: skip
    cells = [_budget_row(row, run, certainty, again=bool(again), latency=latency) for row in rows]
    return [
        html.html_table(columns, cells),
        html.note(
            "Take the row that holds your budget; below the first one nothing fits."
            + (
                ""
                if whole
                else " Not all of a long front stands here: --pick max-macs=X takes the best for X."
            )
            + " ±, images: twice the standard error of an accuracy over the validation images."
            + (
                f" {by_other_seeds(again).capitalize()}: mean ± standard deviation over n seeds."
                if again
                else ""
            )
            + " Global layers: the share of an architecture's edges, blocks or stages that have one."
        ),
    ]


def _budget_row(row: Budget, run: Run, certainty: Certainty, *, again: bool, latency: bool) -> list[Any]:
    m = row.measurement
    share, margin = global_share(m.genotype.get("architecture")), certainty.margin(m)
    known = certainty.images is not None or bool(row.ties)
    named, more = _named(row.ties)
    return [
        html.Cell(row.least, _range(row)),
        html.Candidate(m.index),
        percent_text(m.accuracy),
        "–" if margin is None else f"{100 * margin:.1f}",
        *([_unbroken(str(run.confirmed.get(m.index, "–")))] if again else []),
        html.Cell(m.params, f"{m.params:,}"),
        *(["–" if m.latency is None else f"{m.latency:.3g}"] if latency else []),
        "–" if share is None else str(int(100 * share + 0.5)),  # halves up, as the page's script rounds them
        f"{', '.join(map(_unbroken, named))}{_unbroken(more)}" or ("none" if known else "not known"),
        html.Code(export_command(run.path, m.index)),
    ]


def _range(row: Budget) -> str:
    """Of MACs, each end on one line."""
    least = f"{row.least:,}"
    if row.most is None:
        return _unbroken(f"{least} and more")
    return least if row.most == row.least else _unbroken(f"{least} to {row.most:,}")


def _unbroken(text: str) -> str:
    """On one line of a cell."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")
