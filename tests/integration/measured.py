"""The measurement of a trial that trains nothing."""

from typing import Any

from records.measurement import Measurement


def measured(parameters: dict[str, Any], accuracy: float, history: tuple[float, ...] = ()) -> Measurement:
    return Measurement(
        index=parameters["index"], genotype=parameters["genotype"], status="ok", accuracy=accuracy, macs=1000,
        macs_published=1000, params=10, seconds=0.1, seed=parameters["trial"]["seed"], history=history,
    )  # fmt: skip
