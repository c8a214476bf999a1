// Parallel coordinates: a line a candidate through its numbers. What is brushed on an axis is what the other views show.
// Bokeh has no such plot; its tickers say which values are written at an axis.

const COORDINATES = [
  ["accuracy", "accuracy %", false], ["macs", "MACs", true], ["params", "params", true], ["latency", "latency, ms", true],
  ["seconds", "seconds", true], ["share", "global layers %", false], ["age", "age", false],
];
const SPREAD = { height: 320, left: 60, right: 60, top: 46, bottom: 16, near: 18, line: 6, title: 13 }; // pixels
const TITLE_FONT = "11px system-ui, sans-serif";

function coordinatesView(report, place) {
  const canvas = make("canvas", { "aria-hidden": "true" });
  place.append(canvas);
  const axes = COORDINATES.filter(([name]) => anyKnown(report.columns[name])).map(([name, label, log]) => scaledAxis(report, name, label, log));
  let seen = false, dragged = null;

  function draw() {
    if (!seen) return; // it is drawn when it is scrolled to
    const width = place.clientWidth;
    axes.forEach((axis, number) => {
      axis.x = SPREAD.left + (width - SPREAD.left - SPREAD.right) * number / Math.max(axes.length - 1, 1);
    });
    const context = cleared(canvas, width, SPREAD.height);
    drawLines(report, context, axes);
    const rows = titleRows(context, axes);
    place.axes = axes.map(({ label, x }, number) => ({ label, x, row: rows[number] }));
    axes.forEach((axis, number) => drawAxis(report, context, axis, rows[number]));
  }

  function nearest(event) {
    const x = event.clientX - canvas.getBoundingClientRect().left;
    const near = Math.min(SPREAD.near, (axes[1]?.x - axes[0].x) / 4 || SPREAD.near); // between axes there are lines
    return axes.find(axis => Math.abs(axis.x - x) <= near) ?? null;
  }

  const height = event => Math.min(Math.max(event.clientY - canvas.getBoundingClientRect().top, SPREAD.top), SPREAD.height - SPREAD.bottom);
  canvas.addEventListener("pointerdown", event => {
    const axis = nearest(event);
    if (!axis) return;
    dragged = { axis, from: height(event) };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", event => {
    if (!dragged) return;
    const { axis, from } = dragged;
    const [low, high] = [from, height(event)].map(axis.value).sort((a, b) => a - b);
    if (Math.abs(height(event) - from) < 3) delete report.brushes[axis.name];
    else report.brushes[axis.name] = [low, high];
    Object.assign(report, filteredRows(report));
    draw();
  });
  canvas.addEventListener("pointerup", event => {
    if (!dragged) return;
    if (Math.abs(height(event) - dragged.from) < 3) delete report.brushes[dragged.axis.name];
    dragged = null;
    steady(canvas, report.filter); // the table above it is as long as what is left
  });
  canvas.addEventListener("click", event => {
    if (nearest(event)) return;
    const { left, top } = canvas.getBoundingClientRect();
    const row = lineAt(report, axes, event.clientX - left, event.clientY - top);
    if (row !== null) steady(canvas, () => report.choose(row));
  });
  new ResizeObserver(draw).observe(place);
  new IntersectionObserver((entries, observer) => {
    if (!entries.some(entry => entry.isIntersecting)) return;
    observer.disconnect();
    seen = true;
    draw();
  }, { rootMargin: "100px" }).observe(place);
  return draw;
}

// An axis with its heights: ``y`` of a value, ``value`` at a height; logarithmic where all values allow it.
function scaledAxis(report, name, label, wanted) {
  const values = report.columns[name];
  let [low, high] = ends(values);
  const log = wanted && low > 0;
  const scale = log ? Math.log10 : value => value, back = log ? value => 10 ** value : value => value;
  [low, high] = low === high ? [scale(low) - 0.5, scale(low) + 0.5] : [scale(low), scale(high)];
  const span = SPREAD.height - SPREAD.top - SPREAD.bottom;
  return {
    name, label, ticks: ticksOf(back(low), back(high), log), y: value => SPREAD.top + span * (1 - (scale(value) - low) / (high - low)),
    value: y => back(low + (high - low) * (1 - (y - SPREAD.top) / span)),
  };
}

