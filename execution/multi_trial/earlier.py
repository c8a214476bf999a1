"""What an earlier run found, for a search that starts from it."""

from __future__ import annotations

from pathlib import Path

from records.checks import shown
from records.errors import UserError
from records.measurement import Measurement
from records.plugins import naming_plugins
from records.run_folder import RunFolder
from search_space import Genotype, get_space
from search_space.problem import Problem


def earlier_results(path: str | Path, problem: Problem) -> list[Measurement]:
    """The wholly trained candidates of the run in ``path``, in the order of their indices.

    Raises `UserError` for a folder that is no run, for one without a judged candidate, and for architectures of
    another problem, naming what differs.
    """
    run = RunFolder.open(path)
    judged = sorted((m for m in run.measurements() if m.status == "ok"), key=lambda m: m.index)
    if not judged:
        raise UserError(
            f"start_from is {path}, which holds no judged candidate; accepted: a run that has one"
        )
    wanted = get_space(problem.space).completed(problem).to_json()
    with naming_plugins(run.path):
        for measurement in judged:
            found = Genotype.from_json(measurement.genotype).problem.to_json()
            if differing := _differing(found, wanted):
                raise UserError(
                    f"start_from is {path}, whose {differing}; accepted: a run of the same space with the same "
                    "settings, image and classes"
                )
    return judged


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
