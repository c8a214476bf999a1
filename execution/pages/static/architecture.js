// The page Architecture: one candidate.
import { Chart } from './chart.js';
import { colours, linePicture } from './front_chart.js';
import { address, ask, complain, copy, count, make, percent, say, send, short } from './pages.js';

const query = new URLSearchParams(location.search);
const run = query.get('run');
const candidate = Number(query.get('candidate') ?? 0);
const main = document.getElementById('main');
const title = main.querySelector('h1');
const name = run ?? document.body.dataset.own;
title.textContent = `Candidate ${candidate} of ${name}`;
document.title = `${title.textContent} · Architecture`;

function section(text, ...children) {
    const part = make('section', {}, make('h2', {}, text), ...children);
    main.append(part);
    return part;
}

function facts(found) {
    const { facts: known } = found;
    const pairs = [
        ['accuracy', known.accuracy === null ? '–' : `${percent(known.accuracy)} of the validation images${known.status === 'ok' ? '' : `, ${known.status}`}`],
        ['MACs', `${count(known.macs)} (${count(known.macs_published)} by the published count)`],
        ['params', count(known.params)],
        ['latency', known.latency === null ? null : `${short(known.latency)} ms`],
        ['seconds', `${short(known.seconds, 3)}, seed ${known.seed ?? '–'}`],
        ['global layers', known.share === null ? null : `at ${percent(known.share, 0)} of its places`],
        ['genotype', found.key],
        ['trial', known.trial],
        ['measured', known.time],
    ].filter(([, value]) => value !== null);
    const table = make('table', { id: 'facts' }, make('tbody', {},
        ...pairs.map(([head, value]) => make('tr', {}, make('th', { scope: 'row' }, head), make('td', {}, value)))));
    const notes = [];
    if (known.status !== 'ok') {
        notes.push(make('p', { class: known.status === 'failed' ? 'bad' : 'soft', id: 'status' },
            `${known.status}${known.error === null ? '' : `: ${known.error}`}`));
    }
    if (found.unreadable !== null) {
        notes.push(make('p', { class: 'bad' }, found.unreadable));
    }
    main.append(...notes, table);
}

function actions(found) {
    const bar = make('div', { class: 'bar', id: 'actions' });
    const { commands } = found;
    if (commands.export !== undefined) {
        const button = make('button', { type: 'button', class: 'main', id: 'export' }, 'Export');
        const said = make('div', { id: 'exported', role: 'status' });
        button.addEventListener('click', () => exportIt(button, said));
        bar.append(button,
            make('button', { type: 'button', id: 'copy-export', click: () => copy(commands.export).catch(complain) }, 'Copy the export command'),
            make('button', { type: 'button', id: 'copy-train', click: () => copy(commands.train).catch(complain) }, 'Copy the training command'));
        main.append(bar, said);
    } else {
        main.append(bar);
    }
    bar.append(...start(), make('a', { href: address('front', { run }) }, 'Back to the front'),
        make('a', { id: 'report', href: address('documents/report', { run }) }, 'Report of the run'));
}

// The page New search is another's; where there is none, nothing leads to it.
function start() {
    const there = document.querySelector('nav a[href="/pages/new"]') !== null;
    const link = () => make('a', { id: 'start', href: address('new', { run: name, candidate }) }, 'Start a search from this run');
    return there ? [link()] : [];
}

async function exportIt(button, said) {
    button.disabled = true;
    said.replaceChildren(make('p', { class: 'soft' }, 'Exporting; it takes some seconds …'));
    try {
        const made = await send('export', { run: name, candidate });
        said.replaceChildren(
            make('p', { class: 'good' }, `Exported to ${made.folder}: ${made.files.join(', ')}`),
            make('pre', {}, made.said),
            make('button', { type: 'button', click: () => copy(made.folder).catch(complain) }, 'Copy the folder’s path'));
        say('');
    } catch (error) {
        said.replaceChildren(make('p', { class: 'bad' }, error.message));
    }
    button.disabled = false;
}

function drawing(found) {
    const words = found.holds.map(({ name: operation, count: times, global }) =>
        make('li', { class: global ? 'global' : '' }, `${times} × ${operation}`));
    const list = make('ul', { class: 'holds', 'aria-label': 'Operations and how often each stands in it' }, ...words);
    const picture = found.drawing === null ? null
        : make('div', { class: 'wide' }, make('img', { id: 'drawing', class: 'drawing', src: found.drawing, alt: 'The cells, as the list below says; global layers are orange' }));
    section('What it is made of', picture, list);
}

async function cost() {
    const part = section('What its parts cost', make('p', { class: 'soft', id: 'counting' }, 'Counting …'));
    try {
        const parts = await ask('architecture-cost', { run, candidate });
        const total = Math.max(1, parts.reduce((sum, one) => sum + one.macs, 0));
        const cell = (text) => make('td', { class: 'number' }, text);
        part.lastChild.replaceWith(
            make('p', { class: 'soft' }, 'MACs of one image. Orange: its global layers, with what makes their coefficients.'),
            make('div', { class: 'wide' }, make('table', { id: 'parts' },
                make('thead', {}, make('tr', {}, ...['part', '', 'MACs', 'share', 'of global layers', 'params'].map((text) => make('th', { scope: 'col' }, text)))),
                make('tbody', {}, ...parts.map((one) => make('tr', {},
                    make('td', {}, `${one.name} `, make('span', { class: 'soft' }, one.kind)),
                    make('td', {}, bar(one, total)),
                    cell(count(one.macs)), cell(percent(one.macs / total, 1)), cell(count(one.global_macs)), cell(count(one.params))))))));
    } catch (error) {
        part.lastChild.replaceWith(make('p', { class: 'soft' }, error.message));
    }
}

function bar(one, total) {
    const width = (macs) => `width:${((12 * macs) / total).toFixed(2)}rem`;
    return make('span', { class: 'cost', 'aria-hidden': 'true' },
        make('span', { class: 'of-global', style: width(one.global_macs) }),
        make('span', { class: 'of-others', style: width(one.macs - one.global_macs) }));
}

function curve(found) {
    if (found.history.length === 0) {
        section('How it learned', make('p', { class: 'soft' }, 'No epoch was recorded.'));
        return;
    }
    const place = make('div', { class: 'framed low', id: 'curve' });
    section('How it learned', place);
    const accuracies = found.history.map((value) => (value === null ? null : 100 * value));
    const label = `Validation accuracy over ${found.history.length} epochs, ${percent(found.history.at(-1))} after the last. Arrow keys go along it.`;
    new Chart(place, { colours, label }).draw(linePicture(accuracies.map((_, epoch) => epoch + 1), accuracies, false,
        ['epoch', 'validation accuracy (%)'], (epoch) => [`epoch ${epoch + 1}`, percent(found.history[epoch])]));
}

async function show() {
    const found = await ask('architecture', { run, candidate });
    facts(found);
    actions(found);
    drawing(found);
    await cost();
    curve(found);
    const text = JSON.stringify(found.genotype, null, 1);
    section('Genotype', make('button', { type: 'button', id: 'copy-genotype', click: () => copy(text).catch(complain) }, 'Copy'),
        make('pre', { tabindex: 0, id: 'genotype' }, text));
}

show().catch(complain);
