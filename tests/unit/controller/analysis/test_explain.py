# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of dumps, over logs of real servers with a planted cause: the first finding names it."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.fleetops.odoo.plugins.filter.dumps_page import FilterModule as DumpsPage
from ansible_collections.fleetops.odoo.plugins.filter.dumps_page import dumps_page
from ansible_collections.fleetops.odoo.plugins.filter.explain_logs import FilterModule as ExplainLogs
from ansible_collections.fleetops.odoo.plugins.filter.explain_logs import explain_logs
from ansible_collections.fleetops.odoo.plugins.filter.parse_dumps import FilterModule as ParseDumps
from ansible_collections.fleetops.odoo.plugins.filter.parse_dumps import parse_dumps

from ...conftest import CAPTURES

LOG = (CAPTURES / "dumps" / "19-prefork.log").read_text()


@pytest.mark.parametrize(
    ("cause", "first"),
    [
        (
            "lock",
            "p19.log has no http worker left for new requests: the 2 http workers that wrote a dump were all",
        ),
        ("lock-two-hosts", "2 requests sleep in lab_slow.hold_row"),
        ("sql", "3 requests wait for PostgreSQL in lab_slow.sql"),
        ("cpu", "2 requests run Python in lab_slow.cpu"),
        ("foreign", "3 requests wait for another server (requests) in lab_slow.foreign"),
        ("mutex", "3 requests wait for a lock in Python in lab_slow.mutex"),
        ("program", "2 requests wait for a program in lab_slow.program"),
        ("all-busy", "p19.log has no http worker left for new requests"),
        ("cron", "the cron job 'lab slow cron' sleeps in lab_slow.run_slow_cron"),
    ],
)
def test_the_first_finding_names_what_was_planted(planted: pathlib.Path, cause: str, first: str) -> None:
    report = explain_logs(str(planted / cause / "*.log"))
    finding = report["findings"][0]
    assert finding["sentence"].startswith(first)
    if cause != "cpu":
        assert finding["stuck"] == finding["count"]
    # The machine was slow when two of the requests for a lock were caught: they had ended before the third sample.
    assert all(one["stayed"] and len(one["times"]) >= (2 if cause == "mutex" else 3) for one in finding["evidence"])
    # They were under way for two seconds when the first sample was taken, and samples are more than a second apart.
    assert all(one["seconds"] > 2 for one in report["work"])


def test_the_second_finding_of_a_lock_names_its_possible_holder(planted: pathlib.Path) -> None:
    sentence = explain_logs(str(planted / "lock" / "p19.log"))["findings"][1]["sentence"]
    assert sentence.startswith("1 request waits for PostgreSQL in a write or for a lock in lab_slow.hold_row")
    assert "/lab/lock/0" in sentence
    assert "which sleeps in lab_slow.hold_row" in sentence


def test_the_filters() -> None:
    assert ExplainLogs().filters() == {"explain_logs": explain_logs}
    assert DumpsPage().filters() == {"dumps_page": dumps_page}
    assert ParseDumps().filters() == {"parse_dumps": parse_dumps}
    dumps = parse_dumps(LOG)
    assert dumps == parse_dumps(LOG.split("\n"))
    assert [dump["pid"] for dump in dumps] == [33, 42, 41, 46, 43]
    assert [(d["pid"], thread["url"]) for d in dumps for thread in d["threads"] if not thread["idle"]] == [
        (41, "http://192.0.2.10:8069/lab/sleep/10"),
        (46, None),
    ]
    wrongs: list[t.Any] = [3, None, [1], {}]
    for wrong in wrongs:
        with pytest.raises(AnsibleFilterError, match=r"\[dump\.not_a_log\]$"):
            parse_dumps(wrong)
