// What a layer of a chart looks like: its line, its bars, its symbols.
import { byColour } from "./colours.js";

const OUTLINES = {
  dot: circle, ring: circle, diamond, "open-diamond": diamond, star, "open-star": star,
  cross(path, x, y, r) { segments(path, [[x - r, y - r, x + r, y + r], [x - r, y + r, x + r, y - r]]); },
  box(path, x, y, r) {
    path.rect(x - r, y - r, 2 * r, 2 * r);
    OUTLINES.cross(path, x, y, r);
  },
  triangle(path, x, y, r) { polygon(path, [[x - r, y - r * 0.8], [x + r, y - r * 0.8], [x, y + r]]); },
  dash(path, x, y, r) { segments(path, [[x - r, y, x + r, y]]); },
};
const FILLED = new Set(["dot", "diamond", "star", "triangle"]);

function circle(path, x, y, r) {
  path.moveTo(x + r, y);
  path.arc(x, y, r, 0, 2 * Math.PI);
}

function diamond(path, x, y, r) {
  polygon(path, [[x - r, y], [x, y - r], [x + r, y], [x, y + r]]);
}

function star(path, x, y, r) {
  polygon(path, Array.from({ length: 10 }, (_, corner) => {
    const angle = Math.PI * (corner / 5 - 0.5), far = corner % 2 ? r * 0.45 : r * 1.15;
    return [x + far * Math.cos(angle), y + far * Math.sin(angle)];
  }));
}

function polygon(path, [first, ...others]) {
  path.moveTo(...first);
  others.forEach(corner => path.lineTo(...corner));
  path.closePath();
}

function segments(path, lines) {
  for (const [x, y, to, below] of lines) {
    path.moveTo(x, y);
    path.lineTo(to, below);
  }
}

// The symbols of some places of a layer; ``xs`` and ``ys`` in pixels. Those of a colour are one path, which is quick.
export function drawSymbols(context, layer, places, xs, ys, paper) {
  const { symbol, size, colour, colours, alpha = 1, edge = false } = layer;
  const outline = OUTLINES[symbol];
  context.globalAlpha = alpha;
  context.lineWidth = 1.6;
  for (const [ink, group] of byColour(places, place => colours ? colours[place] : colour)) {
    context.beginPath();
    for (const place of group) outline(context, xs[place], ys[place], size);
    context.fillStyle = context.strokeStyle = ink;
    if (!FILLED.has(symbol)) context.stroke();
    else context.fill();
    if (edge) {
      context.strokeStyle = paper;
      context.lineWidth = 1;
      context.stroke();
    }
  }
  context.globalAlpha = 1;
}

// A line through the points, in steps where it is a front's; a point without a value breaks it.
export function drawLine(context, { line, colour }, xs, ys) {
  context.globalAlpha = line.alpha ?? 1;
  context.lineWidth = line.width ?? 2;
  context.strokeStyle = colour;
  context.beginPath();
  let before = null;
  for (let place = 0; place < xs.length; place++) {
    const known = Number.isFinite(ys[place]);
    if (known && before === null) context.moveTo(xs[place], ys[place]);
    else if (known) {
      if (line.steps) context.lineTo(xs[place], before);
      context.lineTo(xs[place], ys[place]);
    }
    before = known ? ys[place] : null;
  }
  context.stroke();
  context.globalAlpha = 1;
}

// Thin lines from the heights ``froms`` to the points.
export function drawStems(context, { colour }, xs, ys, froms) {
  context.globalAlpha = 0.45;
  context.lineWidth = 1;
  context.strokeStyle = colour;
  context.beginPath();
  segments(context, froms.map((from, place) => [xs[place], from, xs[place], ys[place]]).filter(line => line.every(Number.isFinite)));
  context.stroke();
  context.globalAlpha = 1;
}

// Upright bars, ``highs`` to ``lows`` in pixels.
export function drawBars(context, { colour }, xs, lows, highs) {
  context.lineWidth = 1;
  context.strokeStyle = colour;
  context.beginPath();
  for (let place = 0; place < xs.length; place++) {
    if (!Number.isFinite(lows[place])) continue;
    const [x, low, high] = [xs[place], lows[place], highs[place]];
    segments(context, [[x, low, x, high], [x - 3, low, x + 3, low], [x - 3, high, x + 3, high]]);
  }
  context.stroke();
}
