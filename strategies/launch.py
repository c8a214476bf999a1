"""Runs a search from its settings to its last candidate: the run folder, NNI's experiment, progress."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from search_space import get_space
from search_space.errors import UserError
from search_space.files import write_errors
from search_space.measurement import Measurement
from strategies.kinds import ONE_SHOT
from strategies.platforms import make_platform, serving
from strategies.proposers import Evolution, Proposer, RandomSearch, Subject
from strategies.run_folder import NNI, NNI_LOG, OUTCOME, RunFolder
from strategies.settings import SearchSettings
from strategies.signals import termination_as_interrupt, uninterrupted
from training.datasets import DatasetInfo, located
from training.fit import require_trainable
from training.prepare import PreparedData
from training.selection import require_batch
from training.trial import TrialSettings

if TYPE_CHECKING:
    from strategies.row_experiment import RowExperiment

Conclude = Callable[[Path], object]
_LAST_METRIC_SECONDS = 15.0


def make_proposer(settings: SearchSettings, subject: Subject) -> Proposer:
    """The proposer that ``settings.strategy`` names."""
    if settings.strategy == "random":
        return RandomSearch(subject, settings.seed, max_macs=settings.max_macs)
    return Evolution(
        subject,
        settings.seed,
        max_macs=settings.max_macs,
        population=settings.population,
        tournament=settings.tournament,
        mac_penalty=settings.mac_penalty,
    )


def find_data(settings: SearchSettings, run: RunFolder | None = None) -> PreparedData:
    """The data set of a search, fetched if it is missing, with the facts that were found when ``run`` began.

    Raises `UserError` for data that are damaged, too few, or others than the run's.
    """
    kept = None if run is None else run.resolved().get("dataset")
    return make_platform(settings).prepared_data(None if kept is None else DatasetInfo.from_json(kept))


def make_subject(settings: SearchSettings, info: DatasetInfo | None = None) -> Subject:
    """What is searched, on the data set of which ``info`` is known. Raises `UserError`."""
    info = info or find_data(settings).info
    return Subject(settings.space, settings.space_settings(), info.image, info.classes)


def free_port(port: int) -> int:
    """``port`` if nothing listens there; with 0 a free one. Raises `UserError`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise UserError(
                f"port {port} cannot be had ({error.strerror}); choose another with --port (0: any)"
            ) from error
        return probe.getsockname()[1]


class Progress:
    """A tqdm bar over candidates with the best one so far."""

    def __init__(self, total: int, known: list[Measurement]) -> None:
        self.bar = tqdm(
            total=total, initial=len(known), unit="candidate", dynamic_ncols=True, disable=None
        )  # None: only on a terminal
        self.best = max((m.accuracy for m in known if m.accuracy is not None), default=None)
        self.failed = sum(m.status == "failed" for m in known)

    def add(self, measurement: Measurement) -> None:
        if measurement.accuracy is None:
            self.failed += 1
            self.bar.write(f"candidate {measurement.index} failed: {measurement.error}", file=sys.stderr)
        elif self.best is None or measurement.accuracy > self.best:
            self.best = measurement.accuracy
        best = "none yet" if self.best is None else f"{100 * self.best:.2f}%"
        self.bar.set_postfix_str(f"best {best}" + (f", {self.failed} failed" if self.failed else ""))
        self.bar.update()

    def close(self) -> None:
        self.bar.close()


def run_multi_trial(settings: SearchSettings, run: RunFolder, *, resume: bool = False) -> None:
    """Runs, or goes on with, a multi-trial search; returns when every candidate is measured.

    Raises `UserError`, and `KeyboardInterrupt` once everything has been stopped in order.
    """
    info = find_data(settings, run).info
    subject = make_subject(settings, info)
    known = run.measurements()
    port = free_port(settings.port)
    platform = make_platform(settings)
    with write_errors(run.path):
        run.path.joinpath("nni").mkdir(exist_ok=True)
    print("Starting NNI (some seconds)", flush=True)
    from strategies.nni_compat import chatter_to, portal_environment

    with chatter_to(run.path / NNI_LOG), portal_environment(), serving(platform), termination_as_interrupt():
        _run_experiment(settings, run, subject, settings.trial_settings().knowing(info), known, port, resume)


