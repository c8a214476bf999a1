"""How a long work tells how far it is: a bar on a terminal, and a line for each step into a file or a pipe."""

from __future__ import annotations

import contextlib
import os
import sys


def watched() -> bool:
    """Whether output and errors both go to a terminal, where a bar is enough."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdout, sys.stderr))


def tell(text: str) -> None:
    """Prints what a user should know. Whoever reads it may be gone, or the disk full: the work is done all the same."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # What Python would print at its end goes nowhere, too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:
        pass


def say(line: str) -> None:
    """Prints a step's line where nobody is ``watched`` with a bar. What reads it may be gone, or its disk full: the
    work goes on."""
    if not watched():
        with contextlib.suppress(OSError):
            print(" ".join(line.split()), flush=True)


def say_share(what: str, done: int, count: int, unit: str) -> None:
    """`say` for short steps: a line after each tenth of ``count`` that is done.

    Examples:
        >>> say_share("judged", 39, 400, "networks")
        >>> say_share("judged", 40, 400, "networks")
        judged: 40 of 400 networks
    """
    if done * 10 // count > (done - 1) * 10 // count:
        say(f"{what}: {done} of {count} {unit}")
