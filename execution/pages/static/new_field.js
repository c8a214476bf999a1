// A field of the form of a new search: its label, its input, what it is, and what is wrong with it.
import { make } from './pages.js';

let number = 0;

/** Made of what execution/launching/form.py describes; `changed` is called when its value changes. */
export class Field {
    constructor(described, changed) {
        this.described = described;
        this.name = described.name;
        this.id = `field-${number += 1}`;
        this.input = this.makeInput();
        this.input.addEventListener('input', changed);
        this.error = make('span', { id: `${this.id}-error`, class: 'bad error', hidden: true });
        const { unit, label, used, help } = described;
        const counted = !unit || unit === label ? null : make('span', { class: 'soft' }, ` [${unit}]`);
        const open = used === null || this.emptyText() !== '' ? '' : `; when left open: ${used}`;
        this.element = make('div', { class: 'field', 'data-name': this.name },
            make('label', { for: this.id }, label, counted), this.input,
            make('span', { id: `${this.id}-help`, class: 'soft help' }, `${help}${open}`), this.error);
    }

    makeInput() {
        const { choices, open, default: first, number: isNumber } = this.described;
        const common = { id: this.id, name: this.name, 'aria-describedby': `${this.id}-help ${this.id}-error` };
        if (choices !== null && !open) {
            const empty = first === '' ? [make('option', { value: '' }, this.emptyText() || '(left open)')] : [];
            const input = make('select', common,
                ...empty, ...choices.map((choice) => make('option', { value: choice }, choice)));
            input.value = first;
            return input;
        }
        const list = choices === null ? null : `${this.id}-list`;
        const input = make('input', {
            ...common, type: 'text', list, spellcheck: 'false', placeholder: this.emptyText(),
            inputmode: isNumber ? 'text' : null, maxlength: '4096',
        });
        input.value = first;
        if (choices !== null) {
            const known = make('datalist', { id: list }, ...choices.map((choice) => make('option', { value: choice })));
            queueMicrotask(() => input.after(known));
        }
        return input;
    }

    emptyText() {
        const { used } = this.described;
        return used === null || used.length > 40 ? '' : used;
    }

    get value() {
        return this.input.value;
    }

    get shown() {
        return !this.element.hidden;
    }

    /** Shows it if it goes with the chosen space and strategy. */
    showFor({ space, strategy }) {
        const { spaces, strategies } = this.described;
        const goes = (having, one) => having === null || having.includes(one);
        this.element.hidden = !(goes(spaces, space) && goes(strategies, strategy));
    }

    /** Takes its value out of those of a run, which has none for what it left open and what its strategy has not. */
    fill(texts) {
        const { choices, open, default: first } = this.described;
        const value = texts[this.name] ?? first;
        if (choices !== null && !open && value !== '' && !choices.includes(value)) {
            return; // of an earlier version, say: the default stays
        }
        this.input.value = value;
    }

    complain(line) {
        this.error.textContent = line;
        this.error.hidden = line === '';
        this.input.setAttribute('aria-invalid', String(line !== ''));
    }

    focus() {
        this.element.closest('details')?.setAttribute('open', '');
        this.input.focus();
    }
}
