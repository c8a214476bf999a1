"""Where in a network its cost is: what each of its parts takes, and how much of that its global layers."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import nn

from pde_ops import GlobalLayer
from pde_ops.cost import Cost
from pde_ops.whole_map.heat import HeatLayer
from pde_ops.whole_map.implicit_layer import ImplicitLayer
from search_space.counting import CountingMode
from search_space.genotype import Genotype

GLOBAL_LAYERS = (GlobalLayer, HeatLayer, ImplicitLayer)
_NOT_COUNTED = "auxiliary_head"  # as in `search_space.counting.count`


@dataclass(frozen=True)
class Part:
    """A part of a network by its module's name and ``kind``, what it costs for one image, and of that ``of_global``, its
    global layers with what makes their coefficients."""

    name: str
    kind: str
    cost: Cost
    of_global: Cost


def cost_parts(genotype: Genotype) -> list[Part]:
    """The parts in the order of the network, those without a cost left out; together they cost what `Genotype.cost` says.
    What stands in none of them is called ``rest``.

    Examples:
        >>> from search_space import sample
        >>> parts = cost_parts(sample("darts-global", 0, image=(1, 8, 8), width=4, cells=2))
        >>> [part.name for part in parts]
        ['stem', 'cells.0', 'cells.1', 'classifier']
    """
    network = copy.deepcopy(genotype.build(seed=0)).to("meta").eval()
    parts = dict(_parts(network))
    mode = CountingMode()
    with ExitStack() as hooks:
        macs = {name: _Watch(mode, module, hooks) for name, module in parts.items()}
        inner = {
            name: [_Watch(mode, each, hooks) for each in _outermost(module)] for name, module in parts.items()
        }
        with torch.no_grad(), mode:
            network(torch.empty((1, *genotype.image), device="meta"))
    found = []
    for name, module in parts.items():
        of_global = sum((watch.spent for watch in inner[name]), start=Cost(_params(_outermost(module))))
        found.append(Part(name, type(module).__name__, macs[name].spent + Cost(_params([module])), of_global))
    total, known = genotype.cost(), sum((part.cost for part in found), start=Cost())
    found.append(Part("rest", "", total + known * -1, Cost()))
    return [part for part in found if part.cost != Cost()]


def _parts(network: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """The children of a network; a list of modules is no part, but each in it is."""
    for name, child in network.named_children():
        if name == _NOT_COUNTED:
            continue
        if isinstance(child, nn.ModuleList | nn.ModuleDict):
            yield from _parts(child, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", child


def _outermost(module: nn.Module) -> list[nn.Module]:
    """The global layers in a part."""
    if isinstance(module, GLOBAL_LAYERS):
        return [module]
    return [each for child in module.children() for each in _outermost(child)]


def _params(modules: list[nn.Module]) -> int:
    sizes = {id(each): each.numel() for module in modules for each in module.parameters()}
    return sum(sizes.values())


class _Watch:
    """Adds up in ``spent`` what ``mode`` counts while a module's forward runs."""

    def __init__(self, mode: CountingMode, module: nn.Module, hooks: ExitStack) -> None:
        self.mode, self.before, self.spent = mode, Cost(), Cost()
        hooks.callback(module.register_forward_pre_hook(self._begin).remove)
        hooks.callback(module.register_forward_hook(self._end).remove)

    def _begin(self, *_: object) -> None:
        self.before = self.mode.total

    def _end(self, *_: object) -> None:
        self.spent += self.mode.total + self.before * -1
