"""A one-shot search from its settings to a front: supernet, derived cells, candidates trained afresh."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tqdm import tqdm

from search_space import Genotype, get_space
from search_space.errors import UserError
from search_space.measurement import Measurement
from strategies.oneshot_candidates import check_budget, propose
from strategies.oneshot_distribution import Architecture, CellDistribution, CostTable
from strategies.oneshot_quiet import chatter_into
from strategies.oneshot_settings import SupernetSettings
from strategies.oneshot_table import cost_table
from training.data import Data, DatasetInfo, dataset_info, load_data
from training.trial import TrialSettings, measure

if TYPE_CHECKING:
    from strategies.oneshot_keeper import SearchState
    from strategies.run_folder import RunFolder
    from strategies.settings import SearchSettings

Report = Callable[[dict[str, Any]], None]
EPOCHS_FILE = "oneshot.jsonl"
CHECKPOINT = Path("checkpoints") / "supernet.pt"
LOG_FILE = "oneshot.log"


@dataclass(frozen=True)
class OneShotPlan:
    """``space_settings`` by name; ``trial``: how the candidates are judged, up to ``trials`` of them, none
    with more than ``max_macs`` MACs; its data set, split, seed and device are the supernet's too."""

    space: str
    space_settings: dict[str, Any]
    trial: TrialSettings
    supernet: SupernetSettings
    trials: int
    max_macs: float | None = None

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise UserError(f"trials is {self.trials}; it must be 1 or more")


def run_oneshot(
    settings: SearchSettings, run: RunFolder, report: Report | None = None, *, progress: bool = False
) -> None:
    """The whole search that ``settings`` describe, into ``run``; for one that was stopped, the rest of it.

    See ``search_and_measure`` for what is reported and raised.
    """
    search_and_measure(
        make_plan(settings),
        run.path,
        run.append,
        done=run.measurements(),
        report=report,
        progress=progress,
    )


def make_plan(settings: SearchSettings) -> OneShotPlan:
    # Everything is in this process, one candidate after the other, so all cores are the supernet's.
    trial = dataclasses.replace(settings.trial_settings(), threads=settings.threads)
    supernet = SupernetSettings(
        epochs=settings.supernet_epochs,
        mac_penalty=settings.mac_penalty,
        seed=settings.seed,
        device=trial.device,
    )
    if settings.batch_size is not None:
        supernet = dataclasses.replace(supernet, batch_size=settings.batch_size)
    max_macs = None if settings.max_macs is None else float(settings.max_macs)
    return OneShotPlan(settings.space, settings.space_settings(), trial, supernet, settings.trials, max_macs)


def search_and_measure(
    plan: OneShotPlan,
    folder: Path,
    append: Callable[[Measurement], None],
    *,
    done: Sequence[Measurement] = (),
    report: Report | None = None,
    progress: bool = False,
) -> None:
    """Trains the supernet, then measures candidates and hands each measurement to ``append``.

    Each epoch adds a line to ``oneshot.jsonl`` in ``folder``: what ``EpochKeeper`` records, and the genotype
    derived; ``report`` gets the numbers, later ``default`` (accuracy), ``candidate``, ``macs`` and ``params``
    of each candidate. Called again on the same folder it goes on where it was stopped, with the same numbers;
    ``done`` are the candidates measured by then.

    Raises ``UserError`` for a budget that the space cannot meet, before anything is trained, and for a loss
    of the supernet that is no number.
    """
    info, table = check_plan(plan)
    if plan.trial.threads:
        torch.set_num_threads(plan.trial.threads)
    state = _search(plan, info, table, folder, report, progress)
    architectures = propose(
        CellDistribution(table, state.logits),
        state.derived,
        plan.trials,
        max_macs=plan.max_macs,
        seed=plan.supernet.seed,
    )
    epochs = plan.trial.make_recipe().epochs
    with tqdm(
        total=len(architectures) * epochs, desc="candidates", unit="epoch", disable=not progress
    ) as bar:
        for index, architecture in enumerate(architectures):
            if any(measurement.index == index for measurement in done):
                bar.update(epochs)
                continue
            bar.set_postfix_str(f"{index + 1} of {len(architectures)}")
            genotype = make_genotype(plan, info, architecture)
            measurement = measure(genotype, plan.trial, index=index, report=lambda _: _step(bar))
            append(measurement)
            if report is not None and measurement.accuracy is not None:
                report(
                    {
                        "default": measurement.accuracy,
                        "candidate": index + 1,
                        "macs": measurement.macs,
                        "params": measurement.params,
                    }
                )


