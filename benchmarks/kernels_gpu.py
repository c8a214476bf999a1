"""The Triton backend of the integrator on a GPU, against eager PyTorch and against the memory's limit.

    python -m benchmarks.kernels_gpu                  the tables
    python -m benchmarks.kernels_gpu --out FILE       and every row as a JSON line

Times are of the kernels, replayed as CUDA graphs. Inputs are fresh random fields; every row compares the outputs
(result and gradients) of the two sides in the same run. Without a CUDA device it says what it would measure and ends
well.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from pde_ops.eager import integrate_eager
from pde_ops.integrator import integrate

DT = 0.2
SHAPES = ((16, 32), (32, 16), (64, 8))  # channels, side
STEPS = (1, 5, 10)
# Each moved once: forward 6 fields in, 1 out; backward 6 fields and the gradient in, 6 gradients out.
FIELDS_FORWARD, FIELDS_BOTH = 7, 20
WITHOUT_GPU = (
    "No CUDA device here. On one, this measures the Triton backend's forward and forward+backward time "
    "against eager PyTorch at N = 32 (C = 16 / 32 / 64 at 32x32 / 16x16 / 8x8, K = 1, 5, 10), against the "
    "time to move each input and output once at the measured copy bandwidth for N = 256 and 512 (float32, "
    "bfloat16, float16), and the extra memory for K = 1, 5, 20, comparing all outputs with eager."
)


@dataclass(frozen=True)
class Row:
    """One comparison. Times in ms; differences relative to the largest value; memory in MiB."""

    shape: tuple[int, int, int, int]
    dtype: str
    steps: int
    baseline: str  # "eager" or "memory floor"
    forward: float
    both: float
    baseline_forward: float
    baseline_both: float
    difference: float
    memory: float

    def line(self) -> str:
        """The row of the printed table."""
        n, c, height, width = self.shape
        if self.baseline == "eager":
            ratios = f"{self.baseline_forward / self.forward:7.1f}x {self.baseline_both / self.both:7.1f}x"
        else:
            ratios = f"{self.forward / self.baseline_forward:7.2f}  {self.both / self.baseline_both:7.2f} "
        return (
            f"{n:4d} {c:4d} {height:4d}x{width:<4d} {self.dtype:9s} {self.steps:3d} {self.forward:9.4f} "
            f"{self.both:9.4f} {ratios}  {self.difference:9.1e} {self.memory:9.1f}"
        )


HEADER = "   N    C   plane    type       K   fwd ms  fwd+bwd ms  {}  fwd, fwd+bwd  difference  extra MiB"


class Problem:
    """Random fields of one shape, and the two passes over them for one way of integrating."""

    def __init__(self, shape: tuple[int, int, int, int], dtype: torch.dtype, steps: int, device: str) -> None:
        draw = [torch.randn(shape, device=device) for _ in range(7)]
        signs = [draw[0], draw[1], 0.5 * draw[2].relu(), 0.5 * draw[3].relu(), draw[4].abs(), draw[5].abs()]
        self.fields = [field.to(dtype).requires_grad_(True) for field in signs]
        self.grad, self.steps = draw[6].to(dtype), steps

    def forward(self, backend: str) -> Tensor:
        """``backend`` "reference": the eager formulation under autograd; others: `integrate`'s."""
        h, *rest = self.fields
        if backend == "reference":
            return integrate_eager(h, *rest, steps=self.steps, dt=DT)
        return integrate(h, *rest, steps=self.steps, dt=DT, backend=backend)

    def both(self, backend: str) -> tuple[Tensor, ...]:
        """The result and the gradients of all fields."""
        out = self.forward(backend)
        return (out, *torch.autograd.grad(out, self.fields, self.grad))


