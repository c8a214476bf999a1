"""What one image makes within a global layer of a network, as plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LayerMaps:
    """Of the layer ``number`` (from 1) of a network, called ``name`` there. ``states`` (K + 1, C, H, W) are before the
    first step and after each one; all others are (C, H, W). ``courant`` is |Ax| + |Ay|, which is to be at most 1;
    ``primitive`` is the cell's operation of which the layer is, or None."""

    number: int
    name: str
    states: np.ndarray
    velocity_x: np.ndarray
    velocity_y: np.ndarray
    diffusivity_x: np.ndarray
    diffusivity_y: np.ndarray
    courant: np.ndarray
    output: np.ndarray
    primitive: str | None = None

    @property
    def title(self) -> str:
        """How a person tells it from others."""
        return f"layer {self.number}, {f'{self.primitive} at ' if self.primitive else ''}{self.name}"

    @property
    def steps(self) -> int:
        return len(self.states) - 1

    @property
    def unstable_share(self) -> float:
        """The share in [0, 1] of elements beyond the stability bound."""
        return float((self.courant > 1).mean())

    def arrays(self) -> dict[str, np.ndarray]:
        """By name, for a file."""
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}

    def sentence(self) -> str:
        """What one should know of it."""
        channels, height, width = self.courant.shape
        change = float(np.abs(self.states[-1] - self.states[0]).mean())
        size = float(np.abs(self.states[0]).mean())
        bound = f"|Ax|+|Ay| is {self.courant.max():.3g} at most"
        beyond = (
            f", beyond the bound of 1 in {100 * self.unstable_share:.1f}% of the map"
            if self.unstable_share
            else ""
        )
        return (
            f"{self.title}: {self.steps} step{'s'[: self.steps != 1]} on {channels} x {height} x "
            f"{width}; the state changes by {change:.3g} on average, of {size:.3g}; {bound}{beyond}"
        )
