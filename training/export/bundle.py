"""Writes an architecture, and its trained weights, in forms that other programs load."""

from __future__ import annotations

import contextlib
import gc
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from records.errors import UserError
from records.files import write_errors, write_whole
from training.data.datasets import DatasetInfo
from training.export.model_facts import Facts, description, project_version, properties
from training.export.weights import load_weights, save_weights

if TYPE_CHECKING:
    from search_space import Genotype
    from training.export.recorder import Recording

GENOTYPE, WEIGHTS, ONNX, PROGRAM = "genotype.json", "weights.safetensors", "model.onnx", "model.pt2"
DESCRIPTION = "model.json"


@dataclass(frozen=True)
class Exported:
    """The files written, what ``model.json`` says, and the largest absolute difference of the program's logits
    from the network's.

    A network that has no programs has no such difference. ``without_programs`` says why both or the ONNX file alone
    are missing.
    """

    folder: Path
    files: tuple[str, ...]
    description: dict[str, Any]
    program_difference: float | None
    without_programs: str | None = None

    def summary(self) -> str:
        """What its user must know first, in two lines, or three where a program is missing."""
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
        if self.without_programs:
            forms = {ONNX: "ONNX", PROGRAM: "torch.export"}
            missing = " or ".join(form for file, form in forms.items() if file not in self.files)
            lines.append(f"no {missing} program: {self.without_programs}")
        return "\n".join(lines)


def export(
    genotype: Genotype,
    weights: str | Path | None,
    out_dir: str | Path,
    facts: Facts | None = None,
    *,
    overwrite: bool = False,
) -> Exported:
    """Writes into ``out_dir``: ``genotype.json``; ``weights.safetensors``; ``model.onnx``; ``model.pt2``;
    ``model.json``, which says how the programs are fed and what else is known of them.

    ``weights``: the safetensors file of a trained network of this genotype; with None the network has seeded
    random weights, no weights file is written, and all else says UNTRAINED. Both programs take raw pixels
    (N, C, H, W) in float32 from 0 to 255, N any number, and give logits (N, classes), in eval mode; where
    ``facts`` name no data set they take normalised images. The PDE is written out in them as plain tensor
    operations, batch norms are folded into convolutions, and what ``model.json`` says is in their metadata, so
    that they are used where this project is not installed. A network with a module that is ``adaptive``, a
    solver whose number of steps depends on the images, has neither program, nor one that cannot be recorded as
    a fixed sequence of operators. One with an operator that ONNX has not has no ``model.onnx``.

    Raises ``UserError`` for weights that do not fit and for an ``out_dir`` that already holds an export.
    """
    folder, facts = Path(out_dir), facts or Facts()
    if not overwrite and (folder / GENOTYPE).exists():
        raise UserError(f"{folder} already holds {GENOTYPE}; give another folder")
    model = genotype.build(seed=0)
    if weights is not None:
        load_weights(model, Path(weights))
    model.eval().requires_grad_(False)
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    written = [GENOTYPE, DESCRIPTION]
    if weights is not None:
        save_weights(model, folder / WEIGHTS)
        written.append(WEIGHTS)
    content = description(genotype, facts, trained=weights is not None)
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"

    whole = model if facts.dataset is None else Normalised(model, facts.dataset)
    with _without_collection(), _one_thread():
        recording, reason = _recorded(whole, tuple(genotype.image))
        if recording is not None:
            reason = _save_programs(recording, folder, content, text)
            written += [PROGRAM] if reason else [ONNX, PROGRAM]
    write_whole(folder / DESCRIPTION, text)
    genotype.save(folder / GENOTYPE)  # last: a folder that has it holds a whole export
    with _one_thread():
        difference = None if recording is None else _difference(recording, whole, tuple(genotype.image))
    return Exported(folder, tuple(written), content, difference, reason)


class Normalised(nn.Module):
    """``model`` for raw pixels, 0 to 255, as the data set's images were normalised in training."""

    pixel_scale: Tensor
    pixel_offset: Tensor

    def __init__(self, model: nn.Module, info: DatasetInfo) -> None:
        super().__init__()
        self.model = model
        std = torch.tensor(info.std).view(-1, 1, 1)
        self.register_buffer("pixel_scale", 1 / (255 * std))
        self.register_buffer("pixel_offset", -torch.tensor(info.mean).view(-1, 1, 1) / std)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.model(pixels * self.pixel_scale + self.pixel_offset)


def _recorded(model: nn.Module, image: tuple[int, ...]) -> tuple[Recording | None, str | None]:
    """``model`` as a simplified recording, or why there is none."""
    from training.export.recorder import record
    from training.export.simplify import simplify

    adaptive = [type(module).__name__ for module in model.modules() if getattr(module, "adaptive", False)]
    if adaptive:
        return None, (
            f"the solver of {adaptive[0]} takes as many steps as the images need, a program a fixed number"
        )
    try:
        recording = record(model, image)
        simplify(recording)
        return recording, None
    except Exception as error:  # noqa: BLE001 - a module of the user may fail in any way when it is recorded
        return None, f"the network cannot be recorded ({type(error).__name__}: {_first_line(error)})"


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), "")


def _save_programs(recording: Recording, folder: Path, content: dict[str, Any], text: str) -> str | None:
    """Why there is no ONNX file, where there is none."""
    from training.export.onnx_file import save_onnx
    from training.export.program_file import save_program

    save_program(recording, folder / PROGRAM, {DESCRIPTION: text})
    try:
        save_onnx(recording, folder / ONNX, properties(content), project_version())
    except UserError:  # it cannot be written there
        raise
    except Exception as error:  # noqa: BLE001 - torch's exporter may fail in any way at an operator of the user
        return f"an operator has no ONNX form ({type(error).__name__}: {_first_line(error)})"
    return None


def _difference(recording: Recording, model: nn.Module, image: tuple[int, ...]) -> float:
    images = 255 * torch.rand(3, *image, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return float((recording.run(images)[0] - model(images)).abs().max())


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
