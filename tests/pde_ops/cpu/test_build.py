"""Building the kernels: cached, safe when several do it at once, and not needed."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading

import pytest
import torch

from pde_ops import integrate
from pde_ops.cpu import backend as cpu_backend
from pde_ops.cpu import build
from tests.pde_ops.fields import make_fields

has_compiler = pytest.mark.skipif(not cpu_backend.built(), reason="no C++ compiler here")


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    monkeypatch.setenv("PDE_OPS_CACHE", str(tmp_path))
    build.kernels.cache_clear()
    yield tmp_path
    monkeypatch.undo()
    build.kernels.cache_clear()


def test_without_a_compiler_there_is_one_log_line_and_the_eager_result(fresh, monkeypatch, caplog):
    monkeypatch.setenv("CXX", "no-such-compiler")
    data = make_fields((1, 2, 4, 4))
    with caplog.at_level(logging.WARNING, logger="pde_ops"):
        out = integrate(**data, steps=2, dt=0.2)
        integrate(**data, steps=2, dt=0.2)
    assert len(caplog.records) == 1
    assert "no C++ compiler found (no-such-compiler)" in caplog.text
    assert torch.equal(out, integrate(**data, steps=2, dt=0.2, backend="eager"))
    with pytest.raises(ValueError, match="backend='cpu' cannot run: the C\\+\\+ kernels could not be built"):
        integrate(**data, steps=2, dt=0.2, backend="cpu")


@has_compiler
def test_a_failed_build_leaves_eager_and_no_file(fresh, monkeypatch, tmp_path_factory, caplog):
    sources = tmp_path_factory.mktemp("csrc")
    (sources / "broken.cpp").write_text("this is not C++\n")
    monkeypatch.setattr(build, "SOURCES", sources)
    reason = build.kernels()
    assert isinstance(reason, str)
    assert "\n" not in reason
    assert not list(fresh.glob("*.so"))


@pytest.fixture
def temporary(monkeypatch, tmp_path):
    """The folder of temporary files; the home, a file there, can hold nothing."""
    home = tmp_path / "home"
    home.touch()
    for name, value in (("HOME", home), ("XDG_CACHE_HOME", None), ("PDE_OPS_CACHE", None)):
        monkeypatch.setenv(name, str(value)) if value else monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(build.tempfile, "gettempdir", lambda: str(tmp_path))
    return tmp_path


def _without_home(monkeypatch):
    def home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(build.Path, "home", home)


@pytest.mark.parametrize("known", [True, False])
def test_without_a_home_to_write_in_the_users_own_temporary_folder_is_taken(temporary, monkeypatch, known):
    if not known:
        _without_home(monkeypatch)
    made = []
    for _ in range(2):
        path = build.once("a.so", lambda path: made.append(path.write_text("built")))
    assert path == temporary / f"pde_ops-{os.getuid()}" / "a.so"
    assert len(made) == 1
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_temporary_folder_that_others_can_write_is_not_taken(temporary, monkeypatch):
    shared = temporary / f"pde_ops-{os.getuid()}"
    shared.mkdir()
    shared.chmod(0o777)
    (shared / "a.so").write_text("somebody's")
    with pytest.raises(NotADirectoryError):  # of the home
        build.once("a.so", lambda path: None)
    _without_home(monkeypatch)
    with pytest.raises(FileNotFoundError, match="name one by PDE_OPS_CACHE"):
        build.once("a.so", lambda path: None)


def test_what_is_built_in_a_home_that_cannot_be_written_is_used(temporary, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(temporary / "image"))
    built = temporary / "image/pde_ops/a.so"
    built.parent.mkdir(parents=True)
    built.write_text("built")
    monkeypatch.setattr(build, "_first_writable", None)
    assert build.once("a.so", lambda path: None) == built


def test_sources_are_compiled_at_the_same_time(monkeypatch, tmp_path):
    together = threading.Barrier(2, timeout=60)
    compiled = []

    def run(compiler, arguments, folder):
        together.wait()
        compiled.append((compiler, arguments[-1]))

    monkeypatch.setattr(build, "run", run)
    monkeypatch.setattr(build.os, "cpu_count", lambda: 2)
    build._compile("c++", ["-c"], ["a.cpp", "b.cpp"], tmp_path)
    assert sorted(compiled) == [("c++", "a.cpp"), ("c++", "b.cpp")]


@has_compiler
def test_the_key_changes_with_the_sources(monkeypatch, tmp_path):
    compiler = build.find_compiler()
    (tmp_path / "a.cpp").write_text("int a;")
    monkeypatch.setattr(build, "SOURCES", tmp_path)
    first = build.key(compiler)
    (tmp_path / "a.cpp").write_text("int b;")
    assert build.key(compiler) != first


@has_compiler
def test_several_processes_build_at_once(fresh, tmp_path_factory):
    sources = tmp_path_factory.mktemp("csrc")
    (sources / "tiny.cpp").write_text('extern "C" int answer() { return 42; }\n')
    program = (
        "import pathlib; from pde_ops.cpu import build; "
        f"build.SOURCES = pathlib.Path({str(sources)!r}); print(build._load(build._built()).answer())"
    )
    running = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) for _ in range(3)]
    assert [process.communicate(timeout=120)[0].split()[-1] for process in running] == [b"42"] * 3
    assert len(list(fresh.glob("*.so"))) == 1
