"""Strategies against each other on a table of trainings: how soon does each find the front?

    python -m benchmarks.studies.replays [--table results/table/cifar10.jsonl] [--seeds 20] [--out results/strategies]
        [--strategies NAME ...] [--add]

Each strategy searches the space of `benchmarks.studies.architecture_table` with each seed. A candidate's training is read from
the table: the accuracies of one seed of the table (the replay's seed modulo how many there are), as a trial would see
them. What it found is worth the hypervolume of its wholly trained candidates' *mean* accuracies over all seeds of the
table, as a share of that of the exact front. It is written against the epochs trained so far, in whole trainings.
Strategies that are not named keep what `replays.json` in the folder has of them; `rl` is replayed where it is named
alone, for a replay takes minutes, and the curves of `supernet-pareto` are those of `benchmarks.studies.supernet_table`.
With ``--add`` the seeds that are recorded stay, and the others are replayed: what was stopped goes on so.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from analysis.hypervolume import dominated_share, reference_macs
from benchmarks import entry
from benchmarks.studies.architecture_table import EPOCHS, RESULTS, SPACE, Table, load_table
from records.files import write_whole
from records.measurement import Measurement
from search_space import Genotype
from strategies.contract import MultiTrialStrategy, SpaceExhausted
from strategies.registry import get_strategy

# What is replayed by what is told of it: the strategy's name, and settings of its own.
STRATEGIES: dict[str, tuple[str, dict[str, Any]]] = {
    "random": ("random", {}),
    "nsga2": ("nsga2", {}),
    "asha": ("asha", {}),
    "asha --min-epochs 6": ("asha", {"min_epochs": EPOCHS}),
    "evolution": ("evolution", {"mac_penalty": 0.05}),
    "tpe": ("tpe", {}),
    "grid": ("grid", {}),
    "rl": ("rl", {}),
}
Curves = list[list[tuple[float, float]]]  # one a seed
REPLAYS = "replays.json"
WANTED = 0.99
_END = 0.999
BASELINE = "random"


def exact(table: Table) -> list[Measurement]:
    """Every architecture with its mean accuracy."""
    means = []
    for index, (key, genotype) in enumerate(table.genotypes.items()):
        one = table.measurement(index, genotype, next(iter(table.accuracies[key])))
        means.append(dataclasses.replace(one, accuracy=table.mean(key)))
    return means


def replay(table: Table, name: str, seed: int, *, trainings: float = math.inf) -> list[tuple[float, float]]:
    """After each trial, until that share is 0.999, or ``trainings`` are spent: whole trainings spent so far, and the share
    of the exact front's hypervolume."""
    best = exact(table)
    limit = reference_macs(best)
    whole_area = dominated_share(best, limit)
    found: list[Measurement] = []
    curve: list[tuple[float, float]] = []
    for spent, trained, key in trials(table, *STRATEGIES[name], seed):
        if trained.status == "ok":
            found.append(dataclasses.replace(trained, accuracy=table.mean(key)))
        curve.append((spent, dominated_share(found, limit) / whole_area))
        if spent >= min(len(best), trainings) or curve[-1][1] >= _END:
            break
    return curve


def trials(
    table: Table, name: str, settings: dict[str, Any], seed: int, max_macs: int | None = None
) -> Iterator[tuple[float, Measurement, str]]:
    """A search by the strategy ``name`` on the table, trial by trial until nothing is left: the whole trainings spent so
    far, what came out, and its architecture's key in the table."""
    kind = get_strategy(name)
    assert issubclass(kind, MultiTrialStrategy)
    strategy = kind(SPACE, seed, kind.Settings(**settings), epochs=EPOCHS, max_macs=max_macs)
    seeds = sorted(next(iter(table.accuracies.values())))
    results: list[Measurement] = []
    spent = 0
    while True:
        try:
            genotype = strategy.propose(len(results), results)
        except SpaceExhausted:
            return
        known = table.genotypes[genotype.key()]  # whose cost is computed once
        trained, epochs = _trained(table, strategy, known, results, seeds[seed % len(seeds)])
        results.append(trained)
        spent += epochs
        yield spent / EPOCHS, trained, genotype.key()


def _trained(
    table: Table, strategy: MultiTrialStrategy, genotype: Genotype, results: Sequence[Measurement], seed: int
) -> tuple[Measurement, int]:
    """The candidate's measurement, "partial" unless it is trained wholly, and how many epochs that took."""
    index = len(results)
    stage, measured = strategy.stage(index), table.measurement(index, genotype, seed)
    if stage is None:
        return measured, EPOCHS
    begun = 0 if stage.continues is None else results[stage.continues].epochs or 0
    history = measured.history[: stage.epochs]
    measured = dataclasses.replace(
        measured, accuracy=history[-1], history=history, epochs=stage.epochs, share=stage.share,
        continues=stage.continues, status="ok" if stage.whole else "partial",
    )  # fmt: skip
    return measured, stage.epochs - begun


