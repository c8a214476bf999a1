"""Turns finished trainings of published networks into the record: table, curves, confusions, feature maps.

    python -m benchmarks.published_results RUN... [--out results/published] [--data-dir DIR] [--fast FILE]
    python -m benchmarks.published_results --out results/published    # draw again what is recorded

RUN are folders of `run_search.py train`. Written are ``trainings.jsonl`` (what everything else is drawn
from; runs given again replace theirs), ``table.csv``, ``curves.png``, a ``confusion-RECIPE.png`` and,
where ``--data-dir`` has the images, ``features.png``; the networks' weights that it is drawn from go to
``weights/``. With ``--fast`` the runs of ``benchmarks.fast_recipe`` are drawn as ``fast.png``. If ``README.md``
there has the lines ``<!-- table -->`` and ``<!-- end of table -->``, what stands between them is renewed; so is
the table of ``--fast`` between ``<!-- fast table -->`` and its end.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import re
import shutil
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from analysis.pictures.confusion import ConfusionPanel, render_confusions
from analysis.pictures.feature_maps import FeatureRow, render_features
from analysis.pictures.panels import render_panels
from analysis.pictures.training_curves import CurvePanel, TrainingCurve
from analysis.pictures.training_lengths import LengthPanel, TrainingEnd
from analysis.text_table import duration_text
from analysis.training import (
    Summary,
    Training,
    read_training,
    read_trainings,
    summaries,
    trainings_text,
)
from benchmarks import entry
from benchmarks.fast_recipe import accuracy_table
from records.errors import UserError
from records.files import write_whole
from records.run_files.settings_file import RESULT, WEIGHTS
from search_space.paper.networks import published
from search_space.paper.rows import facts
from training.data.loading import load_data
from training.export import load_weights
from training.recipes.named import get_recipe, published_recipe

BACKBONES = ("MNIST-Convolution", "MNIST-Residual", "MNIST-Global-Backbone")  # by the poster's accuracy
SHORT = dict(zip(BACKBONES, ("convolution", "residual", "global"), strict=True))
CONFUSED = ((3, 5), (5, 3))
RECORD = "trainings.jsonl"
_POSTER_DATASETS = {"mnist": ("MNIST", "MNIST-10"), "cifar10": ("CIFAR-10",), "cifar100": ("CIFAR-100",)}
_TITLES = {"mnist": "MNIST", "cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}
_FLOORS = {"mnist": 84.0}  # percent
_HEADING = (
    "network", "data", "recipe", "epochs", "seeds", "n", "test accuracy, %", "deviation", "poster, %",
    "params", "MACs", "MACs (published)", "time each",
)  # fmt: skip


def poster_accuracy(network: str, dataset: str) -> float | None:
    """In percent; None where the poster has none of the network on that data set."""
    wanted = _POSTER_DATASETS.get(dataset, ())
    found = [f.accuracy_percent for f in facts() if f.network == network and f.dataset in wanted]
    return next((value for value in found if value is not None), None)


def command(training: Training) -> str:
    """The command that trains it again."""
    words = ["python run_search.py train --published", training.network, "--dataset", training.dataset]
    words += ["--data-dir DIR --recipe", training.recipe]
    if training.epochs != get_recipe(training.recipe).epochs:
        words.append(f"--epochs {training.epochs}")
    if training.train_limit is not None:
        words.append(f"--train-limit {training.train_limit}")
    if training.threads:
        words.append(f"--threads {training.threads}")
    return " ".join([*words, f"--seed {training.seed}"])


def cells(summary: Summary) -> tuple[str, ...]:
    """A row of the table."""
    first = summary.trainings[0]
    poster = poster_accuracy(first.network, first.dataset)
    times = [training.seconds for training in summary.trainings]
    spread = dict.fromkeys((duration_text(min(times)), duration_text(max(times))))
    data = first.dataset + ("" if first.train_limit is None else f", {first.train_limit:,} images")
    return (
        first.network, data, first.recipe, str(first.epochs), ", ".join(map(str, summary.seeds)),
        str(len(summary.trainings)), f"{summary.mean:.2f}",
        "–" if summary.deviation is None else f"{summary.deviation:.2f}",
        "–" if poster is None else f"{poster:.2f}", f"{first.params:,}", f"{first.macs:,}",
        f"{first.macs_published:,}", " to ".join(spread),
    )  # fmt: skip


def results_table(found: Sequence[Summary]) -> str:
    """All rows, the backbones seed by seed, and the commands, in Markdown."""
    lines = ["| " + " | ".join(_HEADING) + " |", "|" + " --- |" * 5 + " ---: |" * (len(_HEADING) - 5)]
    lines += ["| " + " | ".join(cells(summary)) + " |" for summary in found]
    lines += ["", *(line for group in backbone_groups(found) for line in backbone_lines(group))]
    hardware = dict.fromkeys(t.hardware for summary in found for t in summary.trainings)
    lines += [f"Hardware: {'; '.join(hardware)}. The first seed's commands:", "", "```sh"]
    lines += [command(summary.trainings[0]) for summary in found]
    return "\n".join([*lines, "```", ""])


def backbone_groups(found: Sequence[Summary]) -> list[dict[str, Summary]]:
    """The backbones by name, for each recipe and length by which all three were trained."""
    groups: dict[tuple[Any, ...], dict[str, Summary]] = {}
    for summary in found:
        name, *trained = summary.trainings[0].group
        if name in BACKBONES:
            groups.setdefault(tuple(trained), {})[name] = summary
    return [group for group in groups.values() if len(group) == len(BACKBONES)]


def _trained(group: dict[str, Summary]) -> str:
    first = group[BACKBONES[0]].trainings[0]
    return f"{first.recipe}, {first.epochs} epochs"


def backbone_lines(group: dict[str, Summary]) -> list[str]:
    """Accuracy and the confusions of 3 and 5 by seed, and whether the poster's order of accuracies holds."""
    by_name = {name: {t.seed: t for t in summary.trainings} for name, summary in group.items()}
    seeds = sorted(set.intersection(*(set(by_name[name]) for name in BACKBONES)))
    heads = [f"{SHORT[name]}: %, 3 as 5, 5 as 3" for name in BACKBONES]
    lines = [
        f"By seed ({_trained(group)}):",
        "",
        "| seed | " + " | ".join(heads) + " | poster's order of accuracy |",
        "|" + " ---: |" * (len(BACKBONES) + 1) + " --- |",
    ]
    for seed in seeds:
        trainings = [by_name[name][seed] for name in BACKBONES]
        row = []
        for training in trainings:
            counts = [str(training.confusion[true][given]) for true, given in CONFUSED]
            row.append(", ".join([f"{100 * training.test_accuracy:.2f}", *counts]))
        accuracies = [training.test_accuracy for training in trainings]
        holds = all(low < high for low, high in pairwise(accuracies))
        lines.append(f"| {seed} | " + " | ".join(row) + f" | {'holds' if holds else 'does not hold'} |")
    return [*lines, ""]


