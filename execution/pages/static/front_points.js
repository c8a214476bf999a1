// What the page Front computes of its points: the front and the hypervolume over candidates, as analysis/front.py and
// analysis/hypervolume.py define them.

const HEADROOM = 1.1; // the reference's cost over the largest measured, so that the largest candidate counts too

/** Points that no other one beats in accuracy without more cost, by rising cost; of equal ones all. */
export function frontOf(points, cost) {
    const judged = points.filter((point) => point.status === 'ok' && point.accuracy !== null && point[cost] !== null);
    judged.sort((a, b) => a[cost] - b[cost] || b.accuracy - a.accuracy || a.index - b.index);
    const found = [];
    let best = null;
    for (const point of judged) {
        const same = best !== null && point.accuracy === best.accuracy && point[cost] === best[cost];
        if (best === null || point.accuracy > best.accuracy || same) {
            found.push(point);
            best = point;
        }
    }
    return found;
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
    const judged = (point) => point.status === 'ok' && point.accuracy !== null && point[cost] !== null;
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
