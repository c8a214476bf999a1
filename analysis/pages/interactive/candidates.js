// The table of what is shown, and the one candidate that was chosen: its numbers, its drawing, its commands.

const PAGE = 20; // rows

function tableColumns(report) {
  const { columns, record } = report;
  const several = record.runs.length > 1 ? [["run", row => record.runs[columns.run[row]].name, row => columns.run[row]]] : [];
  const number = (title, name, text) => anyKnown(columns[name]) ? [[title, row => text(columns[name][row]), row => columns[name][row]]] : [];
  return [
    ...number("candidate", "index", String), ...number("accuracy %", "accuracy", percentText),
    ...number("±, images", "margin", value => value === null ? DASH : value.toFixed(1)), ...number("MACs", "macs", wholeText),
    ...number("params", "params", wholeText), ...number("latency, ms", "latency", timeText), ...number("seconds", "seconds", timeText),
    ...number("global layers %", "share", shareText), ...number("age", "age", String), ...several,
  ];
}

function tableView(report, place) {
  const heads = tableColumns(report);
  const state = { column: 1, up: false, page: 0 };
  const body = make("tbody"), said = make("span", { "aria-live": "polite" });
  const headings = heads.map(([title], column) => make("th", {}, make("button", {
    type: "button", click: () => { Object.assign(state, { up: state.column === column && !state.up, column, page: 0 }); draw(); },
  }, title)));
  const turn = step => make("button", { type: "button", click: () => { state.page += step; draw(); } }, step < 0 ? "Previous" : "Next");
  const [previous, next] = [turn(-1), turn(1)];
  place.append(
    make("div", { class: "scroll" }, make("table", { class: "candidates names" }, make("thead", {}, make("tr", {}, ...headings)), body)),
    make("p", { class: "turn" }, previous, " ", next, " ", said),
    ...(anyKnown(report.columns.margin) ? [make("p", { class: "note" }, "±, images: twice the standard error of an accuracy over the validation images.")] : []));
  let ordered = [];

  function sort() {
    const value = heads[state.column][2];
    const sign = state.up ? 1 : -1;
    ordered = [...report.visible].sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === null || y === null) return (x === null) - (y === null);
      return sign * (x - y) || a - b;
    });
  }

  function draw() {
    sort();
    const pages = Math.max(1, Math.ceil(ordered.length / PAGE));
    state.page = Math.min(Math.max(state.page, 0), pages - 1);
    headings.forEach((head, column) => column === state.column
      ? head.setAttribute("aria-sort", state.up ? "ascending" : "descending") : head.removeAttribute("aria-sort"));
    const rows = ordered.slice(PAGE * state.page, PAGE * (state.page + 1));
    body.replaceChildren(...rows.map(row => tableRow(report, heads, row, () => steady(place, () => report.choose(row)))));
    previous.disabled = state.page === 0;
    next.disabled = state.page === pages - 1;
    said.textContent = `${wholeText(report.visible.length)} of ${wholeText(report.count)} candidates, page ${state.page + 1} of ${pages}`;
  }

  function follow() { // turns to the page of the chosen one
    if (report.chosen !== null && ordered.includes(report.chosen)) state.page = Math.floor(ordered.indexOf(report.chosen) / PAGE);
    draw();
  }
  return { draw, follow };
}

function tableRow(report, heads, row, choose) {
  const chosen = row === report.chosen;
  const cells = heads.map(([, text], place) => make("td", {}, place === 0
    ? make("button", { type: "button", "aria-pressed": String(chosen), title: "show its drawing" }, text(row)) : text(row)));
  return make("tr", { class: chosen ? "chosen" : null, click: choose }, ...cells);
}

function chosenView(report, place) {
  return () => {
    const { columns, record, chosen } = report;
    if (chosen === null) {
      place.replaceChildren(make("p", { class: "note" }, "Click a point, a line or a row: its architecture and its commands are shown here."));
      return;
    }
    const run = record.runs[columns.run[chosen]];
    const index = columns.index[chosen];
    const several = record.runs.length > 1 ? ` of ${run.name}` : "";
    place.replaceChildren(make("h3", {}, `Candidate ${index}${several}`), make("p", {}, chosenText(report, chosen)),
      commandLine(`python run_search.py export ${run.folder} --pick index=${index}`),
      commandLine(`python run_search.py retrain ${run.folder} --pick index=${index}`), chosenDrawing(report, chosen));
  };
}

function chosenText(report, row) {
  const { columns, record } = report;
  const margin = columns.margin[row];
  const again = record.confirmed.find(each => each.row === row);
  const marks = [[record.best, "the best"], [record.knee, "the knee"]].filter(([place]) => place === row).map(([, text]) => text);
  if (record.ties.includes(row)) marks.push(`within the noise of the best${again && record.confirmed.some(each => each.row === record.best) ? ", by seeds" : ""}`);
  const parts = [
    `${percentText(columns.accuracy[row])}% validation accuracy` + (margin === null ? "" : ` ± ${margin.toFixed(1)} points (twice its standard error over the images)`),
    ...(again ? [againNumber(again)] : []),
    `${wholeText(columns.macs[row])} MACs (${wholeText(columns.published[row])} by the published count)`,
    `${wholeText(columns.params[row])} params`, ...(columns.latency[row] === null ? [] : [`${timeText(columns.latency[row])} ms`]),
    ...(columns.share[row] === null ? [] : [`global layers at ${shareText(columns.share[row])}% of its places`]), ...marks,
  ];
  return parts.join(", ") + ".";
}

function chosenDrawing(report, row) {
  const place = report.columns.architecture[row];
  if (place === null) return make("p", { class: "note" }, "Of so many candidates not all drawings are in this file; export draws it.");
  const [space, architecture] = report.record.architectures[place];
  try {
    return drawArchitecture(report.record.spaces[space], architecture);
  } catch (error) {
    return make("p", { class: "note" }, `It cannot be drawn: ${error.message}`);
  }
}

function commandLine(text) {
  const words = text.split(" ").flatMap((word, place) => [...(place ? [" "] : []), make("span", {}, word)]); // which break between them alone
  const code = make("code", {}, ...words), said = make("span", { "aria-live": "polite" });
  const copy = async () => {
    said.textContent = (await copied(text, code)) ? "copied" : "selected: press Ctrl+C";
    setTimeout(() => { said.textContent = ""; }, 2000);
  };
  return make("p", { class: "command" }, code, " ", make("button", { type: "button", click: copy }, "Copy"), " ", said);
}

async function copied(text, code) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { // not allowed here, or not in this browser
    getSelection().selectAllChildren(code);
    return document.execCommand("copy");
  }
}
