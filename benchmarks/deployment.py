"""What each exported form of a network with global layers takes, beside a network that it stands for.

    python -m benchmarks.deployment [--batches 1 32] [--rounds 15] [--pairs NAME NAME] [--forms NAME NAME] \\
        [--no-training] [--out FILE]

Pairs: ResNet-Global and ResNet-32, DenseNet-Global and DenseNet, and a found cell (`results/first-search/digits`, on
32x32 colour images) and the same cell with separable convolutions in place of its global layers, its width chosen for
the same MACs. Forms: PyTorch with this project's kernels in float32, the same in bfloat16 under autocast with channels
last, a training step of each, and every form of ``export``; OpenVINO too where it is installed. By one thread, with
random weights: time does not depend on them. The two networks of a pair take turns, so that a busy machine slows both,
and a ratio is the median of the rounds' ratios, with their quartiles. Clock: this process's own time. A later call with
other pairs and the same file adds to it.
"""

from __future__ import annotations

import argparse
import copy
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from benchmarks import entry
from benchmarks.inference import Ratio
from records.files import write_whole
from search_space import Genotype
from search_space.paper.networks import published
from training.export import export
from training.export.forms import FORMS
from training.export.network import Network
from training.export.timing import processor

Run = Callable[[Tensor], Any]
FOUND = Path("results/first-search/digits/best.json")
IMAGE, CLASSES = (3, 32, 32), 10
TRAINED = 128  # images of a training step
# Of ResNet-Global to ResNet-32, by form and number of images.
MARKS: dict[str, dict[int, float]] = {
    "bfloat16": {32: 0.35, 128: 0.35},
    "training step, bfloat16": {TRAINED: 0.45},
    "onnx": {1: 0.40, 32: 0.45},
    "onnx-kernels": {1: 0.40, 32: 0.45},
    "openvino": {1: 0.25, 32: 0.40},
    "aoti": {1: 0.35, 32: 0.35},
}
MARKED = "ResNet-Global : ResNet-32"


def pairs() -> dict[str, tuple[Genotype, Genotype]]:
    """Networks with global layers and those that they stand for, by name."""
    found = found_cell()
    return {
        MARKED: (published("ResNet-Global"), published("ResNet-32")),
        "DenseNet-Global : DenseNet": (published("DenseNet-Global"), published("DenseNet")),
        "found cell : convolutions": (found, plain_cell(found)),
    }


def found_cell() -> Genotype:
    """The best of the recorded search, for colour images of 32x32 pixels."""
    found = Genotype.load(FOUND)
    return Genotype(found.space, IMAGE, CLASSES, found.settings, found.architecture)


def plain_cell(found: Genotype) -> Genotype:
    """``found`` with separable 3x3 convolutions for its global layers, of the width whose MACs are nearest."""
    plain = {
        cell: [[[_plain(name), place] for name, place in node] for node in nodes]
        for cell, nodes in found.architecture.items()
    }
    every = [
        Genotype(found.space, found.image, found.classes, {**found.settings, "width": width}, plain)
        for width in range(2, 2 * found.settings["width"] + 1)
    ]
    return min(every, key=lambda genotype: abs(genotype.cost().macs - found.cost().macs))


def _plain(primitive: str) -> str:
    return "sep_conv_3x3" if primitive.startswith("global") else primitive


def in_pytorch(genotype: Genotype) -> dict[str, Run]:
    """The network itself, and a step of its training, by precision."""
    network = genotype.build(seed=0)
    infer = copy.deepcopy(network).eval().requires_grad_(False)
    last = copy.deepcopy(infer).to(memory_format=torch.channels_last)

    def float32(images: Tensor) -> Any:
        with torch.inference_mode():
            return infer(images)

    def bfloat16(images: Tensor) -> Any:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            return last(images.contiguous(memory_format=torch.channels_last))

    return {"float32": float32, "bfloat16": bfloat16}


def training_steps(genotype: Genotype) -> dict[str, Run]:
    """A forward and a backward pass, by precision."""
    network = genotype.build(seed=0)
    last = copy.deepcopy(network).to(memory_format=torch.channels_last)
    return {
        "training step, float32": lambda images: _step(network, images),
        "training step, bfloat16": lambda images: _step_bfloat16(last, images),
    }


def _step(network: nn.Module, images: Tensor) -> None:
    labels = torch.arange(len(images)) % CLASSES
    nn.functional.cross_entropy(network(images).float(), labels).backward()
    network.zero_grad()


def _step_bfloat16(network: nn.Module, images: Tensor) -> None:
    images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.arange(len(images)) % CLASSES
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(images)
    nn.functional.cross_entropy(logits.float(), labels).backward()
    network.zero_grad()


