"""Trials over SSH: a real sshd on loopback, with its own key, user folder and environment."""

from __future__ import annotations

import json
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from execution.platforms.contract import make_platform
from execution.platforms.hosts import Host
from execution.platforms.ssh import check_file_transfer, run_there
from execution.settings import SearchSettings
from records.errors import UserError
from tests.integration import programs
from tests.integration.private_sshd import MISSING, PrivateSshd
from tests.integration.programs import SENT_FAULTY_TRIALS, listens_at, records, wait_for

pytestmark = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def sshd(tmp_path):
    made = PrivateSshd(tmp_path / "there", {"TRIAL_SECONDS": "5", "MARK_OF_THE_MACHINE": "yes"})
    yield made
    made.stop()
    for process in there(made):
        process.kill()


def there(sshd: PrivateSshd) -> list[psutil.Process]:
    """What runs in the machine's user folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("HOME") == str(sshd.home):
                found.append(process)
        except psutil.Error:
            continue
    return found


def of_run(folder: Path) -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(p.info["cmdline"] or ())]


def start(log: Path, *words: str) -> subprocess.Popen:
    return programs.start(log, *words, program=SENT_FAULTY_TRIALS)


def test_a_killed_search_over_ssh_goes_on_and_leaves_nothing_there(sshd, tmp_path):
    sshd.start()
    run, log = tmp_path / "run", tmp_path / "log"
    options = ("--strategy", "random", "--trials", "3", "--width", "4", "--port", "0", "--concurrency", "3")
    places = ("--platform", "remote", "--hosts", str(sshd.hosts()))
    search = start(log, "search", *options, *places, "--run-dir", str(run))
    wait_for(lambda: len(records(run)) >= 1 or search.poll() is not None)
    listening = [address for process in [*of_run(run), *there(sshd)] for address in listens_at(process)]
    assert len(listening) >= 2  # NNI's server and its keeper on the machine
    assert set(listening) == {"127.0.0.1"}
    search.send_signal(signal.SIGKILL)
    search.wait(10)
    before = records(run)

    resumed = start(log, "resume", str(run), "--port", "0")
    assert resumed.wait(200) == 0, log.read_text()
    after = records(run)
    assert after[: len(before)] == before
    after.sort(key=lambda record: record["index"])
    assert [record["index"] for record in after] == [0, 1, 2]
    assert [record["status"] for record in after] == ["ok", "failed", "failed"]
    assert after[0]["accuracy"] == 0.5
    assert after[0]["history"] == [0.0, 0.1]
    assert "the roof fell in" in after[1]["error"]
    assert after[2]["error"] == "the trial was killed"
    (source,) = [Path(line.split()[1]) for line in text_of(run, after[0], "stdout").splitlines()]
    assert source.is_relative_to(sshd.home)  # not this checkout, which is what the interpreter has installed
    assert "RuntimeError: the roof fell in" in text_of(run, after[1], "stderr")
    found = json.loads((run / "hosts.json").read_text())[f"{sshd.user}@127.0.0.1:{sshd.port}"]
    assert found["home"] == str(sshd.home)
    wait_for(lambda: not of_run(run) and not there(sshd), seconds=20)
    assert list((sshd.home / "nni-experiments").iterdir()) == []


def text_of(run: Path, record: dict, stream: str) -> str:
    (path,) = run.glob(f"nni/[!_]*/environments/*/trials/{record['trial']}/trial.{stream}")
    return path.read_text()


def host(sshd: PrivateSshd, **changes) -> Host:
    return Host(**sshd.host_entry(**changes))


def refused(function, *arguments) -> str:
    with pytest.raises(UserError) as error:
        function(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_program_runs_there_and_the_host_key_is_told(sshd):
    sshd.start()
    answer = run_there(host(sshd), "import os; print(os.environ['MARK_OF_THE_MACHINE'])")
    assert answer.output == "yes\n"
    words = ["ssh-keygen", "-l", "-f", str(sshd.host_key)]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert answer.key_fingerprint == shown.split()[1]
    assert answer.key_kind == "ssh-ed25519"
    check_file_transfer(host(sshd))


def test_what_cannot_be_reached_is_said_in_one_line(sshd, monkeypatch):
    sshd.start()
    name = f"{sshd.user}@127.0.0.1:{sshd.port}"
    run = "print(1)"
    stranger, locked = sshd.new_key("stranger"), sshd.new_key("locked", "open sesame")
    sshd.allow(sshd.key, locked)

    assert refused(run_there, host(sshd, key=str(stranger)), run).startswith(
        f"{name}: it refuses the key {stranger}"
    )
    assert "python is /no/python, which cannot be run there" in refused(
        run_there, host(sshd, python="/no/python"), run
    )
    assert "wants a passphrase; accepted: passphrase_env" in refused(
        run_there, host(sshd, key=str(locked)), run
    )
    monkeypatch.setenv("WORD", "open barley")
    with_word = host(sshd, key=str(locked), passphrase_env="WORD")
    assert "not opened by the passphrase in WORD" in refused(run_there, with_word, run)
    monkeypatch.setenv("WORD", "open sesame")
    assert run_there(with_word, run).output == "1\n"

    empty = sshd.folder / "empty"
    empty.touch()
    assert "its host key is not known here" in refused(run_there, host(sshd, known_hosts=str(empty)), run)
    other = sshd.new_key("other").with_suffix(".pub").read_text()
    empty.write_text(f"[127.0.0.1]:{sshd.port} {other}")
    assert "its host key is another" in refused(run_there, host(sshd, known_hosts=str(empty)), run)
    nobody = replace(host(sshd), host="127.0.0.1", port=1)
    assert "no connection" in refused(run_there, nobody, run)


def test_a_machine_that_forbids_tunnels_or_files_is_refused(sshd):
    sshd.start("AllowTcpForwarding no", sftp="/bin/false")
    assert "its sshd forbids port forwarding" in refused(run_there, host(sshd), "print(1)")
    assert "needs the sftp subsystem" in refused(check_file_transfer, host(sshd))


def test_every_machine_that_is_not_ready_is_named_before_anything_runs(sshd, tmp_path):
    sshd.start()
    tables = [sshd.host_entry(host="localhost", python="/no/python"), sshd.host_entry()]
    for table in tables:
        table["known_hosts"] = str(sshd.known_hosts)
    public = sshd.host_key.with_suffix(".pub").read_text()
    sshd.known_hosts.write_text(f"[127.0.0.1]:{sshd.port},[localhost]:{sshd.port} {public}")
    settings = SearchSettings(
        platform="remote", hosts=str(sshd.hosts(*tables)), dataset="folder", data_dir=str(tmp_path / "none")
    )
    said = refused(lambda: make_platform(settings).prepared_data())
    assert f"@localhost:{sshd.port}: python is /no/python" in said
    assert f"@127.0.0.1:{sshd.port}: no folder {tmp_path}/none/train" in said
