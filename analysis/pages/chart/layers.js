// A layer of a picture as Bokeh's glyphs, on one source.

export const STRIP = "strip"; // the range of y on which points without a value of y stand
export const STRIP_SHARE = 0.065; // of the frame's height
const REACH = 14; // pixels between the pointer and the point that it means
const MARKERS = {
  dot: "circle", ring: "circle", diamond: "diamond", "open-diamond": "diamond", star: "star", "open-star": "star", cross: "x",
  box: "square_x", triangle: "inverted_triangle", dash: "dash",
};
const NARROW = { diamond: 1.3, star: 1.3 }; // Bokeh's are smaller than a circle of their size
const FILLED = new Set(["dot", "diamond", "star", "triangle"]);
const known = values => values.map(value => value ?? NaN);

// What Bokeh draws of a layer: a list of numbers or colours for each of its points.
function columnsOf({ x, y, colours, colour, strip, bars, stems }) {
  const found = { x: known(x), y: strip ? x.map(() => STRIP_SHARE / 2) : known(y), colour: colours ?? x.map(() => colour) };
  if (bars) {
    const end = sign => bars.map((bar, place) => bar === null ? NaN : y[place] + sign * bar);
    Object.assign(found, { low: end(-1), high: end(1) });
  }
  if (stems) found.stem = known(stems);
  return found;
}

// What of a layer needs new glyphs where it is another one.
export function layerLook({ x, y, colours, keys, text, bars, stems, off, ...look }) {
  return [look, Boolean(colours), Boolean(bars), Boolean(stems), Boolean(x.length)];
}

export class Layer {
  constructor(figure, layer, colours) {
    this.columns = columnsOf(layer);
    this.source = new Bokeh.ColumnDataSource({ data: this.columns });
    this.layer = layer;
    const { colour, line, bars, stems, strip, alpha = 1 } = layer;
    const common = { source: this.source, ...(strip ? { y_range_name: STRIP, level: "annotation" } : {}) };
    const [x, y] = [{ field: "x" }, { field: "y" }];
    this.renderers = [];
    if (line) {
      const look = { line_color: colour, line_width: line.width ?? 2, line_alpha: line.alpha ?? 1, ...common };
      this.renderers.push(line.steps ? figure.step(x, y, "after", look) : figure.line(x, y, look));
    }
    if (stems) this.renderers.push(figure.segment(x, { field: "stem" }, x, y, { line_color: colour, line_alpha: 0.45, ...common }));
    if (bars) {
      const look = { line_color: colour, ...common };
      this.renderers.push(figure.segment(x, { field: "low" }, x, { field: "high" }, look));
      for (const end of ["low", "high"]) this.renderers.push(figure.scatter(x, { field: end }, { marker: "dash", size: 7, ...look }));
    }
    this.points = figure.scatter(x, y, { ...symbolLook(layer, colours.paper), alpha, ...common });
    this.points.glyph.hit_dilation = 2 * REACH / this.points.glyph.size.value;
    this.renderers.push(this.points);
  }

  set shown(shown) {
    for (const renderer of this.renderers) renderer.visible = shown;
  }

  get shown() {
    return this.points.visible;
  }

  // Points that come are streamed; all are given anew where anything else has changed.
  take(layer) {
    this.layer = layer;
    const columns = columnsOf(layer), names = Object.keys(columns), many = this.columns.x.length;
    const same = names.every(name => many <= columns[name].length && this.columns[name].every((value, place) => Object.is(value, columns[name][place])));
    this.columns = columns;
    if (!same) this.source.data = columns;
    else if (columns.x.length > many) this.source.stream(Object.fromEntries(names.map(name => [name, columns[name].slice(many)])));
  }

  // Where the points are on the figure, in pixels.
  places(view) {
    const { glyph } = view.views.get_one(this.points);
    return { xs: glyph.sx, ys: glyph.sy };
  }
}

// Of a layer without a symbol the points are there for the pointer alone.
function symbolLook({ symbol, size = 3, edge, colour, colours }, paper) {
  const paint = colours ? { field: "colour" } : colour;
  const fill = FILLED.has(symbol) ? paint : null, line = symbol === null ? null : FILLED.has(symbol) ? (edge ? paper : null) : paint;
  const marker = MARKERS[symbol] ?? "circle";
  return { marker, size: 2 * size * (NARROW[marker] ?? 1), fill_color: fill, line_color: line, line_width: edge ? 1 : 1.6 };
}
