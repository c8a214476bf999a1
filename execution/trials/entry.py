"""A trial of a multi-trial search: ``python -m execution.trials.entry``, started by NNI.

It reads a genotype and how to judge it, trains, reports each epoch and the outcome to NNI, and writes its log
(`execution.trials.log`). It imports only what that needs, which keeps the start short.
"""

from __future__ import annotations

import dataclasses
import sys
from typing import TYPE_CHECKING, Any

from execution.trials.channel import Channel
from execution.trials.log import beginning_lines, epoch_line, identity_lines, say, saying_its_end
from execution.trials.printed_channel import open_channel
from records.errors import UserError

if TYPE_CHECKING:
    from records.measurement import Measurement
    from training.trial import Beginning
    from training.trial_settings import TrialSettings


def final_metric(measurement: Measurement) -> dict[str, Any]:
    """What the portal shows of a measurement, each an axis there."""
    record = _record(measurement)
    shown = {name: record[name] for name in ("macs", "macs_published", "params", "seconds")}
    if measurement.latency is not None:
        shown["latency"] = measurement.latency
    # NNI draws a number of each trial that came to its end, of one that was rejected too.
    return {"default": measurement.accuracy or 0.0, **shown}


def report(channel: Channel, measurement: Measurement) -> None:
    """Tells NNI what it shows, and the search all of it."""
    channel.report_final(final_metric(measurement), _record(measurement))


def _record(measurement: Measurement) -> dict[str, Any]:
    return dataclasses.replace(measurement, seconds=round(measurement.seconds, 3)).to_json()


def on_this_machine(trial: TrialSettings) -> TrialSettings:
    """``trial`` with the device "auto" decided, for a search does not know the machines its trials run on."""
    from training.device import real_device

    return dataclasses.replace(trial, device=real_device(trial.device))


def run(channel: Channel) -> int:
    """Judges one candidate; the exit code: 1, after one line on stderr, if it could not be judged."""
    # Before it asks for its parameters, with which it has begun in NNI's eyes; within `main`, for these seconds of
    # imports can be cancelled too.
    import training.trial  # noqa: F401

    try:
        measurement = judged(channel, channel.parameters())
    except UserError as error:
        return _failed(error)
    if measurement.status == "failed":
        return _failed(measurement.error)
    if measurement.accuracy is None:
        say(f"end: {measurement.status}: {measurement.error}")
    else:
        say(
            f"end: accuracy {100 * measurement.accuracy:.2f}% on validation images, {measurement.seconds:.1f} s"
        )
    report(channel, measurement)
    return 0


def judged(channel: Channel, parameters: dict[str, Any]) -> Measurement:
    """The measurement of the candidate that ``parameters`` describe, each epoch reported and logged."""
    from search_space.genotype import Genotype
    from training.device import keep_memory
    from training.trial import measure
    from training.trial_settings import TrialSettings

    genotype = Genotype.from_json(parameters["genotype"])
    trial = on_this_machine(TrialSettings(**parameters["trial"]))
    if not trial.measures_latency:  # which is to be that of a process as it is without
        keep_memory()
    for line in identity_lines(parameters["index"], genotype):
        say(line)

    def on_beginning(beginning: Beginning) -> None:
        for line in beginning_lines(beginning):
            say(line)

    def on_epoch(metric: dict[str, Any]) -> None:
        say(epoch_line(metric, trial.make_recipe().epochs))
        channel.report_intermediate(metric)

    return measure(genotype, trial, index=parameters["index"], report=on_epoch, began=on_beginning)


def _failed(error: object) -> int:
    print(f"error: {error}", file=sys.stderr, flush=True)
    say(f"end: failed: {error}")
    return 1


def main() -> int:
    """`run` in a process that NNI started."""
    try:
        channel = open_channel()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    with saying_its_end():
        return run(channel)


if __name__ == "__main__":
    sys.exit(main())
