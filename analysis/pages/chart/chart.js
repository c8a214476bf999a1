// A chart: a picture, drawn by Bokeh, with what Bokeh has not: the nearest point is the one that is meant, and arrow keys.
//
// A picture is a plain record: ``x`` and ``y``, the axes ({label, log, range, zero, whole}); ``cloud``, the layer of many points;
// ``layers``, what is drawn on it; ``scale`` of the colours ({stops, range, label}) or null; ``limit``, a value of x at which a
// line stands, or null; ``strip``, whether points without a value of y stand below; ``said``, a sentence where there is nothing to draw. A layer has ``name`` (in the legend, null for
// none), ``x``, ``y``, ``symbol`` (null for none), ``size``, ``colour`` or ``colours``, ``alpha``, ``edge``, ``line`` ({steps, width,
// alpha}), ``bars`` (half lengths), ``stems`` (values of y from which a thin line goes to the point), ``strip``, ``keys`` (what a click on a point gives), ``text`` (lines of a point), ``walk``
// (the arrow keys go along it) and ``off`` (not shown at first).
import { make } from "./elements.js";
import { fixedEnds, makeFigure } from "./figure.js";
import { Layer, layerLook } from "./layers.js";
import { makeLegend, openToKeyboard } from "./legend.js";

const WIDE = 700; // pixels, from which on a tip stands beside its point

export class Chart {
  // ``colours`` gives {ink, grey, faint, paper}; ``choose`` is called with the key of a point.
  constructor(place, { colours, choose = null, label = "chart" }) {
    Object.assign(this, { colours, choose, picture: null, layers: [], view: null, walked: null, at: null, dragging: false, meant: null, ready: Promise.resolve() });
    this.said = make("div", { class: "chart-said", role: "status", hidden: true });
    this.told = make("div", { class: "chart-told", role: "status" }); // what the keyboard is at, for who listens
    this.holder = make("div", { class: "chart-figure" });
    this.words = make("div", { class: "chart-tip" });
    this.ring = make("div", { class: "chart-ring", hidden: true });
    this.plot = make("div", { class: "chart-plot", role: "application", "aria-label": label, tabindex: "0" }, this.holder, this.said, this.ring, this.told);
    this.plot.addEventListener("keydown", event => this.keydown(event));
    this.plot.addEventListener("focusout", () => { if (this.walked !== null) this.leave(); });
    place.classList.add("chart");
    place.replaceChildren(this.plot);
    place.chart = this;
  }

  // Draws a picture; what was zoomed or hidden stays so. ``ready`` is done once it is on the screen.
  draw(picture) {
    this.picture = picture;
    this.said.textContent = picture.said ?? "";
    this.said.hidden = !picture.said;
    const colours = this.colours(), all = [picture.cloud, ...picture.layers];
    const { x, y, scale, limit, strip } = picture;
    const look = JSON.stringify([x, y, scale, limit, strip, colours, all.map(layerLook), fixedEnds(x, all, "x", false), fixedEnds(y, all, "y", strip)]);
    if (look === this.look) all.forEach((layer, place) => this.layers[place].take(layer));
    else this.build(all, colours);
    this.look = look;
    return this.ready;
  }

  build(all, colours) {
    const axes = JSON.stringify([this.picture.x.label, this.picture.x.log, this.picture.y.label]);
    const zoomed = axes === this.axes ? this.zoomed() : [];
    const hidden = new Map(this.layers.map(({ layer, shown }) => [layer.name, !shown]));
    const font = getComputedStyle(this.plot).fontFamily;
    const figure = makeFigure(this.picture, all, colours, font);
    this.layers = all.map(layer => new Layer(figure, layer, colours));
    for (const each of this.layers) each.shown = !(hidden.get(each.layer.name) ?? each.layer.off);
    figure.y_range.renderers = this.layers.filter(({ layer }) => !layer.strip).flatMap(({ renderers }) => renderers);
    const legend = makeLegend(figure, this.layers, colours, font);
    for (const [name, range] of zoomed) {
      figure[name].setv(range);
      figure[name].have_updated_interactively = true;
    }
    this.tip = new Bokeh.Tooltip({
      content: this.words, position: null, visible: true, interactive: false, show_arrow: false, attachment: this.plot.clientWidth < WIDE ? "vertical" : "horizontal",
    });
    figure.elements = [this.tip];
    this.listen(figure);
    Object.assign(this, { axes, figure });
    this.ready = this.ready.then(async () => {
      const [before, old] = [this.holder, this.view];
      this.holder = make("div", { class: "chart-figure" });
      before.after(this.holder);
      this.view = await Bokeh.Plotting.show(figure, this.holder);
      old?.remove();
      before.remove();
      const { events_el: events } = this.view.canvas;
      events.removeAttribute("tabindex"); // the whole chart is one place for the keyboard
      events.style.touchAction = "pan-y"; // a finger scrolls
      this.view.repainted.connect(() => this.moved());
      openToKeyboard(this.view, legend);
      if (!document.hidden) await new Promise(requestAnimationFrame); // in which it is painted
    });
  }

