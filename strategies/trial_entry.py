"""A trial of a multi-trial search: ``python -m strategies.trial_entry``, started by NNI.

It reads a genotype and how to judge it, trains, reports each epoch and the outcome to NNI. Importing only
what that needs (of NNI the reporting side, none of its NAS) keeps the start short.
"""

from __future__ import annotations

import sys
from typing import Any

import nni

from search_space.errors import UserError
from search_space.genotype import Genotype
from search_space.measurement import Measurement
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


def run(parameters: dict[str, Any]) -> int:
    """Judges one candidate; the exit code: 1, after one line on stderr, if it could not be judged."""
    try:
        measurement = measure(
            Genotype.from_json(parameters["genotype"]),
            TrialSettings(**parameters["trial"]),
            index=parameters["index"],
            report=nni.report_intermediate_result,
        )
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if measurement.status != "ok":
        print(f"error: {measurement.error}", file=sys.stderr)
        return 1
    nni.report_final_result(final_metric(measurement))
    return 0


if __name__ == "__main__":
    sys.exit(run(nni.get_next_parameter()))
