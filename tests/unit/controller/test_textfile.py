# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the metrics of a fleet for Prometheus."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.fleetops.odoo.plugins.filter.fleet_textfile import FilterModule
from ansible_collections.fleetops.odoo.plugins.plugin_utils.textfile import textfile

NOW = 1796034000.5


def server(**more: t.Any) -> dict[str, t.Any]:
    """A server as the filter fleet_facts returns it."""
    return {
        "unit": "odoo.service",
        "pid": 33,
        "version": "19.0",
        "mode": "prefork",
        "supervisor": "systemd",
        "workers": {"http": 2, "cron": 1},
        "state": "running",
        "stale": False,
        "loaded": "2026-11-30T10:19:00.250Z",
        **more,
    }


def test_metrics_of_a_server() -> None:
    text = textfile({"web1": {"servers": [server()]}}, {"web1": {"lock": None}}, NOW)
    assert text == (
        "# HELP fleetops_odoo_up 1 if the host answered the last fleet_info.\n"
        "# TYPE fleetops_odoo_up gauge\n"
        'fleetops_odoo_up{host="web1"} 1\n'
        "# HELP fleetops_odoo_servers Odoo servers that run on the host.\n"
        "# TYPE fleetops_odoo_servers gauge\n"
        'fleetops_odoo_servers{host="web1"} 1\n'
        "# HELP fleetops_odoo_drained 1 if a drain has the lock of the host, or has ended a server of it.\n"
        "# TYPE fleetops_odoo_drained gauge\n"
        'fleetops_odoo_drained{host="web1"} 0\n'
        "# HELP fleetops_odoo_server_info Version, mode and supervisor of a server.\n"
        "# TYPE fleetops_odoo_server_info gauge\n"
        'fleetops_odoo_server_info{host="web1",server="odoo.service",version="19.0",mode="prefork",'
        'supervisor="systemd"} 1\n'
        "# HELP fleetops_odoo_server_running 1 if the server runs, 0 while it boots, reloads or drains.\n"
        "# TYPE fleetops_odoo_server_running gauge\n"
        'fleetops_odoo_server_running{host="web1",server="odoo.service"} 1\n'
        "# HELP fleetops_odoo_server_stale 1 if the disk has newer code or configuration.\n"
        "# TYPE fleetops_odoo_server_stale gauge\n"
        'fleetops_odoo_server_stale{host="web1",server="odoo.service"} 0\n'
        "# HELP fleetops_odoo_server_workers Processes of a server by role.\n"
        "# TYPE fleetops_odoo_server_workers gauge\n"
        'fleetops_odoo_server_workers{host="web1",server="odoo.service",role="http"} 2\n'
        'fleetops_odoo_server_workers{host="web1",server="odoo.service",role="cron"} 1\n'
        "# HELP fleetops_odoo_server_loaded_timestamp_seconds Earliest time at which the server loaded its code, such"
        " as at its last reload.\n"
        "# TYPE fleetops_odoo_server_loaded_timestamp_seconds gauge\n"
        'fleetops_odoo_server_loaded_timestamp_seconds{host="web1",server="odoo.service"} 1796033940.250\n'
        "# HELP fleetops_odoo_last_run_timestamp_seconds Time of the last fleet_info.\n"
        "# TYPE fleetops_odoo_last_run_timestamp_seconds gauge\n"
        "fleetops_odoo_last_run_timestamp_seconds 1796034000.500\n"
    )


def test_what_is_not_known_has_no_sample() -> None:
    one = server(unit=None, version=None, stale=None, loaded=None, state="reloading")
    text = textfile({"web1": {"servers": [one]}}, {}, NOW)
    assert not re.search("stale|loaded|drained", text)
    assert 'server="pid 33",version=""' in text
    assert 'running{host="web1",server="pid 33"} 0' in text


def test_a_host_without_an_answer_is_down_and_has_no_other_metric() -> None:
    text = textfile({"web1": {"failure": {"code": "x", "reason": "y"}}, "web2": {"servers": []}}, {}, NOW)
    assert re.findall(r'host="web1".*', text) == ['host="web1"} 0']
    assert 'fleetops_odoo_servers{host="web2"} 0' in text


def test_the_lock_of_a_drain_counts_as_drained_and_others_do_not() -> None:
    hosts: dict[str, t.Any] = {name: {"servers": []} for name in ("drained", "rolled", "gone")}
    locks = {"drained": {"lock": {"kind": "drain"}}, "rolled": {"lock": {"kind": "roll"}}, "gone": {"msg": "no route"}}
    text = textfile(hosts, locks, NOW)
    assert re.findall(r'drained\{host="(\w+)"\} (\d)', text) == [("drained", "1"), ("rolled", "0")]


def test_a_server_that_a_drain_has_ended_counts_as_drained_without_a_lock() -> None:
    text = textfile({"web1": {"servers": [], "drained": [{"server": "odoo.service"}]}}, {"web1": {"lock": None}}, NOW)
    assert 'fleetops_odoo_drained{host="web1"} 1' in text


def test_labels_are_escaped() -> None:
    text = textfile({'a"b': {"servers": [server(unit="x\\y\nz", version="{{ v }}")]}}, {}, NOW)
    assert r'{host="a\"b",server="x\\y\nz",version="{{ v }}"' in text
    assert all(line.startswith(("#", "fleetops_odoo_")) for line in text.splitlines())


def test_the_filter_adds_the_time() -> None:
    text = FilterModule().filters()["fleet_textfile"]({})
    assert re.fullmatch(r"(#.*\n){2}fleetops_odoo_last_run_timestamp_seconds \d{10}(\.\d{3})?\n", text)
