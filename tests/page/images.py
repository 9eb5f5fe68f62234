# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of the guides, anew: python -m tests.page.images.

The dumps and statistics in them were captured from real servers; the sessions of PostgreSQL are made up (incident.py).
The terminal is what `make demo` printed: make demo | tee tests/page/demo.log.
"""

from __future__ import annotations

import html
import pathlib
import tempfile

from playwright.sync_api import sync_playwright

from .browser import launched
from .incident import caches_page_of, incident, page_of

HERE = pathlib.Path(__file__).resolve().parent
IMAGES = HERE.parents[1] / "docs" / "images"


#: A terminal, as wide as the longest line.
TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body {{ background: #16191d; color: #d7dce2; margin: 0; padding: 16px 20px; width: max-content }}
pre {{ font: 14px/1.45 "DejaVu Sans Mono", monospace; margin: 0 }}
b {{ color: #8fd18f; font-weight: normal }} i {{ color: #7fb4f0; font-style: normal }}
</style><pre>{}</pre>"""


def terminal(log: str) -> str:
    """A page that looks like a terminal with this in it, from the first heading on."""
    lines = []
    for line in html.escape(log, quote=False).splitlines():
        tag = "i" if line.startswith("== ") else "b" if line.startswith("$ ") else ""
        lines.append(f"<{tag}>{line}</{tag}>" if tag else line)
    return TERMINAL.format("\n".join(lines))


def main() -> None:
    """Take them."""
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        browser = launched(playwright)
        one = browser.new_context(color_scheme="light").new_page()
        for name, html, begin, width in (
            ("report", page_of(incident(pathlib.Path(work)), rows=True), "", 1000),
            ("locks", page_of(incident(pathlib.Path(work)), rows=True), "locks", 1120),
            ("caches", caches_page_of("shop1", "shop2"), "", 1300),
        ):
            path = pathlib.Path(work, f"{name}.html")
            path.write_text(html, encoding="utf-8")
            one.set_viewport_size({"width": width, "height": 760})
            one.goto(path.as_uri())
            if begin:
                one.evaluate("id => document.getElementById(id).scrollIntoView()", begin)
            one.screenshot(path=IMAGES / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
