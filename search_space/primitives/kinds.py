"""The kinds of global layer: those of the primitives, and those that the paper's ablations compare.

A name of a layer is ``<kind>_<steps>``. ``global`` is the full advection-diffusion equation with coefficients learned
from the feature map by depthwise convolutions. The other primitives differ from it:

- ``global_constant_diffusivity`` learns the velocities and has D = 1; ``global_diffusion`` has no advection,
  ``global_advection`` no diffusion.
- ``global_block`` makes each coefficient by a residual block, which the published code offers as ``custom_uv`` and
  ``custom_dxy``.
- ``global_open`` begins with coefficients of order one, plain batch normalisation, in place of 0.05: it mixes pixels
  from the first step of a training, where ``global`` begins near the identity.
- ``global_signed`` begins so too, and its velocities have either sign, within -1 and 1. The published ones are
  positive and carry towards lower indices alone. The scheme's bound, |u| dt/dx + |v| dt/dy <= 1, holds with 0.4
  whatever is learned.

Ablations stand in a family's ``layers`` where one asks for them; no primitive and no default is one.

- ``global_velocity_<transform>`` and ``global_diffusivity_<transform>`` make both velocities, or both diffusivities, by
  another transform than the depthwise 3x3, and the other two by that one.
- ``global_diffusivity_<number>`` has that number in place of learned diffusivities.
- ``global_neither`` has no advection and no diffusion: what is left of the equation is its source.
- ``global_residual`` adds its source to its output, ``global_no_source`` solves without f, ``global_previous_state``
  begins with the state one step back where ``global`` has the source (of the identity as Init they are the same), and
  ``global_grid_2`` has dx = dy = 2.

Source: Kag and Saligrama, "Condensing CNNs with Partial Differential Equations", CVPR 2022, and its public scripts
(``custom_uv``, ``custom_dxy``, ``cDx``, ``use_res``, ``no_f``, ``init_h0_h``, ``dx``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

TRANSFORMS = ("depthwise-bias", "pointwise", "full", "bottleneck", "basic-block", "identity")
NUMBERS = (0.2, 0.5, 1.0, 2.0)
_DEPTHWISE = {"velocity": "depthwise", "diffusivity": "depthwise"}
_OPEN = {"coefficient_start": 1.0, "start_mechanism": "gain"}


@dataclass(frozen=True)
class Kind:
    """``options`` are what a `GlobalLayer` of that kind has otherwise than its surroundings say; an ``ablation`` is no
    primitive, and no family searches it unless it is named."""

    options: dict[str, Any]
    ablation: bool = False


def velocity_kind(transform: str) -> str:
    """The kind whose velocities that transform makes."""
    return f"global_velocity_{transform.replace('-', '_')}"


def diffusivity_kind(value: str | float) -> str:
    """The kind whose diffusivities that transform makes, or are that number."""
    return f"global_diffusivity_{value if isinstance(value, float) else value.replace('-', '_')}"


def _ablation(**options: Any) -> Kind:
    return Kind(_DEPTHWISE | options, ablation=True)


# A kind may stand in a genotype, and means the same for ever.
KINDS = {
    "global": Kind(_DEPTHWISE),
    "global_constant_diffusivity": Kind({"velocity": "depthwise", "diffusivity": 1.0}),
    "global_diffusion": Kind({"velocity": "none", "diffusivity": "depthwise"}),
    "global_advection": Kind({"velocity": "depthwise", "diffusivity": "none"}),
    "global_block": Kind({"velocity": "basic-block", "diffusivity": "basic-block"}),
    "global_open": Kind(_DEPTHWISE | _OPEN),
    "global_signed": Kind(_DEPTHWISE | {"velocity_activation": "softsign"} | _OPEN),
    **{velocity_kind(name): _ablation(velocity=name) for name in TRANSFORMS},
    **{diffusivity_kind(value): _ablation(diffusivity=value) for value in (*TRANSFORMS, *NUMBERS)},
    "global_neither": _ablation(velocity="none", diffusivity="none"),
    "global_residual": _ablation(residual=True),
    "global_no_source": _ablation(use_source=False),
    "global_previous_state": _ablation(previous="state"),
    "global_grid_2": _ablation(dx=2, dy=2),
}
PRIMITIVES = tuple(name for name, kind in KINDS.items() if not kind.ablation)
