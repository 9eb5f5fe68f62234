# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test reloads that fail: the server ends, stays unhealthy or never gets ready, and the module says so in time."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.decide import Policy, ReloadWish
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.reload import ReloadOrder, reload_all
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import OperationFailed

from ..build import failing
from ..scene import GONE, PREFORK_19, SILENT
from .stage import Staged, stage

__all__ = ["stage"]


def test_a_lock_that_is_never_released_fails_at_the_timeout(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[:1])
    on.store.open()
    assert on.store.try_lock(look(on.scene).instances[0].master) is not None
    with failing("timeout.locked"):
        on.reload(timeout=7)
    assert on.sent == []
    assert on.clock.now == pytest.approx(1007, abs=1)


def test_a_master_that_dies_on_the_hup_is_a_failure(stage: Staged) -> None:
    on = stage("19-prefork", [*PREFORK_19[:2], GONE])
    with failing("failed.ended", OperationFailed) as caught:
        on.reload()
    (result,) = caught.value.results
    assert (result.did, result.signals, result.after) == ("signalled", ["HUP"], None)
    assert result.code == "failed.ended"
    assert caught.value.problem.values["when"] == "after HUP"


def test_a_master_that_has_ended_before_is_a_failure_and_gets_nothing(stage: Staged) -> None:
    on = stage("19-prefork", [PREFORK_19[0], GONE])
    host_seen = look(on.scene)
    on.scene.go_on()
    order = ReloadOrder(ReloadWish(Policy.ALWAYS), None, 60)
    with failing("failed.ended", OperationFailed) as caught:
        reload_all(on.host, host_seen, [host_seen.instances[0].identity], order, check_mode=False)
    assert on.sent == []
    assert caught.value.results[0].signals == []


def test_the_moment_of_the_exec_does_not_count_as_an_end(stage: Staged) -> None:
    on = stage("19-prefork", [PREFORK_19[0], SILENT, SILENT, *PREFORK_19[1:]])
    assert on.reload().did == "signalled"
    assert on.scene.moment == "hup-19-done"


def test_a_hup_without_any_effect_is_a_failure_in_time(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[:1])
    with failing("timeout.new_exec"):
        on.reload(timeout=20)
    assert on.clock.now == pytest.approx(1020, abs=1)
    assert len(on.sent) == 1
    assert on.store.recall(look(on.scene).instances[0].master) is None


def test_an_old_worker_that_stays_is_a_failure_in_time(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19[:4])
    with failing("timeout.old_master"):
        on.reload(timeout=20)


def test_a_health_check_that_cannot_succeed_is_refused_before_the_hup(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    for check_mode in (True, False):
        on.sick = ["http://x/ answers 303 instead of 200"]
        with failing("refused.health_not_accepted"):
            on.reload(check_mode=check_mode)
    assert on.sent == []
    on.sick = ["http://x/ answers 303 instead of 200"]
    assert on.reload(force=True).did == "signalled"


def test_a_server_that_stays_sick_is_a_failure_with_what_it_answered(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.sick = ["http://x answers 503"] * 10_000
    with failing("timeout.healthy"):
        on.reload(timeout=20)
    assert len(on.sent) == 1


def test_a_threaded_server_that_boots_for_ever_is_a_failure_in_time(stage: Staged) -> None:
    on = stage("14-threaded", ["booting-handlers-just-installed"])
    on.scene.write_conf("workers = 0\nhttp_enable = False\n")
    # A server (or something that looks like one) between its first handlers and QUIT.
    proc = on.scene._now
    name = f"{on.scene.master}/status"
    proc.files[name] = b"\n".join(
        b"SigCgt:\t0000000000000003" if line.startswith(b"SigCgt") else line for line in proc.files[name].split(b"\n")
    )
    on.host.looks = 100
    with pytest.raises(OperationFailed):
        on.reload(timeout=20)


def test_a_forked_child_of_a_threaded_server_is_a_failure_in_time(stage: Staged) -> None:
    on = stage("14-threaded", ["hup-14-threaded-done"])
    # multiprocessing forks: same arguments, same handlers, same exec.
    proc, master = on.scene._now, on.scene.master
    for name in [name for name in proc.files if name.startswith(f"{master}/")]:
        proc.files[name.replace(str(master), "9999")] = proc.files[name]
    head, _bracket, tail = proc.files["9999/stat"].rpartition(b")")
    fields = tail.split()
    fields[1] = b"%d" % master
    proc.files["9999/stat"] = head + b") " + b" ".join(fields)
    on.host.looks = 100
    with pytest.raises(OperationFailed):
        on.reload(timeout=20)