def exported(genotype: Genotype, folder: Path, forms: list[str]) -> dict[str, Run]:
    """The exported forms that could be made, by name, and "openvino" where it is installed."""
    made = export(genotype, None, folder, formats=forms)
    for name, reason in made.missing.items():
        print(f"{folder.name}: no {name}: {reason}")
    network = Network(genotype.build(seed=0), genotype.image, None)
    runs: dict[str, Run] = {}
    for name in forms:
        run = FORMS[name].load(network, folder / FORMS[name].file, 1) if name not in made.missing else None
        if run is not None:
            runs[name] = run
    if "onnx" in runs:
        runs |= in_openvino(folder / FORMS["onnx"].file)
        runs.setdefault("onnx-kernels", runs["onnx"])  # a network without such layers needs no kernels
    return runs


def in_openvino(path: Path) -> dict[str, Run]:
    """The ONNX file in OpenVINO; empty where that is not installed."""
    try:
        import openvino
    except ImportError:
        return {}
    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    request = openvino.Core().compile_model(str(path), "CPU", settings).create_infer_request()
    return {"openvino": lambda images: request.infer([images.numpy()])}


def measure(
    runs: tuple[dict[str, Run], dict[str, Run]], batches: list[int], rounds: int
) -> list[dict[str, Any]]:
    """A record for each form that both networks have and each number of images: seconds of both by round."""
    found = []
    cases = [(name, batch) for name in runs[0] if name in runs[1] for batch in batches]
    for name, batch in tqdm(cases, desc="forms", leave=False):
        images = torch.rand(batch, *IMAGE, generator=torch.Generator().manual_seed(0))
        taken: tuple[list[float], list[float]] = ([], [])
        for round_ in range(rounds + 1):
            for run, seconds in zip((runs[0][name], runs[1][name]), taken, strict=True):
                started = time.process_time()
                run(images)
                if round_:
                    seconds.append(time.process_time() - started)
        found.append({"form": name, "images": batch, "seconds": taken})
    return found


def rows(pair: str, records: list[dict[str, Any]]) -> list[str]:
    """In Markdown, a line each."""
    lines = []
    for record in records:
        own, other = record["seconds"]
        ratio = Ratio.of(own, other)
        mark = MARKS.get(record["form"], {}).get(record["images"]) if pair == MARKED else None
        verdict = "" if mark is None else f"at most {mark}: {ratio.verdict(mark)}"
        lines.append(
            f"| {pair} | {record['form']} | {record['images']} | {1e3 * sorted(own)[len(own) // 2]:.2f} "
            f"| {ratio.median:.3f} | {ratio.low:.3f} to {ratio.high:.3f} | {verdict} |"
        )
    return lines


HEAD = [
    "| networks | form | images | ms | ratio | quartiles | mark |",
    "| --- | --- | ---: | ---: | ---: | ---: | --- |",
]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32], help="numbers of images (1 32)")
    parser.add_argument("--rounds", type=int, default=15, help="2 or more (15)")
    parser.add_argument("--pairs", nargs="+", choices=list(pairs()), help="all where none is named")
    parser.add_argument(
        "--forms", nargs="*", choices=list(FORMS), default=["onnx", "onnx-kernels", "program", "aoti"]
    )
    parser.add_argument("--no-training", action="store_true", help="without training steps")
    parser.add_argument("--out", type=Path, help="a JSON file for what was measured, kept pair by pair")
    args = parser.parse_args()
    torch.set_num_threads(1)
    record: dict[str, Any] = {"processor": processor(), "torch": torch.__version__, "pairs": {}}
    if args.out and args.out.is_file():
        record["pairs"] = json.loads(args.out.read_text(encoding="utf-8"))["pairs"]
    with tempfile.TemporaryDirectory() as folder:
        for number, (pair, genotypes) in enumerate(pairs().items()):
            if args.pairs and pair not in args.pairs:
                continue
            runs = tuple(
                in_pytorch(genotype) | exported(genotype, Path(folder) / f"{number}-{place}", args.forms)
                for place, genotype in enumerate(genotypes)
            )
            records = measure(runs, args.batches, args.rounds)  # type: ignore[arg-type]
            if not args.no_training:
                steps = tuple(training_steps(genotype) for genotype in genotypes)
                records += measure(steps, [TRAINED], max(2, args.rounds // 3))  # type: ignore[arg-type]
            record["pairs"][pair] = {"macs": [g.cost().macs for g in genotypes], "records": records}
            if args.out:
                write_whole(args.out, json.dumps(record, indent=1) + "\n")
    print(f"one thread of {record['processor']}, torch {record['torch']}\n")
    print(
        "\n".join(
            [*HEAD, *(line for pair, of in record["pairs"].items() for line in rows(pair, of["records"]))]
        )
    )


if __name__ == "__main__":
    entry(main)