function ticksOf(low, high, log) {
  const ticker = log ? new DecadeTicker() : new Bokeh.BasicTicker();
  return ticker.get_ticks_no_defaults(low, high, null, 6).major.filter(tick => tick >= low && tick <= high);
}

// Places in a list by their colour: the lines of each are one path, which is quick.
function byColour(places, of) {
  const groups = new Map();
  for (const place of places) {
    const colour = of(place);
    if (!groups.has(colour)) groups.set(colour, []);
    groups.get(colour).push(place);
  }
  return groups;
}

function drawLines(report, context, axes) {
  const shown = new Set(report.visible);
  const lines = (rows, alpha, of) => {
    context.globalAlpha = alpha;
    for (const [colour, group] of byColour(rows, of)) {
      context.strokeStyle = colour;
      context.beginPath();
      for (const row of group) drawCandidate(report, context, axes, row);
      context.stroke();
    }
    context.globalAlpha = 1;
  };
  const left = report.within.filter(row => !shown.has(row));
  if (left.length) lines(left, 0.12, () => report.colours.grey);
  lines(report.visible, report.visible.length > MANY ? 0.15 : report.visible.length > 200 ? 0.4 : 0.7, colouring(report).of);
  if (report.chosen !== null && shown.has(report.chosen)) {
    context.lineWidth = 3;
    lines([report.chosen], 1, () => report.colours.ink);
    context.lineWidth = 1;
  }
}

function drawCandidate(report, context, axes, row) {
  let drawing = false;
  for (const axis of axes) {
    const value = report.columns[axis.name][row];
    if (value === null) drawing = false;
    else if (drawing) context.lineTo(axis.x, axis.y(value));
    else context.moveTo(axis.x, axis.y(value));
    drawing = value !== null;
  }
}

// The shown candidate whose line passes nearest to a place, or null where none is near.
function lineAt(report, axes, x, y) {
  const right = axes.findIndex(axis => axis.x > x);
  if (right < 1) return null;
  const [from, to] = [axes[right - 1], axes[right]], share = (x - from.x) / (to.x - from.x);
  const slant = row => (to.y(report.columns[to.name][row]) - from.y(report.columns[from.name][row])) / (to.x - from.x);
  let found = null, least = SPREAD.line;
  for (const row of report.visible) {
    const [one, other] = [report.columns[from.name][row], report.columns[to.name][row]];
    if (one === null || other === null) continue;
    const far = Math.abs(from.y(one) + share * (to.y(other) - from.y(one)) - y) / Math.hypot(1, slant(row));
    if (far < least) [found, least] = [row, far];
  }
  return found;
}

// For each axis' title the row, from the lowest, in which it overlaps no other one.
function titleRows(context, axes) {
  context.font = TITLE_FONT;
  const ends = []; // of the titles of each row
  return axes.map(axis => {
    const half = context.measureText(axis.label).width / 2;
    let row = ends.findIndex(end => end + 8 <= axis.x - half);
    if (row < 0) row = ends.length;
    ends[row] = axis.x + half;
    return row;
  });
}

function drawAxis(report, context, axis, row) {
  const { colours } = report;
  context.strokeStyle = colours.ink;
  context.beginPath();
  context.moveTo(axis.x, SPREAD.top);
  context.lineTo(axis.x, SPREAD.height - SPREAD.bottom);
  context.stroke();
  context.font = TITLE_FONT;
  context.textAlign = "center";
  context.fillStyle = colours.ink;
  context.fillText(axis.label, axis.x, SPREAD.top - 8 - SPREAD.title * row);
  context.textAlign = "left";
  for (const tick of axis.ticks) {
    const y = axis.y(tick);
    context.fillRect(axis.x - 3, y, 6, 1);
    halo(context, colours.paper, tickText(tick), axis.x + 6, y + 4);
  }
  const brush = report.brushes[axis.name];
  if (!brush) return;
  const [bottom, top] = brush.map(axis.y);
  context.strokeStyle = colours.orange;
  context.lineWidth = 2;
  context.strokeRect(axis.x - 7, top, 14, bottom - top);
  context.lineWidth = 1;
}

function halo(context, colour, text, x, y) {
  context.lineWidth = 3;
  context.strokeStyle = colour;
  context.strokeText(text, x, y);
  context.lineWidth = 1;
  context.fillText(text, x, y);
}
