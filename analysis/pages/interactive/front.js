// The front: accuracy against a cost, every candidate, the steps of the front with their noise, and what is marked.
// The candidates are dots on a canvas below plotly's axes, quick however many they are and without WebGL, which needs a
// graphics card and a policy that lets texts be run; plotly knows where they are, for hovers and clicks.

const MANY = 2000; // from so many points on they are small
const COSTS = {
  macs: { label: "MACs of one image", ticks: "~s" },
  published: { label: "MACs by the published count", ticks: "~s" },
  params: { label: "parameters", ticks: "~s" },
  latency: { label: "latency (ms)", ticks: "" },
  seconds: { label: "seconds of its training", ticks: "" },
};
const anyKnown = column => column.some(value => value !== null);

function candidateText(report, row) {
  const { columns, record } = report;
  const margin = columns.margin[row];
  const several = record.runs.length > 1 ? ` of ${record.runs[columns.run[row]].name}` : "";
  const lines = [
    `candidate ${columns.index[row]}${several}`,
    `${percentText(columns.accuracy[row])}%` + (margin === null ? "" : ` ± ${margin.toFixed(1)}`),
    `${countText(columns.macs[row])} MACs, ${countText(columns.params[row])} params`,
  ];
  if (columns.latency[row] !== null) lines.push(`${timeText(columns.latency[row])} ms`);
  if (columns.share[row] !== null) lines.push(`global layers ${shareText(columns.share[row])}%`);
  return lines.map(forPlotly).join("<br>");
}

// The rows that no other one beats in accuracy at no more cost, by rising cost.
function frontRows(rows, cost, accuracy) {
  const ordered = [...rows].sort((a, b) => cost[a] - cost[b] || accuracy[b] - accuracy[a]);
  let best = -Infinity;
  return ordered.filter(row => accuracy[row] > best && ((best = accuracy[row]), true));
}

function pointsTrace(report, rows, options) {
  const { columns, x } = report;
  return {
    type: "scatter", mode: "markers", x: rows.map(row => columns[x][row]), y: rows.map(row => columns.accuracy[row]),
    customdata: rows, text: rows.map(row => candidateText(report, row)), hovertemplate: "%{text}<extra></extra>", ...options,
  };
}

// Where the candidates are, and the bar that explains their colours.
function cloudTraces(report, rows) {
  const cloud = pointsTrace(report, rows, { mode: "none", hoveron: "points", showlegend: false });
  const { label, scale } = COLOURINGS[report.colour];
  const { range } = colouring(report);
  if (!range) return [cloud];
  const bar = { title: { text: label, side: "right" }, thickness: 12, outlinewidth: 0, tickcolor: report.colours.grey };
  const marker = { color: [range[0]], cmin: range[0], cmax: range[1], colorscale: scale, showscale: true, colorbar: bar };
  return [cloud, { type: "scatter", mode: "markers", x: [null], y: [null], marker, showlegend: false, hoverinfo: "skip" }];
}

function drawCloud(report, place, canvas, rows) {
  const { columns, x } = report;
  const { xaxis, yaxis } = place._fullLayout;
  const context = cleared(canvas, xaxis._length, yaxis._length);
  Object.assign(canvas.style, { left: `${xaxis._offset}px`, top: `${yaxis._offset}px` });
  const radius = rows.length > MANY ? 2.2 : 4;
  context.globalAlpha = rows.length > MANY ? 0.65 : 0.85;
  for (const [colour, group] of byColour(rows, colouring(report).of)) {
    context.fillStyle = colour;
    context.beginPath();
    for (const row of group) {
      const [left, top] = [xaxis.d2p(columns[x][row]), yaxis.d2p(columns.accuracy[row])];
      context.moveTo(left + radius, top);
      context.arc(left, top, radius, 0, 2 * Math.PI);
    }
    context.fill();
  }
}

function frontTraces(report, rows) {
  const { columns, record, x, colours } = report;
  const several = record.runs.length > 1;
  const line = (points, name, colour, more = {}) => {
    const bars = points.map(row => columns.margin[row]);
    return pointsTrace(report, points, {
      mode: "lines+markers", name: forPlotly(name), line: { shape: "hv", color: colour, width: 2 },
      marker: { color: colour, size: 7, line: { color: colours.paper, width: 1 } },
      error_y: { type: "data", array: bars, visible: anyKnown(bars), color: colour, thickness: 1, width: 3 }, ...more,
    });
  };
  if (!several) return [line(frontRows(rows, columns[x], columns.accuracy), "front", colours.blue)];
  const fronts = record.runs.map(({ name }, run) => {
    const own = frontRows(rows.filter(row => columns.run[row] === run), columns[x], columns.accuracy);
    return line(own, name, runColour(run));
  });
  const common = frontRows(rows, columns[x], columns.accuracy);
  return [line(common, "common front", colours.ink, {
    mode: "lines", line: { shape: "hv", color: colours.ink, width: 5, opacity: 0.3 }, opacity: 0.25, error_y: { visible: false },
    hoverinfo: "skip", hovertemplate: null,
  }), ...fronts];
}

