"""The shapes of common operators' results.

torch finds them by running decompositions in Python, for which it imports its whole compiler: most of a second.
Each is held against torch's in ``tests/training/export/test_shapes.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

aten = torch.ops.aten

_LIKE_FIRST = {
    aten.relu.default, aten.hardtanh.default, aten.silu.default, aten.sigmoid.default, aten.tanh.default,
    aten.hardswish.default, aten.hardsigmoid.default, aten.roll.default, aten.reciprocal.default,
}  # fmt: skip
_BROADCAST = {
    aten.add.Tensor, aten.sub.Tensor, aten.mul.Tensor, aten.div.Tensor, aten.rsub.Scalar, aten.addcmul.default,
}  # fmt: skip


def known_result(func: Any, args: tuple[Any, ...]) -> Any:
    """Tensors without values like ``func``'s result for ``args``, its positional arguments in full; None where
    torch must be asked."""
    if func is aten.addmm.default and args[0].dtype is torch.float32:
        return torch.empty(args[1].shape[0], args[2].shape[1], device="meta")
    tensors = args[0] if func is aten.cat.default else [value for value in args if isinstance(value, Tensor)]
    if not all(tensor.dtype is torch.float32 and _ordinary(func, tensor) for tensor in tensors):
        return None
    shape = _shape(func, args, tensors)
    if shape is None:
        return None
    result = torch.empty(shape, device="meta")
    if func is aten.native_batch_norm.default:
        return result, *(torch.empty(0, device="meta") for _ in range(2))
    if func is aten.max_pool2d_with_indices.default:
        return result, torch.empty(shape, dtype=torch.int64, device="meta")
    return result


def _shape(func: Any, args: tuple[Any, ...], tensors: list[Tensor]) -> tuple[int, ...] | None:
    if func in _LIKE_FIRST or (func is aten.native_batch_norm.default and args[5] is False):
        return tuple(args[0].shape)
    if func in _BROADCAST:
        return np.broadcast_shapes(*(tensor.shape for tensor in tensors))
    if func is aten.cat.default:
        dim = args[1] % tensors[0].dim()
        total = sum(tensor.shape[dim] for tensor in tensors)
        return (*tensors[0].shape[:dim], total, *tensors[0].shape[dim + 1 :])
    if func is aten.convolution.default and args[0].dim() == 4 and args[6] is False:
        images, weight, _, stride, padding, dilation = args[:6]
        return (
            images.shape[0],
            weight.shape[0],
            *_sides(images, weight.shape[2:], stride, padding, dilation),
        )
    if func is aten.max_pool2d_with_indices.default and args[5] is False:
        return (*args[0].shape[:-2], *_sides(*args[:5]))
    if func is aten.avg_pool2d.default and args[4] is False:
        return (*args[0].shape[:-2], *_sides(*args[:4], (1, 1)))
    if func is aten.mean.dim and args[1]:
        gone = {dim % args[0].dim() for dim in args[1]}
        sizes = [1 if dim in gone else size for dim, size in enumerate(args[0].shape)]
        return tuple(size for dim, size in enumerate(sizes) if args[2] or dim not in gone)
    return None


def _ordinary(func: Any, tensor: Tensor) -> bool:
    """Whether ``func`` gives a contiguous result for it: a convolution does for any part of a contiguous one."""
    if func is aten.convolution.default and tensor.dim() == 4 and tensor.shape[1] > 1:
        return tensor.stride(1) >= tensor.stride(2) >= tensor.stride(3) == 1
    return tensor.is_contiguous()


def _sides(images: Tensor, *windows: Sequence[int]) -> list[int]:
    """Height and width after windows of a kernel, stride, padding and dilation; one number stands for both, and no
    stride is the kernel's."""
    kernel, stride, padding, dilation = (list(each) * (2 if len(each) == 1 else 1) for each in windows)
    taken = zip(images.shape[-2:], kernel, stride or kernel, padding, dilation, strict=True)
    return [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in taken]