def _run_experiment(
    settings: SearchSettings,
    run: RunFolder,
    subject: Subject,
    trial: TrialSettings,
    known: list[Measurement],
    port: int,
    resume: bool,
) -> None:
    from nni.experiment import RunMode
    from websockets.exceptions import WebSocketException

    from strategies.experiment import make_experiment, trials_to_recover, was_cancelled
    from strategies.multitrial import MultiTrial, last_words
    from strategies.nni_compat import CandidateModel, kill_orphans
    from strategies.portal import Portal
    from strategies.server_watch import ServerWatch

    space = get_space(subject.space)
    made = space.make_settings(subject.settings)
    decisions = {d.label: d.options for d in space.decisions(made, subject.image, subject.classes)}
    progress: Progress | None = None

    platform = make_platform(settings)

    def find_error(trial: str) -> str:
        platform.fetch(run.path / "nni" / experiment.id, trial)
        return last_words(run.path / "nni" / experiment.id, trial)

    def on_measurement(measurement: Measurement) -> None:
        if measurement.status == "ok" and measurement.trial is not None:
            platform.fetch(run.path / "nni" / experiment.id, measurement.trial)
        run.append(measurement)
        if progress is not None:
            progress.add(measurement)

    strategy = MultiTrial(
        make_proposer(settings, subject),
        trial,
        trials=settings.trials,
        concurrency=settings.concurrency,
        known=known,
        on_measurement=on_measurement,
        find_error=find_error,
        recovered=lambda: recovered,
        check_server=lambda: watch(),
        was_cancelled=lambda trial: was_cancelled(experiment, trial),
    )
    experiment = make_experiment(settings, run, CandidateModel(decisions), strategy, resume)
    watch = ServerWatch(experiment, run)
    recovered = trials_to_recover(run, experiment.id) if resume else {}
    kill_orphans(experiment.id)
    if resume:
        platform.clean(experiment.id)
    portal = Portal(settings.host, port)
    run.write(NNI, {"experiment": experiment.id, "port": port, "address": portal.address})

    def on_started() -> None:
        nonlocal progress
        print(f"Portal: {portal.address}", flush=True)
        progress = Progress(settings.trials, known)

    try:
        with portal:
            experiment.on_started = on_started
            experiment.start(port, run_mode=RunMode.Detach)  # its output goes to a file; stopped below
    except (OSError, WebSocketException):
        watch()  # says so if that came from the server's end
        raise
    finally:
        if progress is not None:
            progress.close()
        with uninterrupted():
            experiment.stop()
            kill_orphans(experiment.id)
            platform.clean(experiment.id, forget=True)


def run_one_shot(settings: SearchSettings, run: RunFolder, conclude: Conclude) -> None:
    """Runs, or goes on with, a one-shot search, shown in the portal as a single row unless that is off."""
    from strategies.oneshot import run_oneshot

    with ExitStack() as stack:
        stack.enter_context(termination_as_interrupt())
        shown = None if settings.portal == "off" else stack.enter_context(_row(settings, run))
        run_oneshot(settings, run, info=find_data(settings, run).info, progress=True)
        conclude(run.path)
        if shown is not None:
            shown.wait(1, seconds=_LAST_METRIC_SECONDS)


def _row(settings: SearchSettings, run: RunFolder) -> RowExperiment:
    """The experiment whose only row follows this search."""
    from strategies.hub_rows import row_of
    from strategies.row_experiment import RowExperiment

    print("Starting NNI (some seconds)", flush=True)
    return RowExperiment(
        run,
        settings.title(),
        [("search", row_of(settings))],
        module="strategies.follow_trial",
        arguments=(str(run.path),),
        concurrency=1,
        port=free_port(settings.port),
        host=settings.host,
    )


