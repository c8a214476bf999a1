"""A network's convolutions and batch norms by their C++ kernels, while it is trained on a CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from pde_ops.cpu import depthwise_module, norm, rounded, strided


@contextmanager
def training_kernels(network: nn.Module, *, bf16: bool = False) -> Iterator[None]:
    """While it lasts, what the kernels can stand for is done by them: a step is so much quicker, and its numbers are the
    same up to rounding. A norm takes over the ReLU after it in an ``nn.Sequential``. No name of a parameter changes.
    With ``bf16`` dense convolutions are carried out in bfloat16 (`pde_ops.cpu.rounded`).

    Global layers are left alone: they have kernels of their own, and read their norms.
    """
    replaced: list[tuple[nn.Module, str, nn.Module]] = []

    def put(parent: nn.Module, name: str, child: nn.Module) -> None:
        replaced.append((parent, name, parent.get_submodule(name)))
        setattr(parent, name, child)

    for parent in list(network.modules()):
        if type(parent).__module__.startswith("pde_ops."):
            continue
        children = list(parent.named_children())
        for place, (name, child) in enumerate(children):
            if depthwise_module.takes(child):
                put(parent, name, depthwise_module.DepthwiseConv2d(child))
            elif bf16 and rounded.takes(child):
                put(parent, name, rounded.RoundedConv2d(child))
            elif strided.takes(child):
                put(parent, name, strided.StridedConv2d(child))
            elif norm.takes(child):
                after = children[place + 1 : place + 2] if isinstance(parent, nn.Sequential) else []
                relu = bool(after) and type(after[0][1]) is nn.ReLU
                put(parent, name, norm.BatchNormReLU(child, relu=relu))
                if relu:
                    put(parent, after[0][0], nn.Identity())
    try:
        yield
    finally:
        for parent, name, child in replaced:
            setattr(parent, name, child.train(parent.training))


def has_float32_kernels(network: nn.Module) -> bool:
    """Whether there are global layers or depthwise convolutions in it, whose kernels for training are float32."""
    return any(
        type(module).__module__.startswith("pde_ops.") or depthwise_module.takes(module)
        for module in network.modules()
    )
