/* Copyright (c) 2026, fleetops.odoo contributors
GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later */
/* The dumps themselves, in a dialog: of a host, or of one of its processes. */
"use strict";
(() => {
  const dialog = document.getElementById("dump");
  const [title, text] = [dialog.querySelector("h2"), dialog.querySelector("pre")];
  let raw, blocks;

  async function open(host, pid) {
    raw ??= page.data("raw-data") ?? { hosts: [] };
    const one = raw.hosts.find((each) => each.host === host);
    if (!one || one.text === null || !globalThis.DecompressionStream) return false;
    blocks ??= (await page.unpacked(raw.blocks)).split("\u0001");
    let dumps = (await page.unpacked(one.text)).split(/\n(?=\d{4}-\d\d-\d\d [\d:,]+ \d+ [A-Z]+ )/);
    if (pid) dumps = dumps.filter((dump) => dump.split(" ", 3)[2] === pid);
    title.textContent = `Dumps of ${pid ? `pid ${pid} on ` : ""}${host}`;
    text.textContent = dumps.join("\n\n").replace(/^\u0001(\d+)$/gm, (_all, number) => blocks[number] ?? "");
    dialog.showModal();
    text.scrollTop = 0;
    return true;
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-dump]");
    if (!link) return;
    event.preventDefault();
    open(link.dataset.dump, link.dataset.pid).then((opened) => {
      if (!opened) location.hash = link.dataset.place;
    });
  });
  dialog.querySelector("button").addEventListener("click", () => dialog.close());
})();