def milliseconds(run: Callable[[], object], device: str, repeats: int) -> float:
    """Median time of ``run`` after three unmeasured ones; on a GPU of its kernels, replayed as a CUDA graph: Python
    takes longer to ask for most of them than they take."""
    if device == "cuda":
        return _replayed(run, repeats)
    for _ in range(3):
        run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def _replayed(run: Callable[[], object], repeats: int) -> float:
    aside = torch.cuda.Stream()
    with torch.cuda.stream(aside):
        for _ in range(3):
            run()
    aside.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    times = []
    for _ in range(repeats):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end))
    return statistics.median(times)


def copy_bandwidth(device: str, size: int = 2**30) -> float:
    """Bytes a ms of a large copy, read and written bytes both counted."""
    source = torch.empty(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * size / milliseconds(lambda: target.copy_(source), device, 20)


def largest_difference(found: tuple[Tensor, ...], expected: tuple[Tensor, ...]) -> float:
    """Over result and gradients, the largest difference relative to each one's largest value."""
    return max(
        float((a.double() - b.double()).detach().abs().max() / b.double().detach().abs().max())
        for a, b in zip(found, expected, strict=True)
    )


def extra_memory(run: Callable[[], object], device: str) -> float:
    """MiB that ``run`` allocates at its peak beyond what was allocated before; 0 off the GPU."""
    if device != "cuda":
        return 0.0
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    run()
    torch.cuda.synchronize()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def compare(
    shape: tuple[int, int, int, int],
    dtype: torch.dtype,
    steps: int,
    *,
    bandwidth: float | None = None,
    device: str = "cuda",
    backend: str = "triton",
    repeats: int = 30,
) -> Row:
    """Time ``backend`` against eager, or against the memory floor where a ``bandwidth`` is given."""
    problem = Problem(shape, dtype, steps, device)
    difference = largest_difference(problem.both(backend), problem.both("reference"))
    if bandwidth is None:
        baseline = "eager"
        floor_forward = milliseconds(lambda: problem.forward("reference"), device, repeats)
        floor_both = milliseconds(lambda: problem.both("reference"), device, repeats)
    else:
        baseline, bytes_of_field = "memory floor", problem.grad.numel() * problem.grad.element_size()
        floor_forward = FIELDS_FORWARD * bytes_of_field / bandwidth
        floor_both = FIELDS_BOTH * bytes_of_field / bandwidth
    return Row(
        shape, str(dtype).removeprefix("torch."), steps, baseline,
        milliseconds(lambda: problem.forward(backend), device, repeats),
        milliseconds(lambda: problem.both(backend), device, repeats),
        floor_forward, floor_both, difference, extra_memory(lambda: problem.both(backend), device),
    )  # fmt: skip


def rows(device: str) -> Iterator[Row]:
    """All measurements, in the order of the tables."""
    for channels, side in SHAPES:
        for steps in STEPS:
            yield compare((32, channels, side, side), torch.float32, steps, device=device)
    yield compare((8, 16, 112, 112), torch.float32, 5, device=device)  # beyond the chip
    for steps in (1, 5, 20):  # the memory's column is what counts here
        yield compare((32, 16, 32, 32), torch.float32, steps, device=device)
    bandwidth = copy_bandwidth(device)
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        for batch in (256, 512):
            for channels, side in SHAPES:
                for steps in STEPS:
                    yield compare(
                        (batch, channels, side, side), dtype, steps, bandwidth=bandwidth, device=device
                    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description="The Triton integrator against eager and the memory's limit."
    )
    parser.add_argument("--out", type=Path, help="a file to which each row is appended as a JSON line")
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print(WITHOUT_GPU)
        return
    name = torch.cuda.get_device_name()
    print(f"{name}, torch {torch.__version__}; copy bandwidth {copy_bandwidth('cuda') / 1e6:.0f} GB/s")
    baseline = ""
    for row in rows("cuda"):
        if row.baseline != baseline:
            baseline = row.baseline
            print(
                "\n" + HEADER.format("eager over Triton" if baseline == "eager" else "over the memory floor")
            )
        print(row.line(), flush=True)
        if options.out:
            with options.out.open("a") as file:
                file.write(json.dumps({"device": name, **asdict(row)}) + "\n")


if __name__ == "__main__":
    main()
