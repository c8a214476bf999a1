// What is shown: the axis, the colour, and the candidates within the limits that are typed or brushed.

const LIMITS = { macs: "MACs", params: "parameters", share: "global layers, %" };
const COUNTS = "such as 500000, 500,000, 5e5, 500k or 1.5M", ACCEPTED = { share: "such as 50" };

function filtersView(report) {
  const { columns, record } = report;
  const bar = make("form", { class: "filters", submit: event => event.preventDefault() });
  const costs = Object.keys(COSTS).filter(name => anyKnown(columns[name]));
  bar.append(select("axis", costs.map(name => [name, COSTS[name]]), report.x, value => { report.x = value; report.drawn(); }));
  const log = make("input", { type: "checkbox", id: "log-axis", checked: report.log, change: () => { report.log = log.checked; report.drawn(); } });
  bar.append(make("label", { for: "log-axis" }, log, " logarithmic"));
  const colourings = Object.keys(COLOURINGS).filter(name => name === "run" ? record.runs.length > 1 : anyKnown(columns[name]));
  bar.append(select("colour", colourings.map(name => [name, COLOURINGS[name].label]), report.colour, value => { report.colour = value; report.drawn(); }));
  for (const [name, label] of Object.entries(LIMITS)) {
    if (anyKnown(columns[name])) bar.append(limits(report, name, label));
  }
  bar.append(make("button", { type: "reset" }, "Show all"));
  bar.addEventListener("reset", () => {
    report.limits = {};
    report.brushes = {};
    bar.querySelectorAll("[aria-invalid]").forEach(input => input.removeAttribute("aria-invalid"));
    bar.querySelectorAll(".wrong").forEach(said => { said.textContent = ""; });
    setTimeout(() => { // once the form has its first values back
      Object.assign(report, { x: report.first.x, log: report.first.log, colour: report.first.colour });
      report.filter(true);
    });
  });
  return bar;
}

function select(name, options, value, changed) {
  const menu = make("select", { id: `choose-${name}`, change: () => changed(menu.value) },
    ...options.map(([key, text]) => make("option", { value: key, selected: key === value }, text)));
  return make("label", { for: `choose-${name}` }, `${name} `, menu);
}

// Two fields and, beside them, what is wrong with what was typed; a limit that cannot be read is none.
function limits(report, name, label) {
  const wrong = make("span", { class: "wrong", role: "alert", id: `${name}-wrong` });
  const fields = [["least", "from"], ["most", "to"]].map(([end, said]) => make("input", {
    size: 8, placeholder: said, "aria-label": `${label}, ${said}`, "aria-describedby": wrong.id, id: `${name}-${end}`, input: typed,
  }));
  function typed() {
    const [least, most] = fields.map(field => parseCount(field.value));
    const bad = fields.filter((_, place) => Number.isNaN([least, most][place]));
    const crossed = least !== null && most !== null && least > most;
    fields.forEach(field => crossed || bad.includes(field) ? field.setAttribute("aria-invalid", "true") : field.removeAttribute("aria-invalid"));
    wrong.textContent = bad.length ? `${bad.map(field => `“${field.value.trim()}”`).join(" and ")}: no number, so no limit; accepted: ${ACCEPTED[name] ?? COUNTS}`
      : crossed ? `from ${fields[0].value.trim()} to ${fields[1].value.trim()}: the first is above the second, so nothing is within` : "";
    const known = value => Number.isNaN(value) ? null : value;
    report.limits[name] = { least: known(least), most: known(most) };
    report.filter();
  }
  return make("span", {}, `${label} `, fields[0], " ", fields[1], " ", wrong);
}

// The candidates within the typed limits, and of these the ones within what was brushed.
function filteredRows(report) {
  const { columns, count } = report;
  const within = [];
  const tests = Object.entries(report.limits).map(([name, { least = null, most = null }]) => row => {
    const value = columns[name][row];
    return (least === null && most === null) || (value !== null && value >= (least ?? -Infinity) && value <= (most ?? Infinity));
  });
  for (let row = 0; row < count; row++) if (tests.every(test => test(row))) within.push(row);
  const brushed = Object.entries(report.brushes);
  const visible = within.filter(row => brushed.every(([name, [low, high]]) => {
    const value = columns[name][row];
    return value !== null && value >= low && value <= high;
  }));
  return { within, visible };
}
