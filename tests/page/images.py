# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of the guides, anew: python -m tests.page.images.

The dumps and statistics in them were captured from real servers; the sessions of PostgreSQL are made up (incident.py).
"""

from __future__ import annotations

import pathlib
import tempfile

from playwright.sync_api import sync_playwright

from .browser import launched
from .incident import caches_page_of, incident, page_of

IMAGES = pathlib.Path(__file__).resolve().parents[2] / "docs" / "images"


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
