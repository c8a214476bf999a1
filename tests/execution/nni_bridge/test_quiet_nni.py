"""NNI's messages are no lines on the terminal, whatever becomes of its log files."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from nni.runtime.log import start_experiment_logging, stop_experiment_logging

from execution.nni_bridge.quiet_nni import nni_log_to


def test_messages_stand_in_both_files(tmp_path, capfd):
    with nni_log_to(tmp_path / "nni.log"):
        start_experiment_logging("files", tmp_path / "experiment.log", "info")
        logging.getLogger("nni").warning("a line")
        stop_experiment_logging("files")
    assert "a line" in (tmp_path / "nni.log").read_text()
    assert "a line" in (tmp_path / "experiment.log").read_text()
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_log_on_a_full_disk_is_passed_over(tmp_path):
    program = (
        "import logging\n"
        "from pathlib import Path\n"
        "from execution.nni_bridge.quiet_nni import nni_log_to\n"
        "from nni.runtime.log import start_experiment_logging\n"
        f"with nni_log_to(Path({str(tmp_path / 'nni.log')!r})):\n"
        "    start_experiment_logging('full', Path('/dev/full'), 'info')\n"
        "    logging.getLogger('nni').warning('the server is gone')\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert "the server is gone" in (tmp_path / "nni.log").read_text()
