# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole reload by HUP, over captured moments."""

from __future__ import annotations

import dataclasses
import itertools
import json
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.notes import NoteBook, new_note
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.staleness import Staleness
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import refused, rehearsal, supervisor
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._reload.decide import Method, Policy
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Objection, Rule
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.send import SignalRefused
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import SupervisorKind
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.hold import Hold
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import OperationFailed, Refused

from ..build import failing
from ..scene import GONE, PREFORK_14, PREFORK_19, THREADED_14
from .stage import FRESH, ONE, TWO, Staged, stage

__all__ = ["stage"]


@pytest.mark.parametrize(
    ("kind", "moments"),
    [("19-prefork", PREFORK_19), ("14-prefork", PREFORK_14), ("14-threaded", THREADED_14)],
)
def test_a_reload_from_the_hup_to_the_new_generation(stage: Staged, kind: str, moments: list[str]) -> None:
    on = stage(kind, moments)
    result = on.reload()
    assert on.sent == [("HUP", moments[0])]
    assert on.scene.moment == moments[-1]
    assert (result.did, result.signals, result.reason) == ("signalled", ["HUP"], "a reload was requested")
    assert on.rehearsed == 1
    # Once before anything was done, once of the new generation.
    assert on.asked == 2
    before, after = t.cast("dict[str, t.Any]", result.before), t.cast("dict[str, t.Any]", result.after)
    assert after["state"] == "running"
    assert before["workers"] == after["workers"]
    pids = [{child["pid"] for child in summary["children"]} for summary in (before, after)]
    assert not pids[0] & pids[1]
    assert after["loaded"]["evidence"] == "marker"
    assert result.seconds > 0


