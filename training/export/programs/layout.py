"""How a recording is laid out as a program: its constants are inputs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, fx

from training.export.recording.recorder import Recording

IMAGES, LOGITS, BATCH_NAME = "images", "logits", "batch"
EXAMPLE_IMAGES = 2


@dataclass(frozen=True)
class Layout:
    """A recording as a program lays it out: the constants are inputs that come before the images.

    Every node's ``meta`` holds ``like``, as in the recording; ``buffers`` names the input of each constant of
    ``state``, ``logits`` the node that is the result; ``example`` are images to call it with.
    """

    graph: fx.Graph
    buffers: dict[str, str]
    state: dict[str, Tensor]
    logits: str
    example: tuple[Tensor, ...]


def layout(recording: Recording) -> Layout:
    graph = fx.Graph()
    inputs: dict[str, fx.Node] = {}
    state: dict[str, Tensor] = {}
    for name, value in recording.constants.items():
        inputs[name] = node = graph.placeholder("b_" + name.replace(".", "_"))
        node.meta["like"] = state[name] = value.contiguous()
    copied: dict[fx.Node, fx.Node] = {}
    for node in recording.graph.nodes:
        if node.op == "get_attr":
            copied[node] = inputs[node.target]
        elif node.op == "output":
            (result,) = node.args[0]
            graph.output((copied[result],))
        else:
            copied[node] = graph.node_copy(node, copied.__getitem__)
            copied[node].meta = {"like": node.meta["like"]}
    (images,) = recording.graph.find_nodes(op="placeholder")
    example = (torch.zeros(EXAMPLE_IMAGES, *images.meta["like"].shape[1:]),)
    buffers = {name: node.name for name, node in inputs.items()}
    return Layout(graph, buffers, state, copied[result].name, example)
