"""Who is best is confirmed: points of a search's front trained again, longer, by seeds that the search did not use."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, NamedTuple

from tqdm import tqdm

from records.errors import UserError
from records.interface.terminal import say
from records.measurement import Measurement
from records.run_files.confirming import Confirming
from records.run_files.run_folder import CANDIDATES, CONFIRMED, RunFolder
from records.text import percent_text
from search_space import Genotype
from search_space.genotype import recorded_genotype
from strategies.objectives import spread
from training.trial import measure_or_fail
from training.trial_settings import TrialSettings

Case = tuple[Measurement, int]  # a candidate, and the seed with which it is trained


class Cases(NamedTuple):
    """The candidates that are confirmed, and the trainings of them that are left."""

    chosen: list[Measurement]
    left: list[Case]


def left_to_confirm(run: RunFolder, *, seed: int, points: int, seeds: int, epochs: int) -> Cases:
    """What `confirm` would train, by the same arguments, where the trial's seed is ``seed``."""
    ok = [m for m in run.measurements() if m.status == "ok"]
    if not points or not ok:
        return Cases([], [])
    # One that failed has no history; it would fail again.
    every = run.measurements(CONFIRMED)
    if (longest := max((len(m.history) for m in every), default=0)) > epochs:  # which stand in the outcome
        raise UserError(
            f"confirm_epochs is {epochs}; there are confirming trainings of {longest} epochs already; accepted: {longest} or "
            "more"
        )
    known = [m for m in every if m.status != "ok" or len(m.history) == epochs]
    done = {(m.index, m.seed) for m in known}
    chosen = spread(ok, points, front_only=True)
    cases = [(m, seed + 1 + number) for number in range(seeds) for m in chosen]
    return Cases(chosen, [case for case in cases if (case[0].index, case[1]) not in done])


def confirm(
    run: RunFolder, trial: TrialSettings, *, points: int, seeds: int, epochs: int, at_once: int
) -> None:
    """Trains ``points`` of the run's front for ``epochs`` epochs with each of ``seeds`` seeds after the trial's, and
    appends what they come to to ``confirmed.jsonl``; what stands there is not trained again. ``confirming.json`` says
    how many there are.

    The points are the most accurate one, and always that whose MACs are farthest from all that were taken. ``at_once``
    trainings run at the same time, each in a process of its own where that is more than one. Raises
    `KeyboardInterrupt` when stopped, with what is done kept.
    """
    chosen, left = left_to_confirm(run, seed=trial.seed, points=points, seeds=seeds, epochs=epochs)
    for m in chosen:  # says so if one is damaged
        recorded_genotype(m.genotype, f"{run.path / CANDIDATES}, candidate {m.index}", run.path)
    settings, count = dataclasses.replace(trial, epochs=epochs), seeds * len(chosen)
    if not left:
        return
    others = len(run.measurements(CONFIRMED)) - (count - len(left))
    Confirming(count, tuple(sorted(m.index for m in chosen)), epochs, others).write(run.path)
    with tqdm(total=count, initial=count - len(left), desc="confirmed", unit="training", disable=None) as bar:
        for number, measurement in enumerate(_measured(left, settings, at_once), count - len(left) + 1):
            # As it stands in the other file, though a later version may write it otherwise.
            genotype = next(m.genotype for m in chosen if m.index == measurement.index)
            run.append(dataclasses.replace(measurement, genotype=genotype), CONFIRMED)
            bar.update()
            outcome = (
                measurement.error
                if measurement.accuracy is None
                else f"accuracy {percent_text(measurement.accuracy)}%"
            )
            say(
                f"[{number}/{count}] candidate {measurement.index} with seed {measurement.seed}, {epochs} epochs: "
                f"{outcome}, {measurement.seconds:.1f} s"
            )


def _measured(cases: Sequence[Case], settings: TrialSettings, at_once: int) -> Iterator[Measurement]:
    """What the cases come to, in the order in which they are ready."""
    if at_once == 1 or len(cases) <= 1:
        for case in cases:
            yield Measurement.from_json(_train(*_request(case, settings)))
        return
    with _workers(min(at_once, len(cases))) as workers:
        futures = [workers.submit(_train, *_request(case, settings)) for case in cases]
        try:
            for future in as_completed(futures):
                yield Measurement.from_json(future.result())
        except BrokenProcessPool as error:
            raise UserError(
                "a process that confirms candidates was killed, for want of memory say; what is done is kept, and "
                "`run_search.py resume RUN --concurrency 1` needs less of it"
            ) from error


@contextmanager
def _workers(count: int) -> Iterator[ProcessPoolExecutor]:
    # Not forked: torch's threads do not survive that.
    pool = ProcessPoolExecutor(count, get_context("spawn"), initializer=_end_with, initargs=(os.getpid(),))
    try:
        yield pool
    except BaseException:
        for process in (pool._processes or {}).values():
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with(launcher: int) -> None:
    """Lets the worker end when its launcher has, however that went."""

    def watch() -> None:
        while os.getppid() == launcher:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _request(case: Case, settings: TrialSettings) -> tuple[int, dict[str, Any], dict[str, Any]]:
    measurement, seed = case
    return measurement.index, measurement.genotype, dataclasses.replace(settings, seed=seed).to_json()


def _train(index: int, genotype: dict[str, Any], trial: dict[str, Any]) -> dict[str, Any]:
    return measure_or_fail(Genotype.from_json(genotype), TrialSettings(**trial), index=index).to_json()
