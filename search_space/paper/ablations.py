"""The networks of the paper's ablations, and others of the authors' scripts, as points of their spaces.

What is known of each: the counts in ``ablations.csv``, measured on the authors' classes, or the parameters and MACs that
the authors noted in their scripts, rounded. Accuracies are not public. Not found: the form of an older DenseNet-Global
with 526K parameters and 168M MACs. On MNIST the scripts also compare velocities made of f and of h, which the identity
as Init makes the same.

Source: the public scripts of Kag and Saligrama, "Condensing CNNs with Partial Differential Equations", CVPR 2022.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any

from search_space.paper.network import (
    CONSTANT,
    GLOBAL,
    INFERRED,
    NONE,
    PublishedNetwork,
    darts,
    digits,
    residual,
)
from search_space.primitives.kinds import NUMBERS, TRANSFORMS, diffusivity_kind, velocity_kind

# Which part of the equation is left: names of the kinds with one step.
PHYSICS = {
    "Constant": CONSTANT, "Diffusion": "global_diffusion_1", "Advection": "global_advection_1",
    "Neither": "global_neither_1",
}  # fmt: skip
OPTIONS = {
    "Residual": "global_residual_1", "No-Source": "global_no_source_1", "Previous-State": "global_previous_state_1",
    "Grid-2": "global_grid_2_1",
}  # fmt: skip
STEPS = (1, 5)
_NOTED = "in the authors' script: "


@dataclass(frozen=True)
class Measured:
    """Counts of an ablation's network on the authors' classes; ``macs_published`` is None where it was not counted."""

    network: str
    classes: int
    params: int
    macs_published: int | None


def measured() -> list[Measured]:
    """All lines of ``ablations.csv``."""
    text = resources.files("search_space").joinpath("ablations.csv").read_text(encoding="utf-8")
    return [
        Measured(
            line["network"],
            int(line["classes"]),
            int(line["params"]),
            int(line["macs_published"]) if line["macs_published"] else None,
        )
        for line in csv.DictReader(text.splitlines())
    ]


def _titled(name: str) -> str:
    return "-".join(part.title() for part in name.split("-"))


def coefficient_kinds() -> dict[str, str]:
    """The kinds of velocity and of diffusivity that are compared, by the ends of the networks' names."""
    kinds = {f"Velocity-{_titled(name)}": velocity_kind(name) for name in TRANSFORMS}
    return kinds | {f"Diffusivity-{_titled(name)}": diffusivity_kind(name) for name in TRANSFORMS}


def _narrowed(network: PublishedNetwork, layers: Sequence[str], **settings: Any) -> PublishedNetwork:
    """The network in the space that has these layers alone."""
    return replace(network, settings={**network.settings, "layers": tuple(layers), **settings})


def _staged(
    name: str, layer: str, widths: Sequence[int] = (16, 32, 64, 64), blocks: int = 1, **more: Any
) -> PublishedNetwork:
    settings = more.pop("settings", {})
    layers = (layer,) * 3 + (NONE,) * (len(widths) - 3)
    network = residual(name, widths, blocks, layers, **more)
    return _narrowed(network, tuple(dict.fromkeys(layers)), **settings)


def _digit(name: str, layer: str) -> PublishedNetwork:
    return _narrowed(digits(name, layer), (layer,))


def _networks() -> Iterator[PublishedNetwork]:
    kinds = coefficient_kinds()
    for end, kind in kinds.items():
        yield _staged(f"ResNet-Global-{end}", f"{kind}_1")
    for end, kind in kinds.items():
        yield _staged(f"ResNet-56-Global-{end}", f"{kind}_1", blocks=2)
    for end, kind in kinds.items():
        yield _digit(f"MNIST-Global-1-{end}", f"{kind}_1")
    for end, layer in PHYSICS.items():
        yield _staged(f"ResNet-Global-{end}", layer)
    for end, layer in PHYSICS.items():
        yield _staged(f"ResNet-Global-Tiny-{end}", layer, (10, 9, 16, 16))
    for end, layer in OPTIONS.items():
        yield _staged(f"ResNet-56-Global-{end}", layer, blocks=2)
    yield _staged("ResNet-56-Global-Bias", GLOBAL, blocks=2, settings={"bias": True})
    for steps in STEPS:
        yield _digit(f"MNIST-Global-{steps}-Learned", f"global_{steps}")
        for number in NUMBERS:
            yield _digit(f"MNIST-Global-{steps}-Diffusivity-{number}", f"{diffusivity_kind(number)}_{steps}")
    yield _staged(
        "Wide-ResNet-Global-5", "global_5+basic_block", (16, 32, 64), factor=4, note=_NOTED + "2.8M, 425M"
    )
    yield _staged(
        "ResNet-Global-Tiny-5", "global_5", (9, 9, 16, 16), note=_NOTED + "14K, 3.6M, CIFAR-10 82.55%"
    )
    yield _staged(
        "ResNet-Global-Tiny-Early", GLOBAL + "+basic_block", (6, 8, 16, 16), basis=INFERRED,
        note=_NOTED + "20K, 3.4M; BasicBlock as Init is the nearest form",
    )  # fmt: skip
    yield _staged(
        "Wide-ResNet-Global-Tiny-Early", CONSTANT + "+basic_block", (3, 4, 3), factor=4, basis=INFERRED,
        note=_NOTED + "22K, 8.9M; BasicBlock as Init and D = 1 fit", settings={"widths": (3, 4)},
    )  # fmt: skip
    yield darts(
        "DARTS-Global-Tiny-Early", 6, 5, GLOBAL + "+cell", old=True, basis=INFERRED,
        note=_NOTED + "33K, 7.8M; biases in the coefficients' convolutions are the nearest form",
    )  # fmt: skip


ABLATIONS = tuple(_networks())
