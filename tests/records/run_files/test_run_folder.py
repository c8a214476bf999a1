import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from execution.follow import own_portal
from records.errors import UserError
from records.measurement import Measurement
from records.run_files import run_folder
from records.run_files.run_folder import CANDIDATES, NNI, RunFolder, new_folder
from records.run_files.run_lock import OWNER
from records.run_files.settings_file import SETTINGS

ROOT = Path(__file__).resolve().parents[3]


def measurement(index: int, **changes) -> Measurement:
    fields = dict(
        index=index, genotype={"a": 1}, status="ok", accuracy=0.5, macs=10, macs_published=9, params=3,
        seconds=1.5, seed=0, history=(0.25, 0.5),
    )  # fmt: skip
    return Measurement(**fields | changes)


def test_a_folder_says_where_it_comes_from(tmp_path, monkeypatch):
    monkeypatch.setenv("PDE_NAS_PLUGINS", "mine, others")
    run = RunFolder.create(tmp_path / "a" / "run", {"seed": 4})
    assert [path.name for path in run.path.iterdir() if not path.name.startswith(".")] == [SETTINGS]
    record = json.loads((run.path / SETTINGS).read_text())
    assert record["settings"] == {"seed": 4} == run.settings()
    assert record["versions"]["nni"] == "3.0"
    assert record["plugins"] == ["mine", "others"]
    assert set(record) == {"settings", "resolved", "versions", "plugins", "commit", "machine", "started"}
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True)
    assert (record["commit"] or "").removesuffix("-dirty") == head.stdout.strip()


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


@pytest.mark.parametrize("cut", [2, 20])
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


def test_of_a_file_that_cannot_be_read_no_line_is_blamed(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    (run.path / CANDIDATES).mkdir()  # refused as it is to one without the right to read it, but to root, too
    with pytest.raises(UserError, match=r"^cannot read .*candidates\.jsonl: [^;]*$"):
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


def test_of_two_that_make_a_folder_at_the_same_moment_one_has_it(tmp_path, monkeypatch):
    real = run_folder.provenance

    def meanwhile():
        monkeypatch.setattr(run_folder, "provenance", real)
        with pytest.raises(UserError, match="name another with --run-dir"):
            RunFolder.create(tmp_path / "run", {"seed": 1})
        return real()

    monkeypatch.setattr(run_folder, "provenance", meanwhile)
    assert RunFolder.create(tmp_path / "run", {"seed": 0}).settings() == {"seed": 0}


def test_what_was_killed_while_its_folder_was_made_leaves_room_for_another(tmp_path):
    for name in (OWNER, SETTINGS):
        program = f"""
import os, signal
from records.run_files.run_folder import RunFolder
replace = os.replace
def killed(part, to):
    if str(to).endswith({name!r}):
        os.kill(os.getpid(), signal.SIGKILL)
    replace(part, to)
os.replace = killed
RunFolder.create({str(tmp_path / "run")!r}, {{}})
"""
        assert subprocess.run([sys.executable, "-c", program], cwd=ROOT).returncode == -signal.SIGKILL
        assert list((tmp_path / "run").glob(f".{name}.*.part"))
    assert RunFolder.create(tmp_path / "run", {"seed": 1}).settings() == {"seed": 1}


def test_a_folder_that_nobody_named_is_always_a_new_one(tmp_path):
    names = [new_folder(tmp_path / "runs" / "12-digits").name for _ in range(3)]
    assert names == ["12-digits", "12-digits-2", "12-digits-3"]
    with pytest.raises(UserError, match="cannot write /proc/run: "):
        new_folder(Path("/proc/run"))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"experiment": 1}', '{"experiment": "../x"}', "\0", "[" * 100_000, None]
)
def test_a_damaged_record_of_the_portal_is_as_none(tmp_path, text):
    run = RunFolder.create(tmp_path / "run", {})
    if text is not None:
        (run.path / NNI).write_text(text)
    assert run.experiment() is None
    assert own_portal(run.path) is None
    run.write(NNI, {"experiment": "a1B2"})
    assert run.experiment() == "a1B2"


def test_a_last_line_without_its_end_is_whole_where_its_record_is(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    for index in range(3):
        run.append(measurement(index))
    path = run.path / "candidates.jsonl"
    path.write_bytes(path.read_bytes()[:-1])
    assert [m.index for m in run.measurements()] == [0, 1, 2]
    run.append(measurement(3))
    assert [m.index for m in run.measurements()] == [0, 1, 2, 3]
    path.write_bytes(path.read_bytes()[:-9])
    assert [m.index for m in run.measurements()] == [0, 1, 2]


def test_what_is_proposed_after_a_torn_line_is_kept(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    run.note_proposed(0, 0)
    with (run.path / "proposed.jsonl").open("a") as file:
        file.write('{"index": 0')
    run.note_proposed(2, 1)
    assert run.proposed() == {0: 0, 2: 1}


def test_of_what_was_proposed_a_damaged_line_is_left_out_and_a_file_that_cannot_be_read_is_told(tmp_path):
    run = RunFolder.create(tmp_path / "run", {})
    path = run.path / "proposed.jsonl"
    for seen in ("1e999", "null", "[]", "-1", "2.5", '"3"', "true", "[" * 100_000):
        path.write_text(f'{{"index": 0, "seen": {seen}}}\n{{"index": 1, "seen": 1}}\n')
        assert run.proposed() == {1: 1}
    path.write_text("[" * 100_000)
    assert run.proposed() == {}
    path.unlink()
    assert run.proposed() == {}
    path.mkdir()
    with pytest.raises(UserError, match=r"^cannot read .*proposed\.jsonl: Is a directory$"):
        run.proposed()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"settings": {"kind": 5}}, "is damaged: kind is 5; accepted: hub, sweep"),
        ({"settings": {"kind": ["hub"]}}, "is damaged: kind is .* accepted: hub, sweep"),
        ({"settings": {}, "resolved": 5}, "is damaged: resolved is 5; accepted: an object"),
        ({"settings": {}, "genotype": "x"}, "holds a training that has not ended; the command that began it"),
    ],
)
def test_settings_that_no_run_has_are_told(tmp_path, settings, said):
    run = RunFolder.create(tmp_path / "run", {})
    run.write("settings.json", settings)
    with pytest.raises(UserError, match=said):
        run.settings()
    run.write("result.json", {})
    if "genotype" in settings:
        with pytest.raises(UserError, match="holds a training whose weights.safetensors is gone"):
            run.settings()
        (run.path / "weights.safetensors").touch()
        with pytest.raises(
            UserError, match="holds a training that has ended; accepted: the folder of a search"
        ):
            run.settings()


@pytest.mark.parametrize("content", ["[]", "5", '{"other": 1}'])
def test_settings_that_are_none_are_said_to_be_damaged(tmp_path, content):
    run = RunFolder.create(tmp_path / "run", {})
    (run.path / "settings.json").write_text(content)
    with pytest.raises(UserError, match=r"settings.json is damaged: it has no object named settings"):
        run.settings()
