"""Writes an architecture, and its trained weights, in forms that other programs load."""

from __future__ import annotations

import contextlib
import gc
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from records.checks import some_of
from records.errors import UserError
from records.files import write_errors, write_whole
from records.run_files.run_lock import LOCK, locked
from records.run_files.settings_file import GENOTYPE, WEIGHTS
from training.export import timing
from training.export.forms import DEFAULT, FORMS, Form, Run
from training.export.model_facts import DESCRIPTION, Facts, description
from training.export.network import Network, NotExportable
from training.export.weights import load_weights, save_weights

if TYPE_CHECKING:
    from search_space import Genotype

INT8 = "int8"  # the form's name, and in ``model.json`` what is told of it
PYTORCH = "pytorch"  # among the latencies: the network itself, by this project's kernels
TITLES = {PYTORCH: "PyTorch, this project's kernels", **{name: form.title for name, form in FORMS.items()}}


@dataclass(frozen=True)
class Exported:
    """The files written, what ``model.json`` says, and the largest absolute difference of a program's logits from the
    network's, None where there is none. ``missing`` says of each form that was asked for and is not there, why."""

    folder: Path
    files: tuple[str, ...]
    description: dict[str, Any]
    program_difference: float | None
    missing: dict[str, str] = field(default_factory=dict)

    def require_all(self) -> None:
        """Raises `UserError` where a form that was asked for is not there."""
        if self.missing:
            raise UserError(
                f"asked for and not written: {', '.join(self.missing)}; why stands above. What was written stays in "
                f"{self.folder}; another try takes another folder (--out)"
            )

    def summary(self) -> str:
        """What its user must know first: the weights, the input, what is missing and why, and the latencies."""
        weights, images = self.description["weights"], self.description["input"]
        accuracy, shape = self.description["accuracy"], "x".join(map(str, images["shape"][1:]))
        said = f"{weights}; retrain the genotype and export with --weights"
        if weights == "trained":
            said = "Trained weights, accuracy not known"
            if accuracy is not None:
                of = "" if accuracy["images"] is None else f" of {accuracy['images']:,} images"
                said = f"Trained weights, {100 * accuracy['value']:.2f}% {accuracy['set']} accuracy{of}"
        pixels = "normalised images" if self.description["dataset"] is None else "raw pixels, 0 to 255"
        lines = [f"{said}.", f"Input: {pixels}, {images['type']}, batch x {shape}; more in {DESCRIPTION}."]
        for reason in dict.fromkeys(self.missing.values()):
            forms = " or ".join(FORMS[name].title for name, why in self.missing.items() if why == reason)
            lines.append(f"no {forms}: {reason}")
        if INT8 in self.description:
            from training.export.onnx_form.quantised import told as quantised_line

            lines.append(quantised_line(self.description[INT8]))
        if self.description["latency"] is not None:
            lines.append(timing.table(self.description["latency"], TITLES))
        return "\n".join(lines)


def export(
    genotype: Genotype,
    weights: str | Path | None,
    out_dir: str | Path,
    facts: Facts | None = None,
    *,
    formats: Sequence[str] = DEFAULT,
    overwrite: bool = False,
) -> Exported:
    """Writes into ``out_dir``: ``genotype.json``; ``weights.safetensors``; a file for each of ``formats``, names of
    `FORMS`; ``model.json``, which says how they are fed, what else is known of them, and what each takes here.

    ``weights``: the safetensors file of a trained network of this genotype; with None the network has seeded
    random weights, no weights file is written, and all else says UNTRAINED. All programs take raw pixels
    (N, C, H, W) in float32 from 0 to 255, N any number, and give logits (N, classes), in eval mode; where
    ``facts`` name no data set they take normalised images. Batch norms are folded into convolutions, and what
    ``model.json`` says is in their metadata, so that they are used where this project is not installed. A network with a
    module that is ``adaptive``, a solver whose number of steps depends on the images, has no program, nor one that
    cannot be recorded as a fixed sequence of operators. One with an operator that ONNX has not has no ``model.onnx``.

    Raises ``UserError`` for weights that do not fit, for an unknown form, and for an ``out_dir`` that already holds an
    export.
    """
    folder, facts = Path(out_dir), facts or Facts()
    wanted = {name: FORMS[name] for name in some_of("format", formats, list(FORMS))}
    _require_free(folder, overwrite)
    model = genotype.build(seed=0)
    if weights is not None:
        load_weights(model, Path(weights))
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    files = [DESCRIPTION, WEIGHTS, *(file for form in wanted.values() for file in (form.file, *form.with_it))]
    with _alone(folder), _whole_or_none([folder / file for file in files]):
        _require_free(folder, overwrite)  # nobody else has written one meanwhile
        return _write(genotype, model, folder, facts, wanted, trained=weights is not None)


def _require_free(folder: Path, overwrite: bool) -> None:
    if not overwrite and (folder / GENOTYPE).exists():
        raise UserError(f"{folder} already holds {GENOTYPE}; give another folder")


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While it lasts no other export writes into the folder, whose files would be of two networks; nothing of it
    stays."""
    kept = (folder / LOCK).exists()
    with locked(folder, "wait for it, or give another folder"):
        try:
            yield
        finally:
            if not kept:
                (folder / LOCK).unlink(missing_ok=True)


@contextlib.contextmanager
def _whole_or_none(files: Sequence[Path]) -> Iterator[None]:
    """Where it fails, of these files those that were not there before are removed: they do not say yet how they are fed,
    nor that they are untrained."""
    before = {path for path in files if path.exists()}
    try:
        yield
    except BaseException:
        for path in set(files) - before:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        raise


def _write(
    genotype: Genotype,
    model: torch.nn.Module,
    folder: Path,
    facts: Facts,
    wanted: dict[str, Form],
    *,
    trained: bool,
) -> Exported:
    written = [GENOTYPE, DESCRIPTION]
    if trained:
        save_weights(model, folder / WEIGHTS)
        written.append(WEIGHTS)
    network = Network(model, tuple(genotype.image), facts.dataset, facts.data, trained=trained)
    missing: dict[str, str] = {}
    facts_of: dict[str, Any] = {}
    with _without_collection(), _one_thread():
        for name, form in wanted.items():
            try:
                facts_of[name] = form.write(network, folder / form.file)
                written += [form.file, *form.with_it]
            except NotExportable as error:
                missing[name] = str(error)
        there = {name: form for name, form in wanted.items() if name not in missing}
        content = description(genotype, facts, trained=trained)
        content["latency"] = _latencies(network, folder, there) if there else None
        content |= {name: told for name, told in facts_of.items() if told is not None}
        for form in there.values():
            form.describe(folder / form.file, content)
    write_whole(folder / DESCRIPTION, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    genotype.save(folder / GENOTYPE)  # last: a folder that has it holds a whole export
    difference = max(network.differences.values(), default=None)
    return Exported(folder, tuple(written), content, difference, missing)


def _latencies(network: Network, folder: Path, forms: dict[str, Form], threads: int = 1) -> dict[str, Any]:
    runs: dict[str, Run] = {PYTORCH: network.run}
    for name, form in forms.items():
        run = form.load(network, folder / form.file, threads)
        if run is not None:
            runs[name] = run
    return timing.latencies(runs, network.examples, threads)


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """While it lasts nothing looks for garbage: torch makes hundreds of thousands of objects for a program, and
    looking through them again and again took a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Three images are too little work to share: beside another process, threads waited on each other for a
    minute where one takes a tenth of a second."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