def table_csv(found: Sequence[Summary]) -> str:
    """The table with a row for each training's command."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["network", "dataset", "train_limit", "recipe", "epochs", "seed", "test_accuracy",
                     "poster_percent", "params", "macs", "macs_published", "seconds", "hardware", "command"])  # fmt: skip
    for summary in found:
        for t in summary.trainings:
            poster = poster_accuracy(t.network, t.dataset)
            writer.writerow([t.network, t.dataset, t.train_limit or "", t.recipe, t.epochs, t.seed,
                             t.test_accuracy, "" if poster is None else poster, t.params, t.macs,
                             t.macs_published, t.seconds, t.hardware, command(t)])  # fmt: skip
    return text.getvalue()


def curve_panels(trainings: Sequence[Training]) -> list[CurvePanel]:
    """A panel a data set and recipe: training accuracy over the epochs, test accuracy at the end."""
    panels = []
    for dataset, recipe in dict.fromkeys((t.dataset, t.recipe) for t in trainings):
        curves = tuple(
            TrainingCurve(t.network, tuple(100 * a for a in t.train_accuracies), 100 * t.test_accuracy)
            for t in trainings
            if (t.dataset, t.recipe) == (dataset, recipe)
        )
        title = f"{_TITLES.get(dataset, dataset)}, {recipe}"
        panels.append(CurvePanel(title, "training accuracy (%)", curves, _FLOORS.get(dataset)))
    return panels


def residual_panels(trainings: Sequence[Training]) -> list[CurvePanel]:
    """A panel a data set and recipe of networks with a solver: the logarithm of its residual over the epochs."""
    panels = []
    solved = [t for t in trainings if t.residuals]
    for dataset, recipe in dict.fromkeys((t.dataset, t.recipe) for t in solved):
        curves = tuple(
            TrainingCurve(t.network, tuple(math.nan if r is None else math.log10(r) for r in t.residuals))
            for t in solved
            if (t.dataset, t.recipe) == (dataset, recipe)
        )
        title = f"{_TITLES.get(dataset, dataset)}, {recipe}"
        panels.append(CurvePanel(title, "solver's residual (log10)", curves))
    return panels


def fast_panels(records: Sequence[dict[str, Any]]) -> list[LengthPanel]:
    """A panel a network and number of images of ``benchmarks.fast_recipe``'s runs."""
    panels = []
    for key in dict.fromkeys((r["network"], r["dataset"], r["train_images"]) for r in records):
        same = [r for r in records if (r["network"], r["dataset"], r["train_images"]) == key]
        same.sort(key=lambda r: (r["recipe"].startswith("fast"), r["recipe"] == "fast"))
        ends = tuple(TrainingEnd(r["recipe"], r["epochs"], 100 * r["accuracy"]) for r in same)
        title = f"{key[0]}, {key[2]:,} images of {_TITLES.get(key[1], key[1])}"
        panels.append(LengthPanel(title, "validation accuracy (%)", ends))
    return panels


