"""A look inside the global layers of a trained network, for one image."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from pde_ops import GlobalLayer
from pde_ops.trajectory import trajectory
from records.checks import whole_number
from records.errors import UserError
from records.layer_maps import LayerMaps
from search_space.primitives.global_layers import GlobalPrimitive
from training.data.datasets import DatasetInfo
from training.data.sources.folder import evaluation_cut
from training.data.sources.images import decode
from training.export.network import Normalised
from training.export.weights import load_weights

if TYPE_CHECKING:
    from search_space import Genotype


def look_inside(
    genotype: Genotype, weights: Path, info: DatasetInfo, image: Path, number: int | None = None
) -> tuple[np.ndarray, int, list[LayerMaps]]:
    """The pixels as the network gets them, uint8 (C, H, W), the class that it gives the image, and what happens in each
    of its global layers, or in that of ``number`` (from 1) alone.

    Raises ``UserError``: weights of another network, a file that is no image, a network without a global layer that is
    integrated in steps, no layer of that number.
    """
    model = genotype.build(seed=0)
    load_weights(model, weights)
    model.eval().requires_grad_(False)
    layers = [(name, module) for name, module in model.named_modules() if isinstance(module, GlobalLayer)]
    if not layers:
        raise UserError("the network has no global layer that is integrated in steps; accepted: one that has")
    if number is not None:
        number = whole_number("layer", number, 1, len(layers))
    if not image.is_file():
        raise UserError(f"image is {image}; accepted: an image's file")
    pixels = evaluation_cut(info)(decode(str(image), info.image[0]))
    given, logits = _inputs(Normalised(model, info), [module for _, module in layers], pixels[None].float())
    chosen = [
        dataclasses.replace(layer_maps(place, name, layer, given[layer]), primitive=_primitive(model, name))
        for place, (name, layer) in enumerate(layers, start=1)
        if number in (None, place) and layer in given
    ]
    return pixels.numpy(), int(logits.argmax()), chosen


def _primitive(model: nn.Module, name: str) -> str | None:
    """The primitive of which the layer of that name is; None where it is of a block of another family."""
    around = model.get_submodule(name.rpartition(".")[0])
    return f"{around.kind}_{around.steps}" if isinstance(around, GlobalPrimitive) else None


def _inputs(
    network: nn.Module, layers: list[GlobalLayer], pixels: Tensor
) -> tuple[dict[GlobalLayer, Tensor], Tensor]:
    """What each layer is given when the network is run, and the logits."""
    given: dict[GlobalLayer, Tensor] = {}
    hooks = [
        layer.register_forward_pre_hook(lambda module, args: given.__setitem__(module, args[0].clone()))
        for layer in layers
    ]
    try:
        with torch.no_grad():
            logits = network(pixels)
    finally:
        for hook in hooks:
            hook.remove()
    return given, logits


def layer_maps(number: int, name: str, layer: GlobalLayer, x: Tensor) -> LayerMaps:
    """What happens in a layer that is given ``x`` (1, C, H, W)."""
    found = trajectory(layer, x)
    fields = {field: getattr(found, field)[0].numpy() for field in found._fields if field != "states"}
    return LayerMaps(number, name, torch.cat(found.states).numpy(), **fields)
