"""The global layer's kernels against eager PyTorch and against a residual block, as ratios.

    python -m benchmarks.kernels                      all tables on the CPU, then the GPU's
    python -m benchmarks.kernels --threads 1 --clock cpu --out FILE

Inputs are fresh random fields; the outputs of both sides are compared in the same run. Both sides alternate,
and the minimum over the rounds counts. On a machine that others use too, one thread and the process's own
CPU time (``--clock cpu``) disturb least.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from benchmarks import kernels_gpu
from pde_ops import BasicBlock, GlobalLayer, integrate
from pde_ops.cpu import backend as cpu_backend
from pde_ops.eager import COLUMNS, ROWS, integrate_eager, lower, upper

SIZES = ((16, 32), (32, 16), (64, 8))  # channels, side
STEPS = (1, 5, 10)
IMAGES, DT = 32, 0.2
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


@dataclass(frozen=True)
class Row:
    """One comparison: seconds of both sides; ``ratio`` as the table's heading says it."""

    table: str
    case: str
    what: str
    ours: float
    theirs: float
    ratio: float
    difference: float

    def line(self) -> str:
        """The row of the printed table."""
        ours, theirs = f"{self.ours * 1e3:9.2f} ms", f"{self.theirs * 1e3:9.2f} ms"
        return f"{self.case:<34}{self.what:<18}{ours}{theirs}{self.ratio:8.2f}x{self.difference:12.1e}"


def as_published(h, f, u, v, dfx, dfy, *, steps, dt):
    """The scheme written step by step as its formula stands, 36 element-wise operations each."""
    bound = "periodic"
    ax, ay, bx, by = u * dt, v * dt, dfx * dt, dfy * dt
    ux = (lower(u, 1, ROWS, bound) - upper(u, 1, ROWS, bound)) / 2
    vy = (lower(v, 1, COLUMNS, bound) - upper(v, 1, COLUMNS, bound)) / 2
    e = dt * (ux + vy)
    p = h
    for _ in range(steps):
        new = (1 - 2 * bx - 2 * by) * p - 2 * e * h
        new = new + (-ax + 2 * bx) * lower(h, 1, ROWS, bound) + (ax + 2 * bx) * upper(h, 1, ROWS, bound)
        new = new + (-ay + 2 * by) * lower(h, 1, COLUMNS, bound) + (ay + 2 * by) * upper(h, 1, COLUMNS, bound)
        p, h = h, (new + 2 * dt * f) / (1 + 2 * bx + 2 * by)
    return h


class Timer:
    """Minimum time of several functions, run in turn."""

    def __init__(self, clock: str, rounds: int) -> None:
        self.clock, self.rounds = CLOCKS[clock], rounds

    def __call__(self, *functions: Callable[[], object]) -> list[float]:
        best = [float("inf")] * len(functions)
        for turn in range(self.rounds + 1):
            for index, function in enumerate(functions):
                start = self.clock()
                function()
                if turn:  # the first turn warms up
                    best[index] = min(best[index], self.clock() - start)
        return best


def difference(ours: list[Tensor], theirs: list[Tensor]) -> float:
    """The largest difference relative to each tensor's largest value."""
    pairs = zip(ours, theirs, strict=True)
    return max(((a - b).abs().max() / b.abs().max().clamp_min(1e-30)).item() for a, b in pairs)


def integrator(timer: Timer, steps_list) -> Iterator[Row]:
    """`integrate` against the formulation as published and against this project's eager definition."""
    for channels, side in SIZES:
        for steps in steps_list:
            shape = (IMAGES, channels, side, side)
            h, f = torch.randn(shape), torch.randn(shape)
            coefficients = [torch.rand(shape) * scale for scale in (0.4, 0.4, 1.0, 1.0)]
            inputs = [t.requires_grad_(True) for t in (h, f, *coefficients)]
            grad = torch.randn(shape)

            def forward(function, inputs=inputs, steps=steps):
                with torch.no_grad():
                    return function(*inputs, steps=steps, dt=DT)

            def both(function, inputs=inputs, steps=steps, grad=grad):
                out = function(*inputs, steps=steps, dt=DT)
                return [out.detach(), *torch.autograd.grad(out, inputs, grad)]

            gap = difference(both(integrate), both(integrate_eager))
            for what, call in (("forward", forward), ("forward+backward", both)):
                sides = [
                    lambda fn=fn, call=call: call(fn) for fn in (integrate, as_published, integrate_eager)
                ]
                ours, published, hoisted = timer(*sides)
                case = f"C={channels} {side}x{side} K={steps}"
                yield Row(
                    "integrate vs formula as published", case, what, ours, published, published / ours, gap
                )
                yield Row("integrate vs own eager definition", case, what, ours, hoisted, hoisted / ours, gap)


def whole_layer(timer: Timer) -> Iterator[Row]:
    """`GlobalLayer` against a BasicBlock of its width: training step, and inference with norms folded."""
    for channels, side in SIZES:
        for steps in STEPS:
            layer, block = GlobalLayer(channels, steps=steps), BasicBlock(channels)
            x = torch.randn(IMAGES, channels, side, side, requires_grad=True)
            grad = torch.randn_like(x)
            with torch.no_grad():
                gap = difference([layer(x)], [layer.composed(x, x)])

            def train(module, x=x, grad=grad):
                torch.autograd.backward(module(x), grad)

            case = f"C={channels} {side}x{side} K={steps}"
            ours, theirs = timer(lambda t=train, m=layer: t(m), lambda t=train, m=block: t(m))
            yield Row("layer vs BasicBlock", case, "forward+backward", ours, theirs, ours / theirs, gap)
            layer.eval()
            folded = _folded(block.eval())
            with torch.no_grad():
                ours, theirs = timer(lambda m=layer, x=x: m(x), lambda m=folded, x=x: m(x))
            yield Row("layer vs BasicBlock", case, "inference", ours, theirs, ours / theirs, gap)


