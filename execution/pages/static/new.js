// The page New search: the form, checked as one types, with an estimate before it is submitted.
import { address, ask, complain, make, say, send } from './pages.js';
import { Field } from './new_field.js';

const CHECK_MILLISECONDS = 400; // after the last key
const query = new URLSearchParams(location.search);
const main = document.getElementById('main');
const fields = [];
const estimate = make('ul', { id: 'estimate', 'aria-live': 'polite' });
const submit = make('button', { type: 'submit', class: 'main', id: 'launch' }, 'Start the search');
let asked = 0; // the number of the latest check
let timer = null;

function byName(name) {
    return fields.filter((field) => field.name === name);
}

function chosen() {
    return { space: byName('space')[0].value, strategy: byName('strategy')[0].value };
}

/** The texts of what is shown; what is as it was at first is named too, so that what is seen is what runs. */
function texts() {
    return Object.fromEntries(fields.filter((field) => field.shown).map((field) => [field.name, field.value]));
}

function showChosen() {
    fields.forEach((field) => field.showFor(chosen()));
    document.getElementById('about').textContent = described.strategies[chosen().strategy] ?? '';
    document.querySelectorAll('#form fieldset').forEach((part) => {
        part.hidden = part.querySelector('.field:not([hidden])') === null;
    });
}

function showErrors(errors) {
    fields.forEach((field) => field.complain(field.shown ? errors[field.name] ?? '' : ''));
    const shown = new Set(fields.filter((field) => field.shown).map((field) => field.name));
    const others = Object.entries(errors).filter(([name]) => !shown.has(name)).map(([, line]) => line);
    const whole = document.getElementById('whole');
    whole.textContent = others.join(' ');
    whole.hidden = others.length === 0;
    const count = Object.keys(errors).length;
    submit.disabled = count > 0;
    document.getElementById('verdict').textContent = count === 0 ? '' : `${count === 1 ? 'One value is' : `${count} values are`} wrong`;
    for (const field of fields.filter((each) => each.shown && errors[each.name])) {
        const folded = field.element.closest('details');
        if (folded !== null) {
            folded.open = true;
        }
    }
}

function showEstimate(lines) {
    estimate.replaceChildren(...lines.map((line) => make('li', {}, line)));
}

async function check() {
    const number = (asked += 1);
    const body = { texts: texts() };
    try {
        const { errors } = await send('check', body);
        if (number !== asked) {
            return; // something was typed since
        }
        showErrors(errors);
        if (Object.keys(errors).length > 0) {
            showEstimate(['Nothing can be told of it while a value is wrong']);
            return;
        }
        showEstimate(['Counting …']);
        const { lines } = await send('estimate', body);
        if (number === asked) {
            showEstimate(lines);
        }
    } catch (error) {
        complain(error);
    }
}

function changed() {
    showChosen();
    clearTimeout(timer);
    timer = setTimeout(check, CHECK_MILLISECONDS);
}

async function launch(event) {
    event.preventDefault();
    clearTimeout(timer);
    asked += 1;
    submit.disabled = true;
    say('Starting …');
    try {
        const waits = document.getElementById('waits')?.checked ?? false;
        const { errors, key, said } = await send('launch', { texts: texts(), waits });
        if (Object.keys(errors).length > 0) {
            showErrors(errors);
            say('');
            (fields.find((field) => errors[field.name]) ?? fields[0]).focus();
            return;
        }
        sessionStorage.setItem('said', said);
        location.assign(address('searches', { new: key }));
    } catch (error) {
        complain(error);
        submit.disabled = false;
    }
}

function section({ title, folded, fields: own }) {
    const made = own.map((field) => new Field(field, changed));
    fields.push(...made);
    const inside = make('div', { class: 'fields' }, ...made.map((field) => field.element));
    const note = own.some(({ name }) => name === 'strategy') ? make('p', { id: 'about', class: 'soft' }) : null;
    if (folded) {
        return make('fieldset', {}, make('details', {}, make('summary', {}, title), inside));
    }
    return make('fieldset', {}, make('legend', {}, title), note, inside);
}

/** Where the search begins: in the hub, or as a process of its own, at once or later. */
function place({ hub, beside, folder }) {
    if (hub !== null) {
        return make('p', {}, `It becomes a row of this hub (${hub}), and waits there while as many searches run as the hub has places.`);
    }
    const where = make('p', {}, `It gets a run folder of its own in ${folder}, and a portal of its own.`);
    if (beside === null) {
        return where;
    }
    const option = (id, checked, text) => make('label', { for: id },
        make('input', { type: 'radio', name: 'when', id, checked }), ` ${text}`);
    return make('div', {}, where, make('div', { class: 'bar', role: 'radiogroup', 'aria-label': 'When it starts' },
        option('waits', true, `when ${beside} has ended`), option('at-once', false, `at once, beside ${beside}, which slows both`)));
}

async function prefill() {
    if (query.get('run') === null) {
        return;
    }
    const { texts: given, note } = await ask('prefill', { run: query.get('run'), candidate: query.get('candidate') });
    fields.forEach((field) => field.fill(given));
    main.querySelector('h1').after(make('p', { id: 'as', class: 'soft' }, note));
}

say('Looking up what can be set …');
const described = await ask('form').catch((error) => {
    complain(error);
    throw error;
});
say('');
main.append(make('form', { id: 'form', submit: launch, novalidate: true, autocomplete: 'off' },
    ...described.sections.map(section),
    make('section', { class: 'summary' },
        make('h2', {}, 'What it will come to'), estimate, place(described),
        make('p', { id: 'whole', class: 'bad', role: 'alert', hidden: true }),
        make('div', { class: 'bar' }, submit, make('span', { id: 'verdict', class: 'bad', role: 'status' })))));
await prefill().catch(complain);
showChosen();
await check();
