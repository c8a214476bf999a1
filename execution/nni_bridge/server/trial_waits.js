// Loaded into NNI's server by NODE_OPTIONS=--require: trials wait for less.
//
// NNI 3.0 looks every half second which trials have ended and whether one waits to be started: between two trials it
// takes two such looks, most of a second in which nothing is trained. Here it looks more often; a look costs a pass over
// the trials that run. For services that it asks over the network it waits 5 seconds, and still does.
//
// Before the first trial on this machine it starts a Python that imports all of NNI, to hear its version: three seconds.
// The launcher has NNI imported, and gives the answer in PDE_NAS_VERSIONS.
'use strict';

const { onLoad } = require('./preload.js');

const ITS_OWN = 0.5;
const SECONDS = 0.05;
const ASKED_FOR_VERSIONS = 'nni.tools.nni_manager_scripts.collect_version_info';
const VERSIONS = process.env.PDE_NAS_VERSIONS;

function lookMoreOften(manager) {
    const manage = manager.prototype.manageTrials;
    manager.prototype.manageTrials = async function () {
        if (this.pollInterval === ITS_OWN) {
            this.pollInterval = SECONDS;
        }
        await manage.call(this);
    };
}

function answerWithVersions(scripts) {
    const run = scripts.runPythonModule;
    scripts.runPythonModule = async (name, ...rest) =>
        name === ASKED_FOR_VERSIONS && VERSIONS ? VERSIONS : run(name, ...rest);
}

onLoad(/(^|\/)nnimanager(\.js)?$/, 'NNIManager', lookMoreOften);
onLoad(/common\/pythonScript(\.js)?$/, null, answerWithVersions);
