"""A process told from every other one."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys

import pytest

from records.run_files.owner import Owner

TELL = (
    "import json, time; from records.run_files.owner import Owner; "
    "print(json.dumps(Owner.me().to_json()), flush=True); time.sleep(60)"
)
OTHERS = {
    "host": "elsewhere", "boot": "another boot", "namespace": 1, "start": 1, "command": ("sleep", "300"),
}  # fmt: skip


@pytest.fixture
def told():
    """Another process, and what it says of itself."""
    process = subprocess.Popen([sys.executable, "-c", TELL], stdout=subprocess.PIPE, text=True)
    yield process, Owner.from_json(json.loads(process.stdout.readline()))
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_process_knows_itself_and_is_known_by_others(told):
    process, owner = told
    assert owner.pid == process.pid
    assert owner.is_here()
    assert Owner.me().is_here()
    assert Owner.from_json(json.loads(json.dumps(Owner.me().to_json()))).is_here()
    assert str(owner).startswith(f"process {process.pid} on {os.uname().nodename} (since 20")


@pytest.mark.parametrize("field", OTHERS)
def test_no_signal_is_sent_where_anything_differs(told, field):
    process, owner = told
    other = dataclasses.replace(owner, **{field: OTHERS[field]})
    assert not other.is_here()
    assert not other.signal(signal.SIGKILL)
    assert process.poll() is None


def test_a_process_that_is_the_one_gets_the_signal(told):
    process, owner = told
    assert owner.signal(signal.SIGTERM)
    assert process.wait(10) == -signal.SIGTERM
    assert not owner.signal(signal.SIGTERM)


@pytest.mark.parametrize("owner", [Owner(None), Owner(os.getpid())])
def test_a_bare_number_names_no_process(owner):
    assert not owner.known
    assert not owner.is_here()
    assert not owner.signal(signal.SIGKILL)


def test_a_process_of_another_container_is_told_as_such():
    owner = dataclasses.replace(Owner.me(), namespace=1)
    assert owner.on_this_machine
    assert not owner.in_this_place
    assert "(another container of this machine)" in str(owner)
    assert "container" not in str(dataclasses.replace(owner, boot="another"))


@pytest.mark.parametrize("record", [None, 12, [], {"pid": 1}, {"pid": 1, "command": [], "more": 1}])
def test_what_is_no_record_is_refused(record):
    with pytest.raises(ValueError, match="no record of a process"):
        Owner.from_json(record)
