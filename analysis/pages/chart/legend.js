// The names of a picture's layers, each with its look, which Bokeh draws; a press leaves one out, or shows it again.

const STYLE = `
  :host { max-width: 100%; padding-bottom: 6px; }
  .bk-grid { display: flex; flex-wrap: wrap; width: auto; height: auto; gap: 1px 12px; }
  .bk-label { white-space: normal; overflow-wrap: anywhere; cursor: pointer; }
  .bk-item { border-radius: 3px; }
  .bk-glyph { margin: -3px 0; }
  .bk-item:focus-visible { outline: 2px solid currentcolor; }
  .bk-item.bk-inactive { opacity: 0.45; text-decoration: line-through; }
`;

export function makeLegend(figure, layers, colours, font) {
  const items = layers.filter(({ layer }) => layer.name && layer.x.length).map(({ layer, renderers }) =>
    new Bokeh.LegendItem({ label: { value: layer.name }, renderers }));
  const legend = new Bokeh.Legend({
    items, orientation: "horizontal", click_policy: "hide", location: [0, 0], margin: 4, padding: 0, spacing: 0, label_standoff: 3, glyph_width: 24, glyph_height: 24,
    label_height: 16, label_text_font: font, label_text_font_size: "12px", label_text_color: colours.ink, border_line_color: null, background_fill_color: null,
    inactive_fill_color: null, stylesheets: [STYLE],
  });
  figure.add_layout(legend, "above");
  return legend;
}

// Bokeh's legend knows the mouse alone: here its names become buttons for the keyboard and for who listens.
export function openToKeyboard(view, legend) {
  const root = view.views.get_one(legend).shadow_el;
  let held = null; // the place of the name that has the keyboard
  const open = () => {
    const names = [...root.querySelectorAll(".bk-item")];
    names.forEach((name, place) => {
      if (name.role === "button") return;
      Object.assign(name, { role: "button", tabIndex: 0, onfocus: () => { held = place; } });
      name.onblur = () => queueMicrotask(() => { if (root.contains(name)) held = null; }); // else Bokeh has made it anew
      name.onkeydown = event => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        name.dispatchEvent(new PointerEvent("pointerdown"));
      };
    });
    names.forEach(name => { name.ariaPressed = String(!name.classList.contains("bk-inactive")); });
    return names;
  };
  open();
  new MutationObserver(changes => {
    const names = open(), made = changes.some(({ addedNodes }) => addedNodes.length);
    if (made && held !== null) names[held]?.focus();
  }).observe(root, { childList: true, subtree: true, attributeFilter: ["class"] });
}
