// By what a candidate is coloured: a number on a scale, or its run.

const COLOURINGS = {
  share: { label: "share of global layers (%)", stops: SHARES },
  age: { label: "age: place in the order of finishing", stops: VIRIDIS },
  accuracy: { label: "validation accuracy (%)", stops: VIRIDIS },
  run: { label: "run" },
};

// How the report's candidates are coloured now: the scale, or null, and the colour of a row.
function colouring(report) {
  const { columns, colour, colours } = report;
  const { stops, label } = COLOURINGS[colour];
  if (!stops) return { scale: null, of: row => runColour(columns.run[row]) };
  const scale = { stops, label, range: ends(columns[colour]) };
  const of = colourOf(stops, scale.range, colours.grey);
  return { scale, of: row => of(columns[colour][row]) };
}
