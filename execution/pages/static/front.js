// The page Front: accuracy against what it costs, live.
import { address, ask, complain, count, make, percent, poll, say, short } from './pages.js';
import { Chart } from './chart.js';
import { colours, COSTS, frontPicture, linePicture } from './front_chart.js';
import { frontPoints, hypervolumes } from './front_points.js';

const POLL_SECONDS = 3;
const query = new URLSearchParams(location.search);
const asked = query.getAll('run');
const runs = new Map(); // by key
let references = [];
let points = [];
let changed = true;
let listed = ''; // what the table shows

const main = document.getElementById('main');
const control = (name, choices) => {
    const select = make('select', { name, id: name, change: choose }, ...choices.map(([value, text]) => make('option', { value }, text)));
    return select;
};
const tick = (name, on) => {
    const box = make('input', { type: 'checkbox', name, id: name, change: choose });
    box.checked = query.has(name) ? query.get(name) === '1' : on;
    return box;
};
const cost = control('cost', Object.entries(COSTS));
const hue = control('colour', [['share', 'share of global layers'], ['age', 'age'], ['run', 'run']]);
const log = tick('log', true);
const rest = tick('rest', true);
const paper = tick('paper', true);
cost.value = query.get('cost') in COSTS ? query.get('cost') : 'macs';
hue.value = ['share', 'age', 'run'].includes(query.get('colour')) ? query.get('colour') : 'share';
const number = make('input', { type: 'number', min: 0, step: 1, size: 5, id: 'candidate', style: 'width:6rem' });
const report = make('a', { id: 'report', href: address('documents/report', { run: asked }) }, 'Report');
const go = make('form', { class: 'bar', submit: openNumber },
    make('label', { for: 'candidate' }, 'Candidate ', number), make('button', { type: 'submit' }, 'Open'));
const paperLabel = make('label', {}, paper, 'the paper’s networks');
const summary = make('p', { id: 'summary', 'aria-live': 'off' }, 'Reading the candidates …');
const chart = make('div', { class: 'framed tall', id: 'chart' });
const volume = make('div', { class: 'framed tall', id: 'volume' });
const frontChart = new Chart(chart, {
    colours, choose: (point) => location.assign(architecture(point)), label: 'The front. Arrow keys go along it, Enter opens a candidate.',
});
const volumeChart = new Chart(volume, { colours, label: 'Hypervolume over candidates. Arrow keys go along it.' });
const table = make('div', { class: 'wide', id: 'table' });
main.append(
    summary,
    make('div', { class: 'bar' },
        make('label', { for: 'cost' }, 'Against ', cost),
        make('label', {}, log, 'logarithmic'),
        make('label', { for: 'colour' }, 'Colour ', hue),
        make('label', {}, rest, 'without accuracy too'),
        paperLabel, go, report),
    make('div', { class: 'beside' }, chart, volume),
    make('h2', {}, 'The front'),
    table,
);

const options = () => ({
    cost: cost.value, log: log.checked, colour: hue.value, rest: rest.checked, references: paper.checked,
    several: runs.size > 1, runs: [...runs.values()],
});

function choose() {
    const kept = new URLSearchParams(asked.map((key) => ['run', key]));
    for (const [name, value] of [['cost', cost.value], ['colour', hue.value]]) {
        kept.set(name, value);
    }
    for (const box of [log, rest, paper]) {
        kept.set(box.name, box.checked ? '1' : '0');
    }
    history.replaceState(null, '', `?${kept}`);
    changed = true;
    draw();
}

function architecture(point) {
    return address('architecture', { run: point.run.key, candidate: point.index });
}

function openNumber(event) {
    event.preventDefault();
    const found = points.find((point) => String(point.index) === number.value);
    if (found === undefined) {
        say(`There is no candidate ${number.value} yet.`, 'bad');
    } else {
        location.assign(architecture(found));
    }
}

async function look() {
    const known = await ask('front-runs', { run: asked });
    references = known.references;
    for (const facts of known.runs) {
        const run = runs.get(facts.key) ?? { points: [], next: 0, lines: 0, damagedLines: [], number: runs.size };
        runs.set(facts.key, Object.assign(run, facts));
    }
    for (const run of runs.values()) {
        await gain(run);
    }
    if (changed) {
        const many = runs.size;
        points = [...runs.values()].flatMap((run) => run.points);
        if (many > 1) {
            points.sort((a, b) => a.age - b.age);
        }
    }
    draw();
}

async function gain(run) {
    let found;
    do {
        found = await ask('front-candidates', { run: run.key, from: run.next });
        if (found.again) {
            Object.assign(run, { points: [], lines: 0, damagedLines: [] });
            changed = true;
        }
        for (const row of found.rows) {
            const point = Object.fromEntries(found.columns.map((name, place) => [name, row[place]]));
            run.points.push(Object.assign(point, { run, age: run.points.length + 1 }));
            changed = true;
        }
        run.damagedLines.push(...found.damaged.map((number) => run.lines + number));
        run.lines += found.lines;
        run.next = found.next;
    } while (found.more);
}

