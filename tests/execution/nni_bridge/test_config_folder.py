"""A search of a user who may not write to the environment that NNI is installed in."""

import os
import sys
from pathlib import Path

import pytest
from nni.runtime.config import get_config_file

from execution.nni_bridge import config_folder as module
from execution.nni_bridge.config_folder import VARIABLE, config_folder
from execution.nni_bridge.server_start import portal_environment
from records.errors import UserError


@pytest.fixture
def unwritable(monkeypatch, tmp_path):
    """As an environment that is another user's: nothing can be made in it, by root neither."""
    (tmp_path / "environment").write_text("no folder")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    monkeypatch.setattr(sys, "base_prefix", "/elsewhere")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.delenv(VARIABLE, raising=False)


def test_nni_writes_into_its_environment(unwritable):
    with pytest.raises(OSError, match="environment/nni"):
        get_config_file("training_services.json")


def test_a_private_folder_is_taken_where_that_cannot_be_written(unwritable, tmp_path):
    found = config_folder()
    assert found == tmp_path / f"pde-nas-{os.getuid()}" / "nni"
    assert (found / "training_services.json").is_file()
    assert found.parent.stat().st_mode & 0o077 == 0
    with portal_environment():
        assert get_config_file("training_services.json").parent == found
    assert VARIABLE not in os.environ


def test_the_users_own_choice_stays(unwritable, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "mine"))
    assert config_folder() == tmp_path / "mine"
    monkeypatch.setenv(VARIABLE, str(tmp_path / "environment"))
    with pytest.raises(
        UserError, match="cannot write .*environment: .*; a file and a folder cannot have one name"
    ):
        config_folder()


def test_a_folder_of_settings_that_is_there_is_used(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert config_folder() == tmp_path
    assert module.config_folder() == Path(os.environ[VARIABLE])
