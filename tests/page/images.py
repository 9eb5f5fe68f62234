# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the pictures of the guides: make images.

The dumps and statistics in them were captured from real servers; the sessions of PostgreSQL are made up (incident.py).
The terminal is what `make demo` printed: make demo | tee tests/unit/captures/demo.log.
"""

from __future__ import annotations

import html
import pathlib
import re
import tempfile

from playwright.sync_api import sync_playwright

from .browser import launched
from .incident import caches_page_of, incident, page_of, roll, roll_page_of

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGES = ROOT / "docs" / "images"
DEMO = ROOT / "tests" / "unit" / "captures" / "demo.log"

#: A terminal of 120 columns, which breaks longer lines wherever they are.
TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body {{ background: #16191d; color: #d7dce2; margin: 0; padding: 14px 18px; width: max-content }}
pre {{ font: 14px/1.4 "DejaVu Sans Mono", monospace; margin: 0; width: 120ch; white-space: pre-wrap;
  overflow-wrap: anywhere; word-break: break-all }}
b {{ color: #fff }}
</style><pre>{}</pre>"""


def terminal(log: str) -> str:
    """A page that looks like a terminal with this log of `make demo` in it; headings stand out."""
    lines = ["$ make demo", *log.splitlines()]
    shown = (f"<b>{html.escape(one)}</b>" if re.match(r"== |\$ ", one) else html.escape(one) for one in lines)
    return TERMINAL.format("\n".join(shown))


def main() -> None:
    """Take them."""
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        browser = launched(playwright)
        one = browser.new_context(color_scheme="light").new_page()
        for name, page, begin, width in (
            ("report", page_of(incident(pathlib.Path(work)), rows=True), "", 1000),
            ("locks", page_of(incident(pathlib.Path(work)), rows=True), "locks", 1120),
            ("caches", caches_page_of("shop1", "shop2"), "", 1300),
            ("roll", roll_page_of(roll("done"), pathlib.Path(work)), "", 1000),
        ):
            path = pathlib.Path(work, f"{name}.html")
            path.write_text(page, encoding="utf-8")
            one.set_viewport_size({"width": width, "height": 760})
            one.goto(path.as_uri())
            if begin:
                one.evaluate("id => document.getElementById(id).scrollIntoView()", begin)
            one.screenshot(path=IMAGES / f"{name}.png")
        one = browser.new_context(viewport={"width": 1200, "height": 800}).new_page()
        one.set_content(terminal(DEMO.read_text(encoding="utf-8")))
        one.locator("body").screenshot(path=IMAGES / "demo.png")
        browser.close()


if __name__ == "__main__":
    main()
