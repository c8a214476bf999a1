"""Names for a stage's global layer, ``<kind>_<steps>`` or ``<kind>_<steps>+<init>``, and what each means.

Kinds are those of ``search_space.primitives.kinds``. Layers that reach the whole map at once have no steps in their
name (``search_space.primitives.whole_map``). ``none`` is no layer.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from pde_ops import GlobalLayer
from pde_ops.blocks import BasicBlock, Bottleneck, DenseInit
from records.checks import shown
from records.errors import UserError
from search_space.primitives.global_layers import OPTIONS
from search_space.primitives.kinds import KINDS, PRIMITIVES
from search_space.primitives.whole_map import WHOLE_MAP, WholeMapLayer

NONE = "none"
STEPS = (1, 3, 5)
# The kinds that a family searches unless it is told otherwise. A later kind is not added: a seed must draw the same.
DEFAULT_KINDS = (
    "global", "global_constant_diffusivity", "global_diffusion", "global_advection", "global_block",
)  # fmt: skip
INITS = {"basic_block": BasicBlock, "bottleneck": Bottleneck, "dense": DenseInit}
# How coefficients are normalised: as published on CIFAR and MNIST (eps = C), on ImageNet (the usual batch
# norm), or small at the start as this project's primitives have it.
STARTS = ("eps-channels", "plain", "small")


@dataclass(frozen=True)
class LayerName:
    """A global layer's name, taken apart; ``init`` is "" for the identity, ``steps`` 0 for one without."""

    kind: str
    steps: int
    init: str

    @property
    def options(self) -> dict[str, Any]:
        return KINDS[self.kind].options if self.kind in KINDS else {}


def parse(
    name: str, inits: Sequence[str] = tuple(INITS), whole_map: Sequence[str] = tuple(WHOLE_MAP)
) -> LayerName | None:
    """The layer that ``name`` means; None for ``none``. Raises ``UserError``; ``whole_map`` are those without steps
    that may be named."""
    if name == NONE:
        return None
    body, plus, init = name.partition("+")
    if body in whole_map and (not plus or init in inits):
        return LayerName(body, 0, init)
    kind, _, steps = body.rpartition("_")
    if kind not in KINDS or not steps.isdigit() or not 1 <= int(steps) <= 100 or (plus and init not in inits):
        raise UserError(
            f"global layer is {shown(name)}; accepted: none, or <kind>_<steps> with a kind among {', '.join(PRIMITIVES)} "
            f"(or of `published --ablations`){', or ' * bool(whole_map)}{', '.join(whole_map)}, and "
            f"+{', +'.join(inits)} after it for an Init"
        )
    return LayerName(kind, int(steps), init)


def layer_names(inits: Sequence[str], kinds: Sequence[str] = DEFAULT_KINDS) -> tuple[str, ...]:
    """``none`` and each kind, number of steps and Init ("" is the identity)."""
    names = itertools.product(kinds, STEPS, inits)
    return (NONE, *(f"{kind}_{steps}" + (f"+{init}" if init else "") for kind, steps, init in names))


def start_options(start: str, channels: int) -> dict[str, Any]:
    """The layer's options for one of ``STARTS``."""
    if start == "small":
        return {k: OPTIONS[k] for k in ("coefficient_start", "start_mechanism", "coefficient_eps")}
    return {"coefficient_start": 1.0, "coefficient_eps": float(channels) if start == "eps-channels" else 1e-5}


def make_layer(name: str, channels: int, start: str, bias: bool) -> GlobalLayer | WholeMapLayer:
    """The layer of that name, ``(N, channels, H, W)`` to the same; ``start`` and ``bias`` are for coefficients.

    A kind that says how its coefficients start keeps to that.
    """
    layer = parse(name)
    if layer is None or layer.kind not in WHOLE_MAP:
        return explicit_layer(name, channels, start, bias)
    init = INITS[layer.init](channels) if layer.init else None
    return WHOLE_MAP[layer.kind](channels, init=init)


def explicit_layer(
    name: str, channels: int, start: str, bias: bool, init: nn.Module | None = None, **options: Any
) -> GlobalLayer:
    """As `make_layer`, for names with steps; ``init`` takes the place of the named one; ``options`` are the layer's
    own.

    ``(N, channels, H, W)`` to the same.
    """
    inits = tuple(INITS) if init is None else (*INITS, "inverted_residual", "first_block")
    layer = parse(name, inits, whole_map=())
    if layer is None:
        raise ValueError("name is 'none'; accepted: a global layer's")
    if init is None and layer.init:
        init = INITS[layer.init](channels)
    return GlobalLayer(
        channels,
        **{
            "steps": layer.steps, "dt": 0.2, "bias": bias, "init": init,
            **start_options(start, channels), **layer.options, **options,
        },
    )  # fmt: skip
