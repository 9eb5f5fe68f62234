# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of a log, marked as no templates."""

from __future__ import annotations

import typing as t

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.fleetops.odoo.plugins.plugin_utils.untrusted import untrusted

EVIL = "{{ 7 * 191 }}"


@pytest.mark.parametrize("value", [EVIL, [EVIL], {"a": [{"b": EVIL}]}, [1, None, True, 1.5, {"a": ()}]])
def test_an_untrusted_value_is_equal_to_what_was_given(value: t.Any) -> None:
    assert untrusted(value) == value


@pytest.mark.parametrize("value", [EVIL, [EVIL], {"a": [{"b": EVIL}]}])
def test_an_untrusted_text_is_not_resolved_as_a_template(value: t.Any) -> None:
    templar = Templar(loader=DataLoader(), variables={"told": untrusted(value)})
    assert templar.template(untrusted(value)) == value
