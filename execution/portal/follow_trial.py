"""The row that shows a one-shot search: ``python -m execution.portal.follow_trial RUN``, as a trial of NNI's.

The search itself runs in its launcher; this process only passes on what the run folder gains.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from execution.follow import Follower
from execution.trials.channel import TrialChannel
from execution.trials.log import metric_line, say, saying_its_end
from records.run_files.run_folder import RunFolder

POLL_SECONDS = 0.5


def run(channel: TrialChannel, folder: Path) -> int:
    """Reports until the search is over; the exit code, 1 if it ended without an outcome."""
    say(f"settings: {metric_line(channel.parameters())}")
    say(f"run folder: {folder}")
    follower = Follower(folder)
    while True:
        over = RunFolder(folder).owner() is None  # asked first: what comes after is in the last look
        outcome = follower.outcome()
        for metric in follower.new():
            say(metric_line(metric))
            channel.report_intermediate(metric)
        if outcome is not None:
            say(f"end: {metric_line(outcome)}")
            channel.report_final(outcome)
            return 0
        if over:
            print("error: the search ended without an outcome", file=sys.stderr)
            return 1
        time.sleep(POLL_SECONDS)


def main() -> int:
    """`run` in a process that NNI started."""
    with saying_its_end():
        return run(TrialChannel.from_environment(), Path(sys.argv[1]))


if __name__ == "__main__":
    sys.exit(main())
