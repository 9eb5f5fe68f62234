# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of a roll, from reports of real rolls over three hosts of the lab."""

from __future__ import annotations

import copy
import doctest
import json
import re
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.fleetops.odoo.plugins.filter.roll_page import roll_page
from ansible_collections.fleetops.odoo.plugins.plugin_utils._pages import roll
from ansible_collections.fleetops.odoo.plugins.plugin_utils._pages.roll import page
from ansible_collections.fleetops.odoo.plugins.plugin_utils._roll.report import report as make_report

from ...conftest import CAPTURES
from ..roll.rolls import NOW
from .test_dumps import Page

EVIL = "<script>x</script>{{ evil }} \"'&"


def captured(name: str) -> dict[str, t.Any]:
    """Return the report of a real roll: done, failed, check, or after_interruption."""
    text = (CAPTURES / "rolls" / f"{name}.json").read_text(encoding="utf-8")
    return t.cast("dict[str, t.Any]", json.loads(text))


def words(html: str) -> str:
    """Return the text of a page as a reader sees it, without its style and script."""
    body = html[html.index("<body>") : html.index("<script>")]
    plain = re.sub(r"<[^>]*>", " ", body.replace("<wbr>", ""))
    return " ".join(plain.replace("&#34;", '"').replace("&#39;", "'").replace("&amp;", "&").split())


def test_a_roll_that_is_done_shows_steps_requests_and_versions() -> None:
    told = words(page(captured("done"), folder="/rolls/20261130T180125Z"))
    assert "Rolling restart: done 3 of 3 hosts done in 1 min 54 s." in told
    assert "by root on vm ( release 2026.12 ). 3 batches were planned, 3 began. Load balancer: HAProxy." in told
    assert "preflight 8.6 s look 3.9 s leaves the load balancer 6.5 s reload 19.0 s" in told
    assert "returns to the load balancer 2.2 s watch 4.8 s" in told
    assert "36.4 s 3 t19 reloaded 2" in told  # the turn of p19 and its requests, and the next host
    assert "Odoo 19.0 prefork code of 2026-11-30" in told
    assert "workers 43, 45, 46" in told
    assert "HUP was sent to pid 33" in told
    assert "What needs attention" not in told
    assert "None in this folder." in told


def test_a_roll_that_failed_tells_why_and_what_to_do_now() -> None:
    html = page(captured("failed"), folder="/rolls/20261130T180335Z")
    told = words(html)
    assert "Stopped before batch 3 of 3 t19 failed or cannot be reached, and the budget is 0 [roll.hosts_lost]" in told
    assert "t19 failed (step: reload) The reload of pid" in told
    assert "Last lines of /var/log/odoo/odoo-server.log" in told
    assert "reload failed after 5.7 s" in told
    assert 'href="t19/evidence.txt"' in html
    assert "t19 is out of the load balancer" in told
    assert "ansible-playbook -i INVENTORY fleetops.odoo.release" in told
    assert "2 hosts remain" in told
    assert "--limit @/rolls/20261130T180335Z/remaining" in told
    assert "3 , not begun" in told.replace("3, not", "3 , not")
    assert "Odoo 14.0 prefork not reloaded" in told
    assert "LAB-SECRET" not in html
    assert Page(html).open == []


def test_a_check_run_says_that_nothing_was_changed_and_shows_no_empty_columns() -> None:
    told = words(page(captured("check")))
    assert "Check run of a rolling restart 3 of 3 hosts passed the preflight" in told
    assert "Nothing was changed." in told
    assert "Reason for each host: " in told
    for absent in ("Turn", "Requests under way", "What was done", "Earlier rolls", "remain", "not begun"):
        assert absent not in told


def test_a_lock_that_was_taken_over_is_a_note_of_its_host() -> None:
    told = words(page(captured("after_interruption")))
    assert told.count("Took over the lock of vm-") == 3


def test_a_report_without_hosts_is_a_page() -> None:
    told = words(page(make_report({}, {}, NOW)))
    assert "Rolling restart: failed 0 of 0 hosts done in 0.0 s. It ended at" in told
    assert "Hosts over time" not in told


def test_names_and_messages_of_strangers_are_escaped() -> None:
    report = captured("failed")
    text = json.dumps(report)
    # In every text of the report, but for the words that decide what the page shows.
    for value in ("t19", "root on vm", "release 2026.12", "HUP was sent to pid 33"):
        text = text.replace(value, value + json.dumps(EVIL)[1:-1])
    report = json.loads(text)
    html = roll_page(report)
    assert Page(html).open == []
    assert html.count("<script>") == 1
    assert "&lt;script&gt;x&lt;/script&gt;{{ evil }} &#34;&#39;&amp;" in html.replace("<wbr>", "")


def test_the_same_failure_of_several_hosts_is_told_once() -> None:
    report = captured("failed")
    (bad,) = [one for one in report["hosts"] if one["outcome"] == "failed"]
    for number in range(12):
        other = copy.deepcopy(bad)
        # Each log has its own times.
        other.update(host=f"h{number}", reason=bad["reason"] + f"\n{number}")
        report["hosts"].append(other)
    told = words(page(report, folder="/rolls/x"))
    assert told.count("the server ended after HUP") == 1
    assert "t19 , h0 , h1 , h2 , h3 , h4 , h5 , h6 and 5 more failed (step: reload)" in told


def test_a_step_that_did_not_end_lasts_until_its_batch_ended_at_most() -> None:
    report = captured("failed")
    (bad,) = [one for one in report["hosts"] if one["outcome"] == "failed"]
    bad["steps"] = [*bad["steps"][:2], {"step": "out", "began": 47.7, "ended": None}]
    report["batches"][1]["ended"] = 57.7
    assert "leaves the load balancer failed after at most 10.0 s" in words(page(report))
    report.update(balancer="none")
    assert "your tasks before the reload failed after at most 10.0 s" in words(page(report))


def test_bars_stay_within_their_frame_and_short_steps_can_be_seen() -> None:
    report = captured("done")
    report["seconds"] = 4 * 3600.0
    html = page(report)
    places = [
        (float(x), float(w)) for x, w in re.findall(r'<rect class="\w+" x="([\d.]+)" width="([\d.]+)" height', html)
    ]
    bars = [place for place in places if place[0] + place[1] <= 1.001 and place[1] < 1]
    assert len(bars) == 18
    assert min(width for _x, width in bars) >= 0.004


def test_the_cost_of_a_page_grows_with_hosts_and_not_with_hosts_times_batches() -> None:
    report = captured("done")
    base = report["hosts"][0]
    report["hosts"] = [{**base, "host": f"h{number}"} for number in range(2000)]
    looked: list[int] = []

    class Batch(list[str]):
        def __contains__(self, _one: object) -> bool:
            looked.append(1)
            return super().__contains__(_one)

    report["planned"] = [Batch([one["host"]]) for one in report["hosts"]]
    html = page(report)
    assert looked == []
    assert len(html) < 4_000_000


@pytest.mark.parametrize("given", [{}, {"hosts": []}, {"findings": []}])
def test_another_report_is_refused(given: dict[str, t.Any]) -> None:
    with pytest.raises(AnsibleFilterError, match="the input of roll_page"):
        roll_page(given)


def test_the_examples_of_durations_and_moments_hold() -> None:
    assert doctest.testmod(roll).failed == 0
