"""A one-shot search as it runs: supernet, derived cells, candidates trained afresh, shown as one row of the portal."""

from __future__ import annotations

import dataclasses
import json
import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from tqdm import tqdm

from execution.one_shot.parallel import train_in_processes
from execution.portal.address import Portal
from execution.progress import Best, candidate_line, epoch_line
from execution.session_contract import Session
from records.files import write_errors, write_whole
from records.interface.terminal import say
from records.measurement import Measurement
from search_space import Genotype
from search_space.sampling import random_genotype
from strategies.budget import Budget
from strategies.contract import OneShotStrategy
from strategies.nni_side.quiet_import import quietly
from strategies.registry import get_strategy
from strategies.supernet.candidates import propose
from strategies.supernet.distribution import Architecture, CellDistribution, CostTable
from strategies.supernet.plan import OneShotPlan, check_plan, count_devices
from strategies.supernet.quiet import lightning_log_to
from strategies.supernet.state import SearchState
from training.data.selection import require_batch
from training.fit import require_trainable
from training.trial import measure_or_fail

if TYPE_CHECKING:
    from execution.portal.row_experiment import RowExperiment

EPOCHS_FILE = "oneshot.jsonl"
CHECKPOINT = Path("checkpoints") / "supernet.pt"
LOG_FILE = "oneshot.log"
_LAST_METRIC_SECONDS = 15.0
_PROPOSED = 4  # architectures for each that is to be trained, where some may be too slow