function draw() {
    tell();
    if (!changed) {
        return;
    }
    changed = false;
    const chosen = options();
    const front = frontPoints(points, chosen.cost);
    paperLabel.hidden = references.length === 0;
    frontChart.draw(frontPicture(points, front, references, chosen));
    const steps = hypervolumes(points, chosen.cost);
    const shares = steps.map(([, share]) => 100 * share);
    volumeChart.draw(linePicture(steps.map(([many]) => many), shares, true, ['candidates', `hypervolume (%), of ${COSTS[chosen.cost]}`],
        (place) => [`after ${count(steps[place][0])} candidates`, `${shares[place].toFixed(2)}%`]));
    list(front, steps);
    Promise.all([frontChart.ready, volumeChart.ready]).then(() => performance.mark('front'));
}

function tell() {
    const of = (status) => points.filter((point) => point.status === status).length;
    const words = [...runs.values()].map((run) => run.trials).every((trials) => trials !== null)
        ? `${count(points.length)} of ${count(Math.max(points.length, [...runs.values()].reduce((sum, run) => sum + run.trials, 0)))} candidates`
        : `${count(points.length)} candidates`;
    const parts = [words];
    for (const status of ['failed', 'cancelled', 'rejected', 'partial']) {
        if (of(status) > 0) {
            parts.push(`${of(status)} ${{ partial: 'trained in part', rejected: 'above a budget' }[status] ?? status}`);
        }
    }
    const judged = points.filter((point) => point.status === 'ok' && point.accuracy !== null);
    const best = judged.reduce((one, point) => (one === null || point.accuracy > one.accuracy ? point : one), null);
    parts.push(best === null ? 'none has an accuracy' : `best ${percent(best.accuracy)}, candidate ${best.index}`);
    parts.push(...[...runs.values()].filter((run) => run.damagedLines.length > 0).map(damage));
    parts.push(...[...runs.values()].filter((run) => run.damaged !== null).map((run) => run.damaged));
    if (runs.size === 0) {
        parts.splice(0, parts.length, 'No search has begun');
    }
    parts.push(...[...runs.values()].filter((run) => run.work !== null).map((run) => `${run.work}${runs.size > 1 ? ` (${run.name})` : ''}`));
    const active = [...runs.values()].some((run) => run.running);
    const text = `${parts.join('; ')}. ${active ? 'More come while the search runs.' : 'Nothing runs now.'}`;
    if (summary.textContent !== text) {
        summary.textContent = text;
    }
}

function damage({ name, damagedLines: lines }) {
    const some = lines.slice(0, 5).join(', ') + (lines.length > 5 ? ` and ${lines.length - 5} more` : '');
    const [word, are] = lines.length === 1 ? ['line', 'is'] : ['lines', 'are'];
    return `${word} ${some} of candidates.jsonl${runs.size > 1 ? ` of ${name}` : ''} ${are} damaged and left out`;
}

function list(front, steps) {
    const chosen = options();
    const several = runs.size > 1;
    const timed = front.some((point) => point.latency !== null);
    const heads = ['candidate', ...(several ? ['run'] : []), 'accuracy', 'MACs', 'params', ...(timed ? ['latency (ms)'] : []), 'seconds', 'global layers'];
    const cell = (text) => make('td', { class: 'number' }, text);
    const rows = front.map((point) => make('tr', {},
        make('td', {}, make('a', { href: architecture(point) }, String(point.index))),
        several ? make('td', {}, point.run.name) : null,
        cell(percent(point.accuracy)), cell(count(point.macs)), cell(count(point.params)), timed ? cell(short(point.latency)) : null,
        cell(short(point.seconds, 3)), cell(percent(point.share, 0))));
    const volumeText = steps.length === 0 ? '' : ` Its hypervolume is ${percent(steps.at(-1)[1])} of the rectangle from accuracy 0 to 1 ` +
        `and up to a tenth above the largest ${COSTS[chosen.cost]} measured.`;
    const now = JSON.stringify([chosen.cost, several, volumeText, front.map(({ run, index }) => [run.key, index])]);
    if (now === listed) {
        return; // the keyboard's place stays
    }
    listed = now;
    table.replaceChildren(
        make('p', { class: 'soft' }, front.length === 0
            ? 'No candidate has an accuracy yet.'
            : `No other candidate is more accurate for less or equal ${COSTS[chosen.cost]}.${volumeText}`),
        front.length === 0 ? '' : make('table', {},
            make('thead', {}, make('tr', {}, ...heads.map((text) => make('th', { scope: 'col', class: text === 'candidate' ? '' : 'number' }, text)))),
            make('tbody', {}, ...rows)),
    );
}

window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    changed = true;
    draw();
});
poll(POLL_SECONDS, look);
