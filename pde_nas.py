"""The project from Python: what the commands of `run_search.py` do, as functions that return what they leave.

    from pde_nas import SearchSettings, search

    outcome = search(SearchSettings(strategy="random", trials=4, port=0))
    outcome.best.accuracy, outcome.genotype.build()

Each function raises `UserError`, of one line, for a user's mistake.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis import Choice
from analysis import pick as picked
from execution.settings import SearchSettings
from records.checks import as_path, text
from records.errors import UserError
from records.files import write_errors
from records.lazy import loader
from records.plugins import naming_plugins
from records.run_files.run_folder import RunFolder
from records.run_files.search_rows import asked_searches, unfinished_searches
from records.run_files.settings_file import GENOTYPE, WEIGHTS
from records.run_files.training_files import is_training
from records.text import command_text, stem_of

if TYPE_CHECKING:
    from analysis import Outcome, report
    from records.layer_maps import LayerMaps
    from search_space import Genotype
    from training.export import Exported

PAGES = "portal_pages"  # the module of our own pages in the portal
PROGRAM = "run_search"  # the module whose command line runs a search of a hub or a sweep
__all__ = [
    "Inspected", "Outcome", "SearchSettings", "Trained", "UserError", "export", "export_front", "inspect", "report", "resume", "retrain", "search", "sweep", "train"
]  # fmt: skip
# Loaded when they are first used: the plotting library takes its time. So do torch and NNI, which a function imports
# after it has looked at what it is given.
__getattr__ = loader(__name__, {"Outcome": "analysis.outcome", "report": "analysis.outcome"})


@dataclass(frozen=True)
class Trained:
    """The folder that a training left, and what its ``result.json`` says.

    Examples:
        >>> Trained(Path("runs/a"), {"test_accuracy": 0.5}).result["test_accuracy"]
        0.5
    """

    folder: Path
    result: dict[str, Any]


def search(settings: SearchSettings, strategy: Any = None, arrays: Sequence[Any] | None = None) -> Outcome:
    """Runs a search to its end in a new run folder, and leaves there what `run_search.py search` leaves: the front,
    the best genotype, pictures and the report. ``strategy`` is a ``nni.nas.strategy.base.Strategy``, in place of the
    settings' own; one that trains a supernet takes the settings of ``nni-one-shot``. ``arrays`` are x_train, y_train,
    x_test, y_test as `training.data.arrays.save_arrays` takes them, in place of a data set; trials and a resume read
    them from a file beside the run folder."""
    if not isinstance(settings, SearchSettings):
        raise UserError(f"settings is of type {type(settings).__name__}; accepted: SearchSettings")
    from analysis import write_outcome
    from execution import session as launch

    settings = launch.asked_by(settings, strategy)

    outcomes: list[Outcome] = []
    with contextlib.ExitStack() as kept:
        if arrays is not None:
            from training.data.kept_arrays import kept_arrays

            file = kept.enter_context(kept_arrays(arrays, Path(settings.run_dir or "runs/run").parent))
            # The folder was that of another data set.
            settings = replace(settings, dataset=file, data_dir=None)
        launch.search(
            settings, lambda run: outcomes.append(write_outcome(run, settings.max_macs)), strategy, PAGES
        )
    return outcomes[-1]


def resume(run: str | Path, strategy: Any = None, **given: Any) -> Outcome:
    """Goes on with the search, hub or sweep in ``run``; ``given`` are settings named again, by name. ``strategy`` is
    the like of that which the search was given as an object; its name stands in the run."""
    if isinstance(strategy, str):
        strategy, given = None, given | {"strategy": strategy}
    folder = RunFolder.open(run)
    from execution.portal import hub

    if hub.is_hub(folder):
        hub.resume_hub(folder, given, PROGRAM, PAGES)
        return _common(folder.path)
    from analysis import write_outcome
    from execution import session as launch

    budget = given.get("max_macs", folder.settings().get("max_macs"))
    outcomes: list[Outcome] = []
    launch.resume(
        folder.path, given, lambda path: outcomes.append(write_outcome(path, budget)), strategy, PAGES
    )
    return outcomes[-1]


def sweep(values: dict[str, str], *, searches: int = 1) -> Outcome:
    """Runs a search for every combination of ``values``, which are texts with commas by setting, ``searches`` at the
    same time; the outcome is that of their common front, and names those that did not come to an end."""
    from execution.portal.hub_rows import grid

    rows, settings = grid(values)
    from execution.portal import hub

    return _common(hub.sweep(rows, settings, searches, PROGRAM, PAGES))


def _common(folder: Path) -> Outcome:
    from analysis import report

    if len(unfinished_searches(folder)) == len(asked_searches(folder)):
        raise UserError(
            f"no search of {folder} came to an end, why stands above; {command_text('resume', folder)} goes on"
        )
    return report([folder], out=folder)


def export(
    run: str | Path,
    pick: str | int = "best",
    *,
    formats: Sequence[str] = ("onnx", "program"),
    weights: str | Path | None = None,
    out: str | Path | None = None,
    dataset: str | None = None,
    data_dir: str | None = None,
) -> Exported:
    """Writes a candidate of a run, hub, sweep or training, or a genotype's file, in ``formats`` into ``out``
    (``export`` beside it). ``pick`` is one of `analysis.pick`'s that is one candidate; ``weights`` is a file of trained
    ones; ``dataset``, in ``data_dir``, whose normalisation goes in, "none" for none."""
    source, trained = as_path("run", run), None if weights is None else as_path("weights", weights)
    if isinstance(pick, str) and pick == "best" and is_training(source):
        source, trained = source / "genotype.json", trained or source / WEIGHTS
    choices = picked(source, pick)
    if len(choices) != 1:
        raise UserError(f"pick is {pick}, {len(choices)} candidates; accepted here: one, or use export_front")
    return _export(choices[0], trained, _place(out, _beside(run)), formats, dataset, data_dir)


def export_front(
    run: str | Path,
    *,
    formats: Sequence[str] = ("onnx", "program"),
    out: str | Path | None = None,
    dataset: str | None = None,
    data_dir: str | None = None,
) -> list[Exported]:
    """Writes each point of a front, as `export` does, into a folder of its own in ``out``, by rising MACs. Its weights are
    those of the latest finished `retrain` of that candidate in its run's folder, where there is one."""
    choices = picked(as_path("run", run), "front")
    folder = _place(out, _beside(run))
    several = len({choice.folder for choice in choices}) > 1
    made = []
    for choice in choices:
        name = f"candidate{choice.measurement.index}" if choice.measurement else "network"
        own = folder / (f"{choice.folder.name}-{name}" if several else name)
        made.append(_export(choice, _retrained(choice), own, formats, dataset, data_dir))
    return made