def check_plan(plan: OneShotPlan) -> tuple[DatasetInfo, CostTable]:
    """What can be known before anything is trained. Raises ``UserError`` for a space without such cells and
    for a budget that no network meets."""
    info = dataset_info(plan.trial.dataset, plan.trial.data_dir, image_size=plan.trial.image_size)
    table = cost_table(plan.space, plan.space_settings, info.image, info.classes)
    check_budget(table.smallest(), plan.max_macs)
    return info, table


def make_genotype(plan: OneShotPlan, info: DatasetInfo, architecture: Architecture) -> Genotype:
    return Genotype(plan.space, info.image, info.classes, plan.space_settings, architecture)


def _search(
    plan: OneShotPlan,
    info: DatasetInfo,
    table: CostTable,
    folder: Path,
    report: Report | None,
    progress: bool,
) -> SearchState:
    log = folder / LOG_FILE
    with chatter_into(log):  # NNI and Lightning warn already when they are imported
        from strategies.oneshot_search import search_supernet
    data = _load(plan.trial)
    space = get_space(plan.space)
    settings = space.make_settings(plan.space_settings)
    lines = _EpochLines(folder / EPOCHS_FILE)

    def on_epoch(state: SearchState) -> None:
        known = lines.count
        lines.write(
            record | {"genotype": make_genotype(plan, info, architecture).to_json()}
            for record, architecture in zip(state.records, state.derived, strict=True)
        )
        for record in state.records[known:]:
            if report is not None:
                report({name: value for name, value in record.items() if value is not None})

    return search_supernet(
        lambda: space.model_space(settings, info.image, info.classes),
        table,
        data,
        plan.supernet,
        checkpoint=folder / CHECKPOINT,
        log=log,
        describe={
            "space": plan.space,
            "space settings": space.settings_json(settings),
            **{f"trial's {name}": getattr(plan.trial, name) for name in _OF_THE_SUPERNET_TOO},
        },
        on_epoch=on_epoch,
        progress=progress,
    )


_OF_THE_SUPERNET_TOO = ("dataset", "seed", "validation", "train_limit", "image_size")


def _load(trial: TrialSettings) -> Data:
    return load_data(
        trial.dataset,
        trial.data_dir,
        device=trial.device,
        seed=trial.seed,
        validation=trial.validation,
        train_limit=trial.train_limit,
        image_size=trial.image_size,
        workers=trial.workers,
    )


class _EpochLines:
    """``oneshot.jsonl``: one line an epoch, on the disk when ``write`` returns.

    The checkpoint is the truth: after a crash the file may lack its last line, or have it in part, so the
    first write of a process brings the whole file in line with it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = _whole_lines(path)  # those that were reported already
        self.fresh = True

    def write(self, records) -> None:
        records = list(records)
        new = records if self.fresh else records[self.count :]
        target = self.path.with_name(self.path.name + ".part") if self.fresh else self.path
        with target.open("w" if self.fresh else "a", encoding="utf-8") as stream:
            stream.writelines(json.dumps(record) + "\n" for record in new)
            stream.flush()
            os.fsync(stream.fileno())
        if self.fresh:
            os.replace(target, self.path)
        self.fresh, self.count = False, len(records)


def _whole_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def _step(bar: tqdm) -> None:
    bar.update()
