// Loaded into NNI's server by NODE_OPTIONS=--require; PDE_NAS_CLUSTER says how. For trials in a cluster NNI 3.0
// opens a second port, on every interface and for whoever names the experiment, and mounts the storage by sudo.
//
// Here that port listens on the address that the user gave, and answers those alone who ask for the path
// that is the token; the runners in the cluster are told it. The storage is mounted already.
'use strict';

const { EventEmitter } = require('events');
const fs = require('fs/promises');
const http = require('http');
const path = require('path');
const { onLoad } = require('./preload.js');

const CLUSTER = process.env.PDE_NAS_CLUSTER ? JSON.parse(process.env.PDE_NAS_CLUSTER) : null;

function refuse(_request, response) {
    response.writeHead(404, { 'Content-Type': 'text/plain', Connection: 'close' });
    response.end('Not found.\n');
}

function patchChannel(channel, sockets) {
    channel.prototype.start = async function () {
        const server = http.createServer(refuse);
        server.emit = EventEmitter.prototype.emit; // portal_guard.js knows loopback's names alone; here is the token
        this.webSocketServer = new sockets.Server({ server, path: `/${CLUSTER.token}` });
        this.webSocketServer.on('connection', (client) => {
            client.onerror = (event) => this.log.error('error on client', event);
            client.onmessage = (message) => this.receivedWebSocketMessage(client, message);
            this.clients.set(client, undefined);
        });
        await new Promise((resolve, reject) => {
            server.once('error', reject);
            server.listen(CLUSTER.port, CLUSTER.listen, resolve);
        });
    };
}

function patchService(service) {
    service.prototype.createNFSStorage = async function () {
        await fs.rm(this.nfsRootDir, { force: true });
        await fs.mkdir(path.dirname(this.nfsRootDir), { recursive: true });
        await fs.symlink(CLUSTER.mounted, this.nfsRootDir);
    };
    const start = service.prototype.startEnvironment;
    service.prototype.startEnvironment = function (environment) {
        const door = `${CLUSTER.port}/${CLUSTER.token}`;
        const runner = 'nni.tools.trial_tool.trial_runner';
        const told = `${runner} --nnimanager_ip '${CLUSTER.address}' --nnimanager_port '${door}'`;
        environment.command = environment.command.replace(runner, told);
        return start.call(this, environment);
    };
}

if (CLUSTER !== null) {
    onLoad(/webCommandChannel$/, 'WebCommandChannel', (channel, near) => patchChannel(channel, near('ws')));
    onLoad(/frameworkcontrollerEnvironmentService$/, 'FrameworkControllerEnvironmentService', patchService);
}
