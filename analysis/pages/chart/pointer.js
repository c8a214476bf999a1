// What a person does with a chart: hover and click, a rectangle to zoom in, a double click to see all, arrow keys and Enter.
import { make } from "./elements.js";
import { inside } from "./frame.js";

const REACH = 14; // pixels between the pointer and the point that it means
const DRAG = 6; // pixels, from which on a press is no click

export class Pointer {
  constructor(chart, choose) {
    Object.assign(this, { chart, choose, at: null, walked: null, from: null, dragged: false, meant: null });
    this.tip = make("div", { class: "chart-tip", role: "status", hidden: true });
    this.ring = make("div", { class: "chart-ring", hidden: true });
    this.box = make("div", { class: "chart-box", hidden: true });
    this.whole = make("button", { type: "button", class: "chart-whole", hidden: true, click: () => chart.zoomTo(null) }, "Show the whole");
    chart.plot.append(this.ring, this.box, this.tip, this.whole);
    for (const name of ["pointermove", "pointerdown", "pointerup", "pointerleave", "click", "dblclick", "keydown", "blur"]) {
      chart.plot.addEventListener(name, event => event.target === this.whole || this[name](event));
    }
  }

  place(event) {
    const box = this.chart.plot.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  // After the chart was drawn: what is pointed at may be elsewhere.
  moved() {
    this.whole.hidden = this.chart.zoom === null;
    this.known = null;
    if (this.walked) this.say(this.again(this.walked));
    else if (this.at) this.say(this.nearest(...this.at));
  }

  hits() {
    return this.known ??= this.chart.hits();
  }

  nearest(x, y) {
    let found = null, least = REACH ** 2;
    for (const { layer, xs, ys } of this.hits()) {
      for (let place = 0; place < xs.length; place++) {
        const far = (xs[place] - x) ** 2 + (ys[place] - y) ** 2;
        if (far <= least && inside(this.chart.frame, xs[place], ys[place])) [found, least] = [{ layer, place, x: xs[place], y: ys[place] }, far];
      }
    }
    return found;
  }

  again({ key }) {
    const hit = this.hits().find(each => each.layer.walk);
    const place = hit ? hit.layer.keys.indexOf(key) : -1;
    return place < 0 ? null : { layer: hit.layer, place, x: hit.xs[place], y: hit.ys[place] };
  }

  say(found) {
    this.meant = found;
    this.tip.hidden = this.ring.hidden = found === null;
    this.chart.plot.style.cursor = found && this.choose && found.layer.keys ? "pointer" : "crosshair";
    if (found === null) return;
    const { layer, place, x, y } = found, { width, height } = this.chart.frame;
    this.tip.replaceChildren(...layer.text(place).map((text, line) => make("div", { class: line ? null : "first" }, text)));
    const beside = x > width / 2 ? x - this.tip.offsetWidth - 12 : x + 12;
    const below = Math.min(Math.max(y - this.tip.offsetHeight / 2, 0), height - this.tip.offsetHeight);
    this.tip.style.transform = `translate(${Math.max(beside, 0)}px, ${Math.max(below, 0)}px)`;
    this.ring.style.transform = `translate(${x - 8}px, ${y - 8}px)`;
  }

  pointermove(event) {
    this.at = this.place(event);
    this.walked = null;
    if (!this.from) return this.say(this.nearest(...this.at));
    const [x, y] = this.at, [left, top] = this.from;
    this.dragged ||= Math.hypot(x - left, y - top) > DRAG;
    if (!this.dragged) return;
    this.say(null);
    this.box.hidden = false;
    Object.assign(this.box.style, {
      left: `${Math.min(x, left)}px`, top: `${Math.min(y, top)}px`, width: `${Math.abs(x - left)}px`, height: `${Math.abs(y - top)}px`,
    });
  }

  pointerdown(event) {
    this.dragged = false;
    const at = this.place(event);
    if (event.button || event.pointerType === "touch" || !inside(this.chart.frame, ...at)) return; // a finger scrolls
    this.from = at;
    this.chart.plot.setPointerCapture(event.pointerId);
  }

  pointerup(event) {
    const from = this.from;
    this.from = null;
    this.box.hidden = true;
    if (!from || !this.dragged) return;
    const { frame, axes } = this.chart, to = this.place(event);
    const within = (value, one, other) => Math.min(Math.max(value, Math.min(one, other)), Math.max(one, other));
    const ends = (axis, name) => [from[axis], to[axis]].map(value => frame[name].back(within(value, frame[name].from, frame[name].to))).sort((a, b) => a - b);
    const [x, y] = [ends(0, "x"), ends(1, "y")];
    if (x[0] < x[1] && y[0] < y[1]) this.chart.zoomTo({ x, y });
  }

  pointerleave() {
    this.at = null;
    if (!this.from) this.say(null);
  }

  click(event) {
    if (this.dragged) return;
    this.walked = null;
    this.say(this.nearest(...this.place(event)));
    this.open();
  }

  open() {
    const key = this.meant?.layer.keys?.[this.meant.place];
    if (key !== undefined && key !== null && this.choose) this.choose(key);
  }

  dblclick() {
    if (this.chart.zoom) this.chart.zoomTo(null);
  }

  keydown(event) {
    const hit = this.hits().find(each => each.layer.walk && each.xs.length);
    const last = hit ? hit.xs.length - 1 : 0, now = this.walked && hit ? hit.layer.keys.indexOf(this.walked.key) : null;
    const next = {
      ArrowRight: now === null ? 0 : Math.min(now + 1, last), ArrowLeft: now === null ? last : Math.max(now - 1, 0), Home: 0, End: last,
    }[event.key];
    if (event.key === "Escape") {
      this.walked = null;
      this.say(null);
      if (this.chart.zoom) this.chart.zoomTo(null);
    } else if (event.key === "Enter") this.open();
    else if (next === undefined || !hit) return;
    else {
      this.walked = { key: hit.layer.keys[next] };
      this.say(this.again(this.walked));
    }
    event.preventDefault();
  }

  blur() {
    this.walked = null;
    if (!this.at) this.say(null);
  }
}
