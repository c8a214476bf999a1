"""Inference time of ResNet-32, ResNet-Global and MDEQ on CIFAR-10 images, as ratios within one run.

    python -m benchmarks.inference [--batch 32] [--repeats 15] [--device cpu] [--skip-mdeq] [--out FILE]

The poster gives 4.5 : 1.9 : 23.3 seconds, without its device or batch. The mark for ResNet-Global is a
quarter of ResNet-32's time; its MACs are 0.22 of it. Networks have random weights: time does not depend on
them but for MDEQ, whose solver may stop early. The networks take turns, so that a
busy machine slows all of them, and each ratio is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm

from search_space.published import published

MARK = 0.25
POSTER = {"ResNet-32": 4.5, "ResNet-Global": 1.9, "MDEQ-Tiny": 23.3}


def seconds(network: nn.Module, x: Tensor) -> float:
    """Of one forward pass."""
    start = time.perf_counter()
    with torch.inference_mode():
        network(x)
    if x.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def measure(names: list[str], *, batch: int, repeats: int, device: str) -> dict[str, list[float]]:
    """Seconds of each network in each round, after one that is not counted."""
    x = torch.randn(batch, 3, 32, 32, device=device)
    networks = {name: published(name).build().eval().to(device) for name in names}
    found: dict[str, list[float]] = {name: [] for name in names}
    for round_ in tqdm(range(repeats + 1), desc="rounds", leave=False):
        for name, network in networks.items():
            taken = seconds(network, x)
            if round_:
                found[name].append(taken)
    return found


def spread(seconds_: list[float], base: list[float]) -> str:
    """The middle half of the rounds' ratios."""
    if len(base) < 2:
        return "-"
    low, _, high = statistics.quantiles((a / b for a, b in zip(seconds_, base, strict=True)), n=4)
    return f"{low:.2f} to {high:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=32, help="images in a forward pass (default 32)")
    parser.add_argument("--repeats", type=int, default=15, help="rounds (default 15)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--skip-mdeq", action="store_true", help="without MDEQ, which needs the extra 'ode'")
    parser.add_argument("--out", type=Path, help="a JSON file for what was measured")
    arguments = parser.parse_args()
    names = [name for name in POSTER if not (arguments.skip_mdeq and name.startswith("MDEQ"))]
    found = measure(names, batch=arguments.batch, repeats=arguments.repeats, device=arguments.device)
    base = found["ResNet-32"]
    ratios = {n: statistics.median(a / b for a, b in zip(found[n], base, strict=True)) for n in names}
    print(f"{'network':16}{'ms a batch':>12}{'to ResNet-32':>14}{'quartiles':>16}{'poster':>8}{'MACs':>8}")
    macs = {name: published(name).cost().macs for name in names}
    for name in names:
        print(
            f"{name:16}{1e3 * statistics.median(found[name]):12.1f}{ratios[name]:14.3f}"
            f"{spread(found[name], base):>16}"
            f"{POSTER[name] / POSTER['ResNet-32']:8.2f}{macs[name] / macs['ResNet-32']:8.2f}"
        )
    if len(base) < 2 or max(base) > 1.5 * min(base):
        print(
            "one network's rounds differ by more than half: the machine is busy, the ratios are no evidence"
        )
    met = ratios["ResNet-Global"] <= MARK
    print(f"ResNet-Global to ResNet-32: mark at most {MARK}, {'met' if met else 'not met'}")
    if arguments.out:
        record = {
            "batch": arguments.batch, "repeats": arguments.repeats, "device": arguments.device,
            "threads": torch.get_num_threads(), "machine": platform.machine(), "torch": torch.__version__,
            "seconds": found, "ratios": ratios, "mark": MARK, "met": met,
        }  # fmt: skip
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
