"""Inference time of ResNet-32, ResNet-Global and MDEQ on CIFAR-10 images, as ratios within one run.

    python -m benchmarks.inference [--batch 32] [--repeats 15] [--threads 1] [--clock cpu] [--keep-memory]
        [--channels-last] [--device cpu] [--skip-mdeq] [--parts] [--out FILE]

The poster gives 4.5 : 1.9 : 23.3 seconds, without its device or batch. The mark for ResNet-Global is a
quarter of ResNet-32's time; its MACs are 0.22 of it. Networks have random weights: time does not depend on
them but for MDEQ, whose solver may stop early. Both residual networks are timed as they are trained, and
with batch norms folded into convolutions, as one deploys them (the global layer folds its own by itself).

The networks take turns, so that a busy machine slows all of them; ``--clock cpu --threads 1`` counts this
process's own time alone. With ``--keep-memory`` freed memory stays with the process, as a program that serves
a network is usually set up (jemalloc, or ``MALLOC_TRIM_THRESHOLD_``): otherwise glibc hands the features of
each pass back to the system, and new pages cost more than a third of ResNet-Global's time. ``--channels-last``
is the order in memory in which oneDNN's convolutions are fastest. Each ratio is the
median of the rounds' ratios, and the verdict goes by their quartiles: "met" or "not met" only where the middle
half of the rounds agrees, and none at all where it is spread over more than a third of the median. ``--parts``
adds what each part of ResNet-Global takes, the least of as many rounds again: what a machine with nothing else
to do would need.
"""

from __future__ import annotations

import argparse
import copy
import json
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from tqdm import tqdm

from benchmarks import entry
from search_space.families.blocks import ConvNormAct, Residual
from search_space.paper.networks import published
from search_space.paper.rows import facts
from training.device import keep_memory, require_device

MARK = 0.25
# The network that others are compared with, then the fastest first: after MDEQ the caches hold nothing.
POSTER = {
    fact.network: fact.inference_seconds
    for fact in sorted(facts(), key=lambda fact: (fact.network != "ResNet-32", fact.inference_seconds or 0))
    if fact.inference_seconds
}
FOLDED = ", norms folded"
WIDEST = 1 / 3  # of the median: more between the quartiles is no evidence
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}


@dataclass(frozen=True)
class Ratio:
    """One network's time over another's in the rounds of one run."""

    median: float
    low: float  # the lower quartile
    high: float

    @classmethod
    def of(cls, seconds_: list[float], base: list[float]) -> Ratio:
        """At least two rounds."""
        low, median, high = statistics.quantiles(
            (a / b for a, b in zip(seconds_, base, strict=True)), n=4, method="inclusive"
        )
        return cls(median, low, high)

    def verdict(self, mark: float) -> str:
        """Whether the ratio is at most ``mark``."""
        if self.high - self.low > WIDEST * self.median:
            return "no verdict: the rounds differ too much, the machine is busy"
        if self.high <= mark:
            return "met"
        return "not met" if self.low > mark else "undecided: the mark is between the quartiles"


def folded(network: nn.Module) -> nn.Module:
    """A copy in eval mode whose residual blocks and stem have their batch norms within the convolutions."""
    network = copy.deepcopy(network).eval()
    for module in list(network.modules()):
        if isinstance(module, ConvNormAct):
            module.conv = fuse_conv_bn_eval(module.conv, module.norm)
            module.norm = nn.Identity()  # type: ignore[assignment]
        elif isinstance(module, Residual):
            for place in ("1", "2"):
                conv, norm = getattr(module, "conv" + place), getattr(module, "norm" + place)
                setattr(module, "conv" + place, fuse_conv_bn_eval(conv, norm))
                setattr(module, "norm" + place, nn.Identity())
            if isinstance(module.shortcut, nn.Sequential):
                module.shortcut = fuse_conv_bn_eval(module.shortcut[0], module.shortcut[1])
    return network


def make_networks(
    names: list[str], device: str, layout: torch.memory_format = torch.contiguous_format
) -> dict[str, nn.Module]:
    """The networks by name, the residual ones a second time with norms folded."""
    made = {name: published(name).build().eval().to(device).to(memory_format=layout) for name in names}
    return made | {name + FOLDED: folded(made[name]) for name in names if name.startswith("ResNet")}


def seconds(network: nn.Module, x: Tensor, clock: Callable[[], float]) -> float:
    """Of one forward pass."""
    start = clock()
    with torch.inference_mode():
        network(x)
    if x.is_cuda:
        torch.cuda.synchronize()
    return clock() - start


def measure(
    networks: dict[str, nn.Module], x: Tensor, *, repeats: int, clock: Callable[[], float]
) -> dict[str, list[float]]:
    """Seconds of each network for the images ``x`` in each round, after one that is not counted."""
    found: dict[str, list[float]] = {name: [] for name in networks}
    for round_ in tqdm(range(repeats + 1), desc="rounds", leave=False):
        for name, network in networks.items():
            taken = seconds(network, x, clock)
            if round_:
                found[name].append(taken)
    return found