def _beside(run: str | Path) -> Path:
    return (Path(run) if Path(run).is_dir() else Path(run).parent) / "export"


def candidate_weights(run: Path, index: int) -> Path | None:
    """The weights of the latest finished `retrain` of a run's candidate in its folder; None without one. Raises
    `UserError`."""
    (choice,) = picked(run, index)
    return _retrained(choice)


def _retrained(choice: Choice) -> Path | None:
    from training.export.model_facts import recorded_genotype

    trainings = [each.parent for each in choice.folder.glob(f"*/{GENOTYPE}") if is_training(each.parent)]
    own = [folder for folder in trainings if recorded_genotype(folder) == choice.genotype.key()]
    newest = max(own, key=lambda folder: (folder / WEIGHTS).stat().st_mtime, default=None)
    return None if newest is None else newest / WEIGHTS


def _export(
    choice: Choice,
    weights: Path | None,
    out: Path,
    formats: Sequence[str],
    dataset: str | None,
    data_dir: str | None,
) -> Exported:
    from training.export import export as write
    from training.export.source import Candidate, gather

    if dataset is not None:
        text("dataset", dataset)
    m = choice.measurement
    candidate = None if m is None else Candidate(m.index, m.status, m.accuracy)
    with naming_plugins(choice.folder):
        facts = gather(choice.genotype, weights, choice.folder, candidate, dataset=dataset, data_dir=data_dir)
        return write(choice.genotype, weights, out, facts, formats=formats)


@dataclass(frozen=True)
class Inspected:
    """``maps`` are of each global layer, ``label`` the class that the network gives the image; ``files`` were
    written.

    Examples:
        >>> Inspected("7", (), (Path("inspect/layer1.png"),)).files[0].name
        'layer1.png'
    """

    label: str
    maps: tuple[LayerMaps, ...]
    files: tuple[Path, ...]


def inspect(
    run: str | Path,
    image: str | Path,
    pick: str | int = "best",
    *,
    layer: int | None = None,
    out: str | Path | None = None,
) -> Inspected:
    """What an image makes within the global layers of a trained network: for each a picture and its arrays (``.npz``) in
    ``out`` (``inspect`` beside the weights). ``run`` is a training's folder, a file of weights in one, or a run whose
    candidate ``pick`` was retrained."""
    import numpy

    from analysis.pictures.layer_maps import render_layer
    from records.files import write_whole
    from training.export.model_facts import recorded_dataset
    from training.inside import look_inside

    weights = _weights(as_path("run", run), pick)
    info = recorded_dataset(weights.parent)
    if info is None:
        raise UserError(f"{weights.parent} does not say on which data set the weights were trained")
    genotype = picked(weights.parent / GENOTYPE)[0].genotype
    _, given, maps = look_inside(genotype, weights, info, as_path("image", image), layer)
    folder = _place(out, weights.parent / "inspect")
    files = []
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for each in maps:
        files.append(write_whole(folder / f"layer{each.number}.png", render_layer(each)))
        content = io.BytesIO()
        numpy.savez_compressed(content, **each.arrays())  # type: ignore[arg-type]
        files.append(write_whole(folder / f"layer{each.number}.npz", content.getvalue()))
    label = info.class_names[given] if info.class_names else str(given)
    return Inspected(label, tuple(maps), tuple(files))


