// The front: accuracy against a cost, every candidate, the steps of the front with their noise, and what is marked.

const MANY = 2000; // from so many points on they are small
const COSTS = {
  macs: "MACs of one image",
  published: "MACs by the published count",
  params: "parameters",
  latency: "latency (ms)",
  seconds: "seconds of its training",
};
const anyKnown = column => column.some(value => value !== null);

function candidateText(report, row) {
  const { columns, record } = report;
  const margin = columns.margin[row];
  const several = record.runs.length > 1 ? ` of ${record.runs[columns.run[row]].name}` : "";
  const lines = [
    `candidate ${columns.index[row]}${several}`,
    `${percentText(columns.accuracy[row])}%`, ...(margin === null ? [] : [`± ${margin.toFixed(1)} points: twice its standard error over the images`]),
    `${countText(columns.macs[row])} MACs, ${countText(columns.params[row])} params`,
  ];
  if (columns.latency[row] !== null) lines.push(`${timeText(columns.latency[row])} ms`);
  if (columns.share[row] !== null) lines.push(`global layers ${shareText(columns.share[row])}%`);
  return lines;
}

function frontRows(report, rows) {
  const { columns, x } = report;
  return frontOf(rows, row => columns[x][row], row => columns.accuracy[row]);
}

function rowsLayer(report, rows, more) {
  const { columns, x } = report;
  return {
    x: rows.map(row => columns[x][row]), y: rows.map(row => columns.accuracy[row]), keys: rows,
    text: place => candidateText(report, rows[place]), ...more,
  };
}

function cloudLayer(report, rows, of) {
  const many = rows.length > MANY;
  return rowsLayer(report, rows, { name: "candidates", symbol: "dot", size: many ? 2.2 : 4, alpha: many ? 0.65 : 0.85, colours: rows.map(of) });
}

function frontLayers(report, rows, of) {
  const { columns, record, colours } = report;
  const line = (points, name, colour) => rowsLayer(report, points, {
    name, colour, colours: points.map(of), symbol: "dot", size: 4, edge: true, line: { steps: true }, bars: points.map(row => columns.margin[row]),
  });
  if (record.runs.length === 1) return [{ ...line(frontRows(report, rows), "front", colours.blue), walk: true }];
  const common = rowsLayer(report, frontRows(report, rows), {
    name: "common front", colour: colours.ink, symbol: null, line: { steps: true, width: 6, alpha: 0.25 }, walk: true,
  });
  return [common, ...record.runs.map(({ name }, run) =>
    line(frontRows(report, rows.filter(row => columns.run[row] === run)), name, runColour(run)))];
}

function markLayers(report, rows) {
  const { record, colours, chosen } = report;
  const shown = new Set(rows);
  const mark = (points, name, symbol, colour, size, edge = false) =>
    rowsLayer(report, points.filter(row => row !== null && shown.has(row)), { name, symbol, colour, size, edge });
  return [
    mark(record.ties, "within the noise of the best", "ring", colours.orange, 7), mark([record.knee], "knee", "open-diamond", colours.ink, 8),
    mark([record.best], "best", "star", colours.orange, 9, true), mark([chosen], "chosen", "ring", colours.ink, 11),
  ];
}

// Of what was trained again, as the report's tables call it.
function againText(epochs) {
  const [least, most] = ends(epochs);
  return `by other seeds, ${least === most ? least : `${least} to ${most}`} epoch${most === 1 ? "" : "s"}`;
}

function againNumber({ mean, deviation, seeds, epochs }) {
  const named = deviation === null ? `${seeds} seed` : `standard deviation over ${seeds} seeds`;
  return `${percentText(mean)}${deviation === null ? "" : ` ± ${deviation.toFixed(2)}`}% ${againText([epochs])} (${named})`;
}

function confirmedLayer(report, rows) {
  const { record, columns, x, colours } = report;
  const shown = new Set(rows);
  const again = record.confirmed.filter(each => shown.has(each.row));
  return {
    name: `${againText(record.confirmed.map(each => each.epochs))}: mean ± standard deviation`, x: again.map(each => columns[x][each.row]), y: again.map(each => each.mean),
    keys: again.map(each => each.row), symbol: "dash", size: 6, colour: colours.ink, bars: again.map(each => each.deviation ?? 0),
    stems: again.map(each => columns.accuracy[each.row]), text: place => [`candidate ${columns.index[again[place].row]}`, againNumber(again[place])],
  };
}

function referenceLayers(report) {
  const layer = (global, name, symbol) => {
    const found = report.record.references.filter(each => each.global === global);
    return {
      name, symbol, size: 6, colour: report.colours.ink, off: true, x: found.map(each => each.macs), y: found.map(each => each.accuracy),
      text: place => [found[place].name, `${percentText(found[place].accuracy)}% of the test images, ${countText(found[place].macs)} MACs, published count`],
    };
  };
  return [layer(true, "poster, global layers", "diamond"), layer(false, "poster, others", "open-diamond")];
}

// What is drawn, as the chart takes it.
function frontPicture(report) {
  const { record, columns, x, log } = report;
  const rows = report.visible.filter(row => columns[x][row] !== null && (!log || columns[x][row] > 0));
  const { scale, of } = colouring(report);
  const counts = ["macs", "published"].includes(x);
  return {
    x: { label: `← ${COSTS[x]}`, log, zero: !log }, y: { label: "validation accuracy (%) →", range: record.range },
    said: rows.length ? "" : report.visible.length ? `no candidate of these has ${COSTS[x]} above 0` : "no candidate is within these limits",
    scale, limit: x === "macs" ? record.budget : null, strip: false, cloud: cloudLayer(report, rows, of),
    layers: [...frontLayers(report, rows, of), ...(counts ? referenceLayers(report) : []), confirmedLayer(report, rows), ...markLayers(report, rows)],
  };
}

function frontView(report, place) {
  const label = "The front. Arrow keys go along it, Enter shows a candidate.";
  const chart = new Chart(place, { colours: () => report.colours, choose: row => report.choose(row), label });
  return () => chart.draw(frontPicture(report));
}