def check(settings: SearchSettings) -> None:
    """Raises `UserError` for data and a device that are missing, for too few images and for a budget that nothing
    meets, before there is a run folder."""
    make_platform.cache_clear()  # what an earlier search saw of machines and data may be otherwise by now
    _check_device(settings)
    data = find_data(settings)
    if settings.strategy in ONE_SHOT:
        from strategies.oneshot import check_plan, make_plan

        plan = make_plan(settings, data.info)
        check_plan(plan)
        require_batch(plan.supernet.batch_size, data.train_images)
    else:
        first = make_proposer(settings, make_subject(settings, data.info)).propose(0, [])
        require_trainable(first.build, first.image, settings.trial_settings().make_recipe().batch_size)
    if settings.portal == "on":
        free_port(settings.port)


def _check_device(settings: SearchSettings) -> None:
    if settings.platform == "local":
        from training.device import require_device

        require_device(settings.real_device())


def default_run_dir(settings: SearchSettings) -> Path:
    """``runs/<time>-<data set>-<strategy>`` below the working folder."""
    from datetime import datetime

    now = datetime.now().strftime("%Y%m%d-%H%M%S")
    return Path("runs", f"{now}-{Path(settings.dataset).stem}-{settings.strategy}")


def search(settings: SearchSettings, conclude: Conclude = lambda run: None) -> Path:
    """Runs a search in a new run folder, whose path is returned; ``conclude`` is called on it at the end, while
    a one-shot search is still shown. Raises `UserError`."""
    check(settings)
    # Found by now: the platform remembers it.
    resolved = find_data(settings).to_json()
    run = RunFolder.create(settings.run_dir or default_run_dir(settings), settings.to_json(), resolved)
    print(f"Run folder: {run.path}", flush=True)
    proceed(settings, run, conclude)
    return run.path


def proceed(
    settings: SearchSettings, run: RunFolder, conclude: Conclude = lambda run: None, *, resume: bool = False
) -> None:
    """Runs the search of ``settings`` in ``run``, or goes on with it."""
    with run.lock():
        run.path.joinpath(OUTCOME).unlink(missing_ok=True)
        if settings.strategy in ONE_SHOT:
            run_one_shot(settings, run, conclude)
        else:
            run_multi_trial(settings, run, resume=resume)
            conclude(run.path)


# What may be otherwise when a run is taken up again: where it is shown, and with what means it runs.
_FREE_ON_RESUME = (
    "port", "host", "portal", "run_dir", "threads", "trials", "device", "devices", "data_dir", "hosts", "cluster",
)  # fmt: skip


def resume(path: Path, given: dict[str, Any], conclude: Conclude = lambda run: None) -> SearchSettings:
    """Goes on with the search in ``path``; ``given`` are settings named again, by name; ``conclude`` as for
    `search`.

    Raises `UserError` if one of them differs from the run's and would change its course.
    """
    run = RunFolder.open(path)
    kept = run.settings()
    if "dataset" in given:
        place = dict(
            zip(("dataset", "data_dir"), located(given["dataset"], given.get("data_dir")), strict=True)
        )
        given = given | {name: value for name, value in place.items() if value is not None}
    differing = [
        f"{name} is {value!r}, in the run {kept.get(name)!r}"
        for name, value in given.items()
        if value != kept.get(name) and name not in _FREE_ON_RESUME
    ]
    if differing:
        raise UserError(
            f"{path} was run with other settings: {'; '.join(differing)}; leave them out to resume"
        )
    settings = SearchSettings.from_json(kept | given)
    if len(run.measurements()) < settings.trials:
        _check_device(settings)
        proceed(settings, run, conclude, resume=True)
    else:
        conclude(run.path)
    return settings