class OneShotSession(Session):
    """See `Session`. Each epoch of the supernet adds a line to ``oneshot.jsonl``: what `EpochKeeper` records, and the
    genotype derived. Gone on with, it ends with the same numbers as if it had never been stopped."""

    @cached_property
    def plan(self) -> OneShotPlan:
        """What is to be done, whole and plain."""
        settings, own = self.settings, self.settings.own
        strategy = get_strategy(settings.strategy)
        assert issubclass(strategy, OneShotStrategy)  # `session_of` chose by it
        strategy.require_extra()
        strategy.take(own, self.given)
        # Everything is in this process, one candidate after the other, so all cores are the supernet's.
        trial = dataclasses.replace(self.trial, threads=settings.threads)
        return OneShotPlan(
            settings.strategy,
            self.problem,
            trial,
            strategy.supernet(own, batch_size=settings.batch_size, seed=settings.seed, device=trial.device),
            settings.trials,
            Budget(settings.max_macs, settings.max_params),
            count_devices(trial.device, getattr(own, "devices", 1)),
        )

    @cached_property
    def table(self) -> CostTable:
        """What the space's cells cost. Raises `UserError` for a budget that nothing meets."""
        return check_plan(self.plan)

    def check_kept(self) -> None:
        super().check_kept()
        _ = self.plan  # says before anything is shown which object is lacking

    def check_images(self) -> None:
        _ = self.table
        require_batch(self.plan.supernet.batch_size, self.data.train_images)
        some = random_genotype(self.problem, 0)  # all have maps of the same sizes
        require_trainable(some.build, some.image, self.plan.supernet.batch_size)

    def resolved(self) -> dict[str, Any]:
        """As `Session.resolved`, with ``supernet`` (how it is trained) and ``devices``."""
        return super().resolved() | {
            "supernet": dataclasses.asdict(self.plan.supernet),
            "devices": self.plan.devices,
            "threads": self.plan.trial.threads or torch.get_num_threads(),
        }

    def all_measured(self) -> bool:
        """Those that are rejected do not count: others take their place."""
        known = self.run.measurements()
        trained = sum(measurement.status != "rejected" for measurement in known)
        return trained >= self.settings.trials or len(known) >= _PROPOSED * self.settings.trials

    def means(self) -> dict[str, Any]:
        return {}  # they are the plan's, and stay what they were resolved to

    def explore(self, portal: Portal | None, *, resume: bool) -> None:
        with nullcontext() if portal is None else self._row(portal) as shown:
            self.train()
            self.end()
            if shown is not None:
                shown.wait(1, seconds=_LAST_METRIC_SECONDS)

    def _row(self, portal: Portal) -> RowExperiment:
        """The experiment whose only row follows this search."""
        from execution.nni_bridge.portal_limits import no_edits
        from execution.portal.hub_rows import row_of
        from execution.portal.row_experiment import RowExperiment

        print("Starting NNI (some seconds)", flush=True)
        return RowExperiment(
            self.run,
            self.settings.title(),
            [("search", row_of(self.settings))],
            module="execution.portal.follow_trial",
            arguments=(str(self.run.path),),
            concurrency=1,
            portal=portal,
            edits=no_edits(),
        )

    def train(self) -> None:
        """Trains what is left of the supernet, then measures the candidates that are left.

        Raises `UserError` for a budget that the space cannot meet, before anything is trained, and
        `TrainingFailed` for a loss of the supernet that is no number.
        """
        plan, table = self.plan, self.table
        if plan.trial.threads:
            torch.set_num_threads(plan.trial.threads)
        state = self._train_supernet()
        # Of those that turn out to be too slow others take the place.
        count = plan.trials if plan.trial.max_latency is None else _PROPOSED * plan.trials
        architectures = propose(
            CellDistribution(table, state.logits),
            state.derived,
            count,
            budget=plan.budget,
            seed=plan.supernet.seed,
        )
        self._measure([self._genotype(architecture) for architecture in architectures])

    def _train_supernet(self) -> SearchState:
        plan, folder = self.plan, self.run.path
        self._lines = _EpochLines(folder / EPOCHS_FILE)
        self._derived: list[dict[str, Any]] = []  # genotypes, one an epoch
        checkpoint, log = folder / CHECKPOINT, folder / LOG_FILE
        # What is trained already is only read back.
        if plan.devices > 1 and self._lines.count < plan.supernet.epochs:
            return train_in_processes(plan, checkpoint, log, self.on_epoch, True)
        with lightning_log_to(log), quietly():  # NNI and Lightning warn already when they are imported
            from strategies.supernet.training import train_supernet
        return train_supernet(plan, self.table, checkpoint, log, self.on_epoch, True, given=self.given)

    def on_epoch(self, state: SearchState) -> None:
        """An epoch of the supernet is done, or those before it were read back."""
        known = self._lines.count
        new = state.derived[len(self._derived) :]
        self._derived += [self._genotype(architecture).to_json() for architecture in new]
        self._lines.write(
            record | {"genotype": genotype}
            for record, genotype in zip(state.records, self._derived, strict=True)
        )
        for record in state.records[known:]:
            say(epoch_line(record, self.plan.supernet.epochs, len(self.table.primitives) + 1))

    def _genotype(self, architecture: Architecture) -> Genotype:
        return Genotype.of(self.problem, self.plan.cells.architecture(architecture))

    def _measure(self, genotypes: list[Genotype]) -> None:
        """In their order, until as many as were asked for are not rejected."""
        known = {measurement.index: measurement for measurement in self.run.measurements()}
        epochs, count = self.plan.trial.make_recipe().epochs, min(self.plan.trials, len(genotypes))
        best, left = Best(list(known.values())), count
        with tqdm(total=count * epochs, desc="candidates", unit="epoch", disable=None) as bar:
            for index, genotype in enumerate(genotypes):
                if not left:
                    break
                measurement = known.get(index)
                if measurement is None:
                    bar.set_postfix_str(f"{count - left + 1} of {count}")
                    with _warnings_said():
                        measurement = measure_or_fail(
                            genotype, self.plan.trial, index=index, report=lambda _: _step(bar)
                        )
                    best.add(measurement)
                    self.on_measurement(measurement, candidate_line(measurement, best, count))
                elif measurement.status != "rejected":
                    bar.update(epochs)
                left -= measurement.status != "rejected"

    def on_measurement(self, measurement: Measurement, line: str) -> None:
        """A candidate is measured; ``line`` tells of it."""
        self.run.append(measurement)
        say(line)


class _EpochLines:
    """``oneshot.jsonl``: one line an epoch, on the disk when ``write`` returns.

    The checkpoint is the truth: after a crash the file may lack its last line, or have it in part, so the
    first write of a process brings the whole file in line with it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = _whole_lines(path)  # those that were reported already
        self.fresh = True

    def write(self, records: Iterable[dict[str, Any]]) -> None:
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


@contextmanager
def _warnings_said() -> Iterator[None]:
    """Such as of a latency measured on a busy machine: a line each, without the place in the code."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        yield
    for each in dict.fromkeys(str(warning.message) for warning in told):
        say(f"Warning: {each}")


def _step(bar: tqdm) -> None:
    bar.update()
