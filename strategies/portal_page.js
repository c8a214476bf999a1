// Loaded into NNI's server by NODE_OPTIONS=--require. NNI 3.0's page offers what leads nowhere here: a list of
// experiments that only its own command writes, TensorBoard, which finds nothing, a viewer on the internet,
// links to a repository that is closed, a tuner where there is none.
//
// Here the page is sent with a style that does not show them. PDE_NAS_PAGE may name more: {"hide": [NAME, ...]},
// each one of `NAMED`.
'use strict';

const fs = require('fs');
const path = require('path');
const { onLoad } = require('./preload.js');

const NOWHERE = [
    '.nav-slider a[href$="/experiment"]', // "All experiments"
    '.nav-slider .bottom', // "Feedback", "Document", "Version"
    '#tableList div[aria-roledescription="split button"]', // "TensorBoard"
    '.openRow [role="tab"][name="Visualization"]', // Netron
    '.overviewBasicInfo .bottomval:has(img[src$="experiment-tuner.png"])',
];
const NAMED = {
    'customized trial': '[title="Customized trial"]',
    kill: '.detail-button [title="kill"]',
    'max duration': '.maxExperimentDuration',
    'max trial no.': '.maxTrialNum',
    concurrency: '.trialCount .concurrency',
};

function selectors() {
    const { hide = [] } = JSON.parse(process.env.PDE_NAS_PAGE || '{}');
    const unknown = hide.filter((name) => NAMED[name] === undefined);
    if (unknown.length > 0) {
        throw new Error(`PDE_NAS_PAGE hides ${unknown.join(', ')}; known are ${Object.keys(NAMED).join(', ')}`);
    }
    return [...NOWHERE, ...hide.map((name) => NAMED[name])];
}

// A rule each: a browser drops a whole rule for one selector that it does not know.
const STYLE = `<style>${selectors().map((one) => `${one}{display:none!important}`).join('')}</style>`;

function sendPage(file, response) {
    const page = fs.readFileSync(file, 'utf8').replace('</head>', `${STYLE}</head>`);
    response.set('Cache-Control', 'no-cache').type('html').send(page);
}

onLoad(/^express$/, null, (express) => {
    const sendFile = express.response.sendFile;
    express.response.sendFile = function (file, ...rest) {
        return path.basename(file) === 'index.html' ? sendPage(file, this) : sendFile.call(this, file, ...rest);
    };
    // By itself this would send the page as it lies there.
    const files = express.static;
    express.static = (root, options) => {
        const serve = files(root, { ...options, index: false });
        return (request, response, next) =>
            path.basename(request.path) === 'index.html' ? next() : serve(request, response, next);
    };
});
