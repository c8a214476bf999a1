"""The fused layer called again and again without gradients: what a call needs is gathered once.

A layer has some ninety parameters, statistics, settings and hooks to look at, and the dispatcher's way to the
kernel has its price; on a small feature map the two take several times as long as the kernel. Here the kernel's
argument is filled once. A later call compares what it was made of, object by object and address by address, and
needs nothing else, so that whatever changes (weights in place or replaced, a setting, a hook, the mode, the
batch) is seen.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor, nn

from pde_ops.cpu import backend, fused
from pde_ops.cpu.argument import PdeLayer
from pde_ops.cpu.fused_operator import describe, evaluate, stays_channels_last


class Prepared:
    """The kernel's argument for one layer in evaluation and inputs like ``x``."""

    def __init__(self, layer: fused.Layer, x: Tensor) -> None:
        self.like = (x.shape, x.dtype, torch.get_num_threads())
        self.channels_last = stays_channels_last(x, layer.options.steps)
        self.layout = torch.channels_last if self.channels_last else torch.contiguous_format
        self.watched: list[tuple[dict, str, Any]] = []  # a dictionary, a key, the object that must be there
        self.hooks: list[dict] = []  # that must stay empty
        self.modules: list[nn.Module] = []
        self._watch(layer.__dict__, "options")  # frozen: another value is another object
        for name in (*fused.FIELDS, "out_norm"):
            if name in layer._modules:
                self._watch_module(self._watch(layer._modules, name))
        convolutions, norms = fused.parameters(layer)
        tensors: dict[str, list[Tensor]] = {
            "weight": [own["weight"] for own in convolutions],
            "bias": [own["bias"] for own in convolutions if own["bias"] is not None],
            "gain": [norm.weight for norm in norms],
            "shift": [norm.bias for norm in norms],
            "mean": [norm.running_mean for norm in norms],
            "variance": [norm.running_var for norm in norms],
        }
        self.tensors = [tensor for several in tensors.values() for tensor in several]
        pointers = {name: tuple(t.data_ptr() for t in several) for name, several in tensors.items()}
        self.addresses = [tensor.data_ptr() for tensor in self.tensors]
        self.classes = [type(module) for module in self.modules]
        weight = tensors["weight"][0]
        self.own = weight.dtype
        self.argument = describe(x, pointers, weight, fused.settings(layer, norms))

    def _watch(self, holder: dict, name: str) -> Any:
        self.watched.append((holder, name, holder[name]))
        return holder[name]

    def _watch_module(self, module: nn.Module) -> None:
        """The module's settings, parameters, statistics, hooks and parts."""
        self.modules.append(module)
        self.hooks += [module._forward_hooks, module._forward_pre_hooks, module._backward_hooks]
        for name in ("eps", "multiplier", "training"):
            if name in module.__dict__:
                self._watch(module.__dict__, name)
        for holder in (module._parameters, module._buffers):
            for name in holder:
                self._watch(holder, name)
        for name in module._modules:
            self._watch_module(self._watch(module._modules, name))

    def holds(self, x: Tensor) -> bool:
        """Whether the argument is still the layer's, and fits ``x``."""
        if (x.shape, x.dtype, torch.get_num_threads()) != self.like or any(self.hooks):
            return False
        if x.is_contiguous() is self.channels_last:
            return False
        try:
            for holder, name, value in self.watched:
                if holder[name] is not value:
                    return False
        except KeyError:
            return False
        if [type(module) for module in self.modules] != self.classes:
            return False
        own = self.own
        for tensor, address in zip(self.tensors, self.addresses, strict=True):
            if tensor.data_ptr() != address or tensor.dtype is not own or not tensor.is_contiguous():
                return False
        return True

    def __call__(self, x: Tensor) -> Tensor:
        out = torch.empty_like(x, memory_format=self.layout)
        argument = PdeLayer.from_buffer_copy(self.argument)  # its own: threads may share the layer
        argument.x, argument.out = x.data_ptr(), out.data_ptr()
        evaluate(argument, self.channels_last)
        return out


_prepared: weakref.WeakKeyDictionary[fused.Layer, Prepared] = weakref.WeakKeyDictionary()


def run(layer: fused.Layer, x: Tensor) -> Tensor | None:
    """The layer's output from state and source ``x``; None where this short way is not open."""
    if not _plain_call(x, layer.options.steps):
        return None
    if x.dtype is torch.bfloat16 and x.is_contiguous():  # by way of float32, where the parameters are of that
        out = run(layer, x.float()) if _in_float32(layer) else None
        return None if out is None else out.to(x.dtype)
    prepared = _prepared.get(layer)
    if prepared is None or not prepared.holds(x):
        if fused.unavailable(layer, x) is not None or layer._modules["out_norm"].training:  # type: ignore[union-attr]
            return None
        prepared = Prepared(layer, x)
        if not all(tensor.is_contiguous() for tensor in prepared.tensors):
            return None
        _prepared[layer] = prepared
    return prepared(x)


def _in_float32(layer: fused.Layer) -> bool:
    own = layer._modules["out_norm"]._parameters.get("weight")  # type: ignore[union-attr]
    return own is not None and own.dtype is torch.float32


def _plain_call(x: Tensor, steps: int) -> bool:
    """Whether ``x`` is an ordinary tensor, and nobody records, transforms or watches what is done to it."""
    return (
        backend.is_ordinary(x)
        and not torch.is_grad_enabled()
        and (x.is_contiguous() or stays_channels_last(x, steps))
        and not torch.autograd._profiler_enabled()
    )
