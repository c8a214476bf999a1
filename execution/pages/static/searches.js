// The page Searches: the runs beside the portal's own, live; stopped, resumed, compared.
import { address, ask, complain, count, make, percent, poll, say, send } from './pages.js';

const SECONDS = 2;
const MOST = 200; // rows, but for those at work, until all are asked for
const main = document.getElementById('main');
const awaited = new URLSearchParams(location.search).get('new');
const ticked = new Set();
const body = make('tbody', { id: 'searches' });
const compareButton = make('button', { type: 'button', id: 'compare', disabled: true, click: () => compare().catch(complain) }, 'Compare the ticked ones');
const comparison = make('section', { id: 'comparison', 'aria-live': 'polite' });
let rows = new Map(); // elements by key, with the JSON that they show
const busy = new Set(); // keys of which something was just asked

function duration(seconds) {
    if (seconds === null) {
        return '–';
    }
    if (seconds < 120) {
        return `${Math.round(seconds)} s`;
    }
    return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function progress(row) {
    if (row.total === null) {
        return '–';
    }
    const bar = make('progress', { max: row.total, value: row.done, 'aria-label': `progress of ${row.key}` });
    const supernet = row.supernet === null ? '' : `, ${count(row.supernet)} epochs of the supernet`;
    const work = row.work === null ? null : make('div', { class: 'work' }, row.work);
    return [bar, ` ${count(row.done)} of ${count(row.total)}${supernet}`, work];
}

function state(row) {
    const error = row.error === null ? null : make('div', { class: 'bad' }, row.error);
    return [make('span', { title: row.where ?? '' }, row.state === 'waiting' && row.where !== null ? `waiting ${row.where}` : row.state), error];
}

async function act(name, row) {
    busy.add(row.key);
    say(`${row.key}: ${name === 'stop' ? 'stopping' : 'asked'} …`);
    show(latest);
    try {
        say((await send(name, { run: row.key, launch: row.launch, hub: row.hub })).said);
    } catch (error) {
        complain(error);
    } finally {
        busy.delete(row.key);
    }
    await refresh();
}

function buttons(row) {
    const disabled = busy.has(row.key);
    const button = (name, word) => make('button', {
        type: 'button', disabled, 'data-act': name, 'aria-label': `${word} ${row.key}`, click: () => act(name, row).catch(complain),
    }, word);
    return [
        row.can.stop ? button('stop', ['waiting', 'starting'].includes(row.state) ? 'take back' : 'stop') : null,
        row.can.resume ? button('resume', 'resume') : null,
        row.launch !== null && row.error !== null ? button('forget', 'take off the list') : null,
        row.can.look ? make('a', { href: address('new', { run: row.key }) }, 'again') : null,
        row.can.compare ? make('a', { href: address('documents/report', { run: row.key }), 'aria-label': `report of ${row.key}` }, 'report') : null,
    ].filter((each) => each !== null).flatMap((each) => [each, ' ']);
}

function tick(row) {
    if (!row.can.compare) {
        return null;
    }
    return make('input', {
        type: 'checkbox', 'aria-label': `compare ${row.key}`, checked: ticked.has(row.key),
        change: (event) => {
            ticked[event.target.checked ? 'add' : 'delete'](row.key);
            compareButton.disabled = ticked.size === 0;
        },
    });
}

function element(row, own) {
    const name = row.can.look ? make('a', { href: address('front', { run: row.key }) }, row.key) : row.key;
    const portal = row.address === null ? null : make('a', { href: row.address }, row.address.split('?')[0]);
    const cells = [
        [tick(row)], [name, row.key === own ? make('span', { class: 'soft' }, ' (this portal)') : null], [row.kind],
        state(row), [progress(row)].flat(), [duration(row.seconds_left)], [percent(row.best)], [portal], buttons(row),
    ];
    const numbers = new Set([5, 6]);
    return make('tr', { 'data-run': row.key, class: row.key === awaited ? 'new' : null },
        ...cells.map((cell, index) => make('td', { class: numbers.has(index) ? 'number' : null }, ...cell)));
}

let latest = { rows: [], own: '' };
let all = false;
const older = make('p', { class: 'soft', hidden: true }, make('span', {}), ' ',
    make('button', { type: 'button', id: 'all', click: () => { all = true; show(latest); } }, 'Show all'));

/** The latest ones, those that can be stopped, and those that are ticked or awaited. */
function listed(found) {
    const first = all ? 0 : found.rows.length - MOST;
    return found.rows.filter((row, place) => place >= first || row.can.stop || ticked.has(row.key) || [awaited, found.own].includes(row.key));
}

/** Only what has changed is made anew, so that the keyboard's place stays. */
function show(found) {
    latest = found;
    const before = rows;
    rows = new Map();
    const some = listed(found);
    older.hidden = some.length === found.rows.length;
    older.firstChild.textContent = `${count(found.rows.length - some.length)} earlier ones are not shown.`;
    for (const row of some) {
        const shown = JSON.stringify([row, busy.has(row.key)]);
        const known = before.get(row.key);
        rows.set(row.key, known?.shown === shown ? known : { shown, element: replaced(known, row, found.own) });
    }
    const order = [...rows.values()].map((each) => each.element);
    if (order.length !== body.children.length || order.some((each, index) => body.children[index] !== each)) {
        const held = document.activeElement;
        body.replaceChildren(...order);
        if (body.contains(held)) {
            held.focus();
        }
    }
    document.getElementById('none').hidden = found.rows.length > 0;
}

/** A row made anew, in the place of the former one; the keyboard stays at what is called the same. */
function replaced(known, row, own) {
    const made = element(row, own);
    if (known !== undefined) {
        const label = known.element.contains(document.activeElement) ? document.activeElement.getAttribute('aria-label') : null;
        known.element.replaceWith(made);
        if (label !== null) {
            [...made.querySelectorAll('[aria-label]')].find((each) => each.getAttribute('aria-label') === label)?.focus();
        }
    }
    return made;
}

/** Leads to the page of the search that was just started, once it has begun. */
function follow(found) {
    const row = awaited === null ? undefined : found.rows.find((each) => each.key === awaited);
    if (row !== undefined && row.can.look && row.state === 'running') {
        location.replace(address('front', { run: awaited }));
    } else if (row !== undefined && row.error !== null) {
        say(`${row.key}: ${row.error}`, 'bad');
    }
}

async function refresh() {
    const found = await ask('searches');
    show(found);
    follow(found);
}

async function compare() {
    const keys = latest.rows.map((row) => row.key).filter((key) => ticked.has(key));
    compareButton.disabled = true;
    comparison.replaceChildren(make('p', { class: 'soft' }, 'Drawing …'));
    try {
        const found = await ask('comparison', { run: keys });
        comparison.replaceChildren(
            make('h2', {}, keys.length === 1 ? `The front of ${keys[0]}` : `The common front of ${keys.length} runs`),
            make('div', { class: 'wide' }, make('img', { class: 'drawing', src: found.picture, alt: 'accuracy against MACs, the table below has the front' })),
            make('pre', { tabindex: '0' }, found.table),
            make('p', { class: 'soft' }, 'To keep it: ', make('code', {}, found.command)));
        comparison.scrollIntoView();
    } catch (error) {
        comparison.replaceChildren(make('p', { class: 'bad', role: 'alert' }, error.message));
    } finally {
        compareButton.disabled = ticked.size === 0;
    }
}

const heads = ['', 'run', 'kind', 'state', 'progress', 'time left', 'best', 'portal', ''];
main.append(
    make('div', { class: 'bar' }, make('a', { href: address('new') }, 'New search'), compareButton),
    make('div', { class: 'wide' }, make('table', {},
        make('thead', {}, make('tr', {}, ...heads.map((head) => make('th', { scope: 'col' }, head)))), body)),
    make('p', { id: 'none', class: 'soft', hidden: true }, 'There is no run here yet.'), older, comparison);
const said = sessionStorage.getItem('said');
if (said !== null && awaited !== null) {
    sessionStorage.removeItem('said');
    say(said);
}
poll(SECONDS, refresh);
