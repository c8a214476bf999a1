"""Golden numbers of the published layer: what the authors' own code computes, in float64, for batches of 2.

Measured on their public code (anilkagak2/PDE_GlobalLayer, commit 5bc2b5d, torch 2.2). ``cases.json`` names each
case's published options, the size of its input and the shapes of its state dictionary by published names;
``cases.npz`` has one vector a case: the state dictionary, then for evaluation and for training the output y, the
gradient of sum(y * grad_out) with respect to the input and to every parameter, and last the running statistics
after the one call in training. Of an array of more than `SAMPLES` numbers stand `Summary`'s. Input x and grad_out
are torch's own random numbers: a seed, and how many numbers of its stream come before.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).parent
CASES: dict[str, dict[str, Any]] = json.loads((FOLDER / "cases.json").read_text())
SAMPLES = 64
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
FIRST = 4  # numbers of x that the file has too, in case torch's stream changes


@dataclass(frozen=True)
class Summary:
    """A tensor by `SAMPLES` of its values, evenly spaced, its sum, sum of squares and largest absolute value."""

    values: Tensor
    total: float
    squares: float
    largest: float

    @classmethod
    def of(cls, tensor: Tensor) -> Summary:
        """Of any tensor; one of at most `SAMPLES` numbers is there whole."""
        flat = tensor.detach().flatten().double()
        step = max(1, flat.numel() // SAMPLES)
        total, squares = flat.sum().item(), flat.square().sum().item()
        return cls(flat[::step][:SAMPLES], total, squares, flat.abs().max().item())

    def check(self, tensor: Tensor, tolerance: float) -> None:
        """Hold ``tensor`` against it, relative to the largest value."""
        found, count = Summary.of(tensor), tensor.numel()
        assert found.values.shape == self.values.shape
        scale = max(self.largest, 1e-300)
        assert (found.values - self.values).abs().max().item() <= tolerance * scale
        assert abs(found.largest - self.largest) <= tolerance * scale
        assert abs(found.total - self.total) <= tolerance * scale * count
        assert abs(found.squares - self.squares) <= tolerance * scale**2 * count


@dataclass(frozen=True)
class Mode:
    """What a call in one mode gives, and its gradients by published names."""

    y: Summary
    grad_x: Summary
    gradients: dict[str, Summary]


@dataclass(frozen=True)
class Case:
    """One case, read."""

    options: dict[str, Any]
    x: Tensor
    grad_out: Tensor
    state: dict[str, Tensor]
    modes: dict[str, Mode]
    after_train: dict[str, Tensor]


def load(name: str) -> Case:
    """The case of that name."""
    told = CASES[name]
    with np.load(FOLDER / "cases.npz") as archive:
        numbers = torch.from_numpy(archive[name])
    at = 0

    def take(count: int) -> Tensor:
        nonlocal at
        at += count
        return numbers[at - count : at].clone()

    def summary(shape: list[int]) -> Summary:
        count = math.prod(shape)
        if count <= SAMPLES:
            return Summary.of(take(count))
        values = take(SAMPLES)
        return Summary(values, *take(3).tolist())

    def entry(key: str) -> Tensor:
        shape = told["state"][key]
        values = take(math.prod(shape)).reshape(shape)
        return values.long() if key.endswith("num_batches_tracked") else values

    first = take(FIRST)
    state = {key: entry(key) for key in told["state"]}
    size = told["input"]
    learned = [key for key in told["state"] if not key.endswith(STATISTICS)]
    modes = {}
    for mode in ("eval", "train"):
        y, grad_x = summary(size), summary(size)
        modes[mode] = Mode(y, grad_x, {key: summary(told["state"][key]) for key in learned})
    after_train = {key: entry(key) for key in told["state"] if key.endswith(STATISTICS[:2])}
    assert at == numbers.numel()
    count = math.prod(size)
    stream = torch.randn(
        told["skip"] + 2 * count, generator=torch.Generator().manual_seed(told["seed"]), dtype=torch.float64
    )
    x, grad_out = stream[told["skip"] :].reshape(2, *size)
    torch.testing.assert_close(
        x.flatten()[:FIRST], first, rtol=1e-12, atol=0, msg="torch's random stream is another"
    )
    return Case(told["options"], x.clone(), grad_out.clone(), state, modes, after_train)
