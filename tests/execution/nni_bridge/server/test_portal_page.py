"""The page as NNI's own server sends it, in its own Node with the preload."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request

import pytest

from execution.nni_bridge.portal_limits import hub_edits, no_edits
from execution.nni_bridge.server import FOLDER
from tests.execution.nni_bridge.nni_server import SERVER

PRELOAD = FOLDER.joinpath("portal_page.js")
CLOSED = "display:none!important"

# NNI's server without an experiment: what it sends is the page alone.
PROGRAM = """
require('app-module-path').addPath('.');
global.nni = { args: { experimentId: 'x' }, paths: { logDirectory: '/nowhere' },
    logStream: { writeLine() {}, writeLineSync() {} }, shutdown: { register() {} } };
require('common/globals'); // before what needs it, as NNI's main module does
const { RestManager } = require('common/globals/rest');
global.nni.rest = new RestManager();
const { RestServer, UnitTestHelpers } = require('rest_server');
const server = new RestServer(0, '');
server.start().then(() => console.log(UnitTestHelpers.getPort(server)));
"""


def start(**environment: str) -> subprocess.Popen:
    environment = {"NODE_OPTIONS": f'--require="{PRELOAD}"'} | environment
    return subprocess.Popen(
        [str(SERVER / "node"), "-e", PROGRAM],
        env=os.environ | environment,
        cwd=SERVER,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def sent(paths, **environment: str) -> list[str]:
    """What the server answers at ``paths``."""
    process = start(**environment)
    try:
        port = int(process.stdout.readline())
        answers = []
        for path in paths:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
                answers.append(answer.read().decode())
        return answers
    finally:
        process.kill()
        process.communicate()


def test_under_every_address_the_page_hides_what_leads_nowhere():
    own = (SERVER / "static" / "index.html").read_text()
    for page in sent(("/", "/index.html", "/oview", "/detail", "/experiment", "/elsewhere")):
        assert page.startswith(own.partition("</head>")[0] + "<style>")
        assert page.endswith("</script></head>" + own.partition("</head>")[2])
        assert page.count(CLOSED) == 5


def test_other_files_are_sent_as_they_lie():
    (manifest,) = sent(("/manifest.json",))
    assert manifest == (SERVER / "static" / "manifest.json").read_text()


def test_what_is_refused_is_not_shown():
    page, *_ = sent(("/oview",), PDE_NAS_EDITS=json.dumps(no_edits()))
    assert page.count(CLOSED) == 5 + len(no_edits()["refused"])
    assert '[title="Customized trial"]' in page
    page, *_ = sent(("/oview",), PDE_NAS_EDITS=json.dumps(hub_edits()))
    assert page.count(CLOSED) == 5 + 2
    assert '[title="Customized trial"]' not in page


def test_it_is_still_needed():
    (script,) = (SERVER / "static/static/js").glob("main.*.js")
    assert 'tooltip:"All experiments"' in script.read_text()
    everything = "".join(path.read_text() for path in (SERVER / "static/static/js").glob("*.js"))
    for name in ("TensorBoard", "Visualization", "Customized trial", "maxTrialNum"):
        assert name in everything


@pytest.mark.parametrize(
    "part", ["maxExperimentDuration", "maxTrialNum", "concurrency", "openRow", "tableList"]
)
def test_the_page_has_the_parts_that_the_style_names(part):
    assert any(part in path.read_text() for path in (SERVER / "static/static/js").glob("*.js"))


def test_no_letter_and_no_icon_is_fetched_from_another_host():
    """NNI's page asks a host on the internet for them, unless a variable of the page says otherwise."""
    sources = [path.read_text() for path in (SERVER / "static" / "static" / "js").glob("*.js")]
    assert any("res.cdn.office.net" in source and "FabricConfig" in source for source in sources)
    (page,) = sent(("/oview",))
    assert "window.FabricConfig = { fontBaseUrl: '', iconBaseUrl: '/pages/icons/' };" in page
    assert page.index("FabricConfig") < page.index("</head>")


def test_our_own_pages_are_linked_where_there_are_any():
    (without,) = sent(("/oview",))
    (page,) = sent(("/oview",), PDE_NAS_PAGES=json.dumps({"command": ["true"], "folder": "/"}))
    assert "own-pages" not in without
    assert "own-pages" in page
