// What all pages of our own share: data, elements, messages, numbers. See execution/pages/__init__.py.

/** The key of the run whose portal this is. */
export const OWN = document.body.dataset.own;

/** An element; attributes that are functions are listeners, children that are text become text, never HTML. */
export function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (typeof value === 'function') {
            element.addEventListener(name, value);
        } else if (value === true) {
            element.setAttribute(name, '');
        } else if (value !== false && value !== null && value !== undefined) {
            element.setAttribute(name, value);
        }
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return element;
}

/** The address of a page or of data; values that are lists are named several times, null ones not at all. */
export function address(path, values = {}) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(values)) {
        for (const each of Array.isArray(value) ? value : [value]) {
            if (each !== null && each !== undefined) {
                query.append(name, each);
            }
        }
    }
    const text = query.toString();
    return `/pages/${path}${text === '' ? '' : `?${text}`}`;
}

const FAILED = 'The portal could not answer; pages.log, beside the log of NNI in the run folder, says why.';

async function answered(response) {
    const text = await response.text();
    let found;
    try {
        found = JSON.parse(text);
    } catch {
        throw new Error(response.status === 500 ? FAILED : text.trim() || `the portal answers ${response.status}`);
    }
    if (!response.ok) {
        throw new Error(found.error ?? `the portal answers ${response.status}`);
    }
    return found;
}

/** Data by name; throws an Error of one line. */
export async function ask(name, values = {}) {
    return answered(await fetch(address(`data/${name}`, values)));
}

/** Sends an object to what acts by that name; throws an Error of one line. */
export async function send(name, body) {
    const headers = { 'Content-Type': 'application/json' };
    return answered(await fetch(address(`data/${name}`), { method: 'POST', headers, body: JSON.stringify(body) }));
}

const line = document.getElementById('message');

/** Shows a message below the navigation; an empty one takes it away. */
export function say(text, kind = '') {
    line.textContent = text;
    line.className = kind;
    line.hidden = text === '';
}

/** Shows an error there. */
export function complain(error) {
    const gone = error instanceof TypeError; // as fetch says that nobody answers
    say(gone ? 'The portal does not answer; the search may have ended.' : error.message, 'bad');
}

/**
 * Calls `act` now and every so many seconds while the page is seen, one at a time, and of what takes long less often; an
 * error is shown, and it goes on.
 */
export function poll(seconds, act) {
    let failed = false;
    const again = async () => {
        const begun = performance.now();
        if (!document.hidden) {
            try {
                await act();
                if (failed) {
                    say('');
                }
                failed = false;
            } catch (error) {
                failed = true;
                complain(error);
            }
        }
        setTimeout(again, Math.max(1000 * seconds, 4 * (performance.now() - begun)));
    };
    return again();
}

/** Copies a text, also where the browser gives pages without TLS no clipboard. */
export async function copy(text) {
    try {
        await navigator.clipboard.writeText(text);
    } catch {
        const area = make('textarea', { 'aria-hidden': 'true' });
        area.value = text;
        document.body.append(area);
        area.select();
        document.execCommand('copy');
        area.remove();
    }
    say(`Copied: ${text}`);
}

/** A colour of the style sheet, such as `colour('ink')`. */
export function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** A count as tables show it: 1,234,567; of what is not known a dash. */
export function count(value) {
    return value === null || value === undefined ? '–' : Math.round(value).toLocaleString('en');
}

/** A share in [0, 1] as per cent. */
export function percent(value, digits = 2) {
    return value === null || value === undefined ? '–' : `${(100 * value).toFixed(digits)}%`;
}

/** A number to so many significant digits. */
export function short(value, digits = 4) {
    return value === null || value === undefined ? '–' : Number(value.toPrecision(digits)).toLocaleString('en');
}
