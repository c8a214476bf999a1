"""Carries out the PTX of a kernel whose warps exchange values by shuffles alone, to see without a GPU what was compiled.

Triton's interpreter runs the Python of a kernel; what the compiler makes of it can differ. Only instructions that these
kernels have are known, branches must be taken by all threads or none, and there is no shared memory.
"""

from __future__ import annotations

import operator
import re
import struct
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

_WARP = 32
_WIDE = 4  # bytes of a float32
_FLOATS: dict[str, Callable[..., np.ndarray]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative,
    "fma": lambda a, b, c: (a.astype(np.float64) * b + c).astype(np.float32),
}  # fmt: skip
_WHOLE: dict[str, Callable[..., np.ndarray]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "and": np.bitwise_and, "or": np.bitwise_or,
    "xor": np.bitwise_xor, "shl": np.left_shift, "shr": np.right_shift, "not": np.invert, "neg": np.negative,
    "bfe": lambda a, start, count: (a >> start) & ((1 << count) - 1), "min": np.minimum, "max": np.maximum,
    "rem": np.remainder, "mad": lambda a, b, c: a * b + c,
}  # fmt: skip
_COMPARED = {name: getattr(operator, name) for name in ("lt", "le", "gt", "ge", "eq", "ne")}


def emulate(ptx: str, program: int, arguments: Sequence[Tensor | int | float]) -> None:
    """One program of the kernel, in place. ``arguments`` are those that the kernel takes, in its order: contiguous float32
    tensors, whole numbers and numbers; Triton's two scratch pointers at the end are added."""
    _Program(ptx, program, arguments).run()


class _Program:
    def __init__(self, ptx: str, program: int, arguments: Sequence[Tensor | int | float]) -> None:
        self.lines = [line.split("//")[0].strip().rstrip(";") for line in ptx.splitlines()]
        self.labels = {line[:-1]: place for place, line in enumerate(self.lines) if line.endswith(":")}
        warps = re.search(r"\.reqntid (\d+)", ptx)
        assert warps is not None
        self.threads, self.program = int(warps[1]), program
        self.tensors = [argument for argument in arguments if isinstance(argument, Tensor)]
        assert all(t.dtype == torch.float32 and t.is_contiguous() for t in self.tensors)
        self.memory = np.concatenate([t.detach().numpy().ravel() for t in self.tensors])
        self.starts = np.cumsum([0] + [t.numel() for t in self.tensors])
        addresses = iter(self.starts * _WIDE)
        self.parameters = [next(addresses) if isinstance(a, Tensor) else a for a in arguments] + [0, 0]
        self.registers: dict[str, np.ndarray] = {}

    def run(self) -> None:
        place = next(index for index, line in enumerate(self.lines) if "func_begin" in line)
        while not self.lines[place].startswith("ret"):
            target = self._step(self.lines[place])
            place = place + 1 if target is None else self.labels[target]
        for tensor, start in zip(self.tensors, self.starts, strict=False):
            with torch.no_grad():
                part = self.memory[start : start + tensor.numel()]
                tensor.copy_(torch.from_numpy(part).view(tensor.shape))

    def _step(self, line: str) -> str | None:
        """The label to go on at; None: the next line."""
        if not line or line.endswith(":") or line[0] in "{}.":
            return None
        active = np.ones(self.threads, bool)
        if line[0] == "@":
            guard, line = line.split(None, 1)
            active = self.registers[guard.lstrip("@!")] ^ ("!" in guard)
        code, rest = line.split(None, 1)
        words = [word.strip("{} ") for word in re.split(r",(?![^\[]*\])", rest)]
        name, kind = code.split(".")[0], code.rsplit(".", 1)[-1]
        if name == "bra":
            assert active.all() or not active.any(), "threads take different ways"
            return words[0] if active.all() else None
        if name == "st":
            self.memory[self._at(words[0])[active]] = self._float(words[1])[active]
            return None
        value = self._value(name, kind, code, words[1:], active)
        before = self.registers.get(words[0])
        if not active.all() and before is not None:
            value = np.where(
                active, value, before.astype(value.dtype) if before.dtype != value.dtype else before
            )
        self.registers[words[0]] = value
        return None

    def _value(self, name: str, kind: str, code: str, words: list[str], active: np.ndarray) -> np.ndarray:
        if code.startswith("ld.param"):
            number = re.search(r"param_(\d+)", words[0])
            assert number is not None
            argument = self.parameters[int(number[1])]
            return np.full(self.threads, argument, np.float32 if isinstance(argument, float) else np.int64)
        if name == "ld":
            inside = np.where(active, self._at(words[0]), 0)
            return np.where(active, self.memory[inside], np.float32(0))
        if name in ("mov", "cvt"):
            return self._any(words[0])
        if name == "shfl":
            lane = np.arange(self.threads)
            return self._any(words[0])[lane // _WARP * _WARP + self._whole(words[1]) % _WARP]
        if name == "selp":
            return np.where(self.registers[words[2]], self._any(words[0]), self._any(words[1]))
        if name == "setp":
            return _COMPARED[code.split(".")[1]](self._whole(words[0]), self._whole(words[1]))
        if kind == "pred":
            return _WHOLE[name](*(self.registers[word] for word in words))
        if kind == "f32":
            return np.asarray(_FLOATS[name](*map(self._float, words)), np.float32)
        return _WHOLE[name](*map(self._whole, words))

    def _at(self, word: str) -> np.ndarray:
        parts = word.strip("[] ").split("+")
        return (self._whole(parts[0].strip()) + (int(parts[1]) if len(parts) > 1 else 0)) // _WIDE

    def _any(self, word: str) -> np.ndarray:
        if word == "%tid.x":
            return np.arange(self.threads)
        if word == "%ctaid.x":
            return np.full(self.threads, self.program)
        if word[0] == "%":
            return self.registers[word]
        if word.startswith("0f"):
            return np.full(self.threads, struct.unpack(">f", bytes.fromhex(word[2:]))[0], np.float32)
        return np.full(self.threads, int(word, 0))

    def _float(self, word: str) -> np.ndarray:
        value = self._any(word)
        return value if value.dtype == np.float32 else value.astype(np.uint32).view(np.float32)

    def _whole(self, word: str) -> np.ndarray:
        value = self._any(word)
        return value.view(np.int32).astype(np.int64) if value.dtype == np.float32 else value
