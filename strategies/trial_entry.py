"""A trial of a multi-trial search: ``python -m strategies.trial_entry``, started by NNI.

It reads a genotype and how to judge it, trains, reports each epoch and the outcome to NNI. It imports only
what that needs, which keeps the start short.
"""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.measurement import Measurement
from strategies.printed_channel import open_channel
from strategies.trial_channel import Channel
from training.trial import TrialSettings, measure


def final_metric(measurement: Measurement) -> dict[str, Any]:
    """What the portal shows of a finished trial, and the launcher makes its measurement of."""
    return {
        "default": measurement.accuracy,
        "macs": measurement.macs,
        "macs_published": measurement.macs_published,
        "params": measurement.params,
        "seconds": round(measurement.seconds, 3),
    }


def on_this_machine(trial: TrialSettings) -> TrialSettings:
    """``trial`` with the device "auto" decided, for a search does not know the machines its trials run on."""
    if trial.device != "auto":
        return trial
    import torch

    return dataclasses.replace(trial, device="cuda" if torch.cuda.is_available() else "cpu")


def run(channel: Channel) -> int:
    """Judges one candidate; the exit code: 1, after one line on stderr, if it could not be judged."""
    try:
        parameters = channel.parameters()
        measurement = measure(
            Genotype.from_json(parameters["genotype"]),
            on_this_machine(TrialSettings(**parameters["trial"])),
            index=parameters["index"],
            report=channel.report_intermediate,
        )
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if measurement.status != "ok":
        print(f"error: {measurement.error}", file=sys.stderr)
        return 1
    channel.report_final(final_metric(measurement))
    return 0


def main() -> int:
    """`run` in a process that NNI started."""
    try:
        channel = open_channel()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return run(channel)


if __name__ == "__main__":
    sys.exit(main())
