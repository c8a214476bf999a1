// Where a chart's things stand: its edges, its two axes, and the places of a layer's points in pixels.
import { ends, makeScale } from "./scales.js";

const EDGE = { left: 62, top: 10, right: 14, bottom: 48, bar: 92, strip: 34 }; // pixels
const ROOM = 0.04; // of an axis, beyond the outermost points
const NEAR_ZERO = 1 / 3; // of the largest value: an axis that may begins at 0 where the smallest is below

// ``layers`` are those that are shown; ``zoom`` has the ends of both axes, or is null.
export function makeFrame(picture, layers, width, height, zoom) {
  const right = width - EDGE.right - (picture.scale ? EDGE.bar : 0), bottom = height - EDGE.bottom;
  const floor = bottom - (picture.strip ? EDGE.strip : 0);
  const [x, y] = ["x", "y"].map(name => zoom?.[name] ?? axisEnds(picture[name], layers, name));
  return {
    width, height, left: EDGE.left, right, top: EDGE.top, bottom, floor, strip: bottom - EDGE.strip / 2,
    x: makeScale(...x, picture.x, EDGE.left, right), y: makeScale(...y, { log: false }, floor, EDGE.top),
  };
}

function axisEnds({ range, log, zero }, layers, name) {
  if (range) return range;
  let found = [Infinity, -Infinity];
  for (const layer of layers) {
    if (layer[name] && !(name === "y" && layer.strip)) found = ends(layer[name], found);
  }
  let [low, high] = found;
  if (low > high) return log ? [0, 1] : [0, 100];
  if (log) [low, high] = [Math.log10(low), Math.log10(high)];
  const room = ROOM * (high - low) || (log ? 0.3 : Math.abs(high) * 0.1 || 1);
  return [zero && low >= 0 && low < NEAR_ZERO * high ? 0 : low - room, high + room];
}

// Of a layer's points the places in pixels; NaN of what is not known.
export function placesOf(frame, layer) {
  const number = (scale, values) => Float64Array.from(values, value => value === null ? NaN : scale.at(value));
  const xs = number(frame.x, layer.x);
  return { xs, ys: layer.strip ? xs.map(() => frame.strip) : number(frame.y, layer.y) };
}

export function inside(frame, x, y) {
  return x >= frame.left - 1 && x <= frame.right + 1 && y >= frame.top - 1 && y <= frame.bottom + 1;
}