def _folded(block: BasicBlock) -> Callable[[Tensor], Tensor]:
    first, second = fuse_conv_bn_eval(block.conv1, block.bn1), fuse_conv_bn_eval(block.conv2, block.bn2)
    return lambda x: torch.relu_(second(torch.relu_(first(x))).add_(x))


def networks(timer: Timer) -> Iterator[Row]:
    """A whole network's training step with the kernels and with the eager backend."""
    from search_space import published

    resnet = published("resnet-global").build().train()
    x, labels = torch.randn(128, 3, 32, 32), torch.randint(10, (128,))
    for steps in (1, 5):
        yield _network(timer, f"ResNet-Global, batch 128, K={steps}", resnet, x, labels, steps)
    from search_space import get_space

    space = get_space("darts-global")
    supernet = _supernet(space)
    yield _network(timer, "DARTS-Global supernet, batch 16", supernet, x[:16], labels[:16], None)


def _supernet(space) -> nn.Module:
    """All candidates of every choice, evaluated and averaged, as a one-shot strategy does."""
    import nni.nas.strategy as strategies

    from search_space import Problem

    model = space.model_space(Problem(space.name, {"width": 8, "cells": 3}, (3, 32, 32), 10))
    return strategies.DARTS().mutate_model(model).train()


def _network(timer: Timer, case: str, network: nn.Module, x, labels, steps: int | None) -> Row:
    layers = [module for module in network.modules() if isinstance(module, GlobalLayer)]
    for layer in layers:
        layer.steps = steps or layer.steps

    def step(backend: str) -> Tensor:
        for layer in layers:
            layer.backend = backend
        network.zero_grad()
        out = network(x)
        out = out[0] if isinstance(out, tuple) else out
        loss = nn.functional.cross_entropy(out, labels)
        loss.backward()
        return loss.detach()

    gap = difference([step("auto").reshape(1)], [step("eager").reshape(1)])
    ours, theirs = timer(lambda: step("auto"), lambda: step("eager"))
    return Row("network: kernels vs eager backend", case, "training step", ours, theirs, theirs / ours, gap)


MEMORY = """
import sys, torch
from benchmarks.kernels import peak_memory
print(peak_memory(sys.argv[1], int(sys.argv[2])))
"""


def peak_memory(backend: str, steps: int) -> float:
    """Extra resident memory (MiB) of one forward+backward on 4 MiB fields; in a process of its own."""
    function = integrate_eager if backend == "autograd" else integrate
    small = [torch.rand(2, 2, 32, 32, requires_grad=True) for _ in range(6)]
    out = function(*small, steps=steps, dt=DT)
    torch.autograd.grad(out, small, torch.ones_like(out))  # loads what torch imports at the first call
    inputs = [torch.rand(64, 16, 32, 32, requires_grad=True) for _ in range(6)]
    grad = torch.ones_like(inputs[0])
    Path("/proc/self/clear_refs").write_text("5")  # resets the high-water mark
    before = _status("VmRSS")
    torch.autograd.grad(function(*inputs, steps=steps, dt=DT), inputs, grad)
    return (_status("VmHWM") - before) / 1024


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))


def memory_lines() -> Iterator[str]:
    """Extra memory for several steps, the kernels and autograd through the definition."""
    for backend in ("kernel", "autograd"):
        found = []
        for steps in (1, 5, 20):
            command = [sys.executable, "-c", MEMORY, backend, str(steps)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found.append(f"K={steps}: {float(done.stdout.split()[-1]):7.1f} MiB")
        yield f"{backend:<10}" + "   ".join(found)


def main() -> None:
    """Print the tables; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", choices=tuple(CLOCKS), default="wall")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", choices=("integrate", "layer", "network", "memory", "gpu"))
    parser.add_argument("--out", type=Path, help="also write every row as a JSON line")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if not cpu_backend.built():
        raise SystemExit("The C++ kernels could not be built here; there is nothing to compare.")
    timer = Timer(options.clock, options.rounds)
    tables = {"integrate": lambda: integrator(timer, STEPS), "layer": lambda: whole_layer(timer)}
    tables["network"] = lambda: networks(Timer(options.clock, max(2, options.rounds // 3)))
    print(
        f"{options.threads} thread(s), {options.clock} time, float32, N = {IMAGES}, best of {options.rounds}"
    )
    print("integrate and network: theirs / ours (higher is better); layer: ours / block (lower is better)")
    for name, table in tables.items():
        if options.only in (None, name):
            _print(table(), options.out)
    if options.only in (None, "memory"):
        print("\nExtra memory of forward+backward, fields of 4 MiB, of which 7 are results:")
        for line in memory_lines():
            print(line, flush=True)
    if options.only in (None, "gpu"):
        print()
        if not torch.cuda.is_available():
            print(kernels_gpu.WITHOUT_GPU)
        else:
            subprocess.run([sys.executable, "-m", "benchmarks.kernels_gpu"], check=True)


def _print(rows: Iterator[Row], out: Path | None) -> None:
    for row in rows:
        print(f"{row.table:<36}{row.line()}", flush=True)
        if out is not None:
            with out.open("a") as file:
                file.write(json.dumps(asdict(row)) + "\n")


if __name__ == "__main__":
    main()
