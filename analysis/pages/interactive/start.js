// Unpacks what the page holds, and draws it. Where that fails, the pictures and tables of the page stay as they are.

const WHAT_CAN_BE_DONE = "Point at a candidate for its numbers; click it to see it below. Drag a rectangle to zoom in; a double click, or the "
  + "button Show the whole, goes back. A name in the legend hides or shows what it stands for. Arrow keys go along the front, Enter chooses.";

async function unpacked(name) {
  const text = atob(document.getElementById(name).textContent);
  const bytes = new Uint8Array(text.length);
  for (let place = 0; place < text.length; place++) bytes[place] = text.charCodeAt(place);
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

function makeReport(record) {
  const columns = record.columns;
  const several = record.runs.length > 1;
  const macs = ends(columns.macs);
  const first = { x: "macs", log: macs[1] / Math.max(macs[0], 1) >= 6, colour: several ? "run" : anyKnown(columns.share) ? "share" : "accuracy" };
  return {
    record, columns, count: columns.index.length, first, ...first, colours: pageColours(), limits: {}, brushes: {},
    within: [], visible: [], chosen: record.best,
  };
}

function drawReport(record, place) {
  const report = makeReport(record);
  const front = make("div", { class: "plot", id: "front-plot" }), chosen = make("section", { class: "chosen", id: "chosen" });
  const table = make("section"), coordinates = make("div", { class: "plot", id: "coordinates" });
  const drawFront = frontView(report, front), drawChosen = chosenView(report, chosen);
  const candidates = tableView(report, table), drawCoordinates = coordinatesView(report, coordinates);
  report.drawn = () => {
    drawFront();
    drawCoordinates();
  };
  report.filter = () => {
    Object.assign(report, filteredRows(report));
    candidates.draw();
    report.drawn();
  };
  report.choose = row => {
    report.chosen = row;
    candidates.follow();
    drawChosen();
    report.drawn();
  };
  place.append(filtersView(report), make("p", { class: "note hint" }, WHAT_CAN_BE_DONE), front, chosen, table,
    make("h3", {}, "Parallel coordinates"),
    make("p", { class: "note" }, "Drag along an axis to keep what lies there; a click on the axis lets go. A click on a line chooses its candidate. The front and the table show the same candidates."),
    coordinates);
  place.hidden = false;
  linkCandidates(report, chosen);
  drawChosen();
  report.filter();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    report.colours = pageColours();
    report.drawn();
  });
}

// A candidate's number elsewhere in the page chooses it, and its panel comes into view.
function linkCandidates(report, panel) {
  panel.setAttribute("tabindex", "-1");
  document.querySelectorAll("a[data-candidate]").forEach(link => link.addEventListener("click", event => {
    const row = report.columns.index.indexOf(Number(link.dataset.candidate));
    if (row < 0) return;
    event.preventDefault();
    report.choose(row);
    panel.focus({ preventScroll: true });
    panel.scrollIntoView({ block: "nearest" });
  }));
}

async function start() {
  const place = document.getElementById("interactive");
  if (!place) return;
  try {
    drawReport(JSON.parse(await unpacked("packed-record")), place);
    performance.mark("front");
    document.getElementById("still").open = false;
    document.documentElement.dataset.interactive = "drawn";
  } catch (error) {
    place.hidden = true;
    const said = document.getElementById("interactive-failed");
    const why = "DecompressionStream" in window ? `could not be drawn (${error.message})` : "needs a browser of 2023 or later";
    said.textContent = `The interactive front ${why}. The pictures below show the same.`;
    said.hidden = false;
    document.documentElement.dataset.interactive = "failed";
  }
}

start();
