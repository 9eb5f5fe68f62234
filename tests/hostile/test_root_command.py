# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that ran as root, and whose command line leads to a file of its tenant: root does not start it again."""

from __future__ import annotations

import time

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import SERVICE

CONF = "/tmp/tenant.conf"


@pytest.mark.parametrize(
    ("words", "code", "named"),
    [
        (f"-sc{CONF}", "refused.command_not_understood", "-sc"),
        (f"-c {CONF}", "refused.command_not_roots", CONF),
    ],
)
def test_root_does_not_start_what_leads_to_a_file_of_a_tenant(fleet: Fleet, words: str, code: str, named: str) -> None:
    settings = "s/^http_port.*/http_port = 8269/; s/^workers.*/workers = 0/; /^logfile/d"
    fleet.run("many", "sh", "-c", f"sed '{settings}' /etc/odoo/prod.conf > {CONF}; chown {SERVICE} {CONF}")
    fleet.run("many", "sh", "-c", f"setsid /usr/bin/python3 /usr/bin/odoo {words} >/dev/null 2>&1 </dev/null &")
    deadline = time.monotonic() + 30
    while True:
        masters = fleet.module("many", "master_info", match={"user": "root"}).result["masters"]
        if [master["state"] for master in masters] == ["running"]:
            break
        assert time.monotonic() < deadline, masters
    try:
        # It is threaded, and its log goes nowhere.
        drained = fleet.module("many", "drain", match={"user": "root"}, force=True)
        assert (drained.code, drained.only["did"]) == (0, "signalled"), drained.output
        back = fleet.module("many", "drain", state="undrained", start_recorded=True, match={"user": "root"})
        assert (back.code, back.only["did"]) == (2, "refused"), back.output
        assert back.only["code"] == code
        assert named in back.result["msg"]
        assert fleet.module("many", "master_info", match={"user": "root"}).result["masters"] == []
    finally:
        fleet.run("many", "sh", "-c", f"kill -9 {masters[0]['pid']}; rm -f /run/fleetops-odoo/drain-*", check=False)
