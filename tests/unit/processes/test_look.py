# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a look makes of the processes that were read."""

from __future__ import annotations

import pathlib
import threading

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import host
from ansible_collections.fleetops.odoo.plugins.module_utils._processes import look as _look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import State
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.limits import in_turn
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look, shortened

from ..conftest import CapturedProc, captured


@pytest.mark.parametrize("configured", [True, False])
@pytest.mark.parametrize("later", [True, False])
@pytest.mark.parametrize("rests", [True, False])
def test_a_server_started_without_http_runs_though_odoo_conf_has_http_now(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, *, configured: bool, later: bool, rests: bool
) -> None:
    """Test a server that does not listen and has only its cron worker, as in a drain."""
    conf = tmp_path / "472/root/etc/odoo/odoo.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text(f"[options]\nhttp_enable = {configured}\n")
    proc = captured("19-prefork", "running")
    for name in [name for name in proc.files if name.startswith(("475/", "477/", "478/"))]:
        del proc.files[name]
    proc.root = str(tmp_path)
    proc.files["472/fd.txt"] = b""
    monkeypatch.setattr(proc, "main_thread_rests", lambda _pid: rests)
    monkeypatch.setattr(_look, "start_time", lambda _process: conf.stat().st_ctime + (-5 if later else 5))
    (one,) = look(proc).instances
    assert (one.state == State.RUNNING) is (not configured or (later and rests))


def test_a_child_that_runs_as_another_user_is_not_a_worker() -> None:
    proc = CapturedProc(dict(captured("19-prefork", "running").files))
    (before,) = look(proc).instances
    pid = before.children[0].process.pid
    lines = [one for one in proc.text(pid, "status").splitlines() if not one.startswith("Uid:")]
    proc.files[f"{pid}/status"] = "\n".join([*lines, "Uid:\t0\t0\t0\t0"]).encode()
    (after,) = look(proc).instances
    assert pid not in [child.process.pid for child in after.children]
    assert len(after.children) == len(before.children) - 1


def test_many_unseen_processes_are_counted_and_not_all_named() -> None:
    many = [host.OTHER_RIGHTS(pid=pid, ids="x") for pid in range(500)]
    kept = shortened([*many, host.PROGRAM_HIDDEN(pid=7)])
    assert [one.values.get("pid") for one in kept] == [*range(20), None, 7]
    assert (kept[20].code, kept[20].values["count"]) == ("host.more_left_out", 480)


def test_a_server_whose_files_never_come_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_look, "ONE_SERVER", 0.2)
    over = threading.Event()
    monkeypatch.setattr(_look, "_named_files", lambda *_arguments: over.wait(30))
    seen = look(captured("19-prefork", "running"))
    assert (seen.instances, seen.unseen) == ((), (host.FILES_TIMEOUT(pid=472, seconds=0.2),))
    over.set()


def test_thousands_of_servers_of_one_user_do_not_delay_other_users(monkeypatch: pytest.MonkeyPatch) -> None:
    flood = [(1000, number) for number in range(5000)]
    ordered = in_turn([*flood, (990, 1), (0, 1), (990, 2)], lambda one: one[0])
    assert ordered[:6] == [(1000, 0), (990, 1), (0, 1), (1000, 1), (990, 2), (1000, 2)]
    assert len(ordered) == 5003
    # With no time left the servers are counted.
    monkeypatch.setattr(_look, "ALL_SERVERS", -1.0)
    seen = look(captured("19-prefork", "running"))
    assert seen.instances == ()
    assert [(one.code, one.values["count"]) for one in seen.unseen] == [("host.servers_timeout", 1)]
