// Loaded into NNI's server by NODE_OPTIONS=--require. NNI 3.0 listens on every interface, answers whoever
// asks, and joins a file name from the address to a path unchecked; no setting of its own changes that.
//
// Here a listener without an address gets the loopback one, and a request is answered only if its Host (and
// Origin, where a browser sends one) is this machine, which a page with a rebound name cannot claim, and if
// its path does not climb. The route that relays to a site on the internet is closed.
'use strict';

const http = require('http');
const net = require('net');

const LOOPBACK = '127.0.0.1';
const OWN_NAMES = new Set(['127.0.0.1', 'localhost', '[::1]']);

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (...args) {
    const first = args[0];
    if (typeof first === 'number' || (typeof first === 'string' && /^\d+$/.test(first))) {
        if (typeof args[1] !== 'string') {
            args.splice(1, 0, LOOPBACK);
        }
    } else if (first !== null && typeof first === 'object' && first.port !== undefined && !first.host) {
        args[0] = { ...first, host: LOOPBACK };
    }
    return listen.apply(this, args);
};

function isOwn(authority) {
    return OWN_NAMES.has(String(authority).toLowerCase().replace(/:\d+$/, ''));
}

function climbs(url) {
    let path = url.split('?')[0];
    for (;;) {
        let decoded;
        try {
            decoded = decodeURIComponent(path);
        } catch {
            return true;
        }
        if (decoded === path) {
            break;
        }
        path = decoded;
    }
    return /[\\\0]/.test(path) || path.split('/').includes('..');
}

function refusal(request) {
    const { host, origin } = request.headers;
    if (!isOwn(host)) {
        return [421, 'This server is not known by that name.\n'];
    }
    // What a page of another site loads as an image or a script has no Origin; browsers say so otherwise.
    const site = request.headers['sec-fetch-site'];
    const embedded = site === 'cross-site' && request.headers['sec-fetch-mode'] !== 'navigate';
    if (embedded || (origin !== undefined && origin !== `http://${host}`)) {
        return [403, 'Requests from other sites are refused.\n'];
    }
    if (climbs(request.url)) {
        return [400, 'A path must not lead outside.\n'];
    }
    if (/^\/netron(\/|$|\?)/.test(request.url)) {
        return [404, 'Not found.\n'];
    }
    return null;
}

const emit = http.Server.prototype.emit;
http.Server.prototype.emit = function (event, request, response, ...rest) {
    if (event === 'request' || event === 'upgrade') {
        const refused = refusal(request);
        if (refused !== null) {
            const [status, text] = refused;
            if (event === 'upgrade') {
                response.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`);
            } else {
                response.writeHead(status, { 'Content-Type': 'text/plain', Connection: 'close' });
                response.end(text);
            }
            return true;
        }
        if (event === 'request') {
            response.setHeader('X-Frame-Options', 'DENY');
            response.setHeader('Referrer-Policy', 'no-referrer');
        }
    }
    return emit.call(this, event, request, response, ...rest);
};
