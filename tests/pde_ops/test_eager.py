"""The definition against an independent, cell-by-cell program, and its conservation laws."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pde_ops.eager import integrate_eager, lower, upper
from tests.pde_ops.fields import make_fields

GRIDS = [(5, 4, 1, 1), (6, 7, 2, 3), (1, 1, 1, 1), (3, 2, 4, 5)]


def cell_by_cell(data, steps, dt, dx, dy, boundary):
    """The formulas of the scheme for one plane, one cell at a time."""
    a = {name: value[0, 0].numpy() for name, value in data.items()}
    rows, columns = a["h"].shape

    def at(field, i, j, wall=1.0):
        """The value at (i, j), and its mirror image in the wall where that lies outside."""
        if boundary == "periodic":
            return field[i % rows, j % columns]
        ci = i + dx if i < 0 else i - dx if i >= rows else i
        cj = j + dy if j < 0 else j - dy if j >= columns else j
        return field[ci, cj] * (wall if (ci, cj) != (i, j) else 1.0)

    p, h = a["initial"], a["h"]
    for _ in range(steps):
        new = np.empty_like(h)
        for i in range(rows):
            for j in range(columns):
                u, v = a["velocity_x"], a["velocity_y"]
                ax, ay = u[i, j] * dt / dx, v[i, j] * dt / dy
                bx, by = a["diffusivity_x"][i, j] * dt / dx**2, a["diffusivity_y"][i, j] * dt / dy**2
                e = dt * (
                    (at(u, i - dx, j, -1) - at(u, i + dx, j, -1)) / (2 * dx)
                    + (at(v, i, j - dy, -1) - at(v, i, j + dy, -1)) / (2 * dy)
                )
                total = (1 - 2 * bx - 2 * by) * p[i, j] - 2 * e * h[i, j] + 2 * dt * a["source"][i, j]
                total += (2 * bx - ax) * at(h, i - dx, j) + (2 * bx + ax) * at(h, i + dx, j)
                total += (2 * by - ay) * at(h, i, j - dy) + (2 * by + ay) * at(h, i, j + dy)
                new[i, j] = total / (1 + 2 * bx + 2 * by)
        p, h = h, new
    return h


@pytest.mark.parametrize("boundary", ["periodic", "zero-flux"])
@pytest.mark.parametrize(("rows", "columns", "dx", "dy"), GRIDS)
def test_equals_the_formulas_cell_by_cell(boundary, rows, columns, dx, dy):
    data = make_fields((1, 1, rows, columns), seed=3)
    expected = cell_by_cell(data, 4, 0.3, dx, dy, boundary)
    ours = integrate_eager(**data, steps=4, dt=0.3, dx=dx, dy=dy, boundary=boundary)
    np.testing.assert_allclose(ours[0, 0].numpy(), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("boundary", ["periodic", "zero-flux"])
@pytest.mark.parametrize(("rows", "columns", "dx", "dy"), [(8, 6, 1, 1), (7, 9, 2, 3), (1, 5, 1, 1)])
def test_mass_is_conserved_for_constant_diffusivity(boundary, rows, columns, dx, dy):
    data = make_fields((2, 3, rows, columns), seed=1)
    h = data["h"]
    out = integrate_eager(
        h, None, data["velocity_x"], data["velocity_y"], 0.7, 0.2,
        steps=6, dt=0.2, dx=dx, dy=dy, boundary=boundary,
    )  # fmt: skip
    assert (out - h).abs().max() > 0.01 or rows * columns < 10
    torch.testing.assert_close(out.sum((2, 3)), h.sum((2, 3)), rtol=0, atol=1e-11)


def test_mass_leaves_a_cell_by_the_wall_only_inwards():
    """A velocity towards lower indices piles mass up at row 0 between walls; without, it goes around."""
    h = torch.zeros(1, 1, 6, 1, dtype=torch.float64)
    h[0, 0, 1] = 1.0
    args = (h, None, 0.5, 0.0, 0.05, 0.0)
    walled = integrate_eager(*args, steps=1, dt=0.2, boundary="zero-flux")
    around = integrate_eager(*args, steps=3, dt=0.2, boundary="periodic")
    assert walled[0, 0, 0] > 0.1
    assert walled[0, 0, 5] == 0
    assert around[0, 0, 5] != 0


@pytest.mark.parametrize("boundary", ["periodic", "zero-flux"])
def test_constants_are_preserved_without_velocity_and_source(boundary):
    data = make_fields((2, 2, 5, 7), seed=2)
    h = torch.full_like(data["h"], 1.7)
    out = integrate_eager(
        h, None, 0.0, 0.0, data["diffusivity_x"], data["diffusivity_y"],
        steps=9, dt=0.5, dx=2, dy=1, boundary=boundary,
    )  # fmt: skip
    torch.testing.assert_close(out, h, rtol=1e-13, atol=0)


def test_diffusion_of_a_sine_wave_decays_as_the_exact_solution():
    """Second order in space and time while dt << dx: the amplitude falls as exp(-D k^2 t)."""
    n, steps, dt, diffusivity = 64, 200, 0.02, 1.0
    k = 2 * np.pi / n
    wave = torch.from_numpy(np.sin(k * np.arange(n))).reshape(1, 1, n, 1).expand(1, 1, n, 3).contiguous()
    before = wave * np.exp(diffusivity * k**2 * dt)
    out = integrate_eager(
        wave, None, 0.0, 0.0, diffusivity, diffusivity / 2, steps=steps, dt=dt, initial=before
    )
    expected = wave * np.exp(-diffusivity * k**2 * dt * steps)
    assert (out - expected).abs().max() < 1e-3


def test_constant_velocity_moves_a_wave_at_its_speed():
    n, steps, dt, speed = 64, 100, 0.1, 0.8
    k = 2 * np.pi / n
    x = np.arange(n)

    def at(t):  # positive velocities carry towards lower indices
        return torch.from_numpy(np.sin(k * (x + speed * t))).reshape(1, 1, 1, n).expand(1, 1, 2, n)

    out = integrate_eager(at(0.0), None, 0.0, speed, 0.0, 0.0, steps=steps, dt=dt, initial=at(-dt))
    assert (out - at(steps * dt)).abs().max() < 2e-3


def test_neighbours_beyond_the_plane_are_its_own_values():
    field = torch.arange(4.0).reshape(1, 1, 4, 1)
    assert lower(field, 3, 2, "zero-flux").flatten().tolist() == [0, 1, 2, 0]
    assert upper(field, 9, 2, "zero-flux", ghost=-1.0).flatten().tolist() == [0, -1, -2, -3]
    assert lower(field, 5, 2, "periodic").flatten().tolist() == [3, 0, 1, 2]


def test_half_precision_is_integrated_in_float32():
    data = make_fields((1, 2, 6, 6), seed=4, dtype=torch.bfloat16)
    out = integrate_eager(**data, steps=8, dt=0.2)
    wide = integrate_eager(**{k: v.float() for k, v in data.items()}, steps=8, dt=0.2)
    assert out.dtype == torch.bfloat16
    assert torch.equal(out, wide.bfloat16())
