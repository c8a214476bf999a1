// A picture's axes, colours and tools as a figure of Bokeh's.
import { paletteOf } from "./colours.js";
import { ends, tickText } from "./scales.js";
import { STRIP, STRIP_SHARE } from "./layers.js";

const ROOM = 0.08; // of an axis, beyond the outermost points at both ends
const NEAR_ZERO = 1 / 3; // of the largest value: an axis that may begins at 0 where the smallest is below

class CountFormatter extends Bokeh.BasicTickFormatter {
  doFormat(ticks) {
    return ticks.map(tickText);
  }
}

// Over one to three decades 1, 2 and 5 of each: up to two Bokeh's has equal steps, which leave the lower end bare, and then powers of 10.
export class DecadeTicker extends Bokeh.LogTicker {
  get_ticks_no_defaults(low, high, ...more) {
    const found = super.get_ticks_no_defaults(low, high, ...more), decades = Math.log10(high / low);
    if (!(decades > 0.9 && decades < 3.2)) return found;
    const powers = Array.from({ length: 5 }, (_, place) => 10 ** (Math.floor(Math.log10(low)) + place));
    return { ...found, major: powers.flatMap(power => [power, 2 * power, 5 * power]).filter(tick => tick >= low && tick <= high) };
  }
}

// The ends of an axis that do not follow its points: null where they do.
export function fixedEnds({ range, log, zero }, layers, name, strip) {
  if (range) return { start: range[0], end: range[1] };
  const [low, high] = layers.filter(layer => !(name === "y" && layer.strip)).reduce((found, layer) => ends(layer[name], found), [Infinity, -Infinity]);
  if (low > high) return log ? { start: 1, end: 10 } : { start: strip ? -10 : 0, end: 100 };
  if (low === high && !log) return { start: low - (Math.abs(low) * 0.1 || 1), end: low + (Math.abs(low) * 0.1 || 1) };
  return zero && low >= 0 && low < NEAR_ZERO * high ? { start: 0 } : null;
}

function makeRange(fixed, strip) {
  if (fixed?.end !== undefined) return new Bokeh.Range1d(fixed);
  const range_padding = strip ? 3 * ROOM : ROOM; // also for the strip below
  return new Bokeh.DataRange1d({ only_visible: true, range_padding, default_span: 0.6, ...(fixed ?? {}) });
}

export function makeFigure(picture, layers, colours, font) {
  const [x, y] = ["x", "y"].map(name => {
    const strip = name === "y" && picture.strip;
    return makeRange(fixedEnds(picture[name], layers, name, strip), strip);
  });
  const zoom = new Bokeh.BoxZoomTool();
  zoom.overlay.setv({ fill_color: colours.ink, fill_alpha: 0.1, line_color: colours.ink, line_width: 1 });
  const figure = Bokeh.Plotting.figure({
    x_range: x, y_range: y, x_axis_type: picture.x.log ? "log" : "linear", sizing_mode: "stretch_both", output_backend: "canvas",
    tools: [zoom, new Bokeh.PanTool(), new Bokeh.WheelZoomTool(), new Bokeh.ResetTool({ description: "Show the whole" }), new Bokeh.SaveTool({ filename: "chart" })],
    toolbar_location: "above", background_fill_color: colours.paper, border_fill_color: colours.paper, outline_line_color: null, min_border: 5, min_border_right: 16,
  });
  // Bokeh counts no width for the dividers, and so would fold the last button away.
  figure.toolbar.setv({ stylesheets: [".bk-divider { display: none; }"], logo: null, active_drag: zoom, active_scroll: null });
  drawAxes(figure, picture, colours, font);
  if (picture.strip) drawStrip(figure, colours);
  if (picture.limit !== null) {
    figure.add_layout(new Bokeh.Span({ dimension: "height", location: picture.limit, line_color: colours.grey, line_dash: [2, 4], level: "glyph" }));
  }
  if (picture.scale) drawBar(figure, picture.scale, colours, font);
  return figure;
}

const textLook = (name, colours, font) => ({
  [`${name}_text_font`]: font, [`${name}_text_font_size`]: "12px", [`${name}_text_font_style`]: "normal", [`${name}_text_color`]: colours.ink,
});

function drawAxes(figure, picture, colours, font) {
  for (const [axis, name] of [[figure.xaxes[0], "x"], [figure.yaxes[0], "y"]]) {
    axis.setv({
      axis_label: picture[name].label, formatter: new CountFormatter(), axis_line_color: colours.grey, major_tick_line_color: colours.grey, minor_tick_line_color: null,
      major_tick_in: 0, major_tick_out: 4, major_label_policy: new Bokeh.NoOverlap(), ...textLook("axis_label", colours, font), ...textLook("major_label", colours, font),
    });
    if (picture[name].log) axis.ticker = new DecadeTicker();
    if (picture[name].whole) axis.ticker = new Bokeh.BasicTicker({ min_interval: 1 });
  }
  figure.xgrids[0].setv({ grid_line_color: colours.faint, ticker: figure.xaxes[0].ticker });
  figure.ygrids[0].setv({ grid_line_color: colours.faint });
}

// The lowest part of the frame, whatever part of y is looked at, has a range of its own, and no value of y beside it.
function drawStrip(figure, colours) {
  const strip = new Bokeh.Range1d({ start: 0, end: 1 });
  figure.extra_y_ranges = { [STRIP]: strip };
  strip.change.connect(() => strip.setv({ start: 0, end: 1 }));
  figure.add_layout(new Bokeh.BoxAnnotation({
    bottom: 0, top: STRIP_SHARE, y_range_name: STRIP, fill_color: colours.paper, fill_alpha: 1, line_color: colours.grey, level: "glyph", editable: false,
  }));
  const { y_range: y } = figure;
  const bounded = () => {
    if (!(y.start < y.end)) return;
    const bounds = [y.start + STRIP_SHARE * (y.end - y.start), y.end];
    figure.yaxes[0].bounds = bounds;
    figure.ygrids[0].bounds = bounds;
  };
  bounded();
  y.change.connect(bounded);
}

function drawBar(figure, { stops, range: [low, high], label }, colours, font) {
  figure.add_layout(new Bokeh.ColorBar({
    color_mapper: new Bokeh.LinearColorMapper({ palette: paletteOf(stops), low, high: high > low ? high : low + 1 }),
    ticker: high > low ? new Bokeh.BasicTicker() : new Bokeh.FixedTicker({ ticks: [low] }), formatter: new CountFormatter(), width: 12, padding: 6, label_standoff: 5,
    background_fill_color: null, bar_line_color: null, major_tick_line_color: null, ...textLook("major_label", colours, font),
  }), "right");
  figure.add_layout(new Bokeh.Title({ text: label, align: "center", text_font: font, text_font_size: "12px", text_font_style: "normal", text_color: colours.ink }), "right");
}