def confusion_panels(group: dict[str, Summary]) -> list[ConfusionPanel]:
    """The backbones' mean tables, in the poster's order."""
    return [
        ConfusionPanel(f"{SHORT[name]}: {group[name].mean:.2f}%", tuple(map(tuple, group[name].confusion())))
        for name in BACKBONES
    ]


def feature_rows(weights: dict[str, Path], data_dir: Path) -> list[FeatureRow]:
    """The first test image of each digit, and each backbone's features of it before the classifier."""
    data = load_data("mnist", data_dir)
    images, labels = next(data.test.batches(500))
    first = [int((labels == digit).nonzero()[0]) for digit in range(10)]
    chosen = images[first]
    std, mean = data.info.std[0], data.info.mean[0]
    rows = [FeatureRow("input", (chosen[:, 0] * std + mean).numpy())]
    for name, path in weights.items():
        network = published(name).build()
        load_weights(network, path)
        network.eval()
        with torch.inference_mode():
            features = chosen
            for part in list(network.children())[:-1]:  # all but the classifier
                features = part(features)
        rows.append(FeatureRow(SHORT[name], np.asarray(features[:, 0])))
    return rows


def _as_published(training: Training) -> bool:
    recipe = published_recipe(training.network)
    whole = training.dataset == "mnist" and training.train_limit is None
    return whole and (training.recipe, training.epochs) == (recipe.name, recipe.epochs)


def _usable(run: Path) -> bool:
    """Whether it is a finished training by a recipe as it stands; says why if not."""
    if not (run / RESULT).is_file():
        print(f"{run} is not finished: left out", file=sys.stderr)
        return False
    different = changed_settings(json.loads((run / RESULT).read_text(encoding="utf-8"))["settings"])
    if different:
        print(f"{run} has {'; '.join(different)}: left out", file=sys.stderr)
    return not different


