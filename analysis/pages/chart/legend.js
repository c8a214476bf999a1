// The names of a chart's layers, each with its look; a press leaves one out, or shows it again.
import { cleared, make } from "./elements.js";
import { drawLine, drawSymbols } from "./marks.js";

const LOOK = { width: 26, height: 14 }; // pixels

export class Legend {
  constructor(changed) {
    Object.assign(this, { changed, pressed: new Map(), shown: "", place: make("div", { class: "chart-legend" }) });
  }

  shows(layer) {
    return this.pressed.get(layer.name) ?? !layer.off;
  }

  // Made anew only where it changes, so that the keyboard's place stays.
  show(layers, colours) {
    const named = layers.filter(layer => layer.name && (layer.x.length || layer.empty));
    const shown = JSON.stringify([named.map(({ name, symbol, colour }) => [name, symbol, colour]), colours]);
    if (shown === this.shown) return;
    this.shown = shown;
    this.place.replaceChildren(...named.map(layer => this.entry(layer, colours)));
  }

  entry(layer, colours) {
    const button = make("button", { type: "button", "aria-pressed": String(this.shows(layer)), click: () => {
      this.pressed.set(layer.name, !this.shows(layer));
      button.setAttribute("aria-pressed", String(this.shows(layer)));
      this.changed();
    } }, look(layer, colours), layer.name);
    return button;
  }
}

function look(layer, colours) {
  const canvas = make("canvas", { "aria-hidden": "true" }), { width, height } = LOOK;
  const context = cleared(canvas, width, height);
  const plain = { ...layer, colours: null, colour: layer.colour ?? colours.grey, size: Math.min(Math.max(layer.size ?? 0, 3), 5), alpha: 1 };
  const middle = height / 2;
  if (layer.line) drawLine(context, plain, [1, width - 1], [middle, middle]);
  if (layer.symbol) drawSymbols(context, plain, [0], [width / 2], [middle], colours.paper);
  return canvas;
}
