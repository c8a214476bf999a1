"""What a trial's log says, and how a trial that is cancelled ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from execution.trials.log import beginning_lines, epoch_line, identity_lines, metric_line
from search_space import sample
from training.data.datasets import ARRAY_SETS
from training.recipes.named import get_recipe
from training.trial import Beginning

ROOT = Path(__file__).resolve().parents[3]
GENOTYPE = sample("darts-global", 0, image=(1, 8, 8), classes=10, width=4, cells=1, nodes=1)


def test_it_names_the_candidate_its_cost_and_its_run(monkeypatch):
    monkeypatch.setenv("NNI_TRIAL_JOB_ID", "Ab3de")
    monkeypatch.setenv("NNI_EXP_ID", "x1")
    lines = identity_lines(4, GENOTYPE)
    cost = GENOTYPE.cost()
    assert lines[0] == f"candidate 4: genotype {GENOTYPE.key()} of darts-global"
    assert lines[1] == (
        f"cost: {cost.macs:,} MACs ({cost.macs_published:,} by the published count), {cost.params:,} params"
    )
    assert lines[2].startswith("run: trial Ab3de, experiment x1, files ")
    assert re.search(r"torch \d+\.\d+", lines[3])


def test_it_says_what_the_settings_came_to():
    recipe = get_recipe("search", epochs=3)
    lines = beginning_lines(Beginning(ARRAY_SETS["digits"], 1150, 287, recipe, "cpu", 1, 7))
    assert lines == [
        "data: digits, 10 classes, images 1x8x8, 1,150 to train on and 287 to validate on, mean 0.3053, "
        "deviation 0.3761",
        f"recipe: search, 3 epochs, {recipe.batch_size} images a batch, learning rate {recipe.learning_rate:g}, "
        f"{recipe.optimizer}, {recipe.schedule}, weight decay {recipe.weight_decay:g}",
        "runs on: cpu, 1 thread, seed 7",
    ]


def test_accuracies_are_percent_and_counts_are_whole():
    metric = {"default": 0.254, "epoch": 2, "loss": 1.23456, "train_accuracy": 0.2, "seconds": 3.21}
    assert epoch_line(metric, 5) == (
        "epoch 2 of 5: loss 1.2346, accuracy 20.00% in training, 25.40% on validation images, 3.2 s so far"
    )
    shown = metric_line(
        {"default": 0.254, "macs": 133120, "expected_macs": 133120.25, "entropy": 2.5, "run": "a"}
    )
    assert shown == "default 25.40%, macs 133,120, expected macs 133,120, entropy 2.5, run a"


# A trial that is cancelled in the midst of its work, whatever it is at.
PROGRAM = """
import sys, time
from execution.trials.log import say, saying_its_end
with saying_its_end():
    say("epoch 1")
    {work}
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("work", ["time.sleep(60)", "while True: pass"])
def test_a_cancelled_trial_says_so_last_and_ends_by_the_signal(number, work):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(work=work)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout.readline() == "epoch 1\n"  # at once, though it goes to a pipe
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert re.fullmatch(r"cancelled after \d+\.\d s, before its end\n", out)
    assert err == ""
    assert process.returncode == -number  # only then NNI calls it cancelled
