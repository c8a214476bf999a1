// Loaded into NNI's server by NODE_OPTIONS=--require; PDE_NAS_HOSTS describes the machines. NNI 3.0's remote
// workers upgrade NNI on the machine from the internet, want the server to listen where the machine reaches it,
// accept any host key, leave a trial's files there, and call all trials of a lost connection cancelled.
//
// Here nothing is installed; the machine reaches the server through a tunnel in the SSH connection, both ends
// on loopback; the host key must be the one that the user's ssh was shown; a trial's files are fetched before
// its end is told; a connection that is cut is made again, and if that fails the server ends: a resume then runs
// again what was running, where a candidate would have been booked as failed.
'use strict';

const crypto = require('crypto');
const fs = require('fs/promises');
const net = require('net');
const path = require('path');
const { promisify } = require('util');
const sleep = promisify(setTimeout);
const { onLoad, sayWhy } = require('./preload.js');

const HOSTS = JSON.parse(process.env.PDE_NAS_HOSTS || '[]');
const LOOPBACK = '127.0.0.1';
const FETCH_MILLISECONDS = 60 * 1000;
const RETRY_SECONDS = [0, 1, 2, 4, 6]; // NNI's keeper on the machine tries for 15
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

// A port on the machine's loopback (0: any) that leads through the connection to the server's here.
async function openTunnel(client, port, own) {
    const opened = await promisify(client.forwardIn.bind(client))(LOOPBACK, port);
    client.on('tcp connection', (_details, accept) => {
        const far = accept();
        const near = net.connect(own, LOOPBACK);
        near.on('error', () => far.destroy());
        far.on('error', () => near.destroy());
        near.pipe(far).pipe(near);
    });
    return opened || port;
}

// Makes a connection that was cut again, with the tunnel where the machine expects it.
function hold(worker, port, own) {
    const reconnect = async () => {
        for (const seconds of RETRY_SECONDS) {
            await sleep(1000 * seconds);
            try {
                worker.ssh.sftpSession = null;
                await worker.ssh.connect();
                await openTunnel(worker.ssh.client, port, own);
                hold(worker, port, own);
                worker.log.info('The connection that was cut is there again');
                return;
            } catch (error) {
                worker.log.warning('No connection:', error);
            }
        }
    };
    worker.ssh.client.once('close', () => {
        worker.reconnected = reconnect();
    });
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
        const url = new URL(this.channelUrl);
        const own = Number(url.port);
        const there = await openTunnel(this.ssh.client, 0, own);
        hold(this, there, own);
        [url.hostname, url.port] = [LOOPBACK, String(there)];
        this.channelUrl = url.href;
        return knownHost(host, port, user).python;
    };
    const checkAlive = worker.prototype.checkAlive;
    worker.prototype.checkAlive = async function () {
        await sleep(100); // the end of the tunnel is seen before that of the connection
        await this.reconnected;
        return checkAlive.call(this);
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
        this.emitter.on('trial_start', (trial) => {
            ended.delete(trial); // trial_starts.js starts one again under its name
            this.fetches?.delete(trial);
        });
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

    service.prototype.restartWorker = async function (worker) {
        sayWhy(`the connection to ${worker.config.host} is lost`);
        setTimeout(() => process.exit(1), 100); // once that is written
    };
}

if (HOSTS.length > 0) {
    onLoad(/^ssh2$/, 'Client', patchClient);
    onLoad(/^\.\/ssh$/, 'Ssh', patchSsh);
    onLoad(/^\.\/worker$/, 'Worker', patchWorker);
    onLoad(/^\.\/remote$/, 'RemoteTrainingServiceV3', patchService);
}
