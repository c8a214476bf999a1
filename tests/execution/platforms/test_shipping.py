import gzip
import io
import sys
import tarfile

import pytest

from execution.platforms.shipping import pack_source
from records.errors import UserError


def names(archive):
    with tarfile.open(fileobj=io.BytesIO(archive.data)) as opened:
        return opened.getnames()


def test_the_source_is_packed_whole_and_always_the_same():
    archive = pack_source()
    inside = names(archive)
    for needed in (
        "pde_ops/cpu/csrc/integrate.cpp", "search_space/genotype.py", "training/trial.py",
        "execution/trials/entry.py", "execution/nni_bridge/server/portal_guard.js",
    ):  # fmt: skip
        assert needed in inside
    assert not [name for name in inside if "__pycache__" in name]
    assert pack_source() == archive
    assert len(archive.data) < 2 * 10**6
    assert gzip.decompress(archive.data)


def test_plugins_are_packed_and_change_the_name(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "one_plugin.py").write_text("x = 1\n")
    folder = tmp_path / "more_plugins"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "inner.py").touch()
    monkeypatch.setenv("PDE_NAS_PLUGINS", "one_plugin, more_plugins.inner")
    archive = pack_source()
    assert {"one_plugin.py", "more_plugins/__init__.py", "more_plugins/inner.py"} <= set(names(archive))
    monkeypatch.setenv("PDE_NAS_PLUGINS", "no_such_plugin")
    with pytest.raises(UserError, match="PDE_NAS_PLUGINS names no_such_plugin"):
        pack_source()
    monkeypatch.delenv("PDE_NAS_PLUGINS")
    assert pack_source().name != archive.name
    assert "one_plugin" not in sys.modules  # packed, not imported
