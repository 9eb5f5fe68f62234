# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of cache statistics."""

from __future__ import annotations

from ansible_collections.fleetops.odoo.plugins.filter.caches_page import caches_page
from ansible_collections.fleetops.odoo.plugins.filter.merge_caches import merge_caches

from ..cache_parts import captured, part, process, row


def test_the_page_has_a_row_for_each_cache_and_escapes_names() -> None:
    found = part("<b>host", *captured("19-prefork-usr2"), process(row("<script>x")))
    found["results"][0]["missing"] = [{"pid": 7, "role": "http", "reason": "{{ evil }} <i>"}]
    report = merge_caches([found])
    page = caches_page(report)
    assert page.count('<th scope="row">') == len(report["caches"]) + 1
    assert "&lt;script&gt;x" in page
    assert "&lt;b&gt;host" in page
    assert "{{ evil }} &lt;i&gt;" in page
    assert page.count("<script>") == 1  # that of the page itself
    assert "default-src &#39;none&#39;" in page
    assert "IrAsset._get_asset_paths" in page
    assert "568 kB" in page
    assert 'data-filter="host"' in page
