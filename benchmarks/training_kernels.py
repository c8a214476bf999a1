"""A training step with and without the C++ kernels for convolutions, batch norms and pools, by turns.

    python -m benchmarks.training_kernels [--pairs 5] [--out results/kernels/training.json]

Networks of `benchmarks.studies.candidates` and published ones, 128 images of 3x32x32, one thread;
seconds are this process's CPU time. Each pair is a step with and one without, and its ratio is what counts.
"""

from __future__ import annotations

import argparse
import json
import time
from contextlib import nullcontext
from pathlib import Path
from statistics import median

import torch
from torch import nn
from torch.nn import functional as F

from benchmarks import entry
from benchmarks.studies.candidates import at_equal_macs
from pde_ops.cpu.training.kernels import training_kernels
from search_space.paper.networks import published

BATCH = 128
CANDIDATES = ("depthwise_3x3", "depthwise_7x7", "depthwise_split", "global_open_1", "skip_connect")
PUBLISHED = (
    "ResNet-Global", "ResNet-32", "ResNet-Global-Tiny", "ResNet-Tiny", "Wide-ResNet-Global-Tiny", "Wide-ResNet-Tiny",
)  # fmt: skip


def step_seconds(network: nn.Module, images: torch.Tensor, labels: torch.Tensor, *, kernels: bool) -> float:
    """CPU seconds of one forward and backward pass."""
    with training_kernels(network) if kernels else nullcontext():
        started = time.process_time()
        F.cross_entropy(network(images), labels).backward()
        seconds = time.process_time() - started
    network.zero_grad(set_to_none=True)
    return seconds


def pairs(network: nn.Module, count: int) -> list[tuple[float, float]]:
    """Seconds without and with the kernels, after one pair that warms up."""
    images, labels = torch.randn(BATCH, 3, 32, 32), torch.randint(10, (BATCH,))
    network.train()
    found = [
        tuple(step_seconds(network, images, labels, kernels=kernels) for kernels in (False, True))
        for _ in range(count + 1)
    ]
    return found[1:]  # type: ignore[return-value]


def table(runs: dict[str, list[tuple[float, float]]]) -> str:
    """In Markdown: medians, and the median, least and largest ratio of the pairs."""
    lines = [
        "| network | torch, s | kernels, s | times as fast (least to most) | n |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, found in runs.items():
        ratios = [without / with_ for without, with_ in found]
        slow, quick = (median(each[side] for each in found) for side in (0, 1))
        lines.append(
            f"| {name} | {slow:.3f} | {quick:.3f} | {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) "
            f"| {len(found)} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=5, help="of each network (5)")
    parser.add_argument("--out", type=Path, help="a JSON file for what was measured")
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    networks = {f"inverted residuals, `{name}`": at_equal_macs(name).build() for name in CANDIDATES}
    networks |= {name: published(name).build() for name in PUBLISHED}
    runs = {name: pairs(network, args.pairs) for name, network in networks.items()}
    if args.out:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    print(table(runs))


if __name__ == "__main__":
    entry(main)
