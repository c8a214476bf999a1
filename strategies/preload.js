// What the files that are loaded into NNI's server share: NNI's classes are changed as they are loaded.
'use strict';

const Module = require('module');

const awaited = [];

/**
 * Calls `patch(found, near)` once for each `member` (null: what the module itself is) of a module that is asked
 * for by a name like `pattern`; `near(name)` loads another module as seen from there.
 */
function onLoad(pattern, member, patch) {
    awaited.push({ pattern, member, patch, patched: new WeakSet() });
}

const load = Module._load;
Module._load = function (request, ...rest) {
    const loaded = load.call(this, request, ...rest);
    for (const { pattern, member, patch, patched } of awaited) {
        const found = !pattern.test(request) ? undefined : member === null ? loaded : loaded?.[member];
        if (found !== undefined && !patched.has(found)) {
            patched.add(found);
            patch(found, (name) => load.call(this, name, ...rest));
        }
    }
    return loaded;
};

module.exports = { onLoad };
