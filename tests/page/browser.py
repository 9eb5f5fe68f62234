# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The browser of the machine, which Debian packages (tests/packages.txt); nothing is downloaded for it."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, Playwright

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def launched(playwright: Playwright) -> Browser:
    """A headless Chromium. As root, and in containers without much shared memory, it needs these options."""
    path = next((found for found in map(shutil.which, NAMES) if found), None)
    if path is None:
        raise RuntimeError("there is no Chromium on this machine; make setup installs it")
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
