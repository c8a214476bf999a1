"""What NNI's Proxyless makes of our cells: one operation of each edge, and NNI's gradient for the architecture weights."""

from __future__ import annotations

import functools
from collections import Counter

import pytest
import torch
from nni.nas.strategy import Proxyless
from torch import Tensor

from search_space import Problem, get_space
from search_space.cells.model_space import DartsGlobal
from search_space.cells.nni_side.gated_cell import GatedCell

PRIMITIVES = ("skip_connect", "sep_conv_3x3", "global_1")
SETTINGS = {"width": 4, "cells": 3, "nodes": 2, "primitives": PRIMITIVES}
PROBLEM = Problem("darts-global", SETTINGS, (1, 8, 8), 10)
IMAGES = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def supernet() -> DartsGlobal:
    torch.manual_seed(0)
    return Proxyless().mutate_model(get_space("darts-global").model_space(PROBLEM)).eval()


def cells_of(space: DartsGlobal) -> list[GatedCell]:
    return [module for module in space.modules() if isinstance(module, GatedCell)]


def draw(space: DartsGlobal) -> dict[str, int]:
    memo: dict[str, int] = {}
    for cell in cells_of(space):
        memo.update(cell.resample(memo))
    return memo


def of_all_operations(cell: GatedCell, gates: dict[str, Tensor], inputs: list[Tensor]) -> Tensor:
    """The cell with all operations, each times its gate of (K + 1,) by edge."""
    states = cell.preprocessor(inputs)
    for node, edges in enumerate(cell.ops, start=2):
        terms = [
            gate * operation(states[source])
            for source, operations in enumerate(edges)
            for gate, operation in zip(
                gates[f"{cell.label}/{node}_{source}"], operations.values(), strict=False
            )
        ]
        states.append(sum(terms))
    return torch.cat(states[2:], 1)


def gradients(space: DartsGlobal) -> dict[str, Tensor | None]:
    space.zero_grad()
    (space(IMAGES) ** 2).sum().backward()
    return {name: None if p.grad is None else p.grad.clone() for name, p in space.named_parameters()}


def test_the_gradients_are_those_of_binary_gates(monkeypatch):
    space = supernet()
    drawn = draw(space)
    assert set(drawn.values()) == {0, 1, 2, 3}  # none, too
    logits, found = space(IMAGES), gradients(space)
    for cell in cells_of(space):
        gates = {}
        for edge, alpha in cell._arch_alpha.items():
            chances = alpha.softmax(0)
            gates[edge] = torch.eye(len(alpha))[drawn[edge]] + chances - chances.detach()
        monkeypatch.setattr(cell, "forward", functools.partial(of_all_operations, cell, gates))
    torch.testing.assert_close(space(IMAGES), logits)
    expected = gradients(space)
    learned = [name for name in found if "_arch_alpha" in name]
    assert len(learned) == 10  # of 5 edges in each of two kinds of cell
    for name, gradient in found.items():
        there = torch.zeros_like(expected[name]) if gradient is None else gradient
        torch.testing.assert_close(there, expected[name], rtol=1e-3, atol=1e-4, msg=name)
    assert all(found[name].abs().max() > 0 for name in learned)


def test_cells_of_a_kind_draw_alike_and_by_their_weights():
    space = supernet()
    first, second = (cell for cell in cells_of(space) if cell.label == "reduction")
    for logits in second._arch_alpha.values():
        logits.data.copy_(torch.tensor([0.2, 0.3, 0.1, 0.4]).log())
    counts: Counter[int] = Counter()
    for _ in range(400):
        draw(space)
        assert first._drawn == second._drawn
        counts.update(first._drawn.values())
    for number, chance in enumerate((0.2, 0.3, 0.1, 0.4)):
        assert counts[number] / 2000 == pytest.approx(chance, abs=0.04)  # 3.7 standard errors or more


def test_where_nothing_was_drawn_it_says_so():
    with pytest.raises(RuntimeError, match=r"resample\(\) comes before a forward pass"):
        supernet()(IMAGES)


def test_nnis_proxyless_still_has_no_cells(monkeypatch):
    """Where this fails, `search_space.cells.nni_side.gated_cell` can go."""
    monkeypatch.delattr(DartsGlobal, "extra_oneshot_hooks")
    space = supernet()
    choices = [module for module in space.modules() if hasattr(module, "resample")]

    def run_until_two_sizes_meet() -> None:
        for _ in range(20):
            for choice in choices:
                choice.resample({})
            space(IMAGES)

    with pytest.raises(RuntimeError, match="stack expects each tensor to be equal size"):
        run_until_two_sizes_meet()
