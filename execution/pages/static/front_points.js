// What the page Front computes of its points: the front and the hypervolume over candidates, as analysis/hypervolume.py
// defines it.
import { frontOf } from './front_line.js';

const HEADROOM = 1.1; // the reference's cost over the largest measured, so that the largest candidate counts too

const isJudged = (point, cost) => point.status === 'ok' && point.accuracy !== null && point[cost] !== null;

/** Points that no other one beats in accuracy without more cost, by rising cost; of equal ones all, by their number. */
export function frontPoints(points, cost) {
    const judged = points.filter((point) => isJudged(point, cost)).sort((a, b) => a.index - b.index);
    return frontOf(judged, (point) => point[cost], (point) => point.accuracy);
}

function area(kept, cost, limit) {
    let total = 0;
    let height = 0;
    for (const point of kept) {
        if (point.accuracy > height && point[cost] < limit) {
            total += (point.accuracy - height) * (limit - point[cost]);
            height = point.accuracy;
        }
    }
    return total / limit;
}

/**
 * The share of the rectangle up to a tenth above the largest cost that the first 1, 2, ... points dominate, in the order
 * in which they became known: [count, share] wherever it grows, and at the end.
 */
export function hypervolumes(points, cost) {
    const judged = (point) => isJudged(point, cost);
    const limit = HEADROOM * points.reduce((most, point) => (judged(point) ? Math.max(most, point[cost]) : most), 0);
    const found = [];
    let kept = []; // the front so far, by rising cost
    let share = 0;
    points.forEach((point, place) => {
        const beaten = (other) => other.accuracy >= point.accuracy && other[cost] <= point[cost];
        if (!judged(point) || kept.some(beaten)) {
            return;
        }
        kept = kept.filter((other) => !(point.accuracy >= other.accuracy && point[cost] <= other[cost]));
        kept.push(point);
        kept.sort((a, b) => a[cost] - b[cost]);
        share = area(kept, cost, limit);
        found.push([place + 1, share]);
    });
    if (found.length > 0 && found[found.length - 1][0] < points.length) {
        found.push([points.length, share]);
    }
    return found;
}
