"""What an earlier run found, for a search that starts from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from records.checks import shown
from records.errors import UserError
from records.measurement import Measurement
from records.run_files.run_folder import CANDIDATES, EARLIER, RunFolder
from records.run_files.scored import identity
from search_space import Genotype, get_space
from search_space.genotype import recorded_genotype
from search_space.problem import Problem


def earlier_results(path: str | Path, problem: Problem) -> list[Measurement]:
    """What the run in ``path`` was itself shown of earlier ones, numbered after its own, then its wholly trained
    candidates, in the order of their indices.

    Raises `UserError` for a folder that is no search's run, for one without a judged candidate, and for architectures
    that cannot be read or are of another problem, naming what differs.
    """
    run = RunFolder.open(path)
    if (kind := run.settings().get("kind")) is not None:
        raise UserError(
            f"start_from is {path}, a {kind}; accepted: one of its searches, {path}/searches/NAME"
        )
    judged = sorted((m for m in run.measurements() if m.status == "ok"), key=lambda m: m.index)
    if not judged:
        raise UserError(
            f"start_from is {path}, which holds no judged candidate; accepted: a run that has one"
        )
    shown_it = run.earlier() or []
    wanted = get_space(problem.space).completed(problem).to_json()
    for genotype in [
        *genotypes_of(judged, run.path / CANDIDATES),
        *genotypes_of(shown_it, run.path / EARLIER),
    ]:
        if differing := _differing(genotype.problem.to_json(), wanted):
            raise UserError(
                f"start_from is {path}, whose {differing}; accepted: a run of the same space with the same "
                "settings, image and classes"
            )
    own = {identity(m.genotype) for m in judged}
    after = judged[-1].index + 1
    before = [m for m in shown_it if identity(m.genotype) not in own]
    return [*(replace(m, index=after + place) for place, m in enumerate(before)), *judged]


def genotypes_of(measurements: Sequence[Measurement], file: Path) -> list[Genotype]:
    """The architectures of candidates that stand in a ``file`` of a run folder. Raises `UserError` for one that cannot
    be read, naming file and candidate."""
    return [recorded_genotype(m.genotype, f"{file}, candidate {m.index}", file.parent) for m in measurements]


def _differing(found: dict, wanted: dict) -> str | None:
    """The first that differs, in words."""
    for name in ("space", "image", "classes"):
        if found[name] != wanted[name]:
            return f"{name} is {shown(found[name])}, here {shown(wanted[name])}"
    for name in sorted(found["settings"].keys() | wanted["settings"].keys()):
        theirs, ours = found["settings"].get(name), wanted["settings"].get(name)
        if theirs != ours:
            return f"setting {name} is {shown(theirs)}, here {shown(ours)}"
    return None
