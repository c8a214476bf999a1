// Which colour a candidate has: by a number on a scale, or by its run.

const RUN_COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"];
const LEVELS = 32; // different colours of a scale, so that the dots of each are drawn at once
const VIRIDIS = [[0, "#440154"], [0.25, "#3b528b"], [0.5, "#21918c"], [0.75, "#5ec962"], [1, "#fde725"]];
const COLOURINGS = {
  share: { label: "share of global layers (%)", scale: [[0, "#0072B2"], [0.5, "#b9b4a8"], [1, "#D55E00"]], range: [0, 100] },
  age: { label: "age: place in the search", scale: VIRIDIS },
  accuracy: { label: "validation accuracy (%)", scale: VIRIDIS },
  run: { label: "run" },
};

const runColour = run => RUN_COLOURS[run % RUN_COLOURS.length];

// The ends of a list, however long: a spread of many arguments overflows.
function ends(values) {
  return values.reduce(([low, high], value) => value === null ? [low, high] : [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}

function mixed(scale, share) {
  const above = Math.max(1, scale.findIndex(([stop]) => stop >= share));
  const [[from, first], [to, second]] = [scale[above - 1], scale[above]];
  const weight = (share - from) / (to - from);
  const channel = place => {
    const [one, two] = [first, second].map(colour => parseInt(colour.slice(1 + 2 * place, 3 + 2 * place), 16));
    return Math.round(one + (two - one) * weight);
  };
  return `rgb(${channel(0)}, ${channel(1)}, ${channel(2)})`;
}

// How the report's candidates are coloured now: the range of the number, and the colour of a row.
function colouring(report) {
  const { columns, colour, colours } = report;
  const { scale, range } = COLOURINGS[colour];
  if (!scale) return { range: null, of: row => runColour(columns.run[row]) };
  const [low, high] = range ?? ends(columns[colour]);
  const levels = Array.from({ length: LEVELS }, (_, level) => mixed(scale, level / (LEVELS - 1)));
  const level = value => Math.round((LEVELS - 1) * Math.min(Math.max((value - low) / (high - low || 1), 0), 1));
  const of = row => columns[colour][row] === null ? colours.grey : levels[level(columns[colour][row])];
  return { range: [low, high], of };
}

// The rows by their colour.
function byColour(rows, of) {
  const groups = new Map();
  for (const row of rows) {
    const colour = of(row);
    if (!groups.has(colour)) groups.set(colour, []);
    groups.get(colour).push(row);
  }
  return groups;
}

// A canvas that is as sharp as the screen, empty, its unit a pixel of the page.
function cleared(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  return context;
}
