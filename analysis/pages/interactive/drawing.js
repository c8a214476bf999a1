// An architecture: its cells as graphs, or for other families its decisions as tables, as analysis.pictures draws them.

const CELL = { width: 440, row: 40, box: 186, state: 62, top: 44 };
const STATES = ["before", "last"]; // the outputs of the two cells before this one
const LONGEST = 30; // letters in a box
const isGlobal = name => String(name).split("+").some(part => part.startsWith("global_"));
const stateName = state => state < STATES.length ? STATES[state] : `node ${state - STATES.length}`;
const shortened = text => text.length <= LONGEST ? text : `${text.slice(0, LONGEST / 2)}…${text.slice(1 - LONGEST / 2)}`; // its end has the steps

function drawArchitecture(space, architecture) {
  const entries = Object.entries(architecture ?? {});
  const cells = entries.filter(([, nodes]) => isCell(nodes));
  const others = entries.filter(([, value]) => !isCell(value));
  const drawn = make("div", { class: "architecture" });
  drawn.append(make("p", { class: "note" }, spaceText(space, architecture)));
  for (const [name, nodes] of cells) drawn.append(drawCell(name, nodes));
  if (!cells.length) drawn.append(...decisionTables(others));
  return drawn;
}

// A list of nodes, each a list of [primitive, source].
function isCell(nodes) {
  return Array.isArray(nodes) && nodes.length > 0 && nodes.every(node => Array.isArray(node)
    && node.every(edge => Array.isArray(edge) && edge.length === 2 && Number.isInteger(edge[1])));
}

function spaceText(space, architecture) {
  const known = { ...space.settings, ...(architecture ?? {}).size };
  const parts = ["width", "cells"].filter(name => name in known).map(name => `${name} ${known[name]}`);
  const after = Array.isArray(known.after) ? known.after.map(String) : [];
  if (after.some(name => name !== "none")) parts.push(`after its stages ${after.join(" / ")}`);
  const image = Array.isArray(space.image) ? [`images ${space.image.join(" × ")}`] : [];
  return [String(space.space), ...parts, ...image].join(" · ");
}

function drawCell(name, nodes) {
  const edges = nodes.flatMap((pairs, place) => pairs.map(([primitive, source]) =>
    ({ primitive: String(primitive), source, node: place + STATES.length })));
  edges.forEach((edge, row) => { edge.y = CELL.top + CELL.row * row; });
  const height = CELL.top + CELL.row * Math.max(edges.length, 1);
  const sources = [...new Set(edges.map(edge => edge.source))].sort((a, b) => a - b);
  const spread = edges.length ? (edges.at(-1).y - CELL.top) / Math.max(sources.length - 1, 1) : 0;
  const sourceY = new Map(sources.map((source, place) => [source, CELL.top + spread * place]));
  const nodeY = new Map();
  for (const edge of edges) nodeY.set(edge.node, [...(nodeY.get(edge.node) ?? []), edge.y]);
  for (const [node, ys] of nodeY) nodeY.set(node, ys.reduce((a, b) => a + b) / ys.length);

  const left = 40, middle = CELL.width / 2, right = CELL.width - 40;
  const svg = makeSvg("svg", {
    viewBox: `0 0 ${CELL.width} ${height}`, width: CELL.width, height, role: "img",
    "aria-label": `${name} cell: ` + edges.map(e => `${e.primitive} from ${stateName(e.source)} to ${stateName(e.node)}`).join(", "),
  });
  svg.append(makeSvg("text", { x: 8, y: 16, class: "cell-name" }, `${name} cell`));
  for (const edge of edges) {
    const kind = isGlobal(edge.primitive) ? "arrow global" : "arrow";
    svg.append(arrow(left + CELL.state / 2, sourceY.get(edge.source), middle - CELL.box / 2, edge.y, kind));
    svg.append(arrow(middle + CELL.box / 2, edge.y, right - CELL.state / 2, nodeY.get(edge.node), kind));
  }
  for (const edge of edges) svg.append(...box(middle, edge.y, CELL.box, edge.primitive, isGlobal(edge.primitive)));
  for (const [source, y] of sourceY) svg.append(...box(left, y, CELL.state, stateName(source), false));
  for (const [node, y] of nodeY) svg.append(...box(right, y, CELL.state, stateName(node), false));
  return svg;
}

function arrow(x1, y1, x2, y2, kind) {
  const angle = Math.atan2(y2 - y1, x2 - x1);
  const wing = turn => `${x2 - 7 * Math.cos(angle + turn)},${y2 - 7 * Math.sin(angle + turn)}`;
  return makeSvg("path", { class: kind, d: `M${x1},${y1} L${x2},${y2} M${wing(0.4)} L${x2},${y2} L${wing(-0.4)}` });
}

function box(x, y, width, text, strong) {
  return [
    makeSvg("rect", { x: x - width / 2, y: y - 12, width, height: 24, rx: 5, class: strong ? "box global" : "box" }),
    makeSvg("text", { x, y: y + 4, class: "label" }, shortened(text), makeSvg("title", {}, text)),
  ];
}

function decisionTables(entries) {
  const isStage = value => value !== null && typeof value === "object" && !Array.isArray(value);
  const whole = entries.filter(([, value]) => !isStage(value));
  const stages = entries.filter(([, value]) => isStage(value));
  const kinds = [...new Set(stages.flatMap(([, stage]) => Object.keys(stage)))];
  const tables = [];
  if (whole.length) tables.push(plainTable(["decision", "choice"], whole));
  if (stages.length) {
    tables.push(plainTable(["stage", ...kinds], stages.map(([name, stage]) => [name, ...kinds.map(kind => stage[kind] ?? "")])));
  }
  return tables;
}

function plainTable(heads, rows) {
  const cell = value => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return make("td", { class: isGlobal(text) ? "global" : null }, text);
  };
  return make("div", { class: "scroll" }, make("table", { class: "names" },
    make("tr", {}, ...heads.map(head => make("th", {}, head))),
    ...rows.map(row => make("tr", {}, ...row.map(cell)))));
}
