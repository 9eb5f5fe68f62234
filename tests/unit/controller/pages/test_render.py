# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A page of HTML: escaping, the policy of what may run, and packed texts."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib

import jinja2
import pytest
from ansible_collections.fleetops.odoo.plugins.plugin_utils._pages import render as page
from ansible_collections.fleetops.odoo.plugins.plugin_utils._pages.render import packed, render
from ansible_collections.fleetops.odoo.plugins.plugin_utils.caches import merge, name_of, size_of
from hypothesis import given
from hypothesis import strategies as st

FOLDER = page._FOLDER


def test_the_policy_allows_the_style_and_the_script_of_the_page_only() -> None:
    text = render("caches.html.j2", ["caches.css"], [], report=merge([]), rows=10, name=name_of, size=size_of)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    for one in (script, style):
        digest = base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()
        assert f"sha256-{digest}" in text.replace("&#43;", "+")
    assert "default-src &#39;none&#39;" in text


def test_a_value_that_a_template_needs_and_does_not_get_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render("caches.html.j2", ["caches.css"], [])
    with pytest.raises(jinja2.TemplateNotFound):
        render("nothing.html.j2", [], [])


@given(st.text())
def test_a_packed_text_is_ascii_and_can_be_unpacked(text: str) -> None:
    short = packed(text)
    assert re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", short)
    assert zlib.decompress(base64.b64decode(short)).decode() == text


def test_a_surrogate_is_packed_as_an_escape() -> None:
    assert zlib.decompress(base64.b64decode(packed("a\udcff"))) == rb"a\udcff"


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_data_in_a_page_is_json_that_cannot_end_its_element(value: object) -> None:
    text = str(page._data(value))
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == value


def test_the_files_of_a_page_are_in_the_folder_of_templates() -> None:
    assert {path.suffix for path in FOLDER.iterdir()} == {".j2", ".css", ".js"}
