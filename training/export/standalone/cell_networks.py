"""Networks of cells: each kind of cell is a class whose forward shows its graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from training.export.standalone.code import WIDTH, Call, Channels, expression, with_names
from training.export.standalone.global_layer import layer_call
from training.export.standalone.writer import Writer, writes

NETWORK, CELLS = "search_space.families.darts_network", "search_space.cells.network"
INPUTS = 2  # of a cell


@writes(f"{CELLS}.Stem")
def _stem(writer: Writer, stem: Any) -> Call:
    first, last = stem.first[0], stem.first[-2]
    if len(stem.first) == 2:
        return writer.piece("SmallStem", first.in_channels, first.out_channels)
    return writer.piece("LargeStem", first.in_channels, first.out_channels, last.out_channels)


@writes(f"{CELLS}.Cell")
def _cell(writer: Writer, cell: Any) -> Call:
    first, second = (writer.call(module) for module in (cell.preprocessor.first, cell.preprocessor.second))
    channels = cell.preprocessor.second[1].out_channels
    nodes = [[writer.call(edge).whole() for edge in edges] for edges in cell.nodes]
    nodes = with_names(nodes, {channels: "channels"})
    title = "ReductionCell" if any(map(_reduces, cell.nodes.modules())) else "NormalCell"
    key = (title, cell.sources, expression(nodes))
    name = writer.generated(key, title, lambda name: _class(name, cell.sources, nodes))
    return Call(name, (Channels(channels), first, second))


def _reduces(module: Any) -> bool:
    """Whether it halves a map's size."""
    return getattr(module, "stride", 1) in (2, (2, 2))


def _class(name: str, sources: Sequence[Sequence[int]], nodes: list[list[Call]]) -> str:
    made = Call("nn.ModuleList", ([Call("nn.ModuleList", (edges,)) for edges in nodes],))
    used = {source for inputs in sources for source in inputs}
    given = {"x0": '["first"](before)', "x1": '["second"](last)'}
    lines = [f"{x} = self.preprocessor{of}" for i, (x, of) in enumerate(given.items()) if i in used]
    lines += ["nodes = self.nodes"]
    for node, inputs in enumerate(sources):
        terms = [f"nodes[{node}][{edge}](x{source})" for edge, source in enumerate(inputs)]
        state = f"x{INPUTS + node}"
        if len(f"        {state} = {' + '.join(terms)}") <= WIDTH:
            lines += [f"{state} = {' + '.join(terms)}"]
        else:
            lines += [f"{state} = {terms[0]}", *(f"{state} = {state} + {term}" for term in terms[1:])]
    states = ", ".join(f"x{INPUTS + node}" for node in range(len(sources)))
    one = f"torch.cat(({states}), 1)" if len(sources) > 1 else states
    if len(f"        return {one}") > WIDTH:
        lines += [f"states = {_states(len(sources))}"]
        one = "torch.cat(states, 1)"
    body = "\n".join(f"        {line}" for line in lines)
    words = "x0 and x1 are the last two cells' outputs after ``first`` and ``second``."
    for i, which in ((0, "``first``"), (1, "``second``")):
        if i not in used:
            words = f"Inputs are the last two cells' outputs; that after {which} no edge takes."
    return f'''class {name}(nn.Module):
    """Each node is the sum of its edges; the nodes are the output's channels.

    {words}
    """

    def __init__(self, channels: int, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.preprocessor = nn.ModuleDict({{"first": first, "second": second}})
        self.nodes = {expression(made, 8, len("self.nodes = "))}

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
{body}
        return {one}
'''


def _states(count: int) -> str:
    """A list of many nodes, one a line."""
    return "[\n" + "".join(f"            x{INPUTS + node},\n" for node in range(count)) + "        ]"


@writes(f"{NETWORK}.GlobalCell")
def _global_cell(writer: Writer, cell: Any) -> Call:
    if cell.cell is None:
        return writer.piece("LayerCell", writer.call(cell.layer).whole())
    inside, layer = writer.call(cell.cell), layer_call(writer, cell.layer, given=True)
    return writer.piece("GlobalCell", inside, layer)


@writes(f"{CELLS}.CellNetwork", f"{NETWORK}.DartsNetwork")
def _network(writer: Writer, network: Any) -> Call:
    parts = {
        "stem": writer.call(network.stem),
        "cells": Call("nn.ModuleList", ([writer.call(cell).whole() for cell in network.cells],)),
    }
    after = {int(place): writer.call(layer).whole() for place, layer in getattr(network, "after", {}).items()}
    if after:
        parts["after"] = Call("nn.ModuleDict", (after,))
    if network.auxiliary_head is not None:
        parts["auxiliary_head"] = writer.call(network.auxiliary_head)
    parts["classifier"] = writer.call(network.classifier)
    name = writer.generated("network", "CellNetwork", lambda name: _network_class(name, parts, bool(after)))
    return Call(name)


def _network_class(name: str, parts: dict[str, Call], after: bool) -> str:
    made = "".join(
        f"        self.{part} = {expression(call, 8, len(f'self.{part} = '))}\n"
        for part, call in parts.items()
    )
    loop = "        for cell in self.cells:\n            before, last = last, cell(before, last)\n"
    if after:
        loop = (
            "        for place, cell in enumerate(self.cells):\n"
            "            before, last = last, cell(before, last)\n"
            "            if str(place) in self.after:\n"
            "                last = self.after[str(place)](last)\n"
        )
    return f'''class {name}(nn.Module):
    """Each cell takes the outputs of the two before it."""

    def __init__(self) -> None:
        super().__init__()
{made}
    def forward(self, x: Tensor) -> Tensor:
        before, last = self.stem(x)
{loop}        return self.classifier(last.mean((2, 3)))
'''
