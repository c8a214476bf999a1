"""Kinds of global layer that the paper's ablations compare, beside those of the primitives.

They are named as those are, ``<kind>_<steps>``, and stand in a family's ``layers`` where one asks for them; no default
has them, so a seed draws what it drew before.

- ``global_velocity_<transform>`` and ``global_diffusivity_<transform>`` make both velocities, or both diffusivities, by
  another transform than the depthwise 3x3, and the other two by that one.
- ``global_diffusivity_<number>`` has that number in place of learned diffusivities.
- ``global_neither`` has no advection and no diffusion: what is left of the equation is its source.
- ``global_residual`` adds its source to its output, ``global_no_source`` solves without f, ``global_previous_state``
  begins with the state one step back where ``global`` has the source (of the identity as Init they are the same), and
  ``global_grid_2`` has dx = dy = 2.

Source: the public scripts of Kag and Saligrama, "Condensing CNNs with Partial Differential Equations", CVPR 2022
(``custom_uv``, ``custom_dxy``, ``cDx``, ``use_res``, ``no_f``, ``init_h0_h``, ``dx``).
"""

from __future__ import annotations

from typing import Any

TRANSFORMS = ("depthwise-bias", "pointwise", "full", "bottleneck", "basic-block", "identity")
NUMBERS = (0.2, 0.5, 1.0, 2.0)
_DEPTHWISE = {"velocity": "depthwise", "diffusivity": "depthwise"}


def velocity_kind(transform: str) -> str:
    """The kind whose velocities that transform makes."""
    return f"global_velocity_{transform.replace('-', '_')}"


def diffusivity_kind(value: str | float) -> str:
    """The kind whose diffusivities that transform makes, or are that number."""
    return f"global_diffusivity_{value if isinstance(value, float) else value.replace('-', '_')}"


# What a variant has otherwise than `GlobalLayer`'s defaults; a name may stand in a genotype, and means the same for ever.
VARIANTS: dict[str, dict[str, Any]] = {
    **{velocity_kind(name): _DEPTHWISE | {"velocity": name} for name in TRANSFORMS},
    **{diffusivity_kind(value): _DEPTHWISE | {"diffusivity": value} for value in (*TRANSFORMS, *NUMBERS)},
    "global_neither": {"velocity": "none", "diffusivity": "none"},
    "global_residual": _DEPTHWISE | {"residual": True},
    "global_no_source": _DEPTHWISE | {"use_source": False},
    "global_previous_state": _DEPTHWISE | {"previous": "state"},
    "global_grid_2": _DEPTHWISE | {"dx": 2, "dy": 2},
}
