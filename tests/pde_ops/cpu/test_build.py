"""Building the kernels: cached, safe when several do it at once, and not needed."""

from __future__ import annotations

import logging
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
