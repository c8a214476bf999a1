"""Runs a search from its settings to its last candidate: the run folder, NNI's experiment, progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from execution.platforms.contract import make_platform, serving
from execution.portal.address import Portal, portal_of
from execution.progress import Progress
from execution.resolved import resolve
from execution.settings import PLACES, SearchSettings
from execution.signals import termination_as_interrupt, uninterrupted
from records.errors import UserError
from records.files import write_errors
from records.measurement import Measurement
from records.plugins import naming_plugins
from records.run_folder import NNI, NNI_LOG, OUTCOME, RunFolder, new_folder
from records.terminal import tell
from search_space import get_space
from strategies.kinds import ONE_SHOT
from strategies.multi_trial.proposers import Evolution, Proposer, RandomSearch, Subject
from training.data.datasets import DatasetInfo, located
from training.data.prepare import PreparedData
from training.data.selection import require_batch
from training.fit import require_trainable
from training.trial import TrialSettings

if TYPE_CHECKING:
    from execution.portal.row_experiment import RowExperiment

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


def run_multi_trial(
    settings: SearchSettings, run: RunFolder, portal: Portal, *, resume: bool = False
) -> None:
    """Runs, or goes on with, a multi-trial search; returns when every candidate is measured.

    Raises `UserError`, and `KeyboardInterrupt` once everything has been stopped in order.
    """
    info = find_data(settings, run).info
    subject = make_subject(settings, info)
    known = run.measurements()
    platform = make_platform(settings)
    with write_errors(run.path):
        run.path.joinpath("nni").mkdir(exist_ok=True)
    print("Starting NNI (some seconds)", flush=True)
    from execution.nni_bridge.compat import chatter_to, portal_environment
    from execution.nni_bridge.portal_limits import search_edits

    edits = search_edits(platform.most_trials())
    trial = settings.trial_settings().knowing(info)
    with (
        chatter_to(run.path / NNI_LOG),
        portal_environment(edits),
        serving(platform, portal.port),
    ):
        _run_experiment(settings, run, subject, trial, known, portal, resume)


def _run_experiment(
    settings: SearchSettings,
    run: RunFolder,
    subject: Subject,
    trial: TrialSettings,
    known: list[Measurement],
    portal: Portal,
    resume: bool,
) -> None:
    from nni.experiment import RunMode
    from websockets.exceptions import WebSocketException

    from execution.multi_trial import MultiTrial, last_words
    from execution.nni_bridge.compat import CandidateModel
    from execution.nni_bridge.experiment import make_experiment
    from execution.nni_bridge.orphans import kill_orphans
    from execution.nni_bridge.portal_limits import PortalLimits
    from execution.nni_bridge.server_watch import ServerWatch

    space = get_space(subject.space)
    made = space.make_settings(subject.settings)
    decisions = {d.label: d.options for d in space.decisions(made, subject.image, subject.classes)}
    progress: Progress | None = None

    platform = make_platform(settings)

    def find_error(trial: str) -> str:
        platform.fetch(run.path / "nni" / experiment.id, trial)
        return last_words(run.path / "nni" / experiment.id, trial)

    def on_measurement(measurement: Measurement) -> None:
        if measurement.status != "failed" and measurement.trial is not None:  # find_error has fetched those
            platform.fetch(run.path / "nni" / experiment.id, measurement.trial)
        run.append(measurement)
        if progress is not None:
            progress.add(measurement, limits().trials)

    limits = PortalLimits(portal.server_port, settings.trials, settings.concurrency)
    strategy = MultiTrial(
        make_proposer(settings, subject),
        trial,
        limits=limits,
        known=known,
        seen=run.proposed(),
        on_proposed=run.note_proposed,
        on_measurement=on_measurement,
        find_error=find_error,
        check_server=lambda: watch(),
    )
    experiment = make_experiment(settings, run, CandidateModel(decisions), strategy, resume)
    watch = ServerWatch(experiment, run)
    kill_orphans(experiment.id, run.path / "nni")
    if resume:
        platform.clean(experiment.id)
    run.write(NNI, portal.record(experiment.id))

    def on_started() -> None:
        nonlocal progress
        print(f"Portal: {portal.address}", flush=True)
        progress = Progress(settings.trials, known)

    try:
        experiment.on_started = on_started
        experiment.start(
            portal.server_port, run_mode=RunMode.Detach
        )  # its output goes to a file; stopped below
    except (OSError, WebSocketException):
        watch()  # says so if that came from the server's end
        raise
    finally:
        if progress is not None:
            progress.close()
        with uninterrupted():
            experiment.stop()
            kill_orphans(experiment.id, run.path / "nni")
            platform.clean(experiment.id, forget=True)
    if strategy.ended is not None:
        tell(f"{strategy.ended}; `run_search.py resume {run.path}` goes on to {settings.trials}")


def run_one_shot(settings: SearchSettings, run: RunFolder, conclude: Conclude, portal: Portal | None) -> None:
    """Runs, or goes on with, a one-shot search, shown in the portal, if there is one, as a single row."""
    from execution.one_shot import run_oneshot

    with ExitStack() as stack:
        shown = None if portal is None else stack.enter_context(_row(settings, run, portal))
        run_oneshot(settings, run, info=find_data(settings, run).info, progress=True)
        conclude(run.path)
        if shown is not None:
            shown.wait(1, seconds=_LAST_METRIC_SECONDS)


def _row(settings: SearchSettings, run: RunFolder, portal: Portal) -> RowExperiment:
    """The experiment whose only row follows this search."""
    from execution.nni_bridge.portal_limits import no_edits
    from execution.portal.hub_rows import row_of
    from execution.portal.row_experiment import RowExperiment

    print("Starting NNI (some seconds)", flush=True)
    return RowExperiment(
        run,
        settings.title(),
        [("search", row_of(settings))],
        module="execution.portal.follow_trial",
        arguments=(str(run.path),),
        concurrency=1,
        portal=portal,
        edits=no_edits(),
    )


def check(settings: SearchSettings) -> None:
    """Raises `UserError` for data and a device that are missing, for too few images and for a budget that nothing
    meets, before there is a run folder."""
    make_platform.cache_clear()  # what an earlier search saw of machines and data may be otherwise by now
    _check_device(settings)
    data = find_data(settings)
    if settings.strategy in ONE_SHOT:
        from execution.one_shot import check_plan, make_plan

        plan = make_plan(settings, data.info)
        check_plan(plan)
        require_batch(plan.supernet.batch_size, data.train_images)
    else:
        first = make_proposer(settings, make_subject(settings, data.info)).propose(0, [])
        require_trainable(first.build, first.image, settings.trial_settings().make_recipe().batch_size)


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
    settings = settings.located()
    check(settings)
    resolved = resolve(settings, find_data(settings))  # found by now: the platform remembers it
    # Not where it lies: a folder may be moved, and be mailed.
    asked = {name: value for name, value in settings.to_json().items() if name != "run_dir"}
    with opened(settings) as portal:
        path = settings.run_dir or new_folder(default_run_dir(settings))
        run = RunFolder.create(path, asked, resolved)
        print(f"Run folder: {run.path}", flush=True)
        proceed(settings, run, conclude, portal=portal)
    return run.path


@contextmanager
def opened(settings: SearchSettings) -> Iterator[Portal | None]:
    """The search's portal, its ports kept for it from here on; None if it is off. Raises `UserError`."""
    if settings.portal == "off":
        yield None
    else:
        with portal_of(settings) as portal:
            yield portal