def least_of_parts(
    networks: dict[str, nn.Module], images: Tensor, *, repeats: int, clock: Callable[[], float]
) -> dict[str, list[tuple[str, float]]]:
    """What each network's parts are, and the least seconds each took in a round, in their order."""
    taken: dict[str, list[list[float]]] = {name: [] for name in networks}
    for _ in tqdm(range(repeats + 1), desc="rounds by part", leave=False):
        for name, network in networks.items():
            x, times = images, []
            for part in network.children():
                start = clock()
                with torch.inference_mode():
                    x = part(x)
                if x.is_cuda:
                    torch.cuda.synchronize()
                times.append(clock() - start)
            taken[name].append(times)
    return {
        name: [
            (type(part).__name__, min(of_part))
            for part, of_part in zip(network.children(), zip(*taken[name], strict=True), strict=True)
        ]
        for name, network in networks.items()
    }


def parts_text(parts: dict[str, list[tuple[str, float]]], name: str, base: str) -> str:
    """What the parts of ``name`` cost, each beside all of ``base``, in one line."""
    whole = sum(time_ for _, time_ in parts[base])
    own = sum(time_ for _, time_ in parts[name])
    listed = ", ".join(f"{part} {1e3 * time_:.2f}" for part, time_ in parts[name])
    layers = sum(time_ for part, time_ in parts[name] if part == "GlobalLayer")
    return (
        f"least ms of each part of {name}: {listed}; together {1e3 * own:.2f} of {1e3 * whole:.2f} for {base}: "
        f"{own / whole:.3f}, without the global layers {(own - layers) / whole:.3f}"
    )


def compare(found: dict[str, list[float]]) -> dict[str, Ratio]:
    """Each network's time over that of the ResNet-32 in the same form."""
    ratios = {}
    for name, taken in found.items():
        base = "ResNet-32" + (FOLDED if name.endswith(FOLDED) else "")
        ratios[name] = Ratio.of(taken, found[base])
    return ratios


def times_table(found: dict[str, list[float]], ratios: dict[str, Ratio]) -> str:
    """A line each in Markdown."""
    base = published("ResNet-32").cost().macs
    lines = [
        "| network | ms a batch | to ResNet-32 | quartiles | poster | MACs |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, taken in found.items():
        plain, ratio = name.removesuffix(FOLDED), ratios[name]
        lines.append(
            f"| {name} | {1e3 * statistics.median(taken):.1f} | {ratio.median:.3f} "
            f"| {ratio.low:.3f} to {ratio.high:.3f} | {POSTER[plain] / POSTER['ResNet-32']:.2f} "
            f"| {published(plain).cost().macs / base:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=32, help="images in a forward pass (default 32)")
    parser.add_argument("--repeats", type=int, default=15, help="rounds, 2 or more (default 15)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads (0: torch's choice)")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: of this process alone")
    parser.add_argument("--keep-memory", action="store_true", help="give no memory back to the system")
    parser.add_argument("--channels-last", action="store_true", help="channels of a pixel side by side")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--skip-mdeq", action="store_true", help="without MDEQ, which needs the extra 'ode'")
    parser.add_argument("--parts", action="store_true", help="also what each part of ResNet-Global takes")
    parser.add_argument("--out", type=Path, help="a JSON file for what was measured")
    arguments = parser.parse_args()
    if arguments.repeats < 2:
        parser.error(f"--repeats is {arguments.repeats}; accepted: 2 or more")
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    if arguments.keep_memory and not keep_memory():
        parser.error("--keep-memory needs glibc")
    require_device(arguments.device)
    if arguments.batch < 1:
        parser.error(f"--batch is {arguments.batch}; accepted: 1 or more")
    names = [name for name in POSTER if not (arguments.skip_mdeq and name.startswith("MDEQ"))]
    layout = torch.channels_last if arguments.channels_last else torch.contiguous_format
    networks = make_networks(names, arguments.device, layout)
    x = torch.randn(arguments.batch, 3, 32, 32, device=arguments.device).contiguous(memory_format=layout)
    how: dict[str, Any] = {"repeats": arguments.repeats, "clock": CLOCKS[arguments.clock]}
    found = measure(networks, x, **how)
    ratios = compare(found)
    print(times_table(found, ratios))
    verdicts = {name: ratios[name].verdict(MARK) for name in ("ResNet-Global", "ResNet-Global" + FOLDED)}
    for name, verdict in verdicts.items():
        print(f"{name} to ResNet-32: mark at most {MARK}: {verdict}")
    parts = {}
    if arguments.parts:
        pair = ("ResNet-Global" + FOLDED, "ResNet-32" + FOLDED)
        parts = least_of_parts({name: networks[name] for name in pair}, x, **how)
        print(parts_text(parts, *pair))
    if arguments.out:
        record = {
            "batch": arguments.batch, "repeats": arguments.repeats, "device": arguments.device,
            "threads": torch.get_num_threads(), "clock": arguments.clock,
            "keep_memory": arguments.keep_memory, "channels_last": arguments.channels_last, "machine": platform.machine(),
            "torch": torch.__version__, "seconds": found,
            "ratios": {name: [r.low, r.median, r.high] for name, r in ratios.items()},
            "mark": MARK, "verdicts": verdicts, "least_seconds_of_parts": parts,
        }  # fmt: skip
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        arguments.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    entry(main)
