"""A global layer at work on a handwritten digit, as `inspect` draws it."""

from __future__ import annotations

import torch
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from torch import nn

from analysis.pictures.layer_maps import layer_figure
from pde_ops import GlobalLayer
from training.inside import layer_maps

_ENLARGED = 1.6  # so that velocities exceed the bound somewhere


def draw_inspected() -> Figure:
    """Of a layer of three steps with random weights, its velocities along the rows enlarged."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        layer = GlobalLayer(8, steps=3, coefficient_start=1.0, start_mechanism="gain").train()
        image = torch.tensor(load_digits().images[3:4]).float()[:, None] / 16
        x = nn.functional.interpolate(nn.Conv2d(1, 8, 3, padding=1)(image), size=(12, 12))
        layer.velocity_x.norm.weight.mul_(_ENLARGED)
        return layer_figure(layer_maps(1, "cells.0.nodes.1.0.layer", layer, x), channels=5)
