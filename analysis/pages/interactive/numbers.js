// Numbers as a person reads them, and the page's colours.

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

// The page's colours, light or dark.
function pageColours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ink", "grey", "faint", "paper", "blue", "orange"];
  return Object.fromEntries(names.map(name => [name, style.getPropertyValue(`--${name}`).trim()]));
}
