import logging
import warnings
from pathlib import Path

import pytest

from records.errors import UserError
from strategies.supernet.quiet import lightning_log_to


def test_it_goes_to_the_file_and_is_put_back(tmp_path, capfd):
    logger = logging.getLogger("nni")
    before = logger.handlers[:], logger.propagate
    with lightning_log_to(tmp_path / "new" / "log"):
        logger.warning("about trials")
        warnings.warn("about tensors", stacklevel=1)
    assert (logger.handlers, logger.propagate) == before
    written = (tmp_path / "new" / "log").read_text()
    assert "WARNING nni: about trials" in written
    assert "UserWarning: about tensors" in written
    assert capfd.readouterr() == ("", "")


def test_it_has_a_bound(tmp_path):
    with lightning_log_to(tmp_path / "log"):
        for number in range(200):
            logging.getLogger("nni").warning("%s %s", number, "x" * 2**18)
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) == {"log", "log.1"}
    assert sum(sizes.values()) <= 2 * 8 * 2**20
    assert "199 x" in (tmp_path / "log").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, which is always full")
def test_a_full_disk_is_not_told_by_a_log(capfd):
    with lightning_log_to(Path("/dev/full")):
        logging.getLogger("nni").warning("about trials")
    assert capfd.readouterr() == ("", "")


def test_a_log_that_cannot_be_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(UserError, match=r"^cannot write .*file/log: "),
        lightning_log_to(tmp_path / "file" / "log"),
    ):
        pass
