// The report's interactive part: its views, and what changes them.

const WHAT_CAN_BE_DONE = "Point at a candidate for its numbers; click it to see it below. Drag a rectangle to zoom in; a double click, Escape, or the "
  + "toolbar's Show the whole goes back. A name above the chart hides or shows what it stands for. Arrow keys go along the front, Enter chooses.";

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

// Resolves once the front is drawn.
function drawReport(record, place) {
  const report = makeReport(record);
  const front = make("div", { class: "plot", id: "front-plot" }), chosen = make("section", { class: "chosen", id: "chosen" });
  const table = make("section"), coordinates = make("div", { class: "plot", id: "coordinates" });
  const drawFront = frontView(report, front), drawChosen = chosenView(report, chosen);
  const candidates = tableView(report, table), drawCoordinates = coordinatesView(report, coordinates);
  report.drawn = () => {
    drawCoordinates();
    return drawFront();
  };
  report.filter = () => {
    Object.assign(report, filteredRows(report));
    candidates.draw();
    return report.drawn();
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
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    report.colours = pageColours();
    report.drawn();
  });
  return report.filter();
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

window.drawReport = drawReport; // for loader.js
