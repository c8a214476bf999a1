"""Trials that are forked from a process that has everything imported: as if each had been started by itself."""

import os
import shlex
import signal
import subprocess
import sys

import psutil
import pytest

from execution.trials import preloaded as preloaded_module
from execution.trials.command import quick_trial_command
from execution.trials.preloaded import preloaded_trials
from execution.trials.quick_start import PLACE
from tests.integration.programs import ROOT, wait_for

MODULE = """
import os, signal, sys, time
print("torch" in sys.modules, sys.argv[1:], os.getcwd(), os.environ.get("OWN"), sys.stdin.read(), flush=True)
print("wrong", file=sys.stderr)
if "frozen" in sys.argv:
    import gc
    print(gc.get_freeze_count() > 100_000)
if "kernels" in sys.argv:
    from pde_ops.cpu import build
    print(build.kernels.cache_info().currsize)
end = os.environ.get("END", "0")
if end == "text":
    sys.exit("a reason")
if end == "error":
    raise ValueError("no")
if end == "crash":
    os.kill(os.getpid(), signal.SIGSEGV)
if end == "killed":
    os.kill(os.getpid(), signal.SIGKILL)  # as the system does for want of memory
if end == "wait":
    time.sleep(60)
sys.exit(int(end))
"""


@pytest.fixture(scope="module")
def preloaded(tmp_path_factory):
    """Environment of trials, once everything is imported."""
    folder = tmp_path_factory.mktemp("trials")
    (folder / "a_trial_of_its_own.py").write_text(MODULE)
    sys.path.append(str(folder))
    try:
        with preloaded_trials():
            environment = os.environ | {"PYTHONPATH": f"{folder}:{ROOT}"}
            wait_for(lambda: run(environment).stdout.startswith("True"), 60)
            yield environment
    finally:
        sys.path.remove(str(folder))


COMMAND = quick_trial_command("a_trial_of_its_own")


def run(environment, *words: str, **more) -> subprocess.CompletedProcess:
    command = " ".join([COMMAND, *map(shlex.quote, words)])
    return subprocess.run(
        command, shell=True, env=environment | more.pop("own", {}), capture_output=True, text=True, **more
    )


def test_it_has_its_own_words_folder_environment_and_streams(preloaded, tmp_path):
    ended = run(preloaded, "a b", "c", cwd=tmp_path, input="given", own={"OWN": "mine"})
    assert ended.stdout == f"True ['a b', 'c'] {tmp_path} mine given\n"
    assert (ended.stderr, ended.returncode) == ("wrong\n", 0)
    assert "None" in run(preloaded).stdout  # what one was given, the next one has not


def test_no_collection_copies_what_was_imported(preloaded):
    assert run(preloaded, "frozen").stdout.splitlines()[1] == "True"


@pytest.mark.parametrize(
    ("end", "code", "said"), [("7", 7, ""), ("text", 1, "a reason"), ("error", 1, "ValueError: no")]
)
def test_its_end_is_a_programs(preloaded, end, code, said):
    ended = run(preloaded, own={"END": end})
    assert ended.returncode == code
    assert said in ended.stderr


def test_what_was_imported_already_runs_without_a_word(preloaded):
    """As the trials' own module is, of which Python would warn in each trial's error log."""
    ended = subprocess.run(
        quick_trial_command("execution.trials.entry"),
        shell=True,
        env=preloaded,
        capture_output=True,
        text=True,
    )
    assert ended.returncode != 0  # NNI gave it nothing to do
    assert "RuntimeWarning" not in ended.stderr


def test_a_trial_finds_the_kernels_built_and_loaded(preloaded):
    assert run(preloaded, "kernels").stdout.endswith("1\n")


def test_it_does_not_outlive_a_launcher_while_it_compiles(tmp_path, monkeypatch):
    compiler = tmp_path / "slow"
    compiler.write_text("#!/bin/sh\n[ $1 = --version ] && exit 0\ntouch $0.started\nexec sleep 617.3\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    monkeypatch.setenv("PDE_OPS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(preloaded_module, "_END_SECONDS", 0.5)
    with preloaded_trials():
        wait_for((tmp_path / "slow.started").exists, 60)
    left = [each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == ["sleep", "617.3"]]
    assert left == []


def test_a_crash_leaves_the_others_alone(preloaded):
    waiting = start(preloaded, END="wait")
    crashed, killed = start(preloaded, END="crash"), start(preloaded, END="killed")
    assert (crashed.wait(20), killed.wait(20)) == (-signal.SIGSEGV, -signal.SIGKILL)
    assert waiting.poll() is None
    assert run(preloaded).returncode == 0
    waiting.kill()


def start(environment, **own: str) -> subprocess.Popen:
    """Without a shell between, so that the process is the one that signals reach."""
    process = subprocess.Popen(
        shlex.split(COMMAND), env=environment | own, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    return process


def of_this(environment) -> list[psutil.Process]:
    """The trials that are alive."""
    place = environment[PLACE]
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if place in (process.info["cmdline"] or ()):
            found += process.children()
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_it(preloaded, number):
    trial = start(preloaded, END="wait")
    assert len(of_this(preloaded)) == 1
    trial.send_signal(number)
    trial.wait(20)
    assert trial.returncode in (-number, 1)  # Python makes an exception of SIGINT
    wait_for(lambda: not of_this(preloaded), 20)


def test_none_lives_on_whose_process_was_killed(preloaded):
    trial = start(preloaded, END="wait")
    trial.kill()
    trial.wait(20)
    wait_for(lambda: not of_this(preloaded), 20)
    assert run(preloaded).returncode == 0


def test_where_nobody_listens_it_is_started_as_ever(preloaded, tmp_path):
    for place in ("", str(tmp_path / "nobody")):
        ended = run(preloaded, "a", own={PLACE: place})
        assert ended.stdout.startswith("False ['a']")
        assert ended.returncode == 0


def test_all_end_with_the_launcher(tmp_path):
    (tmp_path / "a_trial_of_its_own.py").write_text(MODULE)
    program = (
        "import os, sys, time; sys.path.append(sys.argv[1])\n"
        "from execution.trials.preloaded import preloaded_trials\n"
        "with preloaded_trials():\n"
        "    print(os.environ['PDE_NAS_PRELOADED'], flush=True)\n"
        "    time.sleep(60)\n"
    )
    launcher = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert launcher.stdout is not None
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}", PLACE: launcher.stdout.readline().strip()}
    wait_for(lambda: run(environment).stdout.startswith("True"), 60)
    trial = start(environment, END="wait")
    launcher.kill()
    assert trial.wait(20) == 1
    wait_for(lambda: not of_this(environment), 20)


_WITHOUT_STREAMS = """
import subprocess, sys, time
from execution.trials.preloaded import preloaded_trials
with preloaded_trials():
    code = 1
    for _ in range(100):  # until everything is imported
        trial = subprocess.run(sys.argv[1], shell=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if trial.stdout.startswith("True") or trial.returncode:
            break
        time.sleep(0.2)
    sys.exit(trial.returncode or not trial.stdout.startswith("True"))
"""


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_trials_run_where_the_launcher_has_no_streams(tmp_path, closed):
    (tmp_path / "a_trial_of_its_own.py").write_text(MODULE)
    program = shlex.join([sys.executable, "-c", _WITHOUT_STREAMS, COMMAND])
    ended = subprocess.run(
        ["sh", "-c", f"exec {program} {closed}"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        timeout=60,
    )
    assert ended.returncode == 0