def _weights(source: Path, pick: str | int) -> Path:
    """The trained weights of a training's folder or file, or of a run's candidate that was retrained."""
    if source.is_file():
        if source.suffix == ".safetensors" and is_training(source.parent):
            return source
        raise UserError(f"run is {source}; accepted: a run, a training, or its {WEIGHTS}")
    if is_training(source):
        return source / WEIGHTS
    choices = picked(source, pick)
    if len(choices) != 1:
        raise UserError(f"pick is {pick}, {len(choices)} candidates; accepted here: one")
    weights = _retrained(choices[0])
    if weights is None:
        raise UserError(
            f"{source} has no trained weights of that candidate; {command_text('retrain', source, '--pick', pick)} makes them"
        )
    return weights


def retrain(
    run: str | Path, pick: str | int = "best", *, out: str | Path | None = None, **given: Any
) -> Trained:
    """Trains a candidate of a run, or a genotype's file, to the end, and tests it. ``pick`` is one of `analysis.pick`'s
    that is one candidate; ``given`` are options of `retrain` by name; without a ``dataset`` the run's own is taken, and its
    batch size, too, where it has fewer images than the recipe's batch.
    The same call goes on with a training that was stopped."""
    source = as_path("run", run)
    choices = picked(source, pick)
    if len(choices) != 1:
        raise UserError(f"pick is {pick}, {len(choices)} candidates; accepted here: one")
    with naming_plugins(choices[0].folder):
        return _train_again(source, pick, choices[0], out, given)


def _train_again(
    source: Path, pick: str | int, choice: Choice, out: str | Path | None, given: dict[str, Any]
) -> Trained:
    if "dataset" not in given:
        own = {name: str(value) if name == "image_size" else value for name, value in choice.data().items()}
        given = own | _smaller_batch(choice, given) | given
    measured = choice.measurement
    candidate = "best" if pick == "best" or measured is None else f"candidate{measured.index}"
    folder, stem = (choice.folder, candidate) if source.is_dir() else (source.parent, source.stem)
    asked = _training(given)
    seed = f"-seed{asked.seed}" if asked.seed else ""
    name = f"-{stem_of(asked.dataset)}-{asked.recipe}{seed}"
    if source.is_dir() and measured is not None and _is_of_another(folder / f"{stem}{name}", choice):
        stem = f"candidate{measured.index}"  # the best one was another when that was trained
    return _train(choice.genotype, _place(out, folder / f"{stem}{name}"), asked)


def _smaller_batch(choice: Choice, given: dict[str, Any]) -> dict[str, int]:
    """The batch of the run that the candidate is of, where its training images are fewer than the recipe's batch."""
    few = choice.few_images()
    if few is None or few[0] >= _training(given).settings().recipe.batch_size:
        return {}
    return {"batch_size": few[1]}


def _is_of_another(folder: Path, choice: Choice) -> bool:
    """Whether the folder holds a training of another architecture than the chosen one."""
    from training.export.model_facts import recorded_genotype

    with contextlib.suppress(UserError):
        return recorded_genotype(folder) not in (None, choice.genotype.key())
    return False


def train(name: str, *, out: str | Path | None = None, **given: Any) -> Trained:
    """Trains a network of the paper, and tests it. ``given`` are options of `train` by name; the recipe "published" is
    the network's own."""
    from search_space import published
    from training.data.lookup import dataset_info
    from training.recipes.named import published_recipe

    if given.get("recipe") == "published":
        given = given | {"recipe": published_recipe(name).name}
    asked = _training(given)
    options = {"image_size": asked.image_size, "channels": asked.channels, "flip": asked.flip}
    info = dataset_info(asked.dataset, asked.data_dir, **options)
    genotype = published(name, num_classes=info.classes, image=info.image)
    folder = f"{name}-{stem_of(asked.dataset)}-{asked.recipe}-seed{asked.seed}".lower()
    return _train(genotype, _place(out, Path("runs", folder)), asked)


def _place(out: str | Path | None, usual: Path) -> Path:
    return usual if out is None else as_path("out", out)


def _training(given: dict[str, Any]) -> Any:
    """The options of a training. Raises `UserError`."""
    from training.options import TrainingOptions

    known = [field.name for field in fields(TrainingOptions)]
    for name in given:
        if name not in known:
            raise UserError(f"a training has no setting {name}; accepted: {', '.join(known)}")
    return TrainingOptions(**given)


def _train(genotype: Genotype, out: Path, asked: Any) -> Trained:
    from training import retrain as training

    return Trained(out, training.retrain(genotype, asked.settings(), out, progress=True))
