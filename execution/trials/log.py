"""What a trial says of itself, on its standard output: NNI's portal shows it as the trial's log, also while it runs."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from execution.trials.printed_channel import IN_CLUSTER
from records.run_files.run_folder import provenance

if TYPE_CHECKING:
    from search_space.genotype import Genotype
    from training.trial import Beginning

CANCELLED = "cancelled"
_OUTPUT = 1  # the file descriptor


def say(line: str) -> None:
    """Writes a line at once, also from a signal's handler, in the midst of a print. Whoever reads it may be gone,
    or the disk full: the trial goes on.

    In a cluster NNI's runner takes what is printed for itself: there the line is written to a file, too.
    """
    text = f"{' '.join(line.split())}\n".encode()
    with contextlib.suppress(OSError):
        os.write(_OUTPUT, text)
        if os.environ.get("NNI_PLATFORM") == IN_CLUSTER:
            with Path(os.environ["NNI_SYS_DIR"], "trial.stdout").open("ab") as file:
                file.write(text)


def identity_lines(index: int, genotype: Genotype) -> list[str]:
    """Which candidate of which run this is, what it costs, and by what it is judged."""
    cost = genotype.cost()
    found = provenance()
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    names = (("trial", "NNI_TRIAL_JOB_ID"), ("experiment", "NNI_EXP_ID"), ("files", "NNI_SYS_DIR"))
    return [
        f"candidate {index}: genotype {genotype.key()} of {genotype.space}",
        f"cost: {cost.macs:,} MACs ({cost.macs_published:,} by the published count), {cost.params:,} params",
        "run: " + ", ".join(f"{what} {os.environ.get(name, 'none')}" for what, name in names),
        f"started {found['started']}, commit {found['commit'] or 'unknown'}, {versions}",
    ]


def beginning_lines(beginning: Beginning) -> list[str]:
    """What the settings came to."""
    recipe, info = beginning.recipe, beginning.info
    size = "x".join(map(str, info.image))
    threads = f"{beginning.threads} thread" + ("s" if beginning.threads != 1 else "")
    return [
        f"data: {info.name}, {info.classes} classes, images {size}, {beginning.train_images:,} to train on and "
        f"{beginning.validation_images:,} to validate on, mean {_all(info.mean)}, deviation {_all(info.std)}",
        f"recipe: {recipe.name}, {recipe.epochs} epochs, {recipe.batch_size} images a batch, learning rate "
        f"{recipe.learning_rate:g}, {recipe.optimizer}, {recipe.schedule}, weight decay {recipe.weight_decay:g}",
        f"runs on: {beginning.device}, {threads}, seed {beginning.seed}",
    ]


def _all(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.4f}" for value in values)


def epoch_line(metric: Mapping[str, Any], epochs: int) -> str:
    """An epoch, of ``epochs``, by what `training.trial.measure` reports of it."""
    return (
        f"epoch {metric['epoch']} of {epochs}: loss {metric['loss']:.4f}, accuracy {_percent(metric['train_accuracy'])} "
        f"in training, {_percent(metric['default'])} on validation images, {metric['seconds']:.1f} s so far"
    )


def metric_line(metric: Mapping[str, Any]) -> str:
    """Any metric of a search: each of its parts by its name, ``default``, the one that is drawn, first."""
    return ", ".join(f"{name.replace('_', ' ')} {_shown(name, value)}" for name, value in metric.items())


def _shown(name: str, value: Any) -> str:
    if name in ("default", "accuracy", "train_accuracy") and isinstance(value, float):
        return _percent(value)
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _percent(accuracy: float) -> str:
    return f"{100 * accuracy:.2f}%"


@contextmanager
def saying_its_end() -> Iterator[None]:
    """While it lasts, a trial that is cancelled says so, and ends by the very signal: NNI calls it cancelled only
    then."""
    started = time.monotonic()

    def end(number: int) -> None:
        say(f"{CANCELLED} after {time.monotonic() - started:.1f} s, before its end")
        end_by(number)

    with on_cancel(end):
        yield


@contextmanager
def on_cancel(act: Callable[[int], None]) -> Iterator[None]:
    """While it lasts, ``act`` is called with the number of the signal by which NNI cancels a trial: SIGINT (SIGKILL
    follows after five seconds), of a runner in a cluster SIGTERM."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda number, _: act(number)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def end_by(number: int) -> None:
    """Ends this process by the signal, as if nobody had listened to it."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
