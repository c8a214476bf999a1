// Loaded into NNI's server by NODE_OPTIONS=--require. NNI 3.0's page offers what leads nowhere here: a list of
// experiments that only its own command writes, TensorBoard, which finds nothing, a viewer on the internet,
// links to a repository that is closed, a tuner where there is none.
//
// Here the page is sent with a style that does not show them, nor what PDE_NAS_EDITS refuses (portal_edits.js), and
// with scripts: one that calls one thing by one word (portal_words.js), and where there are pages of our own
// (portal_pages.js) one that links to them and shows how far a one-shot search is (portal_links.js). NNI's page loads its
// letters and icons from a host on the internet: letters come from the browser, icons from our own pages.
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
const CONTROLS = {
    CUSTOMIZED: '[title="Customized trial"]',
    KILL: '.detail-button [title="kill"]',
    MAX_EXEC_DURATION: '.maxExperimentDuration',
    MAX_TRIAL_NUM: '.maxTrialNum',
    TRIAL_CONCURRENCY: '.trialCount .concurrency',
};

function selectors() {
    const { refused = {} } = JSON.parse(process.env.PDE_NAS_EDITS || '{}');
    return [...NOWHERE, ...Object.keys(refused).map((kind) => CONTROLS[kind])];
}

// A rule each: a browser drops a whole rule for one selector that it does not know.
// The names of the axes of "Hyper-parameter" are drawn over each other: here they lean.
const AXES = `.parcoords{margin-top:70px!important}.parcoords svg{overflow:visible!important}
.parcoords .dimension text.label{transform:translate(0,-6px) rotate(-32deg);text-anchor:start!important}`;
const STYLE = `<style>${selectors().map((one) => `${one}{display:none!important}`).join('')}${AXES}</style>`;

const FONTS = "window.FabricConfig = { fontBaseUrl: '', iconBaseUrl: '/pages/icons/' };";
const SCRIPTS = process.env.PDE_NAS_PAGES ? ['portal_words.js', 'portal_links.js'] : ['portal_words.js'];
const SCRIPT = `<script>${FONTS}</script>${SCRIPTS.map(
    (name) => `<script>${fs.readFileSync(path.join(__dirname, 'in_page', name), 'utf8')}</script>`,
).join('')}`;

function sendPage(file, response) {
    const page = fs.readFileSync(file, 'utf8').replace('</head>', () => `${STYLE}${SCRIPT}</head>`);
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
