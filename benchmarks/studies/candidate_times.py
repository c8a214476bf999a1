"""What each global layer that a search may choose costs in time, beside depthwise convolutions.

    python -m benchmarks.studies.candidate_times [NAME ...] [--batch 128] [--rounds 7] [--clock cpu|wall] [--threads 1] [--out FILE]

Each is a primitive with stride 1, in training, on maps of random numbers. The convolutions are depthwise, and followed
by a batch norm and a ReLU as every candidate is. All run in turn and the least time over the rounds counts, so that the
ratios to ``global_1`` hold on a machine that others use too.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks import entry
from benchmarks.kernels import CLOCKS, Timer
from pde_ops import conv_cost
from search_space.primitives.registry import get_primitive, primitive_cost

SIZES = ((16, 32), (32, 16), (64, 8))  # channels, side
NAMES = (
    "global_1", "global_open_1", "global_signed_1", "global_block_1", "global_heat", "global_implicit",
)  # fmt: skip
KERNELS = (3, 7)
REFERENCE = "global_1"


@dataclass(frozen=True)
class Row:
    """One candidate on maps of one size: milliseconds, and the same divided by the reference's."""

    name: str
    channels: int
    side: int
    macs_per_element: float
    forward: float
    both: float
    forward_ratio: float
    both_ratio: float

    def line(self) -> str:
        """The row in Markdown."""
        size = f"{self.channels} channels, {self.side}x{self.side}"
        times = f"{self.forward:.1f} ({self.forward_ratio:.2f}) | {self.both:.1f} ({self.both_ratio:.2f})"
        return f"| {size} | `{self.name}` | {self.macs_per_element:.0f} | {times} |"


HEADING = (
    "| map | candidate | MACs an element | forward, ms (ratio) | forward and backward, ms (ratio) |\n"
    "| --- | --- | ---: | ---: | ---: |"
)


def depthwise(channels: int, kernel: int) -> nn.Module:
    """A depthwise convolution, batch norm and ReLU."""
    conv = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels), nn.ReLU())


def measure(names: tuple[str, ...], channels: int, side: int, batch: int, timer: Timer) -> list[Row]:
    """All candidates on ``batch`` maps ``(channels, side, side)``; the reference is measured first."""
    torch.manual_seed(0)
    elements = channels * side * side
    modules: dict[str, tuple[nn.Module, float]] = {}
    for name in dict.fromkeys((REFERENCE, *names)):
        macs = primitive_cost(name, channels, 1, (side, side)).macs
        modules[name] = get_primitive(name)(channels, 1), macs / elements
    for kernel in KERNELS:
        macs = conv_cost(channels, channels, kernel, (side, side), groups=channels).macs
        modules[f"depthwise {kernel}x{kernel}"] = depthwise(channels, kernel), macs / elements
    x = torch.randn(batch, channels, side, side, requires_grad=True)
    grad = torch.randn_like(x)

    def forward(module: nn.Module) -> Tensor:
        with torch.no_grad():
            return module(x)

    def both(module: nn.Module) -> None:
        torch.autograd.backward(module(x), grad)

    made = [module for module, _ in modules.values()]
    forwards = timer(*(lambda m=m: forward(m) for m in made))
    boths = timer(*(lambda m=m: both(m) for m in made))
    return [
        Row(name, channels, side, macs, a * 1e3, b * 1e3, a / forwards[0], b / boths[0])
        for (name, (_, macs)), a, b in zip(modules.items(), forwards, boths, strict=True)
    ]


def main() -> None:
    """Print the table; see the module's docstring."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", default=NAMES, metavar="NAME", help="primitives")
    parser.add_argument("--batch", type=int, default=128, help="maps at once (128)")
    parser.add_argument("--rounds", type=int, default=7, help="of which the fastest counts (7)")
    parser.add_argument("--clock", choices=tuple(CLOCKS), default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="a JSON file for what was measured")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    timer = Timer(options.clock, options.rounds)
    rows: list[Row] = []
    print(f"{options.threads} thread(s), {options.clock} time, float32, batch {options.batch}\n\n{HEADING}")
    for channels, side in SIZES:
        for row in measure(tuple(options.names), channels, side, options.batch, timer):
            print(row.line(), flush=True)
            rows.append(row)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    entry(main)
