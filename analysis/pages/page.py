"""The report's page: which network to take and how sure that is, the front, what was found, and every candidate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analysis.certainty.noise import Certainty
from analysis.pages import html
from analysis.pages.answers import answer, answer_html
from analysis.pages.differences import differences, differences_html, value_text
from analysis.pages.exports import exports
from analysis.pages.interactive.embedded import LOADER, drawing_script, interactive_html
from analysis.pages.interactive.record import front_record
from analysis.pages.progress import progress_html, supernet_html
from analysis.pages.sections import Section, attainment_section, matters_section, weights_section
from analysis.pages.sections.global_layers import comparison_html
from analysis.pages.settings_table import COLUMNS, settings_rows
from analysis.pages.tables import candidates_html, ended_html, front_table, partial_html
from analysis.pages.words import introduction, words_html
from analysis.pictures.curves import history_curves, render_history
from analysis.references import Reference
from analysis.run import Run
from analysis.studies.global_layers import Comparison, global_question
from records.measurement import Measurement

Study = Callable[[Sequence[Run], Sequence[str]], Section | None]
STUDIES: tuple[Study, ...] = (matters_section, weights_section, attainment_section)


@dataclass(frozen=True)
class Recommended:
    """The best architecture: a sentence on it, and its drawing as PNG."""

    sentence: str
    drawing: bytes


def report_page(
    title: str,
    pictures: Sequence[bytes],
    runs: Sequence[Run],
    names: Sequence[str],
    points: Sequence[Measurement],
    subject: Recommended | None,
    *,
    max_macs: int | None = None,
    references: Sequence[Reference] = (),
    studies: Sequence[Study] = STUDIES,
    lacks: Sequence[str] = (),
) -> str:
    """The page as HTML. ``pictures`` are the front's plots, ``points`` the common front of all ``runs``, ``max_macs``
    the budget within which ``subject`` is the best; the ``studies``, of `analysis.pages.sections`, come after the front; what it ``lacks`` is told first. Runs without a judged candidate
    have a page, too, which says so."""
    certainties = [Certainty.of(run) for run in runs]
    parts = [html.paragraph(f"Warning: {text}.") for text in [*lacks, *warnings(runs, names)]]
    judged = any(run.ok for run in runs)
    asked = global_question(runs, names) if judged else []
    if len(runs) == 1:
        sentence = None if subject is None else subject.sentence
        parts.append(html.paragraph(introduction(runs[0])))
        parts += answer_html(answer(certainties[0], max_macs), sentence, _told(asked))
    else:
        parts += differences_html(differences(runs), names)
    if judged:
        parts.append(words_html(runs))
        record = front_record(runs, names, certainties, references=references, max_macs=max_macs)
        parts += _front(interactive_html(record), pictures, front_table(points, runs, names))
    else:
        parts.append(html.paragraph(_nothing(runs)))
    if judged:
        parts += [html.heading("Do global layers pay?"), comparison_html(asked)]
    for study in studies:
        if (section := study(runs, names)) is not None:
            parts += [html.heading(section[0]), section[1]]
    if subject is not None:
        parts += [
            html.heading("The best architecture"),
            html.image(subject.drawing, f"the best architecture: {subject.sentence}"),
        ]
    parts += progress_html(runs, names)
    for run, name in zip(runs, names, strict=True):
        parts += _run(run, name)
    scripts, unpacked = ([LOADER], [drawing_script()]) if judged else ([], [])
    return html.page(title, parts, scripts=scripts, unpacked=unpacked)


def _told(asked: Sequence[Comparison]) -> str | None:
    """The answer of the comparison that can tell something, else of the first."""
    found = next((each for each in asked if each.enough), next(iter(asked), None))
    return None if found is None else found.answer


def warnings(runs: Sequence[Run], names: Sequence[str]) -> list[str]:
    """What must be known before the results are relied on; of several runs it says of which."""
    sets = dict.fromkeys(str(run.dataset) for run in runs)
    different = [
        f"the runs are of different data sets ({', '.join(sets)}), whose accuracies cannot be compared"
    ]
    return (different if len(sets) > 1 else []) + [
        run.warning if len(runs) == 1 else f"{name}: {run.warning}"
        for run, name in zip(runs, names, strict=True)
        if run.warning is not None
    ]


def _front(interactive: str, pictures: Sequence[bytes], table: str) -> list[str]:
    """The pictures stand for themselves until the interactive front is drawn, which folds them."""
    images = "".join(html.image(picture, "accuracy against MACs") for picture in pictures)
    still = '<details id="still" open><summary>As a picture and a table</summary>'
    return [html.heading("The front", html.FRONT), interactive, f"{still}{images}{table}</details>"]


def _nothing(runs: Sequence[Run]) -> str:
    measured = sum(len(run.measurements) for run in runs)
    if not measured:
        return "No candidate was measured yet."
    return f"None of {measured:,} candidates was judged: see below why."


def _run(run: Run, name: str) -> list[str]:
    parts = supernet_html(run, name)
    parts += [html.heading(f"Candidates of {name}"), *map(html.paragraph, run.notes())]
    if curves := history_curves(run):
        parts.append(html.image(render_history(curves), "validation accuracy over epochs"))
    parts += candidates_html(run) + exports(run, name) + partial_html(run, name) + ended_html(run, name)
    made_with = [(key, value_text(value, run)) for key, value in run.provenance.items()]
    settings = [
        html.html_table(COLUMNS, settings_rows(run), names=True),
        "<h3>What it was made with</h3>",
        html.html_table(("name", "value"), made_with, names=True),
    ]
    return [*parts, html.folded(f"Settings of {name}", settings)]
