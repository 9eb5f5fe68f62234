# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the facts of a host, its groups, and the table of a fleet."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.filter.fleet_facts import FilterModule as Facts
from ansible_collections.fleetops.odoo.plugins.filter.fleet_report import FilterModule as Report

facts = Facts().filters()["fleet_facts"]
report = Report().filters()["fleet_report"]


def master(**more: t.Any) -> dict[str, t.Any]:
    """A master as the module tells it."""
    return {
        "identity": "33:1",
        "pid": 33,
        "version": "19.0",
        "mode": "prefork",
        "state": "running",
        "databases": ["prod"],
        "workers": {"http": 4, "cron": 1, "gevent": 1, "other": 0},
        "children": [{"role": "http", "kind": None}],
        "supervisor": {"kind": "systemd", "unit": "odoo.service"},
        "log": {"kind": "file", "path": "/var/log/odoo.log"},
        "stale": False,
        "needs": "none",
        "stale_reasons": [],
        "cmdline": ["odoo", "--db_password=***"],
        **more,
    }


LOG = "/var/log/odoo.log"
STALE = {"stale": True, "needs": "reload", "stale_reasons": ["3 files of code have changed since\nthen"]}


@pytest.mark.parametrize(
    ("masters", "groups"),
    [
        ([], ["odoo_none"]),
        ([master()], ["odoo_19_0", "odoo_db_prod", "odoo_fresh", "odoo_prefork"]),
        ([master(**STALE)], ["odoo_19_0", "odoo_db_prod", "odoo_prefork", "odoo_stale"]),
        # One stale server makes the host a stale one, and each of its servers counts for the rest.
        (
            [master(), master(version="14.0", mode="threaded", databases=["a-b", "a b"], **STALE)],
            ["odoo_14_0", "odoo_19_0", "odoo_db_a_b", "odoo_db_prod", "odoo_prefork", "odoo_stale", "odoo_threaded"],
        ),
        ([master(version=None, databases=[], stale=None, needs=None)], ["odoo_prefork"]),
        (
            [master(stale=True, needs="restart", databases=["{{ x }}"])],
            ["odoo_19_0", "odoo_db____x___", "odoo_needs_restart", "odoo_prefork", "odoo_stale"],
        ),
    ],
)
def test_groups(masters: list[dict[str, t.Any]], groups: list[str]) -> None:
    told = facts({"masters": masters})
    assert told["groups"] == groups
    assert "cmdline" not in str(told)


def test_workers_of_an_addon_are_shown_with_their_class() -> None:
    workers = {"http": 2, "cron": 1, "gevent": 1, "other": 1}
    children = [{"role": "http", "kind": None}, {"role": "other", "kind": "WorkerJobRunner"}]
    records = {"web1": facts({"masters": [master(workers=workers, children=children)]})}
    assert "2 http+1 cron+1 gevent+1 other (WorkerJobRunner)  prod" in report(records)["lines"][1]


NO_ROOT = {"code": "host.hidden_processes", "reason": "no root"}
DRAINED = {"server": "odoo.service", "pid": 33, "at": "2026-11-24T05:00:00Z", "by": "anna on ctl"}
LOST = {"code": "host.unreachable", "unreachable": True}


def test_one_line_for_each_server_and_everything_that_is_not_as_it_should_be() -> None:
    records = {
        "web1": facts({"masters": [master()], "unseen": []}),
        "web2": facts({"masters": [master(**STALE, databases=[], supervisor={"kind": "none"})], "unseen": [NO_ROOT]}),
        "web3": facts({"masters": [master(mode="threaded", workers={"http": 0, "cron": 0}, state="draining")]}),
        "web4": facts({"masters": [], "drained": [DRAINED]}),
        "web5": {"failure": {**LOST, "reason": "no route\nto host"}},
    }
    told = report(records)
    assert told["lines"] == [
        "host  unit          version  mode      workers                 databases  state     needs   supervisor  log",
        "web1  odoo.service  19.0     prefork   4 http+1 cron+1 gevent  prod       running   none    systemd     "
        + LOG,
        "web2  pid 33        19.0     prefork   4 http+1 cron+1 gevent  all        running   reload  none        "
        + LOG,
        "web3  odoo.service  19.0     threaded  -                       prod       draining  none    systemd     "
        + LOG,
        "web2: no root [host.hidden_processes]",
        "web2: pid 33 is stale: 3 files of code have changed since",
        "web4: no Odoo server runs",
        "web4: odoo.service (pid 33) was drained at 2026-11-24T05:00:00Z by anna on ctl",
        "web5: NO ANSWER: no route [host.unreachable]",
        "3 servers on 5 hosts, 1 with stale code, 1 without an answer",
    ]
    assert {key: value for key, value in told["stats"].items() if key != "at"} == {
        "outcome": "failed",
        "hosts": {"done": ["web1", "web2", "web3", "web4"], "unreachable": ["web5"]},
        "remaining": ["web5"],
        "codes": {"web5": "host.unreachable"},
        "servers": 3,
        "stale": ["web2"],
        "needs_restart": [],
        "not_running": ["web3"],
        "drained": ["web4"],
        "without_odoo": ["web4"],
        "by_version": {"19.0": ["web1", "web2", "web3"]},
        "by_mode": {"prefork": ["web1", "web2"], "threaded": ["web3"]},
    }


@pytest.mark.parametrize(("error", "shown"), [(None, "all"), ("/etc/odoo.conf cannot be read", "?")])
def test_databases_are_all_only_if_the_configuration_was_read(error: str | None, shown: str) -> None:
    told = report({"web1": facts({"masters": [master(databases=[], config_error=error)], "unseen": []})})
    assert told["lines"][1].split()[-5] == shown, told["lines"]


def test_a_fleet_without_an_answer_is_reported() -> None:
    assert report({"web1": {"failure": {**LOST, "reason": ""}}})["lines"] == [
        "web1: NO ANSWER:  [host.unreachable]",
        "0 servers on 1 host, 0 with stale code, 1 without an answer",
    ]


def test_texts_of_a_host_are_not_templated() -> None:
    wrapped = type(pytest.importorskip("ansible.utils.unsafe_proxy").wrap_var("x"))
    if wrapped is str:
        pytest.skip("since ansible-core 2.19 nothing is a template unless it is marked")
    told = report({"web1": facts({"masters": [master(databases=["{{ x }}"])]})})
    assert all(isinstance(line, wrapped) for line in told["lines"])


def test_a_one_off_command_has_a_separate_line() -> None:
    told = facts({"masters": [master()], "one_off": [{"pid": 7, "kind": "update", "cmdline": ["odoo", "-u", "all"]}]})
    assert told["one_off"] == [{"pid": 7, "kind": "update"}]
    line = report({"web1": told})["lines"][2]
    assert line.split() == ["web1", "pid", "7", "-", "update", "-", "-", "running", "-", "-", "-"]
