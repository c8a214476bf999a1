"""The program that is sent to another machine, run here in a user folder of its own."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time

import pytest

from execution.platforms import remote_side
from execution.platforms.remote import program
from execution.platforms.shipping import pack_source


def ran(action: str, given: dict, home, **environment: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-"],
        input=program(action, given),
        env=os.environ | {"HOME": str(home)} | environment,
        capture_output=True,
        text=True,
        cwd=home,
    )
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith(remote_side.MARK)]
    return json.loads(line.removeprefix(remote_side.MARK))


def wishes(**changes):
    archive = pack_source()
    return {
        "archive": base64.b64encode(archive.data).decode(),
        "name": archive.name,
        "needed": ("torch", "nni"),
        "data": {"name": "digits", "validation": 0.2},
        "plugins": None,
    } | changes


def test_a_machine_that_is_ready(tmp_path):
    found = ran("look", wishes(), tmp_path)
    assert "error" not in found
    assert found["source"] == str(tmp_path / ".cache" / "pde-nas" / "source" / pack_source().name)
    assert (
        tmp_path / ".cache" / "pde-nas" / "source" / pack_source().name / "training" / "trial.py"
    ).is_file()
    assert found["data"]["dataset"]["image"] == [1, 8, 8]
    assert [found["data"][f"{part}_images"] for part in ("train", "validation", "test")] == [1150, 287, 360]
    assert found["nni"] == "3.0"
    assert os.path.isfile(os.path.join(found["scripts"], "launch_trial_keeper.py"))
    assert found["cores"] == len(os.sched_getaffinity(0))


def test_what_is_missing_is_one_line(tmp_path):
    missing = ran("look", wishes(needed=("torch", "no-such-package")), tmp_path)
    assert missing["error"] == f"{sys.executable} lacks no-such-package; install the project there"
    assert not (tmp_path / ".cache").exists()
    (tmp_path / "my home").mkdir()
    assert "my home" in ran("look", wishes(), tmp_path / "my home")["error"]


def test_the_source_is_unpacked_once(tmp_path):
    folder = tmp_path / "source" / "x"
    made = remote_side._unpacked(pack_source().data, str(folder))
    (folder / "mark").touch()
    assert remote_side._unpacked(b"not looked at", made) == str(folder)
    assert (folder / "mark").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["x"]


@pytest.mark.parametrize("forget", [False, True])
def test_what_an_experiment_leaves_is_cleaned_up(tmp_path, forget):
    keeper = tmp_path / "nni-experiments" / "abc" / "environments" / "remote-worker1" / "keeper.py"
    keeper.parent.mkdir(parents=True)
    sleep = "import time; print(1, flush=True); time.sleep(60)"
    keeper.write_text(sleep)
    started = [
        subprocess.Popen(words, env=os.environ | extra, stdout=subprocess.PIPE)
        for words, extra in (
            ([sys.executable, str(keeper)], {}),
            ([sys.executable, "-c", sleep], {"NNI_EXP_ID": "abc"}),
            ([sys.executable, "-c", sleep], {"NNI_EXP_ID": "abcd"}),
        )
    ]
    for process in started:
        process.stdout.readline()
    try:
        assert ran("clean", {"experiment": "abc", "forget": forget}, tmp_path) == {"ended": 2}
        end = time.monotonic() + 5
        while time.monotonic() < end and None in [p.poll() for p in started[:2]]:
            time.sleep(0.05)
        assert [process.poll() for process in started] == [-9, -9, None]
        assert keeper.exists() != forget
    finally:
        for process in started:
            process.kill()
            process.wait()
            process.stdout.close()
