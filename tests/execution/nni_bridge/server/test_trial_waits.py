"""The preload inside NNI's own Node, on NNI's own modules: how often it looks, and whom it asks before the first trial."""

from __future__ import annotations

import json
import os
import sys

import nni

from execution.nni_bridge.server_start import portal_environment
from tests.execution.nni_bridge.nni_server import SERVER, told_by_node

# The loop of its manager of trials as far as the first wait, of which the milliseconds are told.
PROGRAM = """
require('app-module-path').addPath('.');
global.nni = { args: { experimentId: 'x' }, paths: { experimentRoot: '/tmp' }, rest: {}, shutdown: {},
    logStream: { writeLine() {}, writeLineSync() {} } };
require('common/globals');
const utils = require('common/utils');
utils.delay = async (milliseconds) => { console.log(JSON.stringify(milliseconds)); process.exit(0); };
const { NNIManager } = require('core/nnimanager');
const manager = Object.create(NNIManager.prototype);
Object.assign(manager, { status: { status: 'RUNNING' }, dispatcher: {}, trialJobs: new Map(), waitingTrials: [],
    currSubmittedTrialNum: 0, trialConcurrencyChange: 0, setStatus() {}, requestTrialJobs() {},
    experimentProfile: { execDuration: 0, params: { trialConcurrency: 1 } }, pollInterval: %s });
for (const limit of ["maxTrialNum", "maxDuration", "maxTrialDuration"])
    Object.defineProperty(manager, limit, { value: Infinity });
manager.manageTrials().catch((error) => { console.error(error); process.exit(1); });
"""


def wait_seconds(interval: float, *, preloaded: bool = True) -> float:
    return told_by_node(PROGRAM % interval, ["trial_waits.js"] if preloaded else []) / 1000


def test_it_looks_twenty_times_a_second():
    assert wait_seconds(0.5) == 0.05
    assert wait_seconds(5) == 5  # over the network


def test_by_itself_it_waits_as_long_as_it_is_told_half_a_second_here():
    assert wait_seconds(0.5, preloaded=False) == 0.5
    assert "this.pollInterval = 0.5" in (SERVER / "core" / "nnimanager.js").read_text()


# What it knows of this machine once it has asked, and which programs it started to that end.
FACTS = f"""
const started = [];
const programs = require('child_process');
const spawn = programs.spawn;
programs.spawn = (program, words, ...rest) => {{ started.push(words.join(' ')); return spawn(program, words, ...rest); }};
require('app-module-path').addPath('.');
global.nni = {{ args: {{ experimentId: 'x', pythonInterpreter: {json.dumps(sys.executable)} }}, rest: {{}}, shutdown: {{}},
    paths: {{ experimentRoot: '/tmp' }}, logStream: {{ writeLine() {{}}, writeLineSync() {{}} }} }};
require('common/globals');
require('common/trial_keeper/collect_platform_info').collectPlatformInfo(false)
    .then(({{ version }}) => console.log(JSON.stringify({{ version, started }})));
"""
VERSION = "-m nni.tools.nni_manager_scripts.collect_version_info"


def test_the_launcher_says_what_a_python_of_its_own_would():
    asked = told_by_node(FACTS, [])
    assert asked["started"] == [VERSION]
    assert asked["version"]["nniVersion"] == nni.__version__
    with portal_environment() as start:
        versions = os.environ["PDE_NAS_VERSIONS"]
    assert start.server is None
    told = told_by_node(FACTS, ["trial_waits.js"], PDE_NAS_VERSIONS=versions)
    assert told == {"version": asked["version"], "started": []}
