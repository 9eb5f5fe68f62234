# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the destination of the archive of a run."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused
from ansible_collections.fleetops.odoo.plugins.plugin_utils._runs.deliver import delivery


@pytest.mark.parametrize(
    ("text", "kind", "shown"),
    [
        ("controller", "controller", "the controller"),
        ("b1:/srv/dumps/", "host", "b1:/srv/dumps"),
        ("http_put:https://me:pw@files.example.com:8443/in/?sig=abc", "http_put", "https://files.example.com:8443/in/"),
    ],
)
def test_a_place_is_shown_without_secrets(text: str, kind: str, shown: str) -> None:
    found = delivery(text, ["b1"])
    assert (found["kind"], found["shown"]) == (kind, shown)
    assert "pw" not in str(found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "there",
        "b1",
        "b1:srv",
        "b2:/srv",
        "b1:/srv/../etc",
        "http_put:",
        "http_put:ftp://u:Q7zX9w@h/",
        "http_put:x",
        7,
    ]
    + ["http_put:https://[::1/", "https://u:Q7zX9w@h/x", "http_put:https://h:port/"],
)
def test_a_text_that_names_no_place_is_refused_without_its_secrets(text: object) -> None:
    with pytest.raises(Refused) as caught:
        delivery(text, ["b1"])
    assert caught.value.code in ("bundle.bad_delivery", "bundle.unknown_host", "bundle.bad_url")
    assert "Q7zX9w" not in str(caught.value)