def test_the_start_of_a_process_is_not_read_off_the_clock_to_the_microsecond(
    stage: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = stage("19-prefork", PREFORK_19)
    readings = itertools.count()
    monkeypatch.setattr(on.host, "start_time", lambda _process: 1_795_000_000 + next(readings) / 1e6)
    assert on.reload().did == "signalled"


def test_the_marker_bounds_the_load(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    begun = on.clock.time()
    on.reload()
    master = look(on.scene).instances[0].master
    load = on.store.recall(master)
    assert load is not None
    assert begun <= load.not_before < load.not_after < on.clock.time()


def test_the_same_call_again_reloads_again_and_since_does_not(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    deployed = on.clock.time()
    on.reload(Policy.SINCE, deployed)
    assert len(on.sent) == 1
    again = on.reload(Policy.SINCE, deployed)
    assert (again.did, again.signals) == ("nothing", [])
    assert "loaded its code at" in again.reason
    assert len(on.sent) == 1
    on.clock.now += 100
    with pytest.raises(OperationFailed):
        # This scene has no second reload: the HUP is sent and nothing comes of it.
        on.reload(Policy.SINCE, on.clock.time(), timeout=5)
    assert len(on.sent) == 2


def test_the_lock_is_released(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.reload()
    assert on.store.try_lock(look(on.scene).instances[0].master) is not None


def test_a_server_that_recovers_is_waited_for(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.sick = ["http://x answers 500"] * 3
    result = on.reload()
    before, after = t.cast("dict[str, t.Any]", result.before), t.cast("dict[str, t.Any]", result.after)
    assert (result.did, before["health"], after["health"]) == ("signalled", "http://x answers 500", "ok")
    assert on.asked == 4


def test_more_workers_in_odoo_conf_are_waited_for(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.scene.write_conf("workers = 3\nmax_cron_threads = 1\n")
    with failing("timeout.processes"):
        on.reload(timeout=20)


def test_a_rehearsal_that_fails_is_a_refusal(stage: Staged) -> None:
    def fail() -> t.NoReturn:
        raise Refused(rehearsal.SCRIPT_GONE(path="/x"))

    on = stage("19-prefork", PREFORK_19)
    on.on_rehearsal = fail
    with failing("rehearsal.script_gone", OperationFailed) as caught:
        on.reload()
    assert on.sent == []
    (result,) = caught.value.results
    assert (result.did, result.code) == ("refused", "rehearsal.script_gone")
    assert str(caught.value).startswith("Not reloading pid 513: ")


def test_a_refusal_at_the_door_is_told(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.refuses = [SignalRefused(Objection(Rule.INTERLOCK, refused.NO_HANDLER(pid=513, signal="HUP")))]
    with failing("refused.no_handler", OperationFailed) as caught:
        on.reload()
    assert (caught.value.results[0].did, caught.value.results[0].signals) == ("refused", [])


def test_check_mode_says_what_would_happen_and_does_nothing(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    result = on.reload(check_mode=True)
    assert (result.did, result.signals, result.after) == ("signalled", ["HUP"], None)
    assert on.sent == []
    assert on.rehearsed == 1
    assert on.clock.slept == []
    assert not pathlib.Path(on.store.path).exists()


@pytest.mark.parametrize("meanwhile", PREFORK_19[2:5])
def test_a_reload_that_begins_during_the_rehearsal_gets_no_second_hup(stage: Staged, meanwhile: str) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.on_rehearsal = lambda: on.scene.go_to(meanwhile)
    on.reload()
    assert on.sent == []


def test_a_drain_that_begins_during_the_rehearsal_gets_no_hup(stage: Staged) -> None:
    on = stage("14-prefork", [PREFORK_14[0], "hup-14-draining-first", "hup-14-draining-in-flight", GONE])
    on.on_rehearsal = on.scene.go_on
    with pytest.raises(OperationFailed):
        on.reload()
    assert on.sent == []


def test_a_server_that_needs_no_reload_must_serve_all_the_same(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    deployed = on.clock.time()
    on.sick = ["http://x answers 500"] * 10_000
    with pytest.raises(OperationFailed):
        on.reload(Policy.SINCE, deployed, timeout=20)
    # The same call again, as people do after a failure: the load is new enough, and the server as sick as before.
    with pytest.raises(OperationFailed):
        on.reload(Policy.SINCE, deployed, timeout=20)


def test_results_can_be_told_as_json(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    told = on.reload().told()
    assert json.loads(json.dumps(told)) == told
    assert set(told) == {
        "identity",
        "pid",
        "did",
        "code",
        "reason",
        "signals",
        "before",
        "after",
        "seconds",
        "successor",
        "log",
        "steps",
        "warnings",
    }
    assert (told["successor"], told["log"]) == (None, [])


def test_the_first_request_is_not_waited_for_long(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.reload()
    assert on.patience == [5.0, 10.0]


@pytest.mark.parametrize("method", ["hup", "supervisor"])
def test_a_server_without_http_that_drains_is_known_by_its_note(stage: Staged, method: Method) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.scene.end_http()
    seen = look(on.scene)
    note = new_note(seen, seen.instances[0], Hold(SupervisorKind.NONE), 1.0)
    on.store.open()
    NoteBook(on.store).write(dataclasses.replace(note, sent=5.0))
    for check_mode in (True, False):
        with failing("refused.draining"):
            on.reload(method=method, check_mode=check_mode)
    assert (on.sent, on.restarts, on.rehearsed) == ([], [], 0)
    NoteBook(on.store).write(note)
    with failing("refused.no_socket_to_hand_over"):
        on.reload(check_mode=True)
    assert on.reload(check_mode=True, method=Method.AUTO).did == "restarted"


def test_no_request_outlasts_the_deadline(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.sick = ["http://x does not answer"] * 10_000
    with pytest.raises(OperationFailed):
        on.reload(timeout=20)
    assert (max(on.patience), on.patience[-1], min(on.patience)) == (10.0, 0.5, 0.5)


def test_a_server_that_is_not_at_rest_is_not_asked_for_its_health(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.scene.go_on()
    before = t.cast("dict[str, t.Any]", on.reload(check_mode=True).before)
    assert (before["state"], before["health"], on.asked) == ("reloading", None, 0)


def test_no_health_check_no_health(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    result = on.reload(health=False)
    before, after = t.cast("dict[str, t.Any]", result.before), t.cast("dict[str, t.Any]", result.after)
    assert (before["health"], after["health"], on.asked) == (None, None, 0)


@pytest.mark.parametrize(
    ("policy", "check_mode", "found", "walks"),
    [
        ("stale", True, [ONE], 1),
        # One for the decision and what must compile, one after the rehearsal.
        ("stale", False, [ONE], 2),
        ("stale", False, [FRESH], 1),
        ("always", False, [ONE], 1),
    ],
)
def test_the_code_is_walked_over_no_more_than_is_right(
    stage: Staged,
    policy: Policy,
    check_mode: bool,  # noqa: FBT001
    found: list[Staleness],
    walks: int,
) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.host.stale = found
    on.reload(policy, check_mode=check_mode)
    assert on.host.walks == walks


def test_code_that_changes_during_the_rehearsal_is_rehearsed_too(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.host.stale = [ONE, TWO]
    result = on.reload(Policy.STALE)
    assert (on.rehearsed, result.did) == (2, "signalled")
    assert "2 files changed" in result.reason


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("workers = 2\nhttp_port = 8169\n", "refused.hup_not_enough"),
        ("workers = 2\nhttp_interface = 127.0.0.1\n", "refused.hup_not_enough"),
        ("workers = 0\n", "refused.hup_would_end"),
    ],
)
def test_what_a_hup_does_not_apply_is_refused_or_restarted(stage: Staged, options: str, code: str) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.scene.write_conf("max_cron_threads = 1\n" + options)
    for check_mode in (True, False):
        with failing(code):
            on.reload(check_mode=check_mode)
    assert on.sent == []
    predicted = on.reload(check_mode=True, method=Method.AUTO)
    assert (predicted.did, "because a HUP is not possible" in predicted.reason) == ("restarted", True)
    on.no_plan.append(Refused(supervisor.NONE()))
    for method in (Method.AUTO, Method.SUPERVISOR):
        with failing("refused.no_way") as caught:
            on.reload(method=method)
        assert "is configured" in str(caught.value)
    assert (on.sent, on.restarts) == ([], [])


def test_a_hup_of_another_program_that_applied_nothing_is_not_up_to_date(stage: Staged) -> None:
    on = stage("19-prefork", PREFORK_19)
    on.scene.write_conf("workers = 2\nmax_cron_threads = 1\nhttp_port = 8169\n")
    on.scene.go_to(PREFORK_19[2])
    with failing("refused.hup_not_enough"):
        on.reload()
    with failing("refused.hup_not_enough"):
        on.reload(Policy.SINCE, 1.0)
    assert on.sent == []


def test_a_change_that_a_hup_applies_is_waited_for(stage: Staged) -> None:
    on = stage("14-prefork", PREFORK_14)
    on.scene.write_conf("workers = 2\nmax_cron_threads = 1\ngevent_port = 8172\n")
    # This scene has no such gevent process: the HUP is sent and the port stays.
    with failing("timeout.configuration") as caught:
        on.reload(timeout=20)
    assert "gevent_port: the server runs with 8072, and 8172 is configured" in str(caught.value)
    assert len(on.sent) == 1


@pytest.mark.parametrize("method", [Method.HUP, Method.SUPERVISOR])
@pytest.mark.parametrize("imports", [True, False])
def test_the_start_up_check_imports_changed_addons_if_asked_to(
    stage: Staged,
    method: Method,
    imports: bool,  # noqa: FBT001
) -> None:
    on = stage("19-prefork", PREFORK_19)
    assert on.reload(check_mode=True, method=method, imports=imports).did != "refused"
    assert on.imported == [imports]
