// Numbers as a person reads them, and elements. A text of a run becomes a text node, never HTML.

const UNITS = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"]];

// A count in three digits with its unit, as records.text writes it.
function countText(value) {
  for (const [size, unit] of UNITS) {
    if (Math.abs(value) >= size * 0.9995) {
      const scaled = value / size;
      const digits = Math.abs(scaled) < 9.995 ? 2 : Math.abs(scaled) < 99.95 ? 1 : 0;
      return scaled.toFixed(digits) + unit;
    }
  }
  return value.toFixed(0);
}

const DASH = "–";
const wholeText = value => value === null ? DASH : value.toLocaleString("en");
const percentText = value => value === null ? DASH : value.toFixed(2);
const shareText = value => value === null ? DASH : value.toFixed(0);
const timeText = value => value === null ? DASH : Number(value.toPrecision(3)).toString();

// What was typed as a count, such as 300k or 1.5M; null for nothing, NaN for what is no count.
function parseCount(text) {
  if (!text.trim()) return null;
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmg]?)\s*%?\s*$/i.exec(text);
  return match ? match[1] * { "": 1, k: 1e3, m: 1e6, g: 1e9 }[match[2].toLowerCase()] : NaN;
}

function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function makeSvg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

// A text for plotly, which takes some tags and entities for HTML.
function forPlotly(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}

// The page's colours, light or dark.
function pageColours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ink", "grey", "faint", "paper", "blue", "orange"];
  return Object.fromEntries(names.map(name => [name, style.getPropertyValue(`--${name}`).trim()]));
}
