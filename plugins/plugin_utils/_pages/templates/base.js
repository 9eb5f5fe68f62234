/* Copyright (c) 2026, fleetops.odoo contributors
GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables that are filtered and sorted: what all pages share.
   The rows of <table data-rows="100"> are shown so many at a time. A row has what it is filtered by in its attributes,
   several values with line ends between them; a field [data-filter=host] looks at data-host, and "text" at all of it. */
"use strict";
const page = (() => {
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const fields = [...document.querySelectorAll("[data-filter]")];
  const tables = [...document.querySelectorAll("table[data-rows]")].map((element) => {
    const rows = [...element.tBodies[0].rows].map((row) => ({ row, keys: row.dataset, text: null }));
    return { element, rows, order: rows, most: Number(element.dataset.rows), all: false, matching: rows.length };
  });
  const keysOf = (one, key) => (one.keys[key] === undefined ? undefined : one.keys[key].toLowerCase());

  // A name that is written out is meant alone (h1 is not h10), anything else is looked for within.
  const names = new Map();
  for (const field of fields) {
    const key = field.dataset.filter;
    const known = new Set(tables.flatMap((table) => table.rows.flatMap((one) => (one.keys[key] || "").split("\n"))));
    known.delete("");
    names.set(key, new Set([...known].map((name) => name.toLowerCase())));
    if (field.list) field.list.append(...[...known].sort().slice(0, 2000).map((name) => make("option", { value: name })));
  }
  const fits = (key, wanted, value) => (names.get(key).has(wanted) ? value.split("\n").includes(wanted) : value.includes(wanted));
  const wanted = () => fields.map((field) => [field.dataset.filter, field.value.trim().toLowerCase()]).filter(([, value]) => value);

  function show(table) {
    const filters = wanted();
    let shown = 0;
    table.matching = 0;
    for (const one of table.order) {
      const matches = filters.every(([key, value]) => {
        if (key === "text") return (one.text ??= one.row.textContent.toLowerCase()).includes(value);
        const own = keysOf(one, key);
        return own === undefined || fits(key, value, own);
      });
      table.matching += matches ? 1 : 0;
      const hidden = !matches || (!table.all && shown >= table.most);
      shown += hidden ? 0 : 1;
      if (one.row.hidden !== hidden) one.row.hidden = hidden;
    }
    table.more.hidden = table.matching <= table.most;
    table.more.textContent = table.all ? `Show only the first ${table.most}` : `Show all ${table.matching} rows`;
    table.count.textContent = table.matching === table.rows.length ? "" : `${table.matching} of ${table.rows.length} rows`;
  }

  function sortable(table) {
    const heads = [...table.element.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (head.dataset.sort === undefined) return;
      const button = make("button", { type: "button" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const numbers = head.dataset.sort === "number";
        const before = head.getAttribute("aria-sort");
        // Of numbers the largest are looked for, of names the first.
        const down = before ? before === "ascending" : numbers;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const value = ({ row }) => {
          const cell = row.cells[column];
          return numbers ? Number(cell.dataset.value ?? -1) : cell.textContent.trim().toLowerCase();
        };
        const order = table.rows.map((one) => [value(one), one]);
        order.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (down ? -1 : 1));
        table.order = order.map(([, one]) => one);
        table.element.tBodies[0].append(...table.order.map((one) => one.row));
        show(table);
      });
    });
  }

  for (const table of tables) {
    table.more = make("button", { type: "button", class: "more" });
    table.count = make("p", { class: "dim", role: "status" });
    table.element.parentElement.before(table.count);
    table.element.parentElement.after(table.more);
    table.more.addEventListener("click", () => {
      table.all = !table.all;
      show(table);
    });
    sortable(table);
    show(table);
  }
  const changed = () => {
    tables.forEach(show);
    document.dispatchEvent(new CustomEvent("filtered"));
  };
  for (const field of fields) field.addEventListener("input", changed);
  for (const form of document.querySelectorAll("form")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", (event) => {
      event.preventDefault(); // it would come after this, and the rows with it
      for (const field of fields) field.value = "";
      changed();
    });
  }
  const data = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "null");
  async function unpacked(text) {
    const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).text();
  }
  return { make, data, fits: (key, value) => wanted().every(([one, text]) => one !== key || fits(key, text, value.toLowerCase())), unpacked };
})();
