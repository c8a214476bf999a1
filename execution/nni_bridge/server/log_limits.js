// Loaded into NNI's server, and its keeper on another machine, by NODE_OPTIONS=--require. NNI 3.0 writes its own logs
// and what trials print without an end, and keeps two files open for every trial that ever ran.
//
// Here such a file holds PDE_NAS_LOG_BYTES at most (for a moment some more): its beginning and its end, and between
// them a line that says so. A trial's files are closed with it.
'use strict';

const fs = require('fs');
const path = require('path');
const { onLoad } = require('./preload.js');

const LIMIT_BYTES = Number(process.env.PDE_NAS_LOG_BYTES || 16 * 1024 * 1024);
const LOOK_MILLISECONDS = 250;
const READS = 10;
const OWN_LOGS = {
    'nnimanager.log': ['nnictl_stdout.log', 'nnictl_stderr.log', 'experiment.log'],
    'trial_keeper.log': ['trial_keeper.stdout', 'trial_keeper.stderr'],
};
const { O_APPEND, O_CREAT, O_TRUNC, O_WRONLY } = fs.constants;

const leftOut = new Map(); // of each file that is watched: how many bytes

function watch(file) {
    leftOut.set(file, 0);
}

function cut(file) {
    const descriptor = fs.openSync(file, 'a+'); // as whoever writes: at the end, wherever that is by then
    try {
        const part = Math.floor(LIMIT_BYTES / 4);
        const read = (from) => {
            const buffer = Buffer.alloc(part);
            return buffer.subarray(0, fs.readSync(descriptor, buffer, 0, part, from));
        };
        const head = read(0).lastIndexOf('\n') + 1;
        // What is written between the last look and the cut is lost: so it is looked at again, until nothing came.
        let size, end;
        for (let attempt = 0; attempt < READS && size !== fs.fstatSync(descriptor).size; attempt += 1) {
            size = fs.fstatSync(descriptor).size;
            end = read(size - part);
        }
        const tail = end.subarray(end.indexOf('\n') + 1);
        const count = leftOut.get(file) + size - head - tail.length;
        leftOut.set(file, count);
        const note = `[${count} bytes are left out here: this file holds no more than ${LIMIT_BYTES}]\n`;
        fs.ftruncateSync(descriptor, head);
        fs.writeSync(descriptor, Buffer.concat([Buffer.from(note), tail]));
    } finally {
        fs.closeSync(descriptor);
    }
}

function look() {
    for (const file of leftOut.keys()) {
        try {
            if (fs.statSync(file).size > LIMIT_BYTES) {
                cut(file);
            }
        } catch (error) {
            if (error.code === undefined) {
                throw error;
            }
            // It is not there (yet), or cannot be cut now.
        }
    }
}
setInterval(look, LOOK_MILLISECONDS).unref();

const openSync = fs.openSync;
fs.openSync = function (file, ...rest) {
    const siblings = OWN_LOGS[path.basename(String(file))];
    if (siblings !== undefined && !leftOut.has(file)) {
        [path.basename(file), ...siblings].forEach((name) => watch(path.join(path.dirname(file), name)));
    }
    return openSync.call(this, file, ...rest);
};

const streams = new Map(); // of each file of a trial that runs: NNI's
const createWriteStream = fs.createWriteStream;
fs.createWriteStream = function (file, options) {
    if (!/^trial\.(stdout|stderr)$/.test(path.basename(String(file)))) {
        return createWriteStream.call(this, file, options);
    }
    // A file that is cut while it is written goes on at its end only with O_APPEND.
    const stream = createWriteStream.call(this, file, { flags: O_WRONLY | O_CREAT | O_TRUNC | O_APPEND });
    streams.set(file, stream);
    watch(file);
    return stream;
};

function patch(process_) {
    const spawn = process_.prototype.spawn;
    process_.prototype.spawn = async function (options) {
        const files = ['trial.stdout', 'trial.stderr'].map((name) => path.join(options.outputDirectory, name));
        const own = () => files.map((file) => streams.get(file));
        const made = spawn.call(this, options);
        const opened = own();
        const close = () =>
            files.forEach((file, index) => {
                opened[index]?.destroy();
                if (streams.get(file) === opened[index]) {
                    streams.delete(file);
                    look();
                    leftOut.delete(file);
                }
            });
        const started = await made.catch((error) => {
            close();
            throw error;
        });
        if (started) {
            this.stopped.promise.then(close);
        } else {
            close();
        }
        return started;
    };
}

onLoad(/(trial_keeper|\.)\/process(\.js)?$/, 'TrialProcess', patch);
