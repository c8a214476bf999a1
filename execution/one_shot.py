"""A one-shot search from its settings to a front: supernet, derived cells, candidates trained afresh."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tqdm import tqdm

from execution.parallel import train_in_processes
from execution.progress import Best, candidate_line, epoch_line
from execution.settings import SearchSettings
from records.files import write_errors, write_whole
from records.measurement import Measurement
from records.terminal import say
from strategies.one_shot.candidates import propose
from strategies.one_shot.distribution import CellDistribution, CostTable
from strategies.one_shot.plan import OneShotPlan, check_plan, count_devices, make_genotype
from strategies.one_shot.quiet import chatter_into
from strategies.one_shot.settings import SupernetSettings
from strategies.one_shot.state import SearchState
from training.data.loading import DatasetInfo
from training.trial import measure

if TYPE_CHECKING:
    from records.run_folder import RunFolder

Report = Callable[[dict[str, Any]], None]
EPOCHS_FILE = "oneshot.jsonl"
CHECKPOINT = Path("checkpoints") / "supernet.pt"
LOG_FILE = "oneshot.log"


def make_plan(settings: SearchSettings, info: DatasetInfo | None = None) -> OneShotPlan:
    """``info`` is what was found of the data set; without it, it is found when it is needed."""
    # Everything is in this process, one candidate after the other, so all cores are the supernet's.
    trial = dataclasses.replace(settings.trial_settings(), threads=settings.threads)
    if info is not None:
        trial = trial.knowing(info)
    supernet = SupernetSettings(
        epochs=settings.supernet_epochs,
        mac_penalty=settings.mac_penalty,
        seed=settings.seed,
        device=trial.device,
    )
    if settings.batch_size is not None:
        supernet = dataclasses.replace(supernet, batch_size=settings.batch_size)
    return OneShotPlan(
        settings.space,
        settings.space_settings(),
        trial,
        supernet,
        settings.trials,
        None if settings.max_macs is None else float(settings.max_macs),
        count_devices(trial.device, settings.devices),
    )


def run_oneshot(
    settings: SearchSettings,
    run: RunFolder,
    report: Report | None = None,
    *,
    info: DatasetInfo | None = None,
    progress: bool = False,
) -> None:
    """The whole search that ``settings`` describe, into ``run``; for one that was stopped, the rest of it.

    ``info`` is what was found of the data set; without it, it is found now.

    See ``search_and_measure`` for what is reported and raised.
    """
    search_and_measure(
        make_plan(settings, info),
        run.path,
        run.append,
        done=run.measurements(),
        report=report,
        progress=progress,
    )


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
    best = Best(done)
    with tqdm(
        total=len(architectures) * epochs,
        desc="candidates",
        unit="epoch",
        disable=None if progress else True,  # None: only on a terminal
    ) as bar:
        for index, architecture in enumerate(architectures):
            if any(measurement.index == index for measurement in done):
                bar.update(epochs)
                continue
            bar.set_postfix_str(f"{index + 1} of {len(architectures)}")
            genotype = make_genotype(plan, info, architecture)
            measurement = measure(genotype, plan.trial, index=index, report=lambda _: _step(bar))
            append(measurement)
            best.add(measurement)
            if progress:
                say(candidate_line(measurement, best, len(architectures)))
            if report is not None and measurement.accuracy is not None:
                report(
                    {
                        "default": measurement.accuracy,
                        "candidate": index + 1,
                        "macs": measurement.macs,
                        "params": measurement.params,
                    }
                )


def _search(
    plan: OneShotPlan,
    info: DatasetInfo,
    table: CostTable,
    folder: Path,
    report: Report | None,
    progress: bool,
) -> SearchState:
    lines = _EpochLines(folder / EPOCHS_FILE)

    def on_epoch(state: SearchState) -> None:
        known = lines.count
        lines.write(
            record | {"genotype": make_genotype(plan, info, architecture).to_json()}
            for record, architecture in zip(state.records, state.derived, strict=True)
        )
        for record in state.records[known:]:
            if progress:
                say(epoch_line(record, plan.supernet.epochs, len(table.primitives) + 1))
            if report is not None:
                report({name: value for name, value in record.items() if value is not None})

    checkpoint, log = folder / CHECKPOINT, folder / LOG_FILE
    if plan.devices > 1 and lines.count < plan.supernet.epochs:  # what is trained already is only read back
        return train_in_processes(plan, checkpoint, log, on_epoch, progress)
    with chatter_into(log):  # NNI and Lightning warn already when they are imported
        from strategies.one_shot.training import train_supernet
    return train_supernet(plan, info, table, checkpoint, log, on_epoch, progress)


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
        text = "".join(json.dumps(record) + "\n" for record in new)
        if self.fresh:
            write_whole(self.path, text)
        else:
            with write_errors(self.path), self.path.open("a", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
        self.fresh, self.count = False, len(records)


def _whole_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def _step(bar: tqdm) -> None:
    bar.update()


__all__ = ["CHECKPOINT", "EPOCHS_FILE", "check_plan", "make_plan", "run_oneshot", "search_and_measure"]
