"""What NNI's own server passes on to our own pages, behind its guard, and what becomes of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager

import psutil
import pytest

from execution.nni_bridge.server import FOLDER
from execution.pages.command import pages_start
from tests.analysis.live.records import candidate, run_folder
from tests.execution.nni_bridge.nni_server import SERVER
from tests.execution.nni_bridge.server.test_portal_page import PROGRAM
from tests.execution.pages.served import data, fetched

PRELOADS = ("portal_pages.js", "portal_guard.js", "portal_page.js")


@contextmanager
def nni_server(run, module="portal_pages", **more):
    """NNI's server without an experiment, with our pages of ``run``: its process and address."""
    environment = {
        "NODE_OPTIONS": " ".join(f'--require="{FOLDER / name}"' for name in PRELOADS),
        "PDE_NAS_PAGES": json.dumps(pages_start(module, run)),
        **more,
    }
    process = subprocess.Popen(
        [str(SERVER / "node"), "-e", PROGRAM], env=os.environ | environment, cwd=SERVER,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process, f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.communicate()


def ended(process: psutil.Process) -> bool:
    for _ in range(200):
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return run_folder(tmp_path_factory.mktemp("pages") / "run", [candidate(0), candidate(1)])


@pytest.fixture(scope="module")
def portal(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("temporary")
    with nni_server(run, TMPDIR=str(folder)) as (process, address):
        yield process, address, folder


def test_it_starts_no_process_before_it_is_asked(run):
    with nni_server(run) as (process, address):
        assert fetched(f"{address}/oview")[0] == 200
        assert psutil.Process(process.pid).children() == []


def test_pages_and_data_come_through_it(portal):
    _, address, folder = portal
    status, headers, text = fetched(f"{address}/pages/front")
    assert (status, headers["X-Frame-Options"]) == (200, "DENY")
    assert 'data-own="run"' in text
    rows = data(address, "front-candidates?from=0")["rows"]
    assert [row[0] for row in rows] == [0, 1]
    posted = fetched(f"{address}/pages/data/export", b"{}", Content_Type="application/json")
    assert (posted[0], posted[2]) == (
        400,
        '{"error":"candidate is None; accepted: a whole number, 0 or more"}',
    )
    (private,) = folder.glob("pages-*")
    assert private.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/pages/front", {"Host": "evil.example"}, 421),
        ("/pages/data/front-runs", {"Origin": "http://evil.example"}, 403),
        ("/pages/data/front-runs", {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}, 403),
        ("/pages/static/..%2f..%2fcontract.py", {}, 400),
        ("/pages/%2e%2e/x", {}, 400),
    ],
)
def test_the_guard_stands_before_them(portal, path, headers, status):
    assert fetched(portal[1] + path, **headers)[0] == status


def test_what_is_beside_them_is_still_nnis(portal):
    assert fetched(f"{portal[1]}/pagesx")[2].startswith("<!doctype html>")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_they_end_with_the_server_and_leave_nothing(run, tmp_path, number):
    with nni_server(run, TMPDIR=str(tmp_path)) as (process, address):
        assert fetched(f"{address}/pages/front")[0] == 200
        (pages,) = psutil.Process(process.pid).children()
        process.send_signal(number)
        assert ended(pages)
    for _ in range(50):
        if not list(tmp_path.glob("pages-*")):
            break
        time.sleep(0.1)
    assert list(tmp_path.glob("pages-*")) == []


def test_killed_alone_they_start_again(run):
    with nni_server(run) as (process, address):
        assert fetched(f"{address}/pages/front")[0] == 200
        (pages,) = psutil.Process(process.pid).children()
        pages.kill()
        assert ended(pages)
        assert fetched(f"{address}/pages/front")[0] == 200  # also before NNI's server knows of the exit


def test_where_they_cannot_start_that_is_a_line(run):
    with nni_server(run, "records.errors") as (_, address):  # a module that listens to nothing
        status, _, text = fetched(f"{address}/pages/front")
        assert status == 502
        assert text == "The pages do not start (it has ended); pages.log beside NNI's log says more.\n"
        assert fetched(f"{address}/oview")[0] == 200
