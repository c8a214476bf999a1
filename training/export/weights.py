"""A network's parameters and buffers as a safetensors file."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from records.errors import UserError
from records.files import write_whole


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
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    differing = sorted(
        name for name in expected.keys() | shapes.keys() if expected.get(name) != shapes.get(name)
    )
    if differing:
        name = differing[0]
        raise UserError(
            f"{path} is of another network: {name} is {shapes.get(name, 'missing')}, the genotype has "
            f"{expected.get(name, 'none')} ({len(differing)} tensors differ)"
        )
    model.load_state_dict(tensors)