def steps(curve: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The curve where it rises, and its end.

    Examples:
        >>> steps([(1.0, 0.5), (2.0, 0.5), (3.0, 0.6), (4.0, 0.6)])
        [(1.0, 0.5), (3.0, 0.6), (4.0, 0.6)]
    """
    before = [0.0, *(share for _, share in curve)]
    risen = [point for point, share in zip(curve, before, strict=False) if point[1] > share]
    kept = risen if not curve or risen[-1:] == [curve[-1]] else [*risen, curve[-1]]
    return [(round(cost, 4), round(share, 5)) for cost, share in kept]


def reached(curve: Sequence[tuple[float, float]], share: float = WANTED) -> float:
    """Whole trainings until ``share`` of the exact hypervolume; infinite if never.

    Examples:
        >>> reached([(1.0, 0.5), (2.0, 0.995)]), reached([(1.0, 0.5)])
        (2.0, inf)
    """
    return next((cost for cost, found in curve if found >= share), float("inf"))


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile, each one of the values or midway between two."""
    ordered = sorted(values)
    half = max(1, len(ordered) // 2)
    return statistics.median(ordered[:half]), statistics.median(ordered), statistics.median(ordered[-half:])


def table_text(trainings: dict[str, list[float]]) -> str:
    """In Markdown, the soonest first."""
    lines = [
        f"| strategy | trainings to {WANTED:.0%} of the exact hypervolume: median (quartiles) | of {BASELINE}'s | n |",
        "| --- | ---: | ---: | ---: |",
    ]
    median = {name: quartiles(values)[1] for name, values in trainings.items()}
    for name in sorted(trainings, key=lambda each: median[each]):
        low, middle, high = (
            f"{each:.1f}" if math.isfinite(each) else "never" for each in quartiles(trainings[name])
        )
        known = BASELINE in median and math.isfinite(median[name])
        share = f"{median[name] / median[BASELINE]:.2f}" if known else "-"
        lines.append(f"| `{name}` | {middle} ({low} to {high}) | {share} | {len(trainings[name])} |")
    return "\n".join(lines)


def known_curves(path: Path) -> dict[str, Curves]:
    """What the file has so far, by strategy: those that are replayed here, in their order, then others."""
    known: dict[str, Curves] = json.loads(path.read_text())["curves"] if path.is_file() else {}
    return {name: known[name] for name in (*STRATEGIES, *known.keys() - STRATEGIES.keys()) if name in known}


def add_curves(path: Path, name: str, curves: Curves) -> None:
    """Writes them beside what the file has, in place of those of that name."""
    write_whole(path, json.dumps({"curves": known_curves(path) | {name: curves}}) + "\n")


def draw(curves: dict[str, Curves], path: Path) -> None:
    """Medians and quartiles over the seeds against whole trainings."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2), layout="constrained")
    most = max(curve[-1][0] for of_name in curves.values() for curve in of_name)
    at = [place for place in range(1, int(most) + 1)]
    for name, of_name in curves.items():
        values = [[_share_at(curve, cost) for curve in of_name] for cost in at]
        low, middle, high = zip(*(quartiles(each) for each in values), strict=True)
        (line,) = axes.plot(at, middle, label=name)
        axes.fill_between(at, low, high, alpha=0.15, color=line.get_color(), linewidth=0)
    axes.axhline(WANTED, color="grey", linewidth=0.8, linestyle=":")
    axes.set(
        xscale="log", ylim=(0.85, 1.002), xlabel="whole trainings", ylabel="share of the exact hypervolume"
    )
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def _share_at(curve: Sequence[tuple[float, float]], cost: float) -> float:
    return max((share for spent, share in curve if spent <= cost), default=0.0)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--table", type=Path, default=RESULTS)
    parser.add_argument("--seeds", type=int, default=20, help="replays of each strategy (20)")
    usual = [name for name in STRATEGIES if name != "rl"]
    parser.add_argument("--strategies", nargs="+", default=usual, choices=STRATEGIES)
    parser.add_argument("--add", action="store_true", help="replay only the seeds that are not recorded")
    parser.add_argument("--out", type=Path, default=Path("results/strategies"))
    args = parser.parse_args()
    table, path = load_table(args.table), args.out / REPLAYS
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.strategies:
        done = known_curves(path).get(name, [])[: args.seeds] if args.add else []
        missing = range(len(done), args.seeds)
        for seed in tqdm(missing, desc=name, unit="replay", initial=len(done), total=args.seeds):
            done.append(steps(replay(table, name, seed)))
            add_curves(path, name, done)
    curves = known_curves(path)
    draw(curves, args.out / "replays.png")
    print(table_text({name: [reached(curve) for curve in of_name] for name, of_name in curves.items()}))


if __name__ == "__main__":
    entry(main)
