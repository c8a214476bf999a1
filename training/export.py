"""Writes an architecture, and its trained weights, in forms that other programs load."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from pde_ops.eager import integrate_eager
from search_space.errors import UserError
from search_space.files import write_errors, write_whole

if TYPE_CHECKING:
    from search_space import Genotype

GENOTYPE, WEIGHTS, ONNX, PROGRAM = "genotype.json", "weights.safetensors", "model.onnx", "model.pt2"


@dataclass(frozen=True)
class Exported:
    """The files written, and the largest absolute difference of the program's logits from the network's.

    A network that has no programs has no such difference, and ``without_programs`` says why.
    """

    folder: Path
    files: tuple[str, ...]
    program_difference: float | None
    without_programs: str | None = None


def export(
    genotype: Genotype, weights: str | Path | None, out_dir: str | Path, *, overwrite: bool = False
) -> Exported:
    """Writes into ``out_dir``: ``genotype.json``; ``weights.safetensors``; ``model.onnx``; ``model.pt2``.

    ``weights``: the safetensors file of a trained network of this genotype; with None the network has seeded
    random weights, and no weights file is written. Both programs take images (N, C, H, W) in float32, N any
    number, and give logits (N, classes), in eval mode. The PDE is written out in them as plain tensor
    operations, so that they run where this project is not installed: ``torch.export.load("model.pt2")``. A
    network with a module that is ``adaptive``, a solver whose number of steps depends on the images, has
    neither program, nor one that ``torch.export`` cannot trace.

    Raises ``UserError`` for weights that do not fit and for an ``out_dir`` that already holds an export.
    """
    folder = Path(out_dir)
    if not overwrite and (folder / GENOTYPE).exists():
        raise UserError(f"{folder} already holds {GENOTYPE}; give another folder")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = genotype.build()
    if weights is not None:
        load_weights(model, Path(weights))
    model.eval().requires_grad_(False)
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    written = [GENOTYPE]
    if weights is not None:
        save_weights(model, folder / WEIGHTS)
        written.append(WEIGHTS)

    program, reason = _traced(model, tuple(genotype.image))
    if program is None:
        genotype.save(folder / GENOTYPE)
        return Exported(folder, tuple(written), None, reason)
    content = io.BytesIO()
    torch.export.save(program, content)
    write_whole(folder / PROGRAM, content.getbuffer())
    _save_onnx(program, folder / ONNX)
    genotype.save(folder / GENOTYPE)  # last: a folder that has it holds a whole export
    images = torch.randn(3, *genotype.image, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        difference = (program.module()(images) - model(images)).abs().max()
    return Exported(folder, (*written, ONNX, PROGRAM), float(difference))


def _traced(
    model: nn.Module, image: tuple[int, ...]
) -> tuple[torch.export.ExportedProgram | None, str | None]:
    """The program of ``model``, or why there is none."""
    adaptive = [type(module).__name__ for module in model.modules() if getattr(module, "adaptive", False)]
    if adaptive:
        return None, (
            f"the solver of {adaptive[0]} takes as many steps as the images need, a program a fixed number"
        )
    try:
        return plain_program(model, image), None
    except Exception as error:  # noqa: BLE001 - a module of the user may fail in any way when traced
        message = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
        return None, f"torch.export cannot trace the network ({type(error).__name__}: {message})"


def plain_program(model: nn.Module, image: tuple[int, ...]) -> torch.export.ExportedProgram:
    """``model`` (in eval mode) as a program of PyTorch's own operators, for any number of images.

    Tracing is several times faster where the parameters need no gradients.
    """
    example = torch.zeros(2, *image)
    batch = torch.export.Dim("batch", min=1)
    with _quiet(), torch.no_grad():
        program = torch.export.export(model, (example,), dynamic_shapes=({0: batch},))
        return program.run_decompositions({torch.ops.pde_ops.integrate.default: _written_out})


def _save_onnx(program: torch.export.ExportedProgram, path: Path) -> None:
    from onnx_ir.passes.common import CommonSubexpressionEliminationPass
    from onnxscript import optimizer

    with _quiet(), torch.no_grad():
        # The exporter's own optimisation takes minutes for a network of cells; these passes take a second.
        onnx = torch.onnx.export(
            program, dynamo=True, optimize=False, input_names=["images"], output_names=["logits"]
        )
        assert onnx is not None  # it is for dynamo=True
        optimizer.fold_constants(onnx.model)
        optimizer.remove_unused_nodes(onnx.model)
        CommonSubexpressionEliminationPass()(onnx.model)
        with write_errors(path):
            onnx.save(path)


def save_weights(model: nn.Module, path: Path) -> None:
    """Writes the model's parameters and buffers as safetensors, whole or not at all."""
    from safetensors.torch import save

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    write_whole(path, save(tensors))


def load_weights(model: nn.Module, path: Path) -> None:
    """Loads what ``save_weights`` wrote; ``UserError`` for a file missing, damaged or not fitting."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise UserError(f"no weights file {path}")
    try:
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is damaged or no safetensors file ({error})") from error
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    differing = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    if differing:
        name = differing[0]
        raise UserError(
            f"{path} is of another network: {name} is {found.get(name, 'missing')}, the genotype has "
            f"{expected.get(name, 'none')} ({len(differing)} tensors differ)"
        )
    model.load_state_dict(tensors)


def _written_out(
    h: Tensor,
    source: Tensor | None,
    velocity_x: Tensor | None,
    velocity_y: Tensor | None,
    diffusivity_x: Tensor | None,
    diffusivity_y: Tensor | None,
    initial: Tensor | None,
    constants: list[float],
    steps: int,
    dt: float,
    dx: int,
    dy: int,
    boundary: str,
    backend: str,
) -> Tensor:
    """The operator's definition, which the exporter traces in its place."""
    fields = (velocity_x, velocity_y, diffusivity_x, diffusivity_y)
    coefficients: list[Any] = [c if t is None else t for t, c in zip(fields, constants, strict=True)]
    return integrate_eager(
        h, source, *coefficients, steps=steps, dt=dt, dx=dx, dy=dy, initial=initial, boundary=boundary
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter prints its progress and warns of its own internals; errors still come through."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logger = logging.getLogger("torch.onnx")
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)
