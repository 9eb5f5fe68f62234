/* Copyright (c) 2026, fleetops.odoo contributors
GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later */
/* The flame graph: stacks from the left that begin alike are one box, as wide as they are often. */
"use strict";
(() => {
  const data = page.data("flame");
  const section = document.getElementById("flame-graph");
  if (!data || !data.stacks.length || !section) return;
  const SVG = "http://www.w3.org/2000/svg";
  const HEIGHT = 20;
  const LEAST = 0.12; // percent of the width below which a box cannot be seen
  const svg = section.querySelector("svg");
  const said = section.querySelector("output");
  const search = section.querySelector("input");
  const matched = section.querySelector("[role=status]");
  const back = section.querySelector("button");
  let root, top, current;

  const node = (frame, parent) => ({ frame, parent, weight: 0, children: new Map(), depth: parent ? parent.depth + 1 : 0 });
  function build() {
    root = node(-1, null);
    const chosen = (key, list) => list.map((name) => page.fits(key, name));
    const hosts = chosen("host", data.hosts), databases = chosen("database", data.databases), paths = chosen("path", data.paths);
    for (const [stack, host, database, path, count] of data.samples) {
      if (!hosts[host] || !databases[database] || !paths[path]) continue;
      let one = root;
      one.weight += count;
      for (const frame of data.stacks[stack]) {
        let next = one.children.get(frame);
        if (!next) one.children.set(frame, (next = node(frame, one)));
        next.weight += count;
        one = next;
      }
    }
    top = current = root;
  }
  const text = (one) => (one.frame < 0 ? "all" : data.frames[one.frame]);
  const name = (one) => {
    if (one.frame < 0) return "all";
    // file:line function: code
    const found = /^(.*?:\d+ [^:]*)(?:: |$)/.exec(text(one));
    return found ? found[1].replace(/^(.*?):(\d+) (.*)$/, "$3  $1:$2") : text(one);
  };
  const often = (one) => `${one.weight} of ${root.weight} samples, ${((100 * one.weight) / root.weight || 0).toFixed(1)} %`;
  const kind = (one) => {
    if (one.frame < 0) return "root";
    const module = data.modules[data.frame_modules[one.frame]];
    // In these stands every request, so they tell nothing.
    if (module !== undefined && !["base", "web", "http_routing"].includes(module)) return "addon";
    return module !== undefined || /^odoo\//.test(text(one)) ? "odoo" : "library";
  };
  function children(one) {
    return [...one.children.values()].sort((a, b) => b.weight - a.weight);
  }

  function draw(focus) {
    const boxes = [];
    const wanted = search.value.trim().toLowerCase();
    let deepest = 0, hits = 0;
    const put = (one, left, width) => {
      const box = document.createElementNS(SVG, "svg");
      const hit = wanted && one.frame >= 0 && text(one).toLowerCase().includes(wanted);
      const set = (element, attributes) => {
        for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
        return element;
      };
      set(box, { x: `${left}%`, y: one.depth * HEIGHT, width: `${width}%`, height: HEIGHT - 1, role: "treeitem",
        tabindex: -1, "aria-level": one.depth + 1, "aria-label": `${text(one)}, ${often(one)}${hit ? ", found" : ""}`,
        class: `${hit ? "hit" : kind(one)}${one.depth < top.depth ? " above" : ""}` });
      const rect = set(document.createElementNS(SVG, "rect"), { width: "100%", height: "100%", rx: 2 });
      box.append(rect);
      if (width > 1.5) {
        const label = set(document.createElementNS(SVG, "text"), { x: 5, y: 14 });
        label.textContent = name(one);
        box.append(label);
      }
      box.node = one;
      one.box = box;
      boxes.push(box);
      deepest = Math.max(deepest, one.depth);
    };
    const below = (one, left, width) => {
      put(one, left, width);
      for (const child of children(one)) {
        const share = (width * child.weight) / one.weight;
        child.box = null;
        if (share >= LEAST) below(child, left, share);
        left += share;
      }
    };
    const count = (one) => {
      if (one.frame >= 0 && text(one).toLowerCase().includes(wanted)) hits += one.weight;
      else for (const child of one.children.values()) count(child);
    };
    const above = [];
    for (let one = top.parent; one; one = one.parent) above.unshift(one);
    above.forEach((one) => put(one, 0, 100));
    if (root.weight) below(top, 0, 100);
    else said.textContent = "no stack fits the filters";
    svg.replaceChildren(...boxes);
    svg.setAttribute("height", (deepest + 1) * HEIGHT);
    svg.hidden = !root.weight;
    back.disabled = top === root;
    if (wanted) count(root);
    matched.textContent = wanted ? `found in ${root.weight ? ((100 * hits) / root.weight).toFixed(1) : 0} % of the samples` : "";
    if (!current.box) current = top;
    if (root.weight) look(current, focus);
  }
  function look(one, focus) {
    current.box?.setAttribute("tabindex", -1);
    current = one;
    one.box.setAttribute("tabindex", 0);
    if (focus) one.box.focus({ preventScroll: false });
    tell(one);
  }
  function tell(one) {
    said.textContent = `${text(one)} — ${often(one)}`;
  }
  function zoom(one, focus) {
    top = current = one;
    draw(focus);
  }
  const over = (event) => event.target.closest?.("[role=treeitem]")?.node;
  svg.addEventListener("click", (event) => over(event) && zoom(over(event), false));
  svg.addEventListener("pointerover", (event) => over(event) && tell(over(event)));
  svg.addEventListener("focusin", (event) => over(event) && tell(over(event)));
  svg.addEventListener("keydown", (event) => {
    const seen = (list) => list.filter((one) => one.box);
    const beside = current.parent ? seen(children(current.parent)) : [];
    const place = beside.indexOf(current);
    const next = {
      ArrowDown: () => seen(children(current))[0],
      ArrowUp: () => current.parent,
      ArrowLeft: () => beside[place - 1],
      ArrowRight: () => beside[place + 1],
    }[event.key];
    if (next) {
      const one = next();
      if (one?.box) look(one, true);
    } else if (event.key === "Enter" || event.key === " ") zoom(current, true);
    else if (event.key === "Escape" || event.key === "Home") zoom(root, true);
    else return;
    event.preventDefault();
  });
  back.addEventListener("click", () => zoom(root, false));
  search.addEventListener("input", () => draw(false));
  document.addEventListener("filtered", () => {
    build();
    draw(false);
  });
  build();
  draw(false);
  section.hidden = false;
})();
