# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that names files of another tenant, or of root: nothing of them is read, shown, or sent anywhere."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet

from .conftest import SERVICE, THIRD, attack, send_file

#: What only the tenant and root may read.
SECRET = "TENANT-PASSWORD-4711"
CONF = "/etc/odoo/tenant-only.conf"


@pytest.fixture
def tenant(fleet: Fleet) -> t.Iterator[None]:
    """Make an odoo.conf, addons and a log that only root may read."""
    content = f"[options]\ndb_password = {SECRET}\ndb_user = {SECRET}\ndb_name = {SECRET}\nhttp_interface = {SECRET}\n"
    send_file(fleet, "many", content, CONF, "0600")
    fleet.run("many", "mkdir", "-p", "-m", "0700", "/root/addons/private_addon")
    send_file(fleet, "many", SECRET, "/root/addons/private_addon/secret_name.py", "0644")
    send_file(fleet, "many", f"2026-11-29 10:00:00,000 1 INFO x odoo: {SECRET}\n", "/root/secret.log", "0600")
    yield
    fleet.run("many", "rm", "-rf", CONF, "/root/addons", "/root/secret.log")


@pytest.mark.parametrize("user", [SERVICE, THIRD])
@pytest.mark.parametrize("module", ["master_info", "stack_dump", "evidence"])
@pytest.mark.usefixtures("tenant")
def test_the_password_of_another_tenant_goes_nowhere(fleet: Fleet, user: str, module: str) -> None:
    # The host comes from the arguments, the password would come from the file: a listener waits for it.
    with attack(fleet, "many", user, "named_files.py", CONF, "/root/addons", "/root/secret.log") as (forged, _listener):
        options: dict[str, t.Any] = {"match": {"pid": str(forged)}}
        if module == "stack_dump":
            options.update(postgres=True, timeout=5)
        answer = fleet.module("many", module, **options)
        assert SECRET not in answer.output
        assert "secret_name" not in answer.output
        if module == "master_info":
            (master,) = answer.result["masters"]
            assert master["config_error"] == f"{CONF} cannot be read: Permission denied"
    assert SECRET not in fleet.run("many", "sh", "-c", "cat /tmp/heard-* 2>/dev/null | tr -c '[:print:]' .")