def changed_settings(settings: dict[str, Any]) -> list[str]:
    """What a training has otherwise than its recipe of today, the epochs aside, or than the whole test set and
    all training images ask for: the record names the recipe alone."""
    given = settings["recipe"]
    own = get_recipe(given["name"], epochs=given["epochs"]).to_json()
    names = sorted(given.keys() | own.keys())
    changed = [(name, given.get(name), own.get(name)) for name in names if given.get(name) != own.get(name)]
    others = {"validation": 0.0, "test_limit": None}
    changed += [(name, settings[name], usual) for name, usual in others.items() if settings[name] != usual]
    if settings.get("flip") is not None:  # unknown to earlier trainings
        changed.append(("flip", settings["flip"], None))
    return [f"{name} {value!r} instead of {usual!r}" for name, value, usual in changed]


def _keep_weights(runs: Sequence[Path], out: Path) -> dict[str, Path]:
    """Copies the first seed's weights of each backbone to ``out``; those that stand there, by network."""
    for run in runs:
        training = read_training(run)
        if training.network in BACKBONES and training.seed == 0 and _as_published(training):
            out.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(run / WEIGHTS, out / f"{training.network}.safetensors")
    found = {name: out / f"{name}.safetensors" for name in BACKBONES}
    return {name: path for name, path in found.items() if path.is_file()}


def _renew(readme: Path, name: str, text: str) -> None:
    if not readme.is_file():
        return
    before = readme.read_text(encoding="utf-8")
    pattern = rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
    after = re.sub(pattern, lambda match: match[1] + text + match[2], before, flags=re.DOTALL)
    if after != before:
        write_whole(readme, after)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="folders of finished trainings")
    parser.add_argument("--out", type=Path, default=Path("results/published"))
    parser.add_argument("--data-dir", type=Path, help="folder with mnist.npz, for the feature maps")
    parser.add_argument("--fast", type=Path, help="runs of benchmarks.fast_recipe, to be drawn")
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    known = read_trainings(out / RECORD) if (out / RECORD).is_file() else []
    finished = [run for run in arguments.runs if _usable(run)]
    by_run = {(*t.group, t.seed): t for t in [*known, *map(read_training, finished)]}
    if not by_run:
        raise UserError(f"{out} records no training and no finished one was given")
    trainings = sorted(by_run.values(), key=_place)
    found = summaries(trainings)
    text = results_table(found)
    write_whole(out / RECORD, trainings_text(trainings))
    write_whole(out / "table.csv", table_csv(found))
    panels = [*curve_panels(trainings), *residual_panels(trainings)]
    write_whole(out / "curves.png", render_panels(panels))
    for group in backbone_groups(found):
        picture = render_confusions(confusion_panels(group), CONFUSED, "test images, mean of seeds")
        write_whole(out / f"confusion-{group[BACKBONES[0]].trainings[0].recipe}.png", picture)
    weights = _keep_weights(finished, out / "weights")
    if weights and arguments.data_dir is not None:
        rows = feature_rows(weights, arguments.data_dir)
        write_whole(out / "features.png", render_features(rows, [str(digit) for digit in range(10)]))
    if arguments.fast is not None:
        records = [json.loads(line) for line in arguments.fast.read_text(encoding="utf-8").splitlines()]
        write_whole(out / "fast.png", render_panels(fast_panels(records), columns=3))
        _renew(out / "README.md", "fast table", f"{accuracy_table(records)}\n")
    _renew(out / "README.md", "table", text)
    print(text)


def _place(training: Training) -> tuple[int, str, int]:
    """Where in the table: data sets in the poster's order, backbones by its accuracy, then pairs by name."""
    order = list(_POSTER_DATASETS)
    dataset = order.index(training.dataset) if training.dataset in order else len(order)
    known = training.network in BACKBONES
    name = str(BACKBONES.index(training.network)) if known else training.network
    return dataset, name, training.seed


if __name__ == "__main__":
    entry(main)
