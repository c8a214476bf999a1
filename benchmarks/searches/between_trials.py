"""What a trial of NNI costs besides its training, by the times in NNI's database.

    python -m benchmarks.searches.between_trials [--trials 13] [--images 300] [--out FILE]

A search by `random` on digits, one trial after the other, an epoch each. Two times of each trial but the last are told:
from its start to the next one's start less its training (``seconds`` of ``candidates.jsonl``), and from its end to the
next one's start. What runs beside counts: these are seconds by the wall.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sqlite3
import statistics
import tempfile
from contextlib import closing
from pathlib import Path

from benchmarks import entry
from execution.settings import SearchSettings
from pde_nas import search
from records.run_files.run_folder import RunFolder
from strategies.multi_trial.random_search import RandomSearch
from training.export.timing import processor


def gaps(run: RunFolder) -> tuple[list[float], list[float]]:
    """Seconds of each trial of ``run`` but the last, in its order: start to start less training, end to start."""
    (database,) = {path.resolve() for path in run.path.glob("nni/*/db/nni.sqlite")}  # one name is a link
    with closing(sqlite3.connect(database)) as connection:
        events = connection.execute("select trialJobId, event, timestamp from TrialJobEvent").fetchall()
    at = {(trial, event): timestamp / 1000 for trial, event, timestamp in events}
    trained = [(m.trial, m.seconds) for m in sorted(run.measurements(), key=lambda m: m.index)]
    whole, between = [], []
    for (trial, seconds), (following, _) in itertools.pairwise(trained):
        start = at[following, "RUNNING"]
        whole.append(round(start - at[trial, "RUNNING"] - seconds, 3))
        between.append(round(start - at[trial, "SUCCEEDED"], 3))
    return whole, between


def in_words(values: list[float]) -> str:
    """Range and median.

    Examples:
        >>> in_words([0.3, 0.1, 0.2])
        '0.10 to 0.30 s, median 0.20'
    """
    return f"{min(values):.2f} to {max(values):.2f} s, median {statistics.median(values):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=13, help="of the search (13)")
    parser.add_argument(
        "--images", type=int, default=300, help="of digits, for training and validation (300)"
    )
    parser.add_argument("--out", type=Path, help="a file to which the times are appended as a JSON line")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = SearchSettings(
            strategy=RandomSearch.name, trials=args.trials, concurrency=1, epochs=1, confirm=0, port=0,
            train_limit=args.images, run_dir=f"{folder}/run",
        )  # fmt: skip
        search(settings)
        whole, between = gaps(RunFolder.open(Path(folder) / "run"))
    load = os.getloadavg()[1]
    print(f"{processor()}, {os.cpu_count()} cores, load {load:.1f}, n = {len(whole)}")
    print(f"start to start less training: {in_words(whole)}\nend to start: {in_words(between)}")
    if args.out:
        record = {
            "images": args.images,
            "load": round(load, 2),
            "start_to_start": whole,
            "end_to_start": between,
        }
        with args.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"processor": processor(), **record}) + "\n")


if __name__ == "__main__":
    entry(main)
