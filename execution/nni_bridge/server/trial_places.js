// Loaded into NNI's server by NODE_OPTIONS=--require. NNI 3.0 deals trials out to machines in turn, however
// long those there still run, and never starts one that wants a GPU where there is just one (it wants fewer
// than there are), nor anywhere if one of the machines has none.
//
// Here each machine has places, and PDE_NAS_PLACES says how many and with which GPUs; a trial goes to the machine
// with the largest share of them free, and waits if there is none. A place's GPU is all that its trial sees.
'use strict';

const { onLoad } = require('./preload.js');

const PLACES = JSON.parse(process.env.PDE_NAS_PLACES || '[]');
const ID_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

class Places {
    constructor(service) {
        this.service = service;
        this.taken = new Map(); // trial: [environment, place]
    }

    // What the machine of an environment offers; the local service has one, and no list of workers.
    offer(environment) {
        const worker = (this.service.workers || []).find((one) => one.envId === environment);
        const index = worker === undefined ? 0 : this.service.config.machineList.indexOf(worker.config);
        return PLACES[index];
    }

    busy(environment) {
        return [...this.taken.values()].filter((one) => one[0] === environment).map((one) => one[1]);
    }

    freest(environments) {
        let [best, most] = [null, 0];
        for (const { id } of environments) {
            const share = 1 - this.busy(id).length / this.offer(id).trials;
            if (share > most) {
                [best, most] = [id, share];
            }
        }
        return best;
    }

    // The GPU for a trial that begins in an environment; undefined where there is none.
    take(environment, trial) {
        const busy = this.busy(environment);
        let place = 0;
        while (busy.includes(place)) {
            place += 1;
        }
        this.taken.set(trial, [environment, place]);
        const { gpus } = this.offer(environment);
        return gpus.length > 0 ? gpus[place % gpus.length] : undefined;
    }
}

function newId() {
    const pick = () => ID_CHARACTERS[Math.floor(Math.random() * ID_CHARACTERS.length)];
    return Array.from({ length: 5 }, pick).join('');
}

function patch(compat) {
    const start = compat.prototype.start;
    compat.prototype.start = async function () {
        const places = new Places(this.v3);
        this.places = places;
        const create = this.v3.createTrial.bind(this.v3);
        this.v3.createTrial = async (environment, command, directory, sequence, given) => {
            const trial = given ?? newId();
            const gpu = places.take(environment, trial);
            const whole = gpu === undefined ? command : `CUDA_VISIBLE_DEVICES=${gpu} ${command}`;
            let made = null;
            try {
                made = await create(environment, whole, directory, sequence, trial);
            } finally {
                if (made === null) {
                    places.taken.delete(trial);
                }
            }
            return made;
        };
        this.v3.onTrialEnd((trial) => {
            places.taken.delete(trial);
        });
        await start.call(this);
    };
    compat.prototype.schedule = function () {
        return this.places.freest(this.environments);
    };
}

if (PLACES.length > 0) {
    process.on('trial concurrency', (trials) => {
        if (PLACES.length === 1) {
            PLACES[0].trials = trials; // several machines keep the shares that they were given
        }
    });
    onLoad(/training_service\/v3\/compat(\.js)?$/, 'V3asV1', patch);
}
