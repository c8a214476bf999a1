"""The record of a short training of a network with a solver: its curve, and how near the solver comes in each epoch.

    python run_search.py retrain tiny.json --dataset cifar10 ...     # a genotype of the space `mdeq`
    python -m benchmarks.studies.equilibrium RUN [--out results/published/mdeq]

RUN is a training's folder, finished or as far as it came. Written are ``training.json`` (what the picture is drawn from, the genotype and the
recipe with it), ``epochs.csv`` and ``curve.png``.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
from pathlib import Path
from typing import Any

import torch

from analysis.pictures.panels import render_panels
from analysis.pictures.training_curves import CurvePanel, TrainingCurve
from benchmarks import entry
from records.errors import UserError
from records.files import read_json, write_whole
from records.run_files.settings_file import GENOTYPE, RESULT
from training.checkpoint import load_checkpoint
from training.retrain import CHECKPOINT

_KEPT = (
    "test_accuracy",
    "test_images",
    "params",
    "macs",
    "seconds",
    "history",
    "settings",
    "hardware",
    "versions",
)
_COLUMNS = ("epoch", "loss", "train_accuracy", "accuracy", "residual", "seconds")


def record_of(run: Path) -> dict[str, Any]:
    """What is kept of the training in ``run``; of one that is not finished, what its checkpoint has. Raises `UserError`
    for one without a solver's residual."""
    if (run / RESULT).is_file():
        result = read_json(run / RESULT)
    else:
        saved = load_checkpoint(run / CHECKPOINT, torch.device("cpu"))
        result = {"settings": saved["settings"], "history": saved["history"], "test_accuracy": None}
    record = {name: result[name] for name in _KEPT if name in result} | {
        "genotype": read_json(run / GENOTYPE)
    }
    record["settings"] = {name: value for name, value in record["settings"].items() if name != "data_dir"}
    if all(epoch.get("residual") is None for epoch in record["history"]):
        raise UserError(
            f"{run}: no epoch has a solver's residual; accepted: a training of the space mdeq that reaches it"
        )
    return record


def epochs_csv(record: dict[str, Any]) -> str:
    """A row an epoch: accuracies in [0, 1], on training images (augmented) and on those held out; seconds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([epoch.get(column) for column in _COLUMNS] for epoch in record["history"])
    return text.getvalue()


def panels(record: dict[str, Any]) -> list[CurvePanel]:
    """Accuracy in percent, and the logarithm of the residual where two epochs have one, over the epochs."""
    history = record["history"]

    def curve(name: str, column: str, scale: float, end: float | None = None) -> TrainingCurve:
        return TrainingCurve(
            name,
            tuple(math.nan if (value := epoch.get(column)) is None else scale * value for epoch in history),
            end,
        )

    end = record["test_accuracy"]
    residuals = [epoch.get("residual") for epoch in history]
    near = TrainingCurve("residual", tuple(math.nan if r is None else math.log10(r) for r in residuals))
    accuracies = (
        curve("training images", "train_accuracy", 100),
        curve("held-out images", "accuracy", 100, None if end is None else 100 * end),
    )
    drawn = [CurvePanel("accuracy", "accuracy (%)", accuracies)]
    if sum(residual is not None for residual in residuals) > 1:  # one alone is no line
        drawn.append(CurvePanel("solver", "solver's residual (log10)", (near,)))
    return drawn


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of a training")
    parser.add_argument("--out", type=Path, default=Path("results/published/mdeq"))
    arguments = parser.parse_args()
    record = record_of(arguments.run)
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_whole(arguments.out / "training.json", json.dumps(record, indent=1) + "\n")
    write_whole(arguments.out / "epochs.csv", epochs_csv(record))
    write_whole(arguments.out / "curve.png", render_panels(panels(record)))
    print(epochs_csv(record), end="")


if __name__ == "__main__":
    entry(main)
