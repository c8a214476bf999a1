// In the page of NNI's portal: links to our own pages (execution/pages), and what NNI's overview lacks: how far a
// one-shot search is, which is one trial until its end, its accuracy over epochs, and what comes before a first candidate.
'use strict';

(() => {
    const POLL_MILLISECONDS = 5000;
    const STYLE = `
        #own-pages { position: fixed; z-index: 2000; top: 12px; left: 310px; display: flex; gap: 4px; font: 14px "Segoe UI", sans-serif; }
        #own-pages a { color: #0071bc; background: #fff; border: 1px solid #c8c8c8; border-radius: 3px; padding: 5px 12px; text-decoration: none; }
        #own-pages a:hover, #own-pages a:focus-visible { background: #0071bc; color: #fff; }
        #own-progress { position: fixed; z-index: 2000; right: 16px; bottom: 12px; width: 330px; background: #fff; color: #333;
            border: 1px solid #c8c8c8; border-radius: 3px; padding: 8px 12px; font: 13px "Segoe UI", sans-serif; }
        #own-progress svg { display: block; width: 100%; height: 80px; margin-top: 6px; }
        @media (max-width: 1100px) { #own-pages { top: auto; bottom: 8px; left: 70px; } }`;

    function make(tag, attributes, ...children) {
        const element = document.createElement(tag);
        Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
        element.append(...children);
        return element;
    }

    async function ask(address) {
        const answer = await fetch(address);
        return answer.ok ? answer.json() : null;
    }

    async function link() {
        const links = await ask('/pages/links');
        if (links !== null) {
            const shown = links.map(([address, title]) => make('a', { href: address }, title));
            document.body.append(make('nav', { id: 'own-pages', 'aria-label': 'Pages of the search' }, ...shown));
        }
    }

    function curve(values) {
        const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
        svg.setAttribute('viewBox', '0 0 300 80');
        svg.setAttribute('preserveAspectRatio', 'none');
        const line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
        const step = 300 / Math.max(1, values.length - 1);
        line.setAttribute('points', values.map((value, place) => `${place * step},${78 - 76 * value}`).join(' '));
        line.setAttribute('fill', 'none');
        line.setAttribute('stroke', '#0071bc');
        line.setAttribute('stroke-width', '1.5');
        svg.append(line);
        return svg;
    }

    async function progress() {
        const known = await ask('/pages/data/progress').catch(() => null);
        if (known === null || known.line === null) {
            return known !== null;
        }
        const panel = document.getElementById('own-progress') ?? make('aside', { id: 'own-progress', role: 'status' });
        const more = known.accuracies.length > 1 ? [curve(known.accuracies)] : [];
        panel.replaceChildren(make('div', {}, known.line), ...more);
        document.body.append(panel);
        const best = document.querySelector('.bestMetric .focus-text');
        if (best !== null && known.best !== null && best.firstChild?.data === 'N/A') {
            best.firstChild.data = known.best.toFixed(6);
        }
        return true;
    }

    async function follow() {
        if (document.hidden || (await progress())) {
            setTimeout(follow, POLL_MILLISECONDS);
        }
    }

    document.addEventListener('DOMContentLoaded', () => {
        document.head.append(make('style', {}, STYLE));
        link().catch(() => {});
        follow();
    });
})();