  // The view of the figure, null while it is being made.
  get live() {
    return this.view?.model === this.figure ? this.view : null;
  }

  zoomed() {
    return ["x_range", "y_range"].map(name => [name, this.figure?.[name]]).filter(([, range]) => range?.have_updated_interactively)
      .map(([name, { start, end }]) => [name, { start, end }]);
  }

  whole() {
    this.live?.reset();
  }

  // The point next to a place in pixels, of the layers that say something; of several the uppermost.
  nearest(sx, sy) {
    let found = null, least = Infinity;
    for (const { layer, points } of this.layers) {
      if (!this.live || !layer.text || !points.visible) continue;
      const { glyph } = this.view.views.get_one(points);
      for (const place of glyph.hit_test({ type: "point", sx, sy })?.indices ?? []) {
        const [x, y] = [glyph.sx[place], glyph.sy[place]], far = (x - sx) ** 2 + (y - sy) ** 2;
        if (far <= least && this.view.frame.bbox.contains(x, y)) [found, least] = [{ layer, place, x, y }, far];
      }
    }
    return found;
  }

  walk() {
    return this.layers.find(({ layer, shown }) => layer.walk && shown);
  }

  // The point of the walk that the keyboard is at, or null.
  again() {
    const each = this.walk(), place = each ? each.layer.keys.indexOf(this.walked) : -1;
    if (place < 0 || !this.live) return null;
    const { glyph } = this.view.views.get_one(each.points);
    return { layer: each.layer, place, x: glyph.sx[place], y: glyph.sy[place] };
  }

  // A point has a tip and a ring; null for none.
  say(found) {
    this.meant = found;
    this.ring.hidden = found === null;
    if (found === null) return this.tip?.clear();
    const { layer, place, x, y } = found;
    this.words.replaceChildren(...layer.text(place).map((text, line) => make("div", { style: line ? null : "font-weight: 600" }, text)));
    this.tip.show({ x, y });
    this.ring.style.transform = `translate(${x - 8}px, ${y - 8}px)`;
  }

  // What is pointed at may be elsewhere now.
  moved() {
    if (this.walked !== null) this.say(this.again());
    else if (this.at) this.say(this.nearest(...this.at));
  }

  listen(figure) {
    figure.on_event("mousemove", ({ sx, sy }) => {
      this.at = [sx, sy];
      this.walked = null;
      if (this.dragging) return;
      this.say(this.nearest(sx, sy));
      if (this.live) this.live.canvas.events_el.style.cursor = this.meant?.layer.keys && this.choose ? "pointer" : "crosshair";
    });
    figure.on_event("mouseleave", () => this.leave());
    figure.on_event("panstart", () => { this.dragging = true; this.say(null); });
    figure.on_event("panend", () => { this.dragging = false; });
    figure.on_event("tap", ({ sx, sy }) => this.open(this.nearest(sx, sy)));
    figure.on_event("doubletap", () => this.whole());
  }

  leave() {
    Object.assign(this, { at: null, walked: null });
    this.told.textContent = "";
    this.say(null);
  }

  open(found) {
    const key = found?.layer.keys?.[found.place];
    if (key !== undefined && key !== null && this.choose) this.choose(key);
  }

  keydown(event) {
    if (event.composedPath()[0] !== this.plot) return; // a button of the legend or of the toolbar
    const keys = this.walk()?.layer.keys ?? [];
    const last = keys.length - 1, now = this.walked === null ? null : keys.indexOf(this.walked);
    const next = {
      ArrowRight: now === null ? 0 : Math.min(now + 1, last), ArrowLeft: now === null ? last : Math.max(now - 1, 0), Home: 0, End: last,
    }[event.key];
    if (event.key === "Escape") {
      this.leave();
      this.whole();
    } else if (event.key === "Enter") this.open(this.meant);
    else if (next === undefined || !keys.length) return;
    else {
      this.walked = keys[next];
      this.at = null;
      this.say(this.again());
      this.told.textContent = this.meant?.layer.text(this.meant.place).join(", ") ?? "";
    }
    event.preventDefault();
  }
}
