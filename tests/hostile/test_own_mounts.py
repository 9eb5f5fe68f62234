# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server in mounts of its own, which end with it: the drain says that its command does not bring it back."""

from __future__ import annotations

import time

from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import SERVICE

CONF, ON_HOST = "/srv/own/odoo.conf", "/tmp/own.conf"


def test_a_server_with_its_own_mounts_is_not_started_among_those_of_the_host(fleet: Fleet) -> None:
    # At the same path the host has another configuration, of another database and port.
    settings = "s/^http_port.*/http_port = 8269/; s/^workers.*/workers = 0/; /^logfile/d"
    fleet.run("many", "sh", "-ec", f"mkdir -p /srv/own; sed '{settings}' /etc/odoo/prod.conf > {ON_HOST}")
    fleet.run("many", "sh", "-ec", f"chown {SERVICE} {ON_HOST}; sed s/8269/8369/ {ON_HOST} > {CONF}; chmod 644 {CONF}")
    start = f"mount --bind {ON_HOST} {CONF}; exec runuser -u {SERVICE} -- /usr/bin/python3 /usr/bin/odoo -c {CONF}"
    fleet.run("many", "sh", "-c", f"setsid unshare -m sh -ec '{start}' >/dev/null 2>&1 </dev/null &")
    match = {"config_file": CONF}
    deadline = time.monotonic() + 60
    while True:
        masters = fleet.module("many", "master_info", match=match).result["masters"]
        if [master["state"] for master in masters] == ["running"]:
            break
        assert time.monotonic() < deadline, masters
    try:
        assert masters[0]["options"]["http_port"] == 8269
        check = fleet.module("many", "drain", "--check", match=match, force=True)
        drained = fleet.module("many", "drain", match=match, force=True)
        assert (drained.code, drained.only["did"]) == (0, "signalled"), drained.output
        for answer in (check, drained):
            assert "(mounts)" in answer.warned["supervisor.no_way_back"]
        back = fleet.module("many", "drain", state="undrained", start_recorded=True, match=match)
        assert (back.code, back.only["did"], back.only["code"]) == (2, "refused", "refused.command_apart"), back.output
        assert fleet.module("many", "master_info", match=match).result["masters"] == []
    finally:
        fleet.run("many", "sh", "-c", f"kill -9 {masters[0]['pid']}", check=False)
        fleet.run("many", "sh", "-c", f"rm -rf /srv/own {ON_HOST} /run/fleetops-odoo/drain-*", check=False)
