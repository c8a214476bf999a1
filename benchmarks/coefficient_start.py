"""How large the coefficients of a global layer should be at the start: a short training of a tiny network.

    python -m benchmarks.coefficient_start --data-dir DIR [--seeds 3] [--out results/coefficient-start]

The tiny ResNet-Global (widths 10, 9, 16, 16, one block a stage, a global layer of five steps after the first
three) on 3,200 CIFAR-10 images, 8 epochs, one cycle, judged on 2,000 other *training* images: a default is
chosen here, so the test set has no say. Each run is appended to ``runs.jsonl``; a call goes on where the last
one stopped, and ends with the table over seeds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, conv1x1

from benchmarks import entry
from benchmarks.runs import all_runs
from pde_ops import GlobalLayer
from training.data.loading import load_data
from training.fit import fit
from training.recipes.recipe import Recipe

TRAIN, VALIDATION = 3_200, 2_000
RECIPE = Recipe(
    "coefficient-start", epochs=8, batch_size=64, learning_rate=0.1, schedule="one-cycle", warmup=0.25,
    weight_decay=3e-5,
)  # fmt: skip
VARIANTS: dict[str, dict[str, Any] | None] = {
    "no global layer": None,
    "published (eps = C)": {"published": True},
    **{f"multiplier {s:g}": {"coefficient_start": s} for s in (0.05, 0.3, 1.0)},
}


def network(options: dict[str, Any] | None, steps: int) -> nn.Module:
    """The tiny ResNet-Global with ``options`` of its global layers; without any if None."""
    widths, strides = (10, 9, 16, 16), (1, 2, 2, 2)
    layers: list[nn.Module] = [nn.Conv2d(3, 10, 3, padding=1, bias=False), nn.BatchNorm2d(10), nn.ReLU()]
    before = 10
    for stage, (width, stride) in enumerate(zip(widths, strides, strict=True)):
        changes = stride != 1 or before != width
        shortcut = nn.Sequential(conv1x1(before, width, stride), nn.BatchNorm2d(width)) if changes else None
        layers.append(BasicBlock(before, width, stride, shortcut))
        if options is not None and stage < 3:
            chosen = dict(options, steps=steps)
            make = GlobalLayer.published if chosen.pop("published", False) else GlobalLayer
            layers.append(make(width, **chosen))
        before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10))


def run(variant: str, seed: int, steps: int, data: Any) -> dict[str, Any]:
    torch.manual_seed(seed)
    started = time.perf_counter()
    result = fit(network(VARIANTS[variant], steps), data, RECIPE, seed=seed)
    history = [epoch.accuracy for epoch in result.history]
    seconds = round(time.perf_counter() - started, 1)
    return {"variant": variant, "seed": seed, "steps": steps, "accuracy": history[-1], "history": history,
            "seconds": seconds}  # fmt: skip


def start_table(records: list[dict[str, Any]]) -> str:
    """Mean and standard deviation over seeds, one line a variant, in Markdown."""
    lines = [
        "| coefficients at the start | validation accuracy, % | deviation over seeds | n |",
        "|---|---|---|---|",
    ]
    for variant in VARIANTS:
        values = [100 * r["accuracy"] for r in records if r["variant"] == variant]
        if values:
            deviation = statistics.stdev(values) if len(values) > 1 else float("nan")
            lines.append(f"| {variant} | {statistics.mean(values):.1f} | {deviation:.1f} | {len(values)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data-dir", required=True, help="folder with cifar10.npz")
    parser.add_argument("--seeds", type=int, default=3, help="seeds a variant (3)")
    parser.add_argument("--steps", type=int, default=5, help="steps of the PDE (5)")
    parser.add_argument("--out", type=Path, default=Path("results/coefficient-start"))
    args = parser.parse_args()
    share = VALIDATION / (TRAIN + VALIDATION)
    data = load_data("cifar10", args.data_dir, validation=share, train_limit=TRAIN + VALIDATION)
    records = all_runs(
        args.out / "runs.jsonl", [(v, s, args.steps) for s in range(args.seeds) for v in VARIANTS],
        lambda record: (record["variant"], record["seed"], record["steps"]), lambda case: run(*case, data),
    )  # fmt: skip
    print(start_table([r for r in records if r["steps"] == args.steps]))


if __name__ == "__main__":
    entry(main)
