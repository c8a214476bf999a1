"""One row of a hub: a whole search, as a trial of NNI's (``python -m execution.portal.hub_trial HUB PROGRAM``).

The search is a process of its own, PROGRAM's command `search` with the row's values as options, so that a wrong
value is refused by the same checks with the same words as on the command line, and so that it may start an
experiment of its own. What its run folder gains is passed on to the portal as it comes.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from execution.follow import Follower, own_portal
from execution.portal.rows import row_options, submitted_name
from execution.trials.channel import TrialChannel
from execution.trials.log import CANCELLED, end_by, metric_line, on_cancel, say
from records.errors import UserError
from records.run_files.run_folder import RunFolder
from records.run_files.search_rows import read_rows, taken_back, write_rows
from records.run_files.settings_file import SETTINGS

POLL_SECONDS = 0.5
_PR_SET_PDEATHSIG = 1


def command(hub: Path, name: str, parameters: dict[str, str], program: str) -> list[str]:
    """The search's command line, of the module ``program``: a new one, or the rest of one that was stopped."""
    run = hub / "searches" / name
    settings = RunFolder.open(hub).settings()
    shared, parameters = with_data(settings["shared"], parameters, moved=settings.get("data_moved", False))
    if (run / SETTINGS).is_file():
        # What the hub has may be otherwise than when the search began; what the row names is its own.
        own_value = {} if settings.get("data_moved", False) else parameters
        means = {name: own_value.get(name, value) for name, value in shared.items() if name != "platform"}
        own = ["resume", str(run), *row_options(means)]
        strategy = RunFolder(run).settings().get("strategy")
    else:
        strategy = parameters.get("strategy")
        only_with = settings.get("only_with", {})
        own_means = {
            name: value for name, value in shared.items() if strategy in only_with.get(name, [strategy])
        }
        own = ["search", "--run-dir", str(run), *row_options({**own_means, **parameters})]
    # This row is a one-shot search's portal; a multi-trial one has another experiment for its trials.
    return [sys.executable, "-m", program, *own] + (
        ["--portal", "off"] if strategy in settings.get("one_shot", ()) else ["--port", "0"]
    )


def with_data(
    shared: dict[str, Any], parameters: dict[str, str], *, moved: bool = False
) -> tuple[dict[str, Any], dict[str, str]]:
    """What the hub's searches share, and the row's own values, with the folder of a file of arrays: where it lay when
    the row was made or, if it is gone there or was said to have ``moved``, where the hub's data are now."""
    name, common = parameters.get("dataset", ""), shared.get("data_dir", "")
    if not os.path.dirname(name):
        return shared, parameters
    here = shared.get("platform", "local") == "local"
    now = os.path.join(common, os.path.basename(name))
    gone = not os.path.exists(name) or (moved and os.path.exists(now))
    elsewhere = here and common and os.path.isabs(name) and gone
    folder, file = os.path.split(now if elsewhere else os.path.join(common, name))
    return shared | {"data_dir": folder}, parameters | {"dataset": file}


def start(words: list[str]) -> subprocess.Popen:
    """The search's process; on Linux it is asked to stop when this one ends, even by SIGKILL."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None

    def end_with_parent() -> None:
        if library is not None:
            library.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    # The search may start an experiment of its own, and must not take itself for this trial of this one.
    environment = {n: v for n, v in os.environ.items() if not n.startswith("NNI_") and n != "NODE_OPTIONS"}
    return subprocess.Popen(
        words,
        env=environment,
        stdin=subprocess.DEVNULL,
        preexec_fn=end_with_parent,  # this process has no other thread
    )


def run(channel: TrialChannel, hub: Path, program: str) -> int:
    """Runs the row's search to its end; the exit code, the search's own."""
    parameters = channel.parameters()
    if channel.parameter is None:  # submitted in the portal
        name = submitted_name(os.environ["NNI_EXP_ID"], int(os.environ["NNI_TRIAL_SEQ_ID"]))
        write_rows(hub, [(name, parameters)])
    else:
        name, parameters = read_rows(hub)[channel.parameter]
    if name in taken_back(hub):  # while it began
        raise UserError(f"{name} was taken back")
    folder = hub / "searches" / name
    say(f"search {name}: {metric_line(parameters)}")
    say(f"run folder: {folder}")
    follower = Follower(folder)
    if follower.outcome() is None:
        words = command(hub, name, parameters, program)
        child = start(words)
        with on_cancel(lambda number: _cancel(child, number)):
            code = _pass_on(channel, follower, child)
        if code:
            say(f"end: the search ended with code {code}")
            return code
    for metric in follower.new():
        channel.report_intermediate(metric)
    outcome = follower.outcome()
    assert outcome is not None
    say(f"end: {metric_line(outcome)}")
    channel.report_final(outcome)
    return 0


def _cancel(search: subprocess.Popen, number: int) -> None:
    """Asks the search to stop, and waits until it has: NNI takes its end for this process's."""
    say(f"{CANCELLED}: the search is asked to stop; `run_search.py resume` on its folder goes on")
    search.terminate()
    search.wait()
    end_by(number)


def _pass_on(channel: TrialChannel, follower: Follower, child: subprocess.Popen) -> int:
    """Reports what comes until the search ends; its exit code."""
    said = None
    while True:
        code = child.poll()
        for metric in follower.new():
            channel.report_intermediate(metric)
        portal = own_portal(follower.run)
        if portal is not None and portal != said:
            said = portal
            say(f"its trials: {portal}")
        if code is not None:
            return code
        time.sleep(POLL_SECONDS)


def main() -> int:
    """`run` in a process that NNI started."""
    try:
        return run(TrialChannel.from_environment(), Path(sys.argv[1]), sys.argv[2])
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
