// Figures as people read them, and the few ways in which this page makes elements. Whatever the
// server says becomes text here, never markup.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

function digits(value, most = 3) {
  const whole = Math.max(1, Math.floor(Math.log10(Math.max(Math.abs(value), 1))) + 1);
  return value.toFixed(Math.max(0, most - whole));
}

export function bytes(value) {
  if (!Number.isFinite(value)) return "–";
  let unit = 0;
  while (Math.abs(value) >= 1000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : digits(value)} ${UNITS[unit]}`;
}

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
export const count = (value) => (Number.isFinite(value) ? grouped.format(value) : "–");

export function short(value) {
  if (!Number.isFinite(value)) return "–";
  if (value < 10000) return count(value);
  return value < 1e6 ? `${digits(value / 1e3)} k` : value < 1e9 ? `${digits(value / 1e6)} M` : `${digits(value / 1e9)} G`;
}

export function percent(share) {
  if (!Number.isFinite(share)) return "–";
  const value = share * 100;
  return `${value > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} %`;
}

export function microseconds(value) {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0 µs";
  if (value < 1000) return `${digits(value, value < 10 ? 2 : 3)} µs`;
  return value < 1e6 ? `${digits(value / 1e3)} ms` : `${digits(value / 1e6)} s`;
}

export const ratio = (value) => (Number.isFinite(value) ? value.toFixed(2) : "–");

export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
}

export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function make(name, text, ...classes) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  element.classList.add(...classes);
  return element;
}

// A table's body as these rows of text, changing only cells that differ. A cell is a text, or
// {text, title}; `headed` is the number of the column that names the row.
export function fillRows(body, rows, numeric, headed = 0) {
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((cells, at) => {
    const row = body.rows[at] ?? body.insertRow();
    cells.forEach((cell, column) => {
      let place = row.cells[column];
      if (!place) {
        place = document.createElement(column === headed ? "th" : "td");
        if (column === headed) place.scope = "row";
        if (numeric[column]) place.className = "n";
        row.append(place);
      }
      if (cell !== "") put(place, typeof cell === "string" ? cell : cell.text);
      if (typeof cell !== "string" && place.title !== cell.title) place.title = cell.title;
    });
  });
}

// A list of terms and what they are now: [[term, text, note]].
export function fillTerms(list, terms) {
  while (list.children.length > terms.length) list.lastChild.remove();
  terms.forEach(([term, text, note], at) => {
    let place = list.children[at];
    if (!place) {
      place = document.createElement("div");
      place.append(make("dt"), make("dd", undefined, "figure"), make("dd", undefined, "note"));
      list.append(place);
    }
    put(place.children[0], term);
    put(place.children[1], text);
    put(place.children[2], note ?? "");
  });
}
