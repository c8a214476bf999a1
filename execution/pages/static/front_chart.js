// How the page Front is drawn: points in, pictures for the chart out.
import { runColour, colourOf, SHARES, VIRIDIS } from './colours.js';
import { colour, count, percent, short } from './pages.js';

export const COSTS = {
    macs: 'MACs',
    macs_published: 'MACs (published count)',
    params: 'parameters',
    latency: 'latency (ms)',
    seconds: 'seconds of training',
};
const WITHOUT = { failed: 'cross', cancelled: 'box', rejected: 'triangle' };
const MANY = 2000; // from so many points on they are small

/** The chart's colours. */
export const colours = () => ({ ink: colour('ink'), grey: colour('soft'), faint: colour('line'), paper: colour('ground') });

function told(point, several) {
    const lines = [
        `candidate ${point.index}${several ? ` of ${point.run.name}` : ''}`,
        point.accuracy === null ? point.status : `accuracy ${percent(point.accuracy)}`,
        `${count(point.macs)} MACs, ${count(point.params)} params`,
    ];
    if (point.latency !== null) {
        lines.push(`latency ${short(point.latency)} ms`);
    }
    if (point.share !== null) {
        lines.push(`global layers at ${percent(point.share, 0)} of its places`);
    }
    if (point.seconds !== null) {
        lines.push(`${short(point.seconds, 3)} s, seed ${point.seed ?? '–'}`);
    }
    if (point.error !== null) {
        lines.push(point.error.slice(0, 120));
    }
    return lines;
}

function layer(points, options, more) {
    return {
        x: points.map((point) => point[options.cost]),
        y: points.map((point) => (point.accuracy === null ? null : 100 * point.accuracy)),
        keys: points,
        text: (place) => told(points[place], options.several),
        ...more,
    };
}

function scaleOf(points, options) {
    if (options.colour === 'run') {
        return { scale: null, of: (point) => runColour(point.run.number) };
    }
    if (options.colour === 'age') {
        // Rounded up, so that not every new candidate changes all colours.
        const most = 2 ** Math.ceil(Math.log2(Math.max(points.length, 2)));
        const of = colourOf(VIRIDIS, [1, most], colour('soft'));
        return { scale: { stops: VIRIDIS, range: [0, most], label: 'became known as' }, of: (point) => of(point.age) };
    }
    const of = colourOf(SHARES, [0, 1], colour('soft'));
    return { scale: { stops: SHARES, range: [0, 100], label: 'share of global layers (%)' }, of: (point) => of(point.share) };
}

function withoutAccuracy(points, options) {
    return Object.entries(WITHOUT).map(([status, symbol]) => layer(points.filter((point) => point.status === status), options, {
        name: status, symbol, size: 5, colour: colour(status === 'failed' ? 'bad' : 'soft'), strip: true,
    }));
}

function papers(references) {
    const some = (global, name, symbol) => {
        const found = references.filter((one) => one.global === global);
        return {
            name, symbol, size: 6, colour: colour('good'),
            x: found.map((one) => one.macs_published),
            y: found.map((one) => 100 * one.accuracy),
            text: (place) => [`${found[place].name} (the paper)`, `test accuracy ${percent(found[place].accuracy)}`,
                `${count(found[place].macs_published)} MACs, published count`],
        };
    };
    return [some(true, 'the paper, global layers', 'star'), some(false, 'the paper, others', 'open-star')];
}

/** The picture of all points, their front, and the paper's networks. */
export function frontPicture(points, front, references, options) {
    const drawn = points.filter((point) => point[options.cost] !== null && !(options.log && point[options.cost] <= 0));
    const known = drawn.filter((point) => point.accuracy !== null);
    const judged = known.filter((point) => point.status === 'ok');
    const { scale, of } = scaleOf(points, options);
    const small = judged.length > MANY;
    const size = small ? 2.4 : 4;
    const strip = options.rest && known.length < drawn.length;
    const published = ['macs', 'macs_published'].includes(options.cost);
    const runs = options.colour !== 'run' ? [] : options.runs.map((run) => (
        { name: run.name, symbol: 'dot', size: 4, colour: runColour(run.number), x: [null], y: [null] }));
    return {
        x: { label: `← better   ${COSTS[options.cost]}`, log: options.log, zero: !options.log },
        y: { label: 'validation accuracy (%)   better →' },
        scale,
        strip,
        limit: null,
        cloud: layer(judged, options, { name: 'candidates', symbol: 'dot', size, alpha: small ? 0.7 : 0.9, colours: judged.map(of) }),
        layers: [
            ...runs,
            layer(front, options, {
                name: 'front', symbol: 'ring', size: size + 2.5, colour: colour('ink'), line: { steps: true, width: 1.5 }, walk: true,
            }),
            layer(known.filter((point) => point.status !== 'ok'), options, { name: 'trained in part', symbol: 'open-diamond', size, colour: colour('soft') }),
            ...(strip ? withoutAccuracy(drawn, options) : []),
            ...(options.references && published ? papers(references) : []),
        ],
    };
}

/** A line of its own. */
export function linePicture(x, y, steps, labels, text) {
    const line = {
        name: null, x, y, symbol: x.length > 60 ? null : 'dot', size: 3, colour: colour('link'), line: { steps }, walk: true, keys: x, text,
    };
    const [across, up] = labels;
    return {
        x: { label: across, log: false, zero: true, whole: true }, y: { label: up, zero: steps }, scale: null, strip: false, limit: null,
        cloud: { name: null, x: [], y: [], symbol: 'dot', size: 1, keys: [] }, layers: [line],
    };
}
