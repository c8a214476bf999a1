"""What each form of a network with global layers takes, beside a network that it stands for.

    python -m benchmarks.deployment [--pairs resnet densenet cell] [--forms NAME NAME] [--no-training] \\
        [--batches 1 32] [--rounds 15] [--seconds 30] [--quick] [--keep-memory] [--out FILE]

Pairs: ResNet-Global and ResNet-32, DenseNet-Global and DenseNet, and a found cell (`results/first-search/digits`, on
32x32 colour images) and the same cell with separable convolutions in place of its global layers, its width chosen for
the same MACs. Where they are named, the tiny networks, too. The forms are those of `benchmarks.deployed_forms`; one whose package is not installed is left out with a
line that says so. By one thread, with random weights: time does not depend on them.

The two networks of a pair take turns, so that a busy machine slows both, and a ratio is the median of the rounds'
ratios, with their quartiles. Clock: this process's own time. A line is printed, and the file is written, as soon as
it is measured. A later call with the same file on the same machine adds to it, so that the table can be made in pieces.

``--quick`` is for a minute and a half on a quick processor: ResNet-Global and ResNet-32 in PyTorch alone, 32 and 128
images, 5 seconds for each line.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks import entry
from benchmarks.deployed_forms import FORMS, IN_PYTORCH, TRAINING, USUAL, Missing, Run, Subject, absent
from benchmarks.inference import Ratio
from records.errors import UserError
from records.files import read_json, write_whole
from search_space import Genotype
from search_space.paper.networks import published
from training.device import keep_memory
from training.export.timing import processor

FOUND = Path("results/first-search/digits/best.json")
IMAGE, CLASSES = (3, 32, 32), 10
BATCHES = (1, 32)
FEWEST = 2  # rounds, however long they take
# Of ResNet-Global to ResNet-32, by form and number of images.
MARKS: dict[str, dict[int, float]] = {
    "bfloat16": {32: 0.35, 128: 0.35},
    "bfloat16-whole": {32: 0.35, 128: 0.35},
    "training-bfloat16": {128: 0.45},
    "onnx": {1: 0.40, 32: 0.45},
    "onnx-kernels": {1: 0.40, 32: 0.45},
    "openvino": {1: 0.25, 32: 0.40},
    "openvino-kernels": {1: 0.25, 32: 0.40},
    "openvino-bfloat16": {1: 0.25, 32: 0.40},
    "aoti": {1: 0.35, 32: 0.35},
}
MARKED = "ResNet-Global : ResNet-32"
PAIRS = {
    "resnet": MARKED, "densenet": "DenseNet-Global : DenseNet", "cell": "found cell : convolutions",
    "tiny": "ResNet-Global-Tiny : ResNet-Tiny", "wide-tiny": "Wide-ResNet-Global-Tiny : Wide-ResNet-Tiny",
}  # fmt: skip
TABLE = ["resnet", "densenet", "cell"]
WHOLE: dict[str, Any] = {"pairs": TABLE, "forms": USUAL, "batches": None, "rounds": 15, "seconds": 30.0}
QUICK = {
    **WHOLE,
    "pairs": ["resnet"],
    "forms": [form for form in USUAL if form in IN_PYTORCH + TRAINING],
    "batches": [32, 128],
    "seconds": 5.0,
}


def networks(pair: str) -> tuple[Genotype, Genotype]:
    """The network with global layers, and the one that it stands for."""
    if pair == "cell":
        found = found_cell()
        return found, plain_cell(found)
    own, other = PAIRS[pair].split(" : ")
    return published(own), published(other)


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


def measure(runs: tuple[Run, Run], batch: int, rounds: int, seconds: float) -> dict[str, Any]:
    """Seconds of both by round, after one round that does not count: ``rounds`` of them, or fewer that fill
    ``seconds``, but at least two."""
    images = torch.rand(batch, *IMAGE, generator=torch.Generator().manual_seed(0))
    taken: tuple[list[float], list[float]] = ([], [])
    began = time.perf_counter()
    for round_ in range(rounds + 1):
        if round_ > FEWEST and time.perf_counter() - began > seconds:
            break
        for run, times in zip(runs, taken, strict=True):
            started = time.process_time()
            run(images)
            if round_:
                times.append(time.process_time() - started)
    return {"images": batch, "seconds": taken}


def batches_of(form: str, asked: Sequence[int] | None) -> list[int]:
    """The numbers of images to try: those asked for, else those of the table and of the form's mark."""
    if form in TRAINING:
        return [128]
    return sorted(set(asked or BATCHES) | set(MARKS.get(form, {}) if asked is None else ()))


