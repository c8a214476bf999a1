"""What ssh is asked and how its answers are told, with a stand-in for ssh; tests/integration/machines/test_remote.py has
the real one."""

from __future__ import annotations

import pytest

from execution.platforms.hosts import Host
from execution.platforms.ssh import check_file_transfer, run_there
from records.errors import UserError

KEY_LINE = "debug1: Server host key: ssh-ed25519 SHA256:abc"


@pytest.fixture
def host(tmp_path):
    key = tmp_path / "my key 100%"
    key.touch()
    return Host(host="gpu1", user="ada", key=str(key), python="/opt/python", port=2222)


@pytest.fixture
def ssh(tmp_path, monkeypatch):
    """Puts an ssh in place that keeps its arguments, prints ``said`` to stderr and ends with ``code``."""

    def put(said: str, code: int = 0, name: str = "ssh") -> None:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (tmp_path / "said").write_text(said + "\n")
        script = folder / name
        script.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/words\ncat {tmp_path}/said >&2\ncat\nexit {code}\n'
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", str(folder), prepend=":")

    return put


def test_the_program_the_options_and_the_answer(host, ssh, tmp_path):
    ssh(KEY_LINE)
    answer = run_there(host, "print(1)")
    assert (answer.output, answer.key_kind, answer.key_fingerprint) == (
        "print(1)",
        "ssh-ed25519",
        "SHA256:abc",
    )
    words = (tmp_path / "words").read_text().splitlines()
    assert words[-3:] == ["ada@gpu1", "/opt/python", "-"]
    for option in (
        "BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none", "HostName=gpu1", "ControlPath=none",
        f'IdentityFile="{tmp_path}/my key 100%%"', "ExitOnForwardFailure=yes",
    ):  # fmt: skip
        assert option in words
    assert not [word for word in words if "StrictHostKeyChecking" in word]  # the user's configuration decides
    assert words[words.index("-p") + 1] == "2222"


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        (
            "ssh: connect to host gpu1 port 2222: No route to host",
            255,
            "no connection (ssh: connect to host gpu1",
        ),
        (
            "debug1: x\nHost key verification failed.",
            255,
            "its host key is not known here; `ssh -p 2222 ada@gpu1`",
        ),
        (
            "REMOTE HOST IDENTIFICATION HAS CHANGED!\nHost key verification failed.",
            255,
            "its host key is another",
        ),
        ("ada@gpu1: Permission denied (publickey).", 255, "it refuses the key"),
        ("debug1: Server accepts key: x\nPermission denied (publickey).", 255, "wants a passphrase"),
        ("Error: remote port forwarding failed for listen port 0", 255, "its sshd forbids port forwarding"),
        ("sh: 1: /opt/python: not found", 127, "python is /opt/python, which cannot be run there (sh: 1:"),
        ("Illegal instruction", 132, "/opt/python ended with code 132 (Illegal instruction)"),
        ("debug1: no key told", 0, "ssh did not say which key the host has"),
    ],
)
def test_each_failure_is_one_line(host, ssh, said, code, told):
    ssh(said, code)
    with pytest.raises(UserError) as error:
        run_there(host, "")
    assert str(error.value).startswith("ada@gpu1:2222: ")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_files_that_cannot_be_sent(host, ssh):
    ssh("", 0, "sftp")
    check_file_transfer(host)
    ssh("subsystem request failed", 1, "sftp")
    with pytest.raises(UserError, match="needs the sftp subsystem"):
        check_file_transfer(host)


def test_no_ssh_here(host, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="ssh is not installed here"):
        run_there(host, "")
