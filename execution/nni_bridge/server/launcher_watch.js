// Loaded into NNI's server by NODE_OPTIONS=--require. When the launcher is killed, NNI 3.0's server goes on
// alone, with its port, its trials and nobody to tell their results to. Here it stops in order.
'use strict';

const POLL_MILLISECONDS = 1000;
const PATIENCE_MILLISECONDS = 10000;

const launcher = process.ppid;
const watch = setInterval(() => {
    if (process.ppid !== launcher) {
        clearInterval(watch);
        process.kill(process.pid, 'SIGTERM');
        setTimeout(() => process.exit(1), PATIENCE_MILLISECONDS);
    }
}, POLL_MILLISECONDS);
watch.unref();
