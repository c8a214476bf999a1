"""A network's convolutions, pools and batch norms by their C++ kernels, while it is trained on a CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from pde_ops.cpu.training import dense, depthwise, norm, pointwise, pooling, rounded, strided


@contextmanager
def training_kernels(network: nn.Module, *, bf16: bool = False) -> Iterator[None]:
    """While it lasts, what the kernels can stand for is done by them, as by `put_kernels`."""
    replaced = put_kernels(network, bf16=bf16)
    try:
        yield
    finally:
        for parent, name, child in replaced:
            setattr(parent, name, child.train(parent.training))


def put_kernels(network: nn.Module, *, bf16: bool = False) -> list[tuple[nn.Module, str, nn.Module]]:
    """Changes ``network`` in place; returns what stood there: the parent, the name, and the module.

    A step is so much quicker, and its numbers are the same up to rounding. A norm takes over the ReLU after it in an
    ``nn.Sequential``, also where it is the last step of the module there, which says so by ``ends_in``, its name; a
    depthwise convolution takes over the ReLU before it. No name of a parameter changes. With ``bf16`` dense
    convolutions are carried out in bfloat16 (`pde_ops.cpu.training.rounded`).

    Global layers are left alone: they have kernels of their own, and read their norms. A loss on a Jacobian
    differentiates gradients, which convolutions and pools of the kernels do not offer: a network that has one
    (modules with an ``extra_loss``) keeps its own.
    """
    twice = any(hasattr(module, "extra_loss") for module in network.modules())
    replaced: list[tuple[nn.Module, str, nn.Module]] = []

    def put(parent: nn.Module, name: str, child: nn.Module) -> None:
        replaced.append((parent, name, parent.get_submodule(name)))
        setattr(parent, name, child)

    for parent in list(network.modules()):
        if type(parent).__module__.startswith("pde_ops."):
            continue
        children = list(parent.named_children())
        for place, (name, child) in enumerate(children):
            after = children[place + 1 : place + 2] if isinstance(parent, nn.Sequential) else []
            relu = bool(after) and type(after[0][1]) is nn.ReLU
            if norm.takes(child):
                put(parent, name, norm.BatchNormReLU(child, relu=relu))
                if relu:
                    put(parent, after[0][0], nn.Identity())
            elif relu and norm.takes(last := getattr(child, ends := _ends_in(child), None)):
                put(child, ends, norm.BatchNormReLU(last, relu=True))
                put(parent, after[0][0], nn.Identity())
            elif type(child) is nn.ReLU and after and depthwise.takes(after[0][1]):
                if type(parent.get_submodule(name)) is nn.ReLU:  # no norm before it took it over
                    put(parent, name, nn.Identity())
                    put(parent, after[0][0], depthwise.DepthwiseConv2d(after[0][1], relu=True))
            elif (made := _stand_in(parent.get_submodule(name), bf16=bf16, twice=twice)) is not None:
                put(parent, name, made)
    return replaced


def _ends_in(module: nn.Module) -> str:
    """The name of the norm that it returns the output of, "" where it does not say so, or something is hooked to it."""
    return "" if module._forward_hooks else str(getattr(module, "ends_in", ""))


def _stand_in(module: nn.Module, *, bf16: bool, twice: bool) -> nn.Module | None:
    """What does the work of one module alone; None where there is nothing."""
    if depthwise.takes(module):
        return depthwise.DepthwiseConv2d(module)
    if bf16 and rounded.takes(module):
        return rounded.RoundedConv2d(module)
    if strided.takes(module):
        return strided.StridedConv2d(module)
    if twice:
        return None
    if dense.takes(module) and dense.pays():
        return dense.DenseConv2d(module)
    return pointwise.PointwiseConv2d(module) if pointwise.takes(module) else pooling.stands_for(module)


def has_float32_kernels(network: nn.Module) -> bool:
    """Whether there are depthwise convolutions in it, whose kernels for training take float32 alone."""
    return any(depthwise.takes(module) for module in network.modules())