function markTraces(report, rows) {
  const { record, colours, chosen } = report;
  const shown = new Set(rows);
  const mark = (points, name, symbol, colour, size) => pointsTrace(report, points.filter(row => shown.has(row)), {
    name, marker: { symbol, size, color: colour, line: { color: colour, width: 2 } },
  });
  const traces = [];
  if (record.ties.length) {
    traces.push(mark(record.ties, "within the noise of the best", "circle-open", colours.orange, 14));
  }
  if (record.knee !== null) traces.push(mark([record.knee], "knee", "diamond-open", colours.ink, 15));
  if (record.best !== null) {
    const best = mark([record.best], "best", "star", colours.orange, 15);
    best.marker.line = { color: colours.paper, width: 1 };
    traces.push(best);
  }
  if (chosen !== null) traces.push(mark([chosen], "chosen", "circle-open", colours.ink, 20));
  return traces.filter(trace => trace.x.length);
}

function confirmedTrace(report, rows) {
  const { record, columns, x, colours } = report;
  const shown = new Set(rows);
  const again = record.confirmed.filter(each => shown.has(each.row));
  return {
    type: "scatter", mode: "markers", name: "mean ± deviation, other seeds", x: again.map(each => columns[x][each.row]),
    y: again.map(each => each.mean), customdata: again.map(each => each.row), marker: { symbol: "line-ew-open", size: 12, color: colours.ink },
    error_y: { type: "data", array: again.map(each => each.deviation ?? 0), color: colours.ink, thickness: 1.5, width: 5 },
    text: again.map(each => `candidate ${columns.index[each.row]}, ${each.seeds} other seeds, ${each.epochs} epochs: ${percentText(each.mean)}%`),
    hovertemplate: "%{text}<extra></extra>",
  };
}

function referencesTrace(report) {
  const { references } = report.record;
  return {
    type: "scatter", mode: "markers", name: "poster: test accuracy", visible: "legendonly", x: references.map(each => each.macs),
    y: references.map(each => each.accuracy), text: references.map(each => forPlotly(each.name)),
    hovertemplate: "%{text}<br>%{y:.2f}%, %{x:.3s} MACs<extra></extra>",
    marker: { symbol: references.map(each => each.global ? "diamond" : "diamond-open"), size: 9, color: report.colours.ink },
  };
}

// Of a logarithmic axis 1, 2 and 5 of each decade, where these are neither too few nor too many.
function ticksOf(values) {
  const [low, high] = ends(values);
  return high / low > 10 && high / low < 1000 ? "D2" : null;
}

function frontLayout(report) {
  const { record, x, log, colours } = report;
  const axis = { gridcolor: colours.faint, zeroline: false, linecolor: colours.grey };
  const budget = x === "macs" && record.budget ? [{
    type: "line", x0: record.budget, x1: record.budget, yref: "paper", y0: 0, y1: 1, line: { color: colours.grey, dash: "dot", width: 1 },
  }] : [];
  return {
    xaxis: {
      ...axis, title: { text: `← ${COSTS[x].label}` }, type: log ? "log" : "linear", tickformat: COSTS[x].ticks, autorange: true,
      ...(log ? { dtick: ticksOf(report.columns[x]) } : { rangemode: "tozero" }),
    },
    yaxis: { ...axis, title: { text: "validation accuracy (%) →" }, range: record.range ?? undefined },
    font: { family: "system-ui, sans-serif", color: colours.ink, size: 12 }, paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)", hovermode: "closest", margin: { l: 60, r: 10, t: 10, b: 50 }, shapes: budget,
    hoverlabel: { bgcolor: colours.paper, bordercolor: colours.grey, font: { color: colours.ink } },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom" }, uirevision: `${x} ${log}`,
  };
}

function frontView(report, wrapper) {
  const config = { displaylogo: false, responsive: true, modeBarButtonsToRemove: ["select2d", "lasso2d", "toImage"] };
  const canvas = make("canvas", { "aria-hidden": "true" }), place = make("div", { class: "axes" });
  wrapper.append(canvas, place);
  let begun = false, rows = [];

  function begin() {
    begun = true;
    const again = () => drawCloud(report, place, canvas, rows);
    place.on("plotly_afterplot", again);
    place.on("plotly_relayouting", again);
    place.on("plotly_click", event => {
      const row = event.points[0]?.customdata;
      if (Number.isInteger(row)) report.choose(row);
    });
    again();
  }

  return async () => {
    const { columns, record, x } = report;
    rows = report.visible.filter(row => columns[x][row] !== null && (!report.log || columns[x][row] > 0));
    const traces = [...cloudTraces(report, rows), ...frontTraces(report, rows), ...markTraces(report, rows)];
    if (record.confirmed.length) traces.push(confirmedTrace(report, rows));
    if (record.references.length && ["macs", "published"].includes(x)) traces.push(referencesTrace(report));
    await Plotly.react(place, traces, frontLayout(report), config);
    if (!begun) begin();
  };
}