def row(pair: str, record: dict[str, Any]) -> str:
    """In Markdown."""
    own, other = record["seconds"]
    ratio = Ratio.of(own, other)
    mark = MARKS.get(record["form"], {}).get(record["images"]) if pair == MARKED else None
    verdict = "" if mark is None else f"at most {mark}: {ratio.verdict(mark)}"
    times = " | ".join(f"{1e3 * sorted(taken)[len(taken) // 2]:.2f}" for taken in (own, other))
    return (
        f"| {pair} | {record['form']} | {record['images']} | {times} | {ratio.median:.3f} "
        f"| {ratio.low:.3f} to {ratio.high:.3f} | {len(own)} | {verdict} |"
    )


HEAD = [
    "| networks | form | images | ms | ms of the other | ratio | quartiles | rounds | mark |",
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
]


class Table:
    """What was measured, in a file where there is one, and printed line by line."""

    def __init__(self, path: Path | None, memory_kept: bool) -> None:
        self.path = path
        self.content: dict[str, Any] = {
            "processor": processor(), "torch": torch.__version__, "memory kept": memory_kept, "pairs": {}
        }  # fmt: skip
        if path is not None and path.is_file():
            earlier = read_json(path)
            for name in ("processor", "torch", "memory kept"):
                if earlier.get(name) != self.content[name]:
                    raise UserError(
                        f"{path} was measured with {name} {earlier.get(name)}, now it is {self.content[name]}; "
                        "give another file"
                    )
            self.content = earlier

    def show(self, without: set[tuple[str, str]]) -> None:
        """The head, and what is there but the (pair, form) that are measured anew."""
        kept = "freed memory kept" if self.content["memory kept"] else "freed memory given back"
        print(f"one thread of {self.content['processor']}, torch {self.content['torch']}, {kept}\n")
        print("\n".join(HEAD), flush=True)
        for pair in sorted(self.content["pairs"], key=list(PAIRS.values()).index):
            records = self.content["pairs"][pair]["records"]
            for record in sorted(records, key=lambda record: (FORMS.index(record["form"]), record["images"])):
                if (pair, record["form"]) not in without:
                    print(row(pair, record), flush=True)

    def add(self, pair: str, macs: list[int], record: dict[str, Any]) -> None:
        of = self.content["pairs"].setdefault(pair, {"records": []})
        of["macs"] = macs
        place = (record["form"], record["images"])
        of["records"] = [each for each in of["records"] if (each["form"], each["images"]) != place] + [record]
        print(row(pair, record), flush=True)
        if self.path is not None:
            write_whole(self.path, json.dumps(self.content, indent=1) + "\n")


def compare(table: Table, pair: str, forms: list[str], folder: Path, args: argparse.Namespace) -> None:
    """Measures the forms of a pair that can be made."""
    genotypes = networks(pair)
    macs = [genotype.cost().macs for genotype in genotypes]
    own, other = (Subject(genotype, folder / f"{pair}-{place}") for place, genotype in enumerate(genotypes))
    for form in forms:
        try:
            runs = own.run(form), other.plain_run(form)
        except Missing as missing:
            print(f"no {form} of {PAIRS[pair]}: {missing}", file=sys.stderr)
            continue
        for batch in batches_of(form, args.batches):
            record = {"form": form, **measure(runs, batch, args.rounds, args.seconds)}
            table.add(PAIRS[pair], macs, record)


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", nargs="+", choices=list(PAIRS), help=f"({' '.join(TABLE)})")
    parser.add_argument("--forms", nargs="+", choices=list(FORMS), help=f"({' '.join(USUAL)})")
    parser.add_argument("--no-training", action="store_true", help="without training steps")
    parser.add_argument("--batches", type=int, nargs="+", help="numbers of images (1 32, and those of marks)")
    parser.add_argument("--rounds", type=int, help="2 or more (15)")
    parser.add_argument("--seconds", type=float, help="of each line, after which no round begins (30)")
    parser.add_argument("--quick", action="store_true", help="PyTorch alone, in a minute and a half")
    parser.add_argument("--keep-memory", action="store_true", help="give no memory back to the system")
    parser.add_argument("--out", type=Path, help="a JSON file for what was measured, added to")
    return parser


def main() -> None:
    parser = options()
    args = parser.parse_args()
    for name, value in (QUICK if args.quick else WHOLE).items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    if args.rounds < FEWEST:
        parser.error(f"--rounds is {args.rounds}; accepted: {FEWEST} or more")
    if min(args.batches or [1]) < 1:
        parser.error(f"--batches has {min(args.batches)}; accepted: 1 or more")
    if args.keep_memory and not keep_memory():
        parser.error("--keep-memory needs glibc")
    torch.set_num_threads(1)
    forms = [form for form in args.forms if not (args.no_training and form in TRAINING)]
    for form in list(forms):
        if package := absent(form):
            print(f"no {form}: {package} is not installed", file=sys.stderr)
            forms.remove(form)
    table = Table(args.out, args.keep_memory)
    table.show(without={(PAIRS[pair], form) for pair in args.pairs for form in forms})
    with tempfile.TemporaryDirectory() as folder:
        for pair in args.pairs:
            compare(table, pair, forms, Path(folder), args)


if __name__ == "__main__":
    entry(main)
