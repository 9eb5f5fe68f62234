# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the pages, to be looked at: python -m tests.page.pictures DIRECTORY."""

from __future__ import annotations

import pathlib
import sys
import tempfile
import typing as t

from playwright.sync_api import sync_playwright

from .browser import launched
from .incident import caches_page_of, incident, large_roll, page_of, roll, roll_page_of

VIEWS: dict[str, t.Any] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "small": {"color_scheme": "light", "viewport": {"width": 390, "height": 800}},
}


def main(folder: pathlib.Path) -> None:
    """Take them."""
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        browser = launched(playwright)
        for name, html in {
            "known": page_of(incident(pathlib.Path(work)), rows=True),
            "guessed": page_of(incident(pathlib.Path(work))),
            "caches": caches_page_of("shop1", "shop2"),
            "roll": roll_page_of(roll("done"), pathlib.Path(work)),
            "failed-roll": roll_page_of(roll("failed"), pathlib.Path(work)),
            "check-roll": roll_page_of(roll("check"), pathlib.Path(work)),
            "large-roll": roll_page_of(large_roll(), pathlib.Path(work)),
        }.items():
            path = pathlib.Path(work, f"{name}.html")
            path.write_text(html)
            for view, options in VIEWS.items():
                one = browser.new_context(**options).new_page()
                one.goto(path.as_uri())
                one.screenshot(path=folder / f"{name}-{view}.png", full_page=True)
                one.screenshot(path=folder / f"{name}-{view}-top.png")
            one = browser.new_page()
            one.goto(path.as_uri())
            one.pdf(path=folder / f"{name}.pdf")
        browser.close()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
