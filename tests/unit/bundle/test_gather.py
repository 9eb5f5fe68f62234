# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bundle: what is in it, what is not, and that no secret leaves the host."""

from __future__ import annotations

import base64
import hashlib
import json
import pathlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle.gather import BundleOrder, make_bundle
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.plugin_utils._runs.unpack import unpack

from ..build import FakeClock
from ..conftest import captured
from .archives import ROOMY, SECRET, opened


@pytest.mark.parametrize("kind", ["19-prefork", "19-threaded", "14-prefork", "14-threaded"])
def test_a_captured_host(kind: str, tmp_path: pathlib.Path) -> None:
    proc = captured(kind, "running")
    seen = look(proc)
    (instance,) = seen.instances
    proc.files[f"{instance.master.pid}/environ"] = f"PGPASSWORD={SECRET}\0LANG=C\0".encode()
    host = Host(proc, FakeClock(), ServerRecords("/nonexistent"))
    made = make_bundle(
        host,
        seen,
        [instance.identity],
        BundleOrder(10, ROOMY),
        {"ansible": "2.19"},
        read_log=lambda *_arguments: ("/odoo.log", ["a", f"password: {SECRET}"]),
    )
    files = opened(made.packed)
    folder = made.servers[0]["folder"]
    assert folder == f"server-{instance.master.pid}"
    assert files[f"{folder}/log.txt"] == "# the last 2 lines of /odoo.log\na\npassword: ********\n"
    assert files[f"{folder}/environment.txt"] == "LANG=C\nPGPASSWORD=********\n"
    assert f"{instance.master.pid} master" in files["processes.txt"]
    assert json.loads(files[f"{folder}/server.json"])["pid"] == instance.master.pid
    assert SECRET not in str(files)
    # The capture has no /proc to list descriptors of, and that is said.
    named = {one["part"] for one in made.left_out} | {part["name"] for part in made.parts}
    assert {
        f"{folder}/{name}" for name in ("odoo.conf", "unit.txt", "limits.txt", "memory.json", "disks.json")
    } <= named
    codes = {one["part"]: one["code"] for one in made.left_out}
    assert codes[f"{folder}/limits.txt"] == "bundle.process_ended"
    unpack(base64.b64encode(made.packed).decode(), hashlib.sha256(made.packed).hexdigest(), str(tmp_path / "x"))
    assert (tmp_path / "x" / folder / "log.txt").read_text() == files[f"{folder}/log.txt"]
    assert (tmp_path / "x" / folder / "log.txt").stat().st_mode & 0o777 == 0o600


def test_literals_of_queries_are_hidden_where_they_may_stand() -> None:
    proc = captured("19-threaded", "running")
    lines = [
        "2026-11-24 08:17:03,692 6 INFO p19 werkzeug: GET /web 200 'x'",
        "2026-11-24 08:17:03,692 6 ERROR p19 odoo.sql_db: bad query: UPDATE res_partner SET name = 'Jane'",
        "  WHERE phone = '555' AND id = 17",
    ]
    seen = look(proc)
    host = Host(proc, FakeClock(), ServerRecords("/nonexistent"))
    order = BundleOrder(10, ROOMY, hide_literals=True)
    identities = [seen.instances[0].identity]
    made = make_bundle(host, seen, identities, order, {}, read_log=lambda *_arguments: ("/odoo.log", lines))
    log = next(text for name, text in opened(made.packed).items() if name.endswith("log.txt")).splitlines()
    assert log[1] == lines[0]
    assert log[2].endswith("SET name = ?")
    assert log[3] == "  WHERE phone = ? AND id = ?"
