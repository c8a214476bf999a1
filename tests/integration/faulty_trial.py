"""A trial that goes wrong in each way, by the candidate's index; the others report at once."""

import os
import signal
import sys
import time
from pathlib import Path

from execution.trials.entry import report
from execution.trials.printed_channel import open_channel
from tests.integration.measured import measured


def main() -> None:
    channel = open_channel()
    parameters = channel.parameters()
    index = parameters["index"]
    print("from", Path(__file__).resolve())
    if index == 1:
        raise RuntimeError("the roof fell in")
    if index == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    if index == 3:
        sys.exit(0)
    history = tuple(0.1 * epoch + 0.01 * (index % 50) for epoch in range(2))
    for epoch, accuracy in enumerate(history):
        metric = {"default": accuracy, "epoch": epoch + 1, "macs": 1000, "params": 10}
        channel.report_intermediate(metric)
    time.sleep(float(os.environ.get("TRIAL_SECONDS", "0")))
    report(channel, measured(parameters, history))


if __name__ == "__main__":
    main()
