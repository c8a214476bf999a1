import json
import os
from pathlib import Path

import pytest

from search_space.errors import UserError
from search_space.measurement import Measurement
from strategies.run_folder import CANDIDATES, SETTINGS, RunFolder


def measurement(index: int, **changes) -> Measurement:
    fields = dict(
        index=index, genotype={"a": 1}, status="ok", accuracy=0.5, macs=10, macs_published=9, params=3,
        seconds=1.5, seed=0, history=(0.25, 0.5),
    )  # fmt: skip
    return Measurement(**fields | changes)


def test_a_folder_says_where_it_comes_from(tmp_path, monkeypatch):
    monkeypatch.setenv("PDE_NAS_PLUGINS", "mine, others")
    run = RunFolder.create(tmp_path / "a" / "run", {"seed": 4})
    record = json.loads((run.path / SETTINGS).read_text())
    assert record["settings"] == {"seed": 4} == run.settings()
    assert record["versions"]["nni"] == "3.0"
    assert record["plugins"] == ["mine", "others"]
    assert set(record) == {"settings", "resolved", "versions", "plugins", "commit", "machine", "started"}


def test_measurements_come_back_as_they_were(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    assert run.measurements() == []
    written = [measurement(0), measurement(1, status="failed", accuracy=None, error="it fell")]
    for each in written:
        run.append(each)
    assert RunFolder.open(run.path).measurements() == written


def test_a_recorded_reason_names_no_folder(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    said = f'File "/usr/lib/torch/nn.py", line 3 | no {run.path}/nni/x.npz and no {Path.home()}/y.npz'
    run.append(measurement(0, status="failed", accuracy=None, error=said))
    assert run.measurements()[0].error == 'File "nn.py", line 3 | no nni/x.npz and no ~/y.npz'


@pytest.mark.parametrize("cut", [1, 20])
def test_a_line_cut_short_by_a_crash_is_dropped_and_written_over(tmp_path, cut):
    run = RunFolder.create(tmp_path / "run", {})
    run.append(measurement(0))
    run.append(measurement(1))
    path = run.path / CANDIDATES
    path.write_bytes(path.read_bytes()[:-cut])
    assert run.measurements() == [measurement(0)]
    run.append(measurement(2))
    assert run.measurements() == [measurement(0), measurement(2)]


def test_a_damaged_line_is_named(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    run.append(measurement(0))
    path = run.path / CANDIDATES
    path.write_bytes(b"{nonsense}\n" + path.read_bytes())
    with pytest.raises(UserError, match=r"candidates\.jsonl, line 1, is damaged"):
        run.measurements()


def test_a_folder_that_holds_a_run_is_refused(tmp_path):
    RunFolder.create(tmp_path / "run", {})
    with pytest.raises(UserError, match="already holds a run"):
        RunFolder.create(tmp_path / "run", {})


def test_a_folder_that_holds_anything_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(UserError, match="no empty folder"):
        RunFolder.create(tmp_path, {})
    with pytest.raises(UserError, match="no empty folder"):
        RunFolder.create(tmp_path / "mine.txt", {})
    with pytest.raises(UserError, match="is no run folder"):
        RunFolder.open(tmp_path)


def test_a_folder_that_cannot_be_written_is_a_users_mistake():
    with pytest.raises(UserError, match="cannot write /proc/run: "):
        RunFolder.create("/proc/run", {})


def test_a_full_disk_is_said_in_one_line(tmp_path, monkeypatch):
    run = RunFolder.create(tmp_path / "run", {})

    def full(_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match="No space left on device; free space"):
        run.append(measurement(0))


@pytest.mark.parametrize("content", ["{", "[]", "null", "{}", '{"settings": 5}', "[" * 100_000])
def test_damaged_settings_are_named(tmp_path, content):
    run = RunFolder.create(tmp_path / "run", {})
    (run.path / SETTINGS).write_text(content)
    for read in (run.settings, run.resolved):
        with pytest.raises(UserError, match=r"settings\.json is damaged"):
            read()


@pytest.mark.parametrize("content", ['{"settings": {}}', '{"settings": {}, "resolved": null}'])
def test_a_run_of_an_earlier_version_resolved_nothing(tmp_path, content):
    run = RunFolder.create(tmp_path / "run", {})
    (run.path / SETTINGS).write_text(content)
    assert run.resolved() == {}
