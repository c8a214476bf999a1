// What the files that are loaded into NNI's server share: NNI's classes are changed as they are loaded, and a server
// that ends by itself leaves a line in which it says why.
'use strict';

const fs = require('fs');
const Module = require('module');
const path = require('path');

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

let said = false;
const reasonFile = () => path.join(global.nni.paths.experimentRoot, 'log', 'ended.txt');

/** Writes the line that the launcher shows once the server has ended, to its log as well. */
function sayWhy(reason) {
    said = true;
    fs.writeFileSync(reasonFile(), `${reason}\n`);
    global.nni.logStream.writeLineSync(`This server ends by itself: ${reason}`);
}

// A former server's reason is none of this one's. NNI says where its files are once it is loaded.
setImmediate(() => {
    if (!said && global.nni?.paths?.experimentRoot !== undefined) {
        fs.rmSync(reasonFile(), { force: true });
    }
});

module.exports = { onLoad, sayWhy };
