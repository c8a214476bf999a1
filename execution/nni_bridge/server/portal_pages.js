// Loaded into NNI's server by NODE_OPTIONS=--require, before portal_guard.js, which so sees each request first. NNI 3.0
// has no page for an architecture, nor for accuracy against what it costs.
//
// Here PDE_NAS_PAGES names the command of an application with such pages (execution/pages). It is started when a page is
// first asked for, and what is asked below /pages is passed on to it, through a socket in a private folder. It ends
// when its standard input does, which is this process's other end.
'use strict';

const { spawn } = require('child_process');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');

const PAGES = process.env.PDE_NAS_PAGES ? JSON.parse(process.env.PDE_NAS_PAGES) : null;
const START_MILLISECONDS = 60000;
const AGAIN_MILLISECONDS = 200;
const OURS = /^\/pages(\/|\?|$)/;

let started = null; // a promise of the socket's path, while the application runs

function environment() {
    const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('NNI_') && name !== 'NODE_OPTIONS');
    return Object.fromEntries(kept);
}

function logFile() {
    const folder = global.nni?.paths?.experimentRoot;
    return folder === undefined ? 'ignore' : fs.openSync(path.join(folder, 'log', 'pages.log'), 'a', 0o600);
}

function start() {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pages-')); // this user's alone
    const socket = path.join(folder, 'socket');
    const log = logFile();
    const [program, ...words] = PAGES.command;
    const child = spawn(program, [...words, socket], {
        cwd: PAGES.folder, env: environment(), stdio: ['pipe', 'pipe', log],
    });
    if (typeof log === 'number') {
        fs.closeSync(log);
    }
    child.stdin.on('error', () => {});
    const remove = () => fs.rmSync(folder, { recursive: true, force: true });
    const end = () => {
        child.kill('SIGKILL');
        remove();
    };
    process.once('exit', end);
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => child.kill('SIGKILL'), START_MILLISECONDS);
        const fail = () => {
            clearTimeout(timer);
            process.removeListener('exit', end);
            started = null;
            remove();
            reject(new Error('it has ended'));
        };
        child.once('error', fail);
        child.once('exit', fail);
        child.stdout.once('data', () => {
            clearTimeout(timer);
            resolve(socket);
        });
    });
}

// Without those that are of one connection alone.
function ownHeaders(headers) {
    const { connection, 'keep-alive': keepAlive, ...own } = headers;
    return own;
}

function refuse(response, text) {
    if (!response.headersSent) {
        response.writeHead(502, { 'Content-Type': 'text/plain' });
    }
    response.end(text);
}

async function pass(request, response, attempts = 5) {
    let socketPath;
    try {
        started = started ?? start();
        socketPath = await started;
    } catch (error) {
        refuse(response, `The pages do not start (${error.message}); pages.log beside NNI's log says more.\n`);
        return;
    }
    const { method, url } = request;
    // Left open until the answer is there: node ends what it has sent by an empty write, which fails on a connection
    // that was closed, and the answer is lost with it.
    const headers = { ...ownHeaders(request.headers), connection: 'keep-alive' };
    const onward = http.request({ socketPath, path: url, method, headers, agent: false }, (answer) => {
        response.writeHead(answer.statusCode, ownHeaders(answer.headers));
        answer.pipe(response);
    });
    onward.on('error', () => {
        if (response.destroyed) {
            return; // the browser has gone
        }
        if (request.method === 'GET' && !response.headersSent && attempts > 1) {
            // A killed application refuses before its exit is known here, after which it is started again.
            setTimeout(() => pass(request, response, attempts - 1), AGAIN_MILLISECONDS);
        } else {
            refuse(response, 'The pages do not answer.\n');
        }
    });
    response.on('close', () => onward.destroy());
    request.pipe(onward);
}

if (PAGES !== null) {
    const emit = http.Server.prototype.emit;
    http.Server.prototype.emit = function (event, request, response, ...rest) {
        if (event === 'request' && OURS.test(request.url)) {
            pass(request, response);
            return true;
        }
        return emit.call(this, event, request, response, ...rest);
    };
}
