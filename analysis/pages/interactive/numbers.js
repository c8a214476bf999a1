// Numbers as a person reads them, the page's colours, and its place on the screen.

const DASH = "–";
const wholeText = value => value === null ? DASH : value.toLocaleString("en");
const percentText = value => value === null ? DASH : value.toFixed(2);
const shareText = value => value === null ? DASH : value.toFixed(0);
const timeText = value => value === null ? DASH : Number(value.toPrecision(3)).toString();

// What was typed as a count, such as 300k, 1.5M, 500,000 or 5e5; null for nothing, NaN for what is no count.
function parseCount(text) {
  if (!text.trim()) return null;
  const match = /^\s*(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:e\+?\d{1,2})?)\s*([kmg]?)\s*%?\s*$/i.exec(text);
  return match ? match[1].replaceAll(",", "") * { "": 1, k: 1e3, m: 1e6, g: 1e9 }[match[2].toLowerCase()] : NaN;
}

// Does what changes the page, and scrolls so that ``element`` stays where it is seen.
function steady(element, act) {
  const before = element.getBoundingClientRect().top;
  act();
  scrollBy({ top: element.getBoundingClientRect().top - before, behavior: "instant" });
}

// The page's colours, light or dark.
function pageColours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ink", "grey", "faint", "paper", "blue", "orange"];
  return Object.fromEntries(names.map(name => [name, style.getPropertyValue(`--${name}`).trim()]));
}
