# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the ages of sessions: the rows are those of HAProxy 2.6 in the lab."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._roll.haproxy_sessions import parse_ages

ROW = (
    "0x564262843930: proto=tcpv4 src=127.0.0.1:53094 fe=web be={be} srv={srv} ts=00 epoch=0 age={age} calls=2 rate=0"
    " cpu=0 lat=0 rq[f=49c40080h,i=0,an=8000h,rx=,wx=,ax=] rp[f=80400000h,i=0,an=1400000h,rx=2m9s,wx=,ax=]"
    " scf=[8,80h,fd=14] scb=[8,11h,fd=15] exp=4s rc=0 c_exp="
)
OWN = (
    "0x7fb8b8038950: proto=unix_stream src=unix:1 fe=GLOBAL be=<NONE> srv=<none> ts=00 epoch=0 age=0s calls=1 rate=1"
    " cpu=0 lat=0 rq[f=c08002h,i=0,an=00h,rx=30s,wx=,ax=] rp[f=80008002h,i=0,an=00h,rx=,wx=,ax=] exp=30s rc=0 c_exp="
)


@pytest.mark.parametrize(("age", "seconds"), [("1s", 1), ("2m9s", 129), ("1h2m", 3720), ("1d3h", 97200), ("0s", 0)])
def test_an_age_in_seconds(age: str, seconds: int) -> None:
    text = ROW.format(be="odoo", srv="b1", age=age) + "\n" + OWN + "\n\n"
    assert parse_ages(text, {"odoo/b1"}) == [seconds]


def test_the_oldest_comes_first_and_other_servers_do_not_count() -> None:
    rows = [("odoo", "b1", "3s"), ("odoo", "b1", "1m"), ("odoo", "b2", "9s"), ("chat", "b1", "8s")]
    text = "\n".join(ROW.format(be=be, srv=srv, age=age) for be, srv, age in rows)
    assert parse_ages(text, {"odoo/b1"}) == [60, 3]
    assert parse_ages(text, {"odoo/b1", "chat/b1"}) == [60, 8, 3]


@pytest.mark.parametrize("text", ["", "Permission denied\n", "0x1: nonsense"])
def test_other_answers_have_no_ages(text: str) -> None:
    assert parse_ages(text, {"odoo/b1"}) == []
