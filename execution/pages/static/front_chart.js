// How the page Front draws: records of points in, plotly's traces and layouts out.
import { colour, count, percent, short } from './pages.js';

export const COSTS = {
    macs: ['MACs', count, 'one image, the PDE included'],
    macs_published: ['MACs (published count)', count, 'as the paper counts them: nothing of the PDE'],
    params: ['parameters', count, ''],
    latency: ['latency (ms)', short, 'one image, measured'],
    seconds: ['seconds of training', short, 'of the candidate itself'],
};
// Okabe and Ito's colours: told apart with any kind of colour vision.
const RUNS = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#8a8f98', '#7a5cc0'];
const WITHOUT = { failed: 'x', cancelled: 'square-x', rejected: 'triangle-down' };
const SHARES = [[0, '#4a90c4'], [0.001, '#8fb3c9'], [0.5, '#e0a458'], [1, '#d55e00']];

/** A text as plotly takes it: a part of HTML means something to it. */
export function plain(text) {
    return String(text).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

function hover(point, several) {
    const lines = [
        `<b>candidate ${point.index}</b>${several ? ` of ${plain(point.run.name)}` : ''}`,
        point.accuracy === null ? plain(point.status) : `accuracy ${percent(point.accuracy)}`,
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
        lines.push(plain(point.error.slice(0, 120)));
    }
    return lines.join('<br>');
}

function markers(points, cost, options) {
    return {
        type: 'scatter',
        mode: 'markers',
        x: points.map((point) => point[cost]),
        y: points.map((point) => 100 * point.accuracy),
        customdata: points,
        text: points.map((point) => hover(point, options.several)),
        hovertemplate: '%{text}<extra></extra>',
    };
}

function colours(points, options) {
    if (options.colour === 'run') {
        return { color: points.map((point) => RUNS[point.run.number % RUNS.length]) };
    }
    const bar = { thickness: 10, outlinewidth: 0, len: 0.7, tickfont: { color: colour('soft') } };
    if (options.colour === 'age') {
        const values = points.map((point) => point.age);
        return { color: values, colorscale: 'Viridis', showscale: true, colorbar: { ...bar, title: { text: 'became known as' } } };
    }
    return {
        color: points.map((point) => (point.share === null ? null : 100 * point.share)),
        colorscale: SHARES,
        cmin: 0,
        cmax: 100,
        showscale: true,
        colorbar: { ...bar, title: { text: 'global<br>layers (%)' }, ticksuffix: '%' },
    };
}

/** Traces of all points, of the front, and of the paper's networks. */
export function traces(points, front, references, options) {
    const { cost } = options;
    const drawn = points.filter((point) => point[cost] !== null && !(options.log && point[cost] <= 0));
    const judged = drawn.filter((point) => point.accuracy !== null && point.status === 'ok');
    const partial = drawn.filter((point) => point.accuracy !== null && point.status !== 'ok');
    const size = judged.length > 2000 ? 5 : 8;
    const found = [{
        ...markers(judged, cost, options),
        name: 'candidates',
        showlegend: judged.length > 0 && options.colour !== 'run',
        marker: { size, ...colours(judged, options), line: { width: 0.5, color: colour('ground') } },
    }];
    if (options.colour === 'run') {
        for (const run of options.runs) {
            const marker = { size: 9, color: RUNS[run.number % RUNS.length] };
            found.push({ type: 'scatter', mode: 'markers', x: [null], y: [null], name: plain(run.name), marker });
        }
    }
    found.push({
        ...markers(front, cost, options),
        mode: 'lines+markers',
        name: 'front',
        showlegend: front.length > 0,
        line: { color: colour('ink'), width: 1.5, shape: 'hv' },
        marker: { size: size + 5, symbol: 'circle-open', color: colour('ink'), line: { width: 1.5 } },
    });
    if (partial.length > 0) {
        const marker = { size, symbol: 'diamond-open', color: colour('soft') };
        found.push({ ...markers(partial, cost, options), name: 'trained in part', marker });
    }
    if (options.rest) {
        for (const [status, symbol] of Object.entries(WITHOUT)) {
            const some = drawn.filter((point) => point.status === status);
            if (some.length > 0) {
                const marker = { size: 8, symbol, color: status === 'failed' ? colour('bad') : colour('soft') };
                found.push({ ...markers(some, cost, options), y: some.map(() => 0), yaxis: 'y2', name: status, marker });
            }
        }
    }
    const near = ['macs', 'macs_published'].includes(cost) ? references : [];
    if (options.references && near.length > 0) {
        found.push({
            type: 'scatter',
            mode: 'markers',
            name: 'the paper (test images, published MACs)',
            x: near.map((one) => one.macs_published),
            y: near.map((one) => 100 * one.accuracy),
            text: near.map((one) => `${plain(one.name)} (the paper)<br>test accuracy ${percent(one.accuracy)}<br>` +
                `${count(one.macs_published)} MACs, published count`),
            hovertemplate: '%{text}<extra></extra>',
            marker: { size: 10, symbol: near.map((one) => (one.global ? 'star' : 'star-open')), color: colour('good') },
        });
    }
    return found;
}

function base() {
    return {
        paper_bgcolor: colour('ground'),
        plot_bgcolor: colour('ground'),
        font: { color: colour('ink'), family: 'inherit', size: 13 },
        hoverlabel: { bgcolor: colour('raised'), bordercolor: colour('soft'), font: { color: colour('ink') }, align: 'left' },
        margin: { l: 62, r: 12, t: 14, b: 52 },
    };
}

const axis = (text, more) => ({
    title: { text }, gridcolor: colour('line'), linecolor: colour('soft'), zerolinecolor: colour('line'), automargin: true, ...more,
});

/** The layout of the front; candidates without an accuracy stand in a strip below. */
export function frontLayout(options, strip) {
    const scale = options.log ? 'log' : 'linear';
    return {
        ...base(),
        hovermode: 'closest',
        uirevision: `${options.cost} ${options.log} ${strip}`, // what was zoomed stays so while points come
        xaxis: axis(`← better   ${COSTS[options.cost][0]}`, { type: scale, anchor: strip ? 'y2' : 'y', exponentformat: 'SI' }),
        yaxis: axis('validation accuracy (%)   better →', { domain: [strip ? 0.12 : 0, 1] }),
        yaxis2: { domain: [0, strip ? 0.07 : 0.001], visible: false, fixedrange: true, range: [-1, 1] },
        legend: { orientation: 'h', y: 1.02, yanchor: 'bottom', x: 0 },
        showlegend: true,
    };
}

/** Trace and layout of the hypervolume over candidates. */
export function volumePicture(steps, cost) {
    const trace = {
        type: 'scatter',
        mode: steps.length > 60 ? 'lines' : 'lines+markers',
        x: steps.map(([many]) => many),
        y: steps.map(([, share]) => 100 * share),
        line: { shape: 'hv', color: colour('link') },
        hovertemplate: 'after %{x} candidates: %{y:.2f}%<extra></extra>',
    };
    const layout = {
        ...base(),
        showlegend: false,
        xaxis: axis('candidates', { rangemode: 'tozero' }),
        yaxis: axis(`hypervolume (%), of ${COSTS[cost][0]}`, { rangemode: 'tozero' }),
    };
    return { trace, layout };
}

export const CONFIG = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ['select2d', 'lasso2d', 'toImage'] };
