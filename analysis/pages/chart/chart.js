// A chart on two canvases: many points on the lower one, on which new ones are put without drawing all, the rest above.
//
// A picture is a plain record: ``x`` and ``y``, the axes ({label, log, range, zero, whole}); ``cloud``, the layer of many points;
// ``layers``, what is drawn on it; ``scale`` of the colours ({stops, range, label}) or null; ``limit``, a value of x at which a
// line stands, or null; ``strip``, whether points without a value of y stand below; ``said``, a sentence where there is nothing to draw. A layer has ``name`` (in the legend, null for
// none), ``x``, ``y``, ``symbol`` (null for none), ``size``, ``colour`` or ``colours``, ``alpha``, ``edge``, ``line`` ({steps, width,
// alpha}), ``bars`` (half lengths), ``stems`` (values of y from which a thin line goes to the point), ``strip``, ``keys`` (what a click on a point gives), ``text`` (lines of a point), ``walk``
// (the arrow keys go along it) and ``off`` (not shown at first).
import { drawAxes } from "./axes.js";
import { cleared, make } from "./elements.js";
import { inside, makeFrame, placesOf } from "./frame.js";
import { Legend } from "./legend.js";
import { drawBars, drawLine, drawStems, drawSymbols } from "./marks.js";
import { Pointer } from "./pointer.js";

const same = (one, other) => one.length <= other.length && one.every((each, place) => each === other[place]);

export class Chart {
  // ``colours`` gives {ink, grey, faint, paper}; ``choose`` is called with the key of a point.
  constructor(place, { colours, choose = null, label = "chart" }) {
    Object.assign(this, { place, colours, picture: null, frame: null, zoom: null, drawn: { key: null, keys: [], paints: [], dots: 0 } });
    this.lower = make("canvas", { "aria-hidden": "true" });
    this.upper = make("canvas", { "aria-hidden": "true" });
    this.said = make("div", { class: "chart-said", role: "status", hidden: true });
    this.plot = make("div", { class: "chart-plot", tabindex: "0", role: "application", "aria-label": label }, this.lower, this.upper, this.said);
    this.legend = new Legend(() => this.render());
    place.classList.add("chart");
    place.replaceChildren(this.legend.place, this.plot);
    place.chart = this;
    this.pointer = new Pointer(this, choose);
    new ResizeObserver(() => this.render()).observe(this.plot);
  }

  draw(picture) {
    const axes = JSON.stringify([picture.x.label, picture.x.log, picture.y.label]);
    if (axes !== this.axes) this.zoom = null; // what was zoomed stays so while points come
    this.axes = axes;
    this.picture = picture;
    this.said.textContent = picture.said ?? "";
    this.said.hidden = !picture.said;
    this.legend.show([picture.cloud, ...picture.layers], this.colours());
    this.render();
  }

  zoomTo(zoom) {
    this.zoom = zoom;
    this.render();
  }

  // The layers that are shown, the lowest first.
  shown() {
    return [this.picture.cloud, ...this.picture.layers].filter(layer => this.legend.shows(layer));
  }

  render() {
    const { clientWidth: width, clientHeight: height } = this.plot;
    if (!this.picture || !width || !height) return;
    const layers = this.shown(), colours = this.colours();
    this.frame = makeFrame(this.picture, layers, width, height, this.zoom);
    this.drawLower(layers[0] === this.picture.cloud ? layers[0] : null, colours);
    this.drawUpper(layers.filter(layer => layer !== this.picture.cloud), colours);
    this.pointer.moved();
  }

  // Points that come are put on it; all are drawn where anything else has changed.
  drawLower(cloud, colours) {
    const { frame, picture, drawn } = this;
    const { x, y, width, height } = frame;
    const look = cloud && [cloud.symbol, cloud.size, cloud.colour, cloud.alpha];
    const key = JSON.stringify([width, height, window.devicePixelRatio, x.low, x.high, y.low, y.high, this.axes, picture.strip, picture.scale, colours, look]);
    const keys = cloud?.keys ?? [], paints = cloud?.colours ?? [];
    const more = key === drawn.key && same(drawn.keys, keys) && same(drawn.paints, paints);
    const from = more ? drawn.keys.length : 0;
    if (!more) {
      this.context = cleared(this.lower, width, height);
      drawAxes(this.context, frame, picture, colours);
    }
    this.drawn = { key, keys, paints, dots: drawn.dots + keys.length - from }; // dots: how many were drawn so far
    if (cloud) this.clipped(this.context, () => this.drawPoints(this.context, cloud, colours, from));
  }

  drawUpper(layers, colours) {
    const { frame, picture } = this;
    const context = cleared(this.upper, frame.width, frame.height);
    this.clipped(context, () => {
      if (picture.limit !== null) {
        context.setLineDash([2, 4]);
        drawLine(context, { line: { width: 1 }, colour: colours.grey }, Array(2).fill(frame.x.at(picture.limit)), [frame.top, frame.bottom]);
        context.setLineDash([]);
      }
      for (const layer of layers) this.drawPoints(context, layer, colours, 0);
    });
  }

  drawPoints(context, layer, colours, from) {
    const { frame } = this;
    const { xs, ys } = placesOf(frame, layer);
    if (layer.line) drawLine(context, layer, xs, ys);
    if (layer.stems) drawStems(context, layer, xs, ys, layer.stems.map(value => frame.y.at(value)));
    if (layer.bars) {
      const end = sign => ys.map((_, place) => layer.bars[place] === null ? NaN : frame.y.at(layer.y[place] + sign * layer.bars[place]));
      drawBars(context, layer, xs, end(-1), end(1));
    }
    if (!layer.symbol) return;
    const places = [];
    for (let place = from; place < xs.length; place++) if (inside(frame, xs[place], ys[place])) places.push(place);
    drawSymbols(context, layer, places, xs, ys, colours.paper);
  }

  clipped(context, act) {
    const { left, right, top, bottom } = this.frame;
    context.save();
    context.beginPath();
    context.rect(left, top - 6, right - left + 6, bottom - top + 6);
    context.clip();
    act();
    context.restore();
  }

  // Of each point of the layers that say something the place in pixels.
  hits() {
    return this.shown().filter(layer => layer.text).map(layer => ({ layer, ...placesOf(this.frame, layer) }));
  }
}