def proceed(
    settings: SearchSettings,
    run: RunFolder,
    conclude: Conclude = lambda run: None,
    *,
    resume: bool = False,
    portal: Portal | None = None,
) -> None:
    """Runs the search of ``settings`` in ``run``, or goes on with it, in ``portal`` or one that is opened here."""
    shown = nullcontext(portal) if portal else opened(settings)
    with run.lock(), termination_as_interrupt(), shown as portal:
        run.path.joinpath(OUTCOME).unlink(missing_ok=True)
        if settings.strategy in ONE_SHOT:
            run_one_shot(settings, run, conclude, portal)
        else:
            assert portal is not None  # the settings' own check
            run_multi_trial(settings, run, portal, resume=resume)
            conclude(run.path)


# What may be otherwise when a run is taken up again: where it is shown, and with what means it runs.
_FREE_ON_RESUME = (
    "port", "host", "portal", "run_dir", "threads", "trials", "concurrency", "device", "devices", *PLACES,
)  # fmt: skip
_NOT_KEPT = ("port", "host", "portal", "run_dir")


def resume(path: Path, given: dict[str, Any], conclude: Conclude = lambda run: None) -> SearchSettings:
    """Goes on with the search in ``path``; ``given`` are settings named again, by name; ``conclude`` as for
    `search`.

    What is named again is kept for the next time, but for where the run is shown. Raises `UserError` if one of
    them differs from the run's and would change its course.
    """
    run = RunFolder.open(path)
    kept = run.settings()
    if missing := {"space", "strategy", "dataset", "trials"} - kept.keys():
        raise UserError(f"{path} holds no search: its settings lack {', '.join(sorted(missing))}")
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
    with naming_plugins(run.path):
        settings = SearchSettings.from_json(kept | given).located()
    if len(run.measurements()) < settings.trials:
        settings.require_places()
        _check_device(settings)
        with run.lock():
            find_data(settings, run)  # what is refused changes nothing
            _keep(settings, run, given)
        proceed(settings, run, conclude, resume=True)
    else:
        with run.lock():
            conclude(run.path)
    return settings


def _keep(settings: SearchSettings, run: RunFolder, given: dict[str, Any]) -> None:
    """Writes down what a resume is given, and with what means it goes on."""
    named = {name for name in (*given, *PLACES) if name not in _NOT_KEPT}
    asked = run.settings() | {name: value for name, value in settings.to_json().items() if name in named}
    trial, used = settings.trial_settings(), run.resolved()
    means = {name: getattr(trial, name) for name in ("device", "threads") if name in used}
    run.revise(asked, used | means if settings.strategy not in ONE_SHOT else None)
