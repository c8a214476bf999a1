"""A trial that trains nothing: it takes TRIAL_SECONDS."""

import os
import time

from execution.trials.entry import report
from execution.trials.printed_channel import open_channel
from tests.integration.measured import measured


def main() -> None:
    channel = open_channel()
    parameters = channel.parameters()
    channel.report_intermediate({"default": 0.1, "epoch": 1, "macs": 1000, "params": 10})
    time.sleep(float(os.environ.get("TRIAL_SECONDS", "0")))
    report(channel, measured(parameters))


if __name__ == "__main__":
    main()
