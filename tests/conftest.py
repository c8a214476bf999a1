"""What every test needs, whoever starts them."""

import os
import signal
from pathlib import Path

import pytest

# A script that starts the tests in the background has them, and all that they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Test files run three at a time, and threads of OpenMP spin while they wait for each other: with as many in each file
# as there are cores, small networks took five times the processor's time. A test of several threads asks for them.
os.environ.setdefault("OMP_NUM_THREADS", "1")

REAL_SEARCHES = Path(__file__).parent / "integration"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with real searches come first: they are the longest, and no worker is left alone with one at the end."""
    items.sort(key=lambda item: REAL_SEARCHES not in item.path.parents)
