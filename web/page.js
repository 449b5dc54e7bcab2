"use strict";

// A table for each section of the server's figures, renewed every two seconds.

const account = document.getElementById("account");
const place = document.getElementById("figures");
const cells = new Map();

function cellOf(section, name) {
  const key = `${section}\n${name}`;
  if (!cells.has(key)) {
    let table = document.getElementById(`section-${section}`);
    if (!table) {
      table = document.createElement("table");
      table.id = `section-${section}`;
      table.createCaption().textContent = section;
      table.createTBody();
      place.append(table);
    }
    const row = table.tBodies[0].insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = name;
    row.append(head);
    cells.set(key, row.insertCell());
  }
  return cells.get(key);
}

async function renew() {
  try {
    const reply = await fetch("/api/state.json");
    if (!reply.ok) throw new Error(`${reply.status} ${reply.statusText}`);
    const state = await reply.json();
    for (const [section, figures] of Object.entries(state.figures))
      for (const [name, value] of Object.entries(figures))
        cellOf(section, name).textContent = value;
    account.textContent = state.doctor;
  } catch (error) {
    account.textContent = `The server does not answer: ${error.message}.`;
  }
  setTimeout(renew, 2000);
}

renew();
