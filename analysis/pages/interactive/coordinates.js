// Parallel coordinates: a line a candidate through its numbers. What is brushed on an axis is what the other views show.

const COORDINATES = [
  ["accuracy", "accuracy %", false], ["macs", "MACs", true], ["params", "params", true], ["latency", "latency, ms", true],
  ["seconds", "seconds", true], ["share", "global layers %", false], ["age", "age", false],
];
const SPREAD = { height: 320, left: 60, right: 60, top: 46, bottom: 16, near: 18 }; // pixels

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
    axes.forEach(axis => drawAxis(report, context, axis));
  }

  function nearest(event) {
    const x = event.clientX - canvas.getBoundingClientRect().left;
    return axes.find(axis => Math.abs(axis.x - x) <= SPREAD.near) ?? null;
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
    report.filter();
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
    name, label, ticks: axisTicks(low, high, log), y: value => SPREAD.top + span * (1 - (scale(value) - low) / (high - low)),
    value: y => back(low + (high - low) * (1 - (y - SPREAD.top) / span)),
  };
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

function drawAxis(report, context, axis) {
  const { colours } = report;
  context.strokeStyle = colours.ink;
  context.beginPath();
  context.moveTo(axis.x, SPREAD.top);
  context.lineTo(axis.x, SPREAD.height - SPREAD.bottom);
  context.stroke();
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "center";
  context.fillStyle = colours.ink;
  context.fillText(axis.label, axis.x, SPREAD.top - 22);
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
