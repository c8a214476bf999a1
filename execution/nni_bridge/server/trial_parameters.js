// Loaded into NNI's server by NODE_OPTIONS=--require. NNI 3.0 hands parameters to trials from one queue, in
// the order in which trials ask: two that start together can get each other's, and then what one candidate
// reaches is booked to another. Here each trial gets the parameters that it was created for, and one that
// asks before its creation has been booked waits until it has been.
'use strict';

const { onLoad } = require('./preload.js');

const WAIT_MILLISECONDS = 20;

function patch(service) {
    const submit = service.prototype.submitTrialJob;
    service.prototype.submitTrialJob = async function (form) {
        const trial = await submit.call(this, form);
        const value = form.hyperParameters.value;
        const queued = this.parameters.indexOf(value);
        if (queued >= 0) {
            this.parameters.splice(queued, 1);
            this.allocatedParameters.set(trial.id, value);
        }
        return trial;
    };

    const start = service.prototype.start;
    service.prototype.start = async function () {
        const subscribe = this.v3.onRequestParameter.bind(this.v3);
        this.v3.onRequestParameter = (answer) =>
            subscribe(async (trialId) => {
                while (!this.allocatedParameters.has(trialId)) {
                    await new Promise((resolve) => setTimeout(resolve, WAIT_MILLISECONDS));
                }
                await answer(trialId);
            });
        await start.call(this);
    };
}

onLoad(/training_service\/v3\/compat(\.js)?$/, 'V3asV1', patch);
