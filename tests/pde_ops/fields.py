"""Random, well-scaled fields for the tests of the integrator."""

from __future__ import annotations

import torch


def make_fields(
    shape: tuple[int, int, int, int],
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
    *,
    velocity: float = 0.4,
    diffusivity: float = 1.0,
    grad: bool = False,
) -> dict[str, torch.Tensor]:
    """Inputs of `integrate` by name: normal states, signed velocities, diffusivities in [0, diffusivity]."""
    rng = torch.Generator().manual_seed(seed)

    def normal(scale: float = 1.0) -> torch.Tensor:
        return (
            torch.randn(shape, generator=rng, dtype=torch.float64).mul(scale).to(dtype).requires_grad_(grad)
        )

    def uniform(low: float, high: float) -> torch.Tensor:
        raw = torch.rand(shape, generator=rng, dtype=torch.float64)
        return raw.mul(high - low).add(low).to(dtype).requires_grad_(grad)

    return {
        "h": normal(),
        "source": normal(),
        "velocity_x": uniform(-velocity, velocity),
        "velocity_y": uniform(-velocity, velocity),
        "diffusivity_x": uniform(0.0, diffusivity),
        "diffusivity_y": uniform(0.0, diffusivity),
        "initial": normal(),
    }
