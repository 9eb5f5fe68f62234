# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The report of caches as one page of HTML that needs no network. Pure."""

from __future__ import annotations

import typing as t

from ..caches import name_of, size_of
from .render import render

#: Rows of the tables, so that the page of a large fleet stays below 10 MB.
_ROWS = 2000


def page(report: t.Mapping[str, t.Any]) -> str:
    """Return the page of a report of :func:`merge`."""
    return render("caches.html.j2", ["caches.css"], [], report=report, rows=_ROWS, name=name_of, size=size_of)
