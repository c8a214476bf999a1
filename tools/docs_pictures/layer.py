"""What one output pixel depends on, and what each term of the equation does to a digit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis.pictures.canvas import FAINT, GREY, new_figure
from pde_ops import integrate
from tools.docs_pictures.boxes import ORANGE

SIDE = 23  # pixels of the plane on which the reach is shown
REACH_STEPS = (1, 3, 5, 10)


def reach(steps: int, side: int = SIDE) -> np.ndarray:
    """How much one output pixel, in the middle, depends on each input pixel ``(side, side)``: the absolute gradient,
    with velocities and diffusivities of a half."""
    h = torch.zeros(1, 1, side, side, dtype=torch.float64, requires_grad=True)
    out = integrate(h, None, 0.5, 0.5, 0.5, 0.5, steps=steps, dt=0.4, backend="eager")
    out[0, 0, side // 2, side // 2].backward()
    assert h.grad is not None
    return h.grad[0, 0].abs().numpy()


@dataclass(frozen=True)
class Effect:
    """A digit ``(40, 40)`` after the equation with these coefficients."""

    title: str
    image: np.ndarray


def effects() -> list[Effect]:
    """What each term does to a digit in twenty steps; the source is left out."""
    from sklearn.datasets import load_digits

    small = torch.tensor(load_digits().images[3])[None, None]
    digit = torch.nn.functional.interpolate(small, (32, 32), mode="bicubic").clamp(0)
    digit = torch.nn.functional.pad(digit, (4, 4, 4, 4))

    def after(v: float, d: float) -> np.ndarray:
        return integrate(digit, None, v, v, d, d, steps=20, dt=0.2, backend="eager")[0, 0].numpy()

    return [
        Effect("input", digit[0, 0].numpy()),
        Effect("diffusion alone", after(0.0, 1.5)),
        Effect("advection alone", after(1.5, 0.0)),
        Effect("both", after(1.5, 1.5)),
    ]


def draw_layer() -> Figure:
    figure = new_figure(8.6, 4.75)
    names = [f"K = {steps}" for steps in REACH_STEPS]
    figure.text(
        0.02,
        0.965,
        "What one output pixel depends on, after K steps",
        fontsize=10.5,
        fontweight="bold",
        va="top",
    )
    figure.text(
        0.02,
        0.487,
        "What each term does to a feature map, in 20 steps",
        fontsize=10.5,
        fontweight="bold",
        va="top",
    )
    for place, (steps, name) in enumerate(zip(REACH_STEPS, names, strict=True)):
        axes = _panel(figure, place, 0.535, name)
        seen = np.ma.masked_equal(reach(steps), 0)
        axes.imshow(seen, norm=LogNorm(1e-4, 1), cmap="Blues")
        middle = SIDE // 2
        axes.add_patch(
            Rectangle((middle - 1.5, middle - 1.5), 3, 3, fill=False, edgecolor=ORANGE, linewidth=1.4)
        )
    for place, effect in enumerate(effects()):
        axes = _panel(figure, place, 0.055, effect.title)
        axes.imshow(effect.image, cmap="gray_r", vmin=0, vmax=16)
    figure.text(
        0.98, 0.965, "orange: what a 3x3 convolution sees", fontsize=8.5, color=ORANGE, va="top", ha="right"
    )
    return figure


def _panel(figure: Figure, place: int, bottom: float, title: str) -> Axes:
    axes = figure.add_axes((0.02 + 0.245 * place, bottom, 0.225, 0.34))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=9, color=GREY, pad=3)
    for side in axes.spines.values():
        side.set_color(FAINT)
    return axes
