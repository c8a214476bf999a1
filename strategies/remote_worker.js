// Loaded into NNI's server by NODE_OPTIONS=--require; PDE_NAS_HOSTS describes the machines. NNI 3.0's remote
// workers upgrade NNI on the machine from the internet, want the server to listen where the machine reaches it,
// accept any host key, leave a trial's files there, and give a machine up at the first failed reconnection.
//
// Here nothing is installed; the machine reaches the server through a tunnel in the SSH connection, both ends
// on loopback; the host key must be the one that the user's ssh was shown; a trial's files are fetched before
// its end is told; a lost machine is tried again for some minutes, and without any the server ends.
'use strict';

const crypto = require('crypto');
const fs = require('fs/promises');
const Module = require('module');
const net = require('net');
const path = require('path');
const { promisify } = require('util');
const sleep = promisify(setTimeout);

const HOSTS = JSON.parse(process.env.PDE_NAS_HOSTS || '[]');
const LOOPBACK = '127.0.0.1';
const FETCH_MILLISECONDS = 60 * 1000;
const PATIENCE_SECONDS = [0, 5, 15, 30, 60, 120];
const KEEPALIVE = { keepaliveInterval: 15 * 1000, keepaliveCountMax: 4 };

function knownHost(host, port, user) {
    const found = HOSTS.find(({ machine }) => machine.host === host && machine.port === port && machine.user === user);
    if (found === undefined) {
        throw new Error(`${user}@${host}:${port} is not among the machines of this search`);
    }
    return found;
}

function fingerprint(key) {
    return `SHA256:${crypto.createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

function patchClient(client) {
    const connect = client.prototype.connect;
    client.prototype.connect = function (config) {
        const known = knownHost(config.host, config.port, config.username);
        // An RSA key signs in several ways; the others in one, named as the key is.
        const kinds = known.keyKind === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [known.keyKind];
        this.on('error', () => {}); // the connection's end is told by what runs over it
        return connect.call(this, {
            ...config,
            ...KEEPALIVE,
            algorithms: { serverHostKey: kinds },
            hostVerifier: (key) => fingerprint(key) === known.keyFingerprint,
            passphrase: known.passphraseEnv ? process.env[known.passphraseEnv] : undefined,
        });
    };
}

function patchSsh(ssh) {
    const run = ssh.prototype.run;
    ssh.prototype.run = async function (command) {
        const known = knownHost(this.config.host, this.config.port, this.config.user);
        if (/ -m pip install nni --upgrade$/.test(command)) {
            return '';
        }
        if (/ -c "import nni ; print\(nni.__version__\)"$/.test(command)) {
            return known.nni; // its import takes seconds
        }
        // As a file, not as a module of NNI, for the same reason.
        return run.call(this, command.replace(/ -m nni\.tools\.nni_manager_scripts\.(\w+)/, ` ${known.scripts}/$1.py`));
    };
}

// The address of the server as the machine reaches it: a port there that leads here through the connection.
async function tunnel(client, url) {
    const there = new URL(url);
    const own = Number(there.port);
    there.hostname = LOOPBACK;
    there.port = String(await promisify(client.forwardIn.bind(client))(LOOPBACK, 0));
    client.on('tcp connection', (_details, accept) => {
        const far = accept();
        const near = net.connect(own, LOOPBACK);
        near.on('error', () => far.destroy());
        far.on('error', () => near.destroy());
        near.pipe(far).pipe(near);
    });
    return there.href;
}

async function fetchFolder(sftp, from, to) {
    await fs.mkdir(to, { recursive: true });
    for (const { filename, attrs } of await promisify(sftp.readdir.bind(sftp))(from)) {
        const [there, here] = [`${from}/${filename}`, path.join(to, filename)];
        if (attrs.isDirectory()) {
            await fetchFolder(sftp, there, here);
        } else if (attrs.isFile()) {
            await promisify(sftp.fastGet.bind(sftp))(there, here);
        }
    }
}

function patchWorker(worker) {
    worker.prototype.findPython = async function () {
        const { host, port, user } = this.config;
        this.channelUrl = await tunnel(this.ssh.client, this.channelUrl);
        return knownHost(host, port, user).python;
    };
    worker.prototype.downloadTrialLog = async function (trial) {
        const to = path.join(global.nni.paths.experimentRoot, 'environments', this.envId, 'trials', trial);
        const from = path.posix.join(path.posix.dirname(this.uploadDir), 'trials', trial);
        await fetchFolder(await this.ssh.sftp(), from, to);
        return to;
    };
}

function patchService(service) {
    const start = service.prototype.start;
    service.prototype.start = function () {
        // After a resume the configuration is the first run's; the machines may be others by now.
        this.config.machineList = HOSTS.map(({ machine }) => machine);
        return start.call(this);
    };

    const subscribe = service.prototype.onTrialEnd;
    service.prototype.onTrialEnd = function (told) {
        const ended = new Set();
        subscribe.call(this, async (trial, ...rest) => {
            if (ended.has(trial)) {
                return; // a lost machine ends all its trials, those that had ended before, too
            }
            ended.add(trial);
            this.fetches = this.fetches ?? new Map();
            if (!this.fetches.has(trial)) {
                const fetch = this.downloadTrialDirectory(trial).catch((error) => {
                    this.log.error(`Cannot fetch the files of trial ${trial}:`, error);
                });
                this.fetches.set(trial, Promise.race([fetch, sleep(FETCH_MILLISECONDS)]));
            }
            await this.fetches.get(trial);
            await told(trial, ...rest);
        });
    };

    const restart = service.prototype.restartWorker;
    service.prototype.restartWorker = async function (lost) {
        let worker = lost;
        for (const seconds of PATIENCE_SECONDS) {
            await sleep(1000 * seconds);
            await restart.call(this, worker);
            const fresh = this.workers.find((one) => one.config === lost.config);
            if (fresh?.uploadDir !== undefined) {
                return;
            }
            worker = fresh ?? lost;
        }
        this.stopWorker(worker, true);
        if (this.workers.length === 0) {
            this.log.error('No machine is left');
            global.nni.shutdown.initiate('no machine is left');
        }
    };
}

if (HOSTS.length > 0) {
    const patches = [
        [/^ssh2$/, 'Client', patchClient],
        [/^\.\/ssh$/, 'Ssh', patchSsh],
        [/^\.\/worker$/, 'Worker', patchWorker],
        [/^\.\/remote$/, 'RemoteTrainingServiceV3', patchService],
    ];
    const load = Module._load;
    const patched = new WeakSet();
    Module._load = function (request, ...rest) {
        const loaded = load.call(this, request, ...rest);
        for (const [name, member, patch] of patches) {
            const found = name.test(request) ? loaded?.[member] : undefined;
            if (found !== undefined && !patched.has(found)) {
                patched.add(found);
                patch(found);
            }
        }
        return loaded;
    };
}
