# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drain, over captured moments that follow each other: what is held, sent, waited for and told."""

from __future__ import annotations

import dataclasses
import pathlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.drain import drain_all
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.notes import NoteBook
from ansible_collections.fleetops.odoo.plugins.module_utils._drain.order import DrainOrder
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Stack
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import failed, refused, supervisor, timeout
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.code import Problem
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import parse_cgroup
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.rules import Objection, Rule
from ansible_collections.fleetops.odoo.plugins.module_utils._signals.send import SignalRefused
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.container import HeldContainer
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import SupervisorKind
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.hold import Hold
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import OperationFailed

from ..scene import GONE, PREFORK_14, PREFORK_19, Scene
from .stage import DRAINING, HELD, IDLE, JOB, KINDS, REQUEST, REST, Stage, Staged, stage

__all__ = ["stage"]

#: Why its dumps cannot be seen.
HIDDEN = Problem("dump.level", "the log level hides stack dumps")


@pytest.mark.parametrize("kind", KINDS)
def test_from_the_hold_to_the_end(stage: Staged, kind: str) -> None:
    on = stage(kind)
    result = on.drain()
    assert on.holding == ["hold", "INT"]
    assert (result.did, result.signals, result.changed) == ("signalled", ["INT"], True)
    assert (result.reason, result.after, result.busy) == ("a drain was requested", {"state": "gone"}, [])
    assert result.told()["hold"]["drop_in"] == HELD.drop_in
    assert result.warnings[0].code == "supervisor.kill_mode"
    (note,) = on.notes
    assert note.drained is not None
    assert (note.made, note.unit, note.http_port) == (True, note.unit, 8069)
    # Once more: there is nothing to do.
    again = on.drain()
    assert (again.did, again.changed, on.sent) == ("nothing", False, ["INT"])
    assert "has not run since" in again.reason


def test_one_that_is_gone_is_drained_whether_or_not_that_can_be_written_down(stage: Staged) -> None:
    on = stage("19-prefork")
    on.drain()
    book, (note,) = NoteBook(on.store), on.notes
    book.write(dataclasses.replace(note, drained=None))
    on.store.room = 0
    result = on.drain()
    assert (result.did, result.after) == ("nothing", {"state": "gone"})
    assert result.did == "nothing"
    assert [one.code for one in result.warnings] == ["failed.drain_not_recorded"]


@pytest.mark.parametrize("kind", KINDS)
def test_check_mode_does_nothing_and_says_what_would_be(stage: Staged, kind: str) -> None:
    on = stage(kind)
    result = on.drain(check_mode=True)
    assert (on.holding, on.notes) == ([], [])
    assert not pathlib.Path(on.store.path).exists()
    assert (result.did, result.signals, result.changed, result.after) == ("signalled", ["INT"], True, None)
    said = [step["what"] for step in result.steps]
    assert "would write" in said[0]
    assert said[-1] == f"INT would be sent to pid {result.pid}"
    assert ("wait for its work" in said[1]) == (kind.endswith("threaded"))


@pytest.mark.parametrize("kind", ["19-threaded", "14-threaded"])
def test_a_threaded_server_is_waited_for_before_its_int(stage: Staged, kind: str) -> None:
    on = stage(kind, REST[kind], DRAINING, GONE)
    # A missing dump does not prove that it is idle.
    on.shows = [(REQUEST, JOB), (JOB,), None, (IDLE,)]
    on.then = {1010.0: GONE}
    assert on.drain().signals == ["INT"]
    assert on.clock.now >= 1003


@pytest.mark.parametrize("kind", ["19-threaded", "14-threaded"])
@pytest.mark.parametrize(
    ("work", "option"), [(REQUEST, "http_timeout (5 s)"), (JOB, "cron_timeout (7 s)"), (None, "http_timeout (5 s)")]
)
def test_a_threaded_server_that_stays_at_work_gets_none(
    stage: Staged, kind: str, work: Stack | None, option: str
) -> None:
    on = stage(kind, REST[kind], DRAINING)
    on.shows = [(work,) if work else None]
    result, message = on.fail(http_timeout=5, cron_timeout=7)
    assert (on.sent, on.holding, on.notes, result.changed) == ([], ["hold", "let go"], [], False)
    assert (result.code, option in message) == ("timeout.work_before_int", True)
    assert len(result.told()["busy"]) == 1
    if work is REQUEST:
        assert "http://h/slow of database shop" in message


@pytest.mark.parametrize("kind", ["19-threaded", "14-threaded"])
def test_a_threaded_server_that_cannot_be_seen_is_refused_unless_forced(stage: Staged, kind: str) -> None:
    on = stage(kind)
    on.hidden = HIDDEN
    for check_mode in (True, False):
        result, message = on.fail(check_mode=check_mode)
        assert (result.did, result.code) == ("refused", "refused.work_hidden")
        assert "the log level hides" in message
    assert (on.holding, on.notes) == ([], [])
    assert on.drain(force=True).signals == ["INT"]


def test_before_19_long_jobs_are_waited_for_before_the_int(stage: Staged) -> None:
    on = stage("14-prefork", REST["14-prefork"], DRAINING, GONE)
    on.shows = [(JOB,), (JOB,), (IDLE,)]
    on.then = {1010.0: GONE}
    result = on.drain(cron_timeout=900)
    assert (on.sent, on.clock.now >= 1002) == (["INT"], True)
    assert "option.beyond_limit_time_real" in [one.code for one in result.warnings]
    assert any(step["what"] == "the server is idle" for step in result.steps)


def test_before_19_the_master_gives_jobs_part_of_their_time(stage: Staged) -> None:
    on = stage("14-prefork", REST["14-prefork"], DRAINING)
    on.shows = [(JOB,)]
    result, message = on.fail(cron_timeout=125, timeout=900)
    assert (result.code, "cron_timeout (125 s)" in message) == ("timeout.work_before_int", True)
    assert (on.sent, 1005 <= on.clock.now < 1010) == ([], True)


@pytest.mark.parametrize("kind", ["19-prefork", "14-prefork"])
def test_who_takes_too_long_is_named_and_goes_on(stage: Staged, kind: str) -> None:
    on = stage(kind, REST[kind], DRAINING)
    on.shows = [(REQUEST,)]
    on.hidden = HIDDEN if kind == "14-prefork" else None
    result, message = on.fail(http_timeout=5)
    assert (on.sent, on.holding, result.did, result.changed) == (["INT"], ["hold", "INT"], "signalled", True)
    assert result.code == "timeout.work"
    for part in ("http_timeout (5 s)", "(http) for ", "http://h/slow of database shop"):
        assert part in message
    assert ("host.dumps_hidden" in [one.code for one in result.warnings]) == (kind == "14-prefork")
    assert result.told()["busy"][0]["url"] == "http://h/slow"
    # The next call sends nothing, and can be asked who it is.
    asked = on.drain(check_mode=True)
    assert (asked.did, asked.changed, asked.busy[0]["url"]) == ("nothing", False, "http://h/slow")
    assert "daemon" not in (asked.hold or {})
    on.scene = _ending(on)
    on.then = {on.clock.now + 3: GONE}
    again = on.drain()
    assert (again.did, on.sent, again.after) == ("nothing", ["INT"], {"state": "gone"})


def _ending(on: Stage) -> Scene:
    on.scene._names.append(GONE)  # it may end, too
    return on.scene


@pytest.mark.parametrize("kind", KINDS)
def test_abort_sends_a_second_int_and_says_what_it_costs(stage: Staged, kind: str) -> None:
    on = stage(kind, REST[kind], DRAINING, GONE)
    on.shows = [(REQUEST,)]
    result = on.drain(http_timeout=5, on_timeout="abort", cron_timeout=80, timeout=90)
    assert (on.sent, result.signals, result.after) == (["INT", "INT"], ["INT", "INT"], {"state": "gone"})
    said = [step["what"] for step in result.steps]
    assert any("http_timeout passed; at work: pid" in one for one in said)
    assert any("a second INT was sent" in one and "cuts off: pid" in one for one in said)
    assert "a second INT cut off" in result.reason
    assert "failed.work_cut_off" in [one.code for one in result.warnings]


@pytest.mark.parametrize("kind", KINDS)
def test_kill_kills_what_is_left(stage: Staged, kind: str) -> None:
    on = stage(kind, REST[kind], DRAINING, GONE)
    on.shows = [(REQUEST,)]
    result = on.drain(http_timeout=5, on_timeout="kill")
    assert on.sent[:2] == ["INT", "KILL"]
    assert set(result.signals) == {"INT", "KILL"}
    # The master first, so that it starts no new worker.
    assert on.killed[0] == result.pid
    assert result.after == {"state": "gone"}
    assert "failed.work_cut_off" in [one.code for one in result.warnings]
    assert any(f"KILL was sent to pid {result.pid} (master)" in step["what"] for step in result.steps)


@pytest.mark.parametrize("kind", KINDS)
def test_a_drain_by_another_hand_is_held_and_waited_for(stage: Staged, kind: str) -> None:
    on = stage(kind, DRAINING, GONE)
    foreseen = on.drain(check_mode=True)
    assert (foreseen.did, foreseen.signals, foreseen.changed, on.holding) == ("nothing", [], True, [])
    assert "would write" in foreseen.steps[0]["what"]
    on.then = {1003.0: GONE}
    result = on.drain()
    assert (result.did, on.holding, result.changed) == ("nothing", ["hold"], True)
    assert "was already draining when this call began" in result.reason
    assert len(on.notes) == 1


def test_a_hup_of_odoo_14_looks_like_one_and_is_drained_after_it(stage: Staged) -> None:
    on = stage("14-prefork", *PREFORK_14[1:], DRAINING, GONE)
    on.then = {1002.0: PREFORK_14[-2], 1004.0: PREFORK_14[-1], 1020.0: GONE}
    result = on.drain()
    assert (result.did, on.sent, result.reason) == ("signalled", ["INT"], "a drain was requested")


def test_a_reload_is_waited_for(stage: Staged) -> None:
    on = stage("19-prefork", *PREFORK_19[1:], DRAINING, GONE)
    on.then = {1005.0: PREFORK_19[-1], 1020.0: GONE}
    assert on.drain().signals == ["INT"]
    assert on.clock.now > 1005


@pytest.mark.parametrize("kind", KINDS)
def test_a_call_that_was_cut_off_after_its_note_sends_none_while_it_may_show(stage: Staged, kind: str) -> None:
    on = stage(kind, REST[kind], DRAINING, GONE)
    on.deaf = True
    on.refuses = [Cut()]
    with pytest.raises(Cut):
        on.drain()
    assert on.notes[0].sent is not None
    on.refuses = []
    # The INT was sent, and shows a little later.
    on.then = {on.clock.now + 0.5: DRAINING, on.clock.now + 4: GONE}
    result = on.drain()
    assert (result.did, on.sent, result.after) == ("nothing", [], {"state": "gone"})


class Cut(BaseException):
    """The process of the module is no more."""


def test_one_that_was_cut_off_before_its_signal_is_sent_one(stage: Staged) -> None:
    on = stage("19-prefork", REST["19-prefork"], DRAINING, GONE)
    on.refuses = [Cut()]
    with pytest.raises(Cut):
        on.drain()
    on.refuses = []
    assert on.drain(check_mode=True).signals == []
    on.clock.now += 11
    assert on.drain(check_mode=True).signals == ["INT"]
    on.then = {on.clock.now + 9: GONE}
    result = on.drain()
    assert (result.signals, on.sent) == (["INT"], ["INT"])


def test_a_refusal_at_the_door_leaves_nothing(stage: Staged) -> None:
    on = stage("19-prefork")
    on.refuses = [SignalRefused(Objection(Rule.INTERLOCK, refused.NO_HANDLER(pid=1, signal="INT")))]
    result, _message = on.fail()
    assert (on.holding, on.notes) == (["hold", "let go"], [])
    assert (result.did, result.code, result.changed) == ("refused", "refused.no_handler", False)


@pytest.mark.parametrize("way", ["abort", "kill"])
def test_one_that_ends_by_itself_when_its_time_is_up_is_not_drained(stage: Staged, way: str) -> None:
    on = stage("19-threaded", REST["19-threaded"], GONE)
    on.shows = [(REQUEST,)]
    on.refuses = [SignalRefused(Objection(Rule.IDENTITY, refused.PROCESS_ENDED(pid=1)))]
    on.then = {1005.5: GONE}
    result, _message = on.fail(http_timeout=5, on_timeout=way)
    # Its supervisor is let go, so it may start it again.
    assert (on.holding, on.notes) == (["hold", "let go"], [])
    assert (result.did, result.code, result.changed) == ("refused", "refused.process_ended", False)


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_full_disk_before_the_int_leaves_nothing(stage: Staged, after: int) -> None:
    on = stage("19-threaded", REST["19-threaded"], DRAINING, GONE)
    on.shows = [(REQUEST,), (IDLE,)]
    on.store.room = after
    result, message = on.fail()
    assert (result.code, "No space left on device" in message) == ("failed.os_error", True)
    assert (on.sent, on.holding, on.notes) == ([], ["hold", "let go"], [])
    assert (result.did, result.changed) == ("nothing", False)


def test_a_full_disk_after_the_int_does_not_end_the_watch(stage: Staged) -> None:
    on = stage("19-prefork")
    on.shows = [(REQUEST,)]
    on.store.room = 3
    result = on.drain()
    assert (on.holding, result.after, result.changed) == (["hold", "INT"], {"state": "gone"}, True)
    assert "failed.drain_not_recorded" in [one.code for one in result.warnings]
    # The next call knows it by its process.
    assert "the server has ended" in on.drain().reason


def test_a_hup_that_looks_like_a_drain_and_does_not_end_leaves_nothing(stage: Staged) -> None:
    on = stage("14-prefork", *PREFORK_14[1:4])
    on.then = {1002.0: PREFORK_14[3]}
    result, _message = on.fail()
    assert (on.sent, on.holding, on.notes) == ([], ["hold", "let go"], [])
    assert (result.code, result.changed) == ("timeout.running", False)


def test_a_hold_that_does_not_hold_leaves_nothing(stage: Staged) -> None:
    on = stage("19-prefork")
    on.hold_fails = supervisor.HOLD_INEFFECTIVE(unit="odoo.service", restart="always", more="")
    result, _message = on.fail()
    assert (result.code, on.sent, on.notes) == ("supervisor.hold_ineffective", [], [])


def test_an_external_hold_writes_a_note_and_no_drop_in(stage: Staged) -> None:
    on = stage("19-prefork")
    result = on.drain(hold="external")
    assert on.holding == ["INT"]
    assert result.told()["hold"]["external"] is True


def test_the_supervisor_must_be_at_rest(stage: Staged) -> None:
    on = stage("19-prefork")
    on.resting = [timeout.STOPPED()]
    result = on.drain()
    assert any(step["what"] == "it was stopped" for step in result.steps)


def test_what_supervisord_starts_after_it_was_asked_is_stopped_too(stage: Staged) -> None:
    on = stage("19-prefork", REST["19-prefork"], DRAINING, GONE, "running")
    on.hold = Hold(SupervisorKind.SUPERVISORD, "odoo")
    on.then = {1003.0: GONE, 1004.0: "running", 1006.0: GONE}
    asked: list[float] = []

    def rest(_hold: Hold) -> tuple[Problem | None, str | None]:
        asked.append(on.clock.now)
        # The first answer of that time comes before supervisord starts it.
        runs = 1004 <= on.clock.now < 1006 and asked[-2] > 1004
        return (timeout.STOPPED(), "it was stopped") if runs else (None, None)

    on.rest = rest  # type: ignore[method-assign]
    result = on.drain(min_gone_time=10)
    assert (result.code, result.after) == (None, {"state": "gone"})
    assert any(step["what"] == "it was stopped" for step in result.steps)


def test_another_server_in_its_place_is_a_failure_that_holds_nothing(stage: Staged) -> None:
    on = stage("19-prefork", REST["19-prefork"], DRAINING, GONE, "running")
    on.then = {1003.0: GONE, 1008.0: "running"}
    result, message = on.fail()
    assert (result.code, result.did, result.signals) == ("failed.place_taken", "signalled", ["INT"])
    assert (on.holding, on.notes) == (["hold", "INT", "let go"], [])
    assert f"pid {str(result.successor).partition(':')[0]} " in message
    assert "port 8069, configuration /etc/odoo/odoo.conf" in message


def test_another_server_that_comes_later_than_it_is_watched_for_is_not_seen(stage: Staged) -> None:
    on = stage("19-prefork", REST["19-prefork"], DRAINING, GONE, "running")
    on.then = {1003.0: GONE, 1008.0: "running"}
    result = on.drain(min_gone_time=2)
    assert (result.code, result.after, on.clock.now < 1008) == (None, {"state": "gone"}, True)
    assert result.steps[-1]["what"] == "no other server started in its place within 2 s"


def test_an_end_by_systemd_is_a_failure_and_the_server_stays_drained(stage: Staged) -> None:
    on = stage("19-prefork")
    on.ended_badly = failed.BAD_END(unit="odoo.service", result="watchdog")
    result, _message = on.fail()
    assert (result.code, result.after, on.notes[0].drained is not None) == ("failed.bad_end", {"state": "gone"}, True)


def test_an_end_that_the_caller_wanted_by_force_is_not_judged(stage: Staged) -> None:
    on = stage("19-prefork", REST["19-prefork"], DRAINING, GONE)
    on.shows = [(REQUEST,)]
    on.ended_badly = failed.BAD_END(unit="odoo.service", result="signal")
    assert on.drain(http_timeout=5, on_timeout="kill").after == {"state": "gone"}


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_way_back_that_would_fail_is_told_before_the_int(stage: Staged, check_mode: bool) -> None:  # noqa: FBT001
    on = stage("19-prefork")
    on.hold = Hold(SupervisorKind.NONE)
    on.no_way_back = refused.COMMAND_FAILS(user="odoo", said="no module named odoo")
    assert [one.code for one in on.drain(check_mode=check_mode).warnings] == ["supervisor.no_way_back"]
    on.hold = HELD
    on.scene.go_to(REST["19-prefork"])
    assert [one.code for one in on.drain(check_mode=True).warnings] == ["supervisor.kill_mode"]


def test_a_unit_that_goes_on_without_the_server_is_released(stage: Staged) -> None:
    on = stage("19-prefork")
    on.goes_on = supervisor.OTHER_UNIT(unit="cron.service", main=7)
    on.resting = [timeout.INACTIVE(unit="cron.service", state="active")] * 999
    result = on.drain()
    assert (on.holding, result.told()["hold"]["kind"]) == (["hold", "INT", "let go"], "none")
    assert "supervisor.other_unit" in [one.code for one in result.warnings]
    assert on.notes[0].is_launched


def test_a_container_that_goes_on_without_the_server_is_warned_of_and_stays_noted(stage: Staged) -> None:
    on = stage("19-prefork")
    held = HeldContainer("docker", "ab" * 32, "odoo")
    on.hold, on.goes_on = Hold(SupervisorKind.CONTAINER, held.id, "no", container=held), held.goes_on()
    on.resting = [timeout.CONTAINER_ENDS(name="odoo")] * 999
    result = on.drain(min_gone_time=2)
    assert [one.code for one in result.warnings] == ["supervisor.container_goes_on"]
    assert (on.notes[0].held, on.notes[0].is_launched, "let go" in on.holding) == (on.hold, False, False)


def test_a_container_that_has_ended_is_not_asked_again(stage: Staged) -> None:
    on = stage("19-prefork")
    held = HeldContainer("docker", "ab" * 32, "odoo")
    on.hold = Hold(SupervisorKind.CONTAINER, held.id, "no", container=held)
    on.resting = [timeout.CONTAINER_ENDS(name="odoo")]
    result = on.drain()
    assert (result.warnings, result.steps[-1]["what"]) == ([], "no other server started in its place within 12 s")
    assert len([step for step in result.steps if step["what"] == "it was stopped"]) == 1


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_frozen_server_is_refused_before_anything(
    stage: Staged,
    tmp_path: pathlib.Path,
    check_mode: bool,  # noqa: FBT001
) -> None:
    on = stage("19-prefork")
    cgroup = parse_cgroup(on.scene.text(on.scene.master, "cgroup")).strip("/")
    on.scene.cgroups = str(tmp_path / "cgroups")
    folder = tmp_path / "cgroups" / cgroup
    folder.mkdir(parents=True)
    (folder / "cgroup.events").write_text("populated 1\nfrozen 1\n")
    result, _message = on.fail(check_mode=check_mode)
    assert (result.did, result.code, on.holding) == ("refused", "refused.frozen", [])
    (folder / "cgroup.events").write_text("populated 1\nfrozen 0\n")
    assert on.drain(check_mode=check_mode).signals == ["INT"]


def test_one_that_came_back_is_told_apart(stage: Staged) -> None:
    on = stage("19-prefork")
    on.drain()
    note = on.notes[0]
    NoteBook(on.store).write(dataclasses.replace(note, identity="1:1", pid=1))
    on.scene.go_to(REST["19-prefork"])
    on.then = {on.clock.now + 3: GONE}
    result = on.drain()
    assert (result.did, on.sent) == ("signalled", ["INT", "INT"])
    assert "with pid 1, and has started again since" in result.reason


def test_another_call_is_waited_for_and_no_longer_than_the_timeout(stage: Staged) -> None:
    on = stage("19-prefork", REST["19-prefork"])
    on.store.open()
    lock = on.store.try_lock(on.host.look().instances[0].master)
    assert lock is not None
    result, message = on.fail(timeout=20)
    assert (result.code, "20 s" in message, on.sent, on.notes) == ("timeout.locked", True, [], [])


def test_a_note_of_another_boot_is_ignored(stage: Staged) -> None:
    on = stage("19-prefork")
    on.drain()
    (note,) = on.notes
    NoteBook(on.store).write(dataclasses.replace(note, boot="another"))
    assert on.notes == []


def test_a_note_is_readable_by_its_owner_only_and_a_broken_one_is_ignored(stage: Staged) -> None:
    on = stage("19-prefork")
    on.drain()
    (path,) = pathlib.Path(on.store.path).glob("drain-*.json")
    assert path.stat().st_mode & 0o777 == 0o600
    for content in ("", "{", "[]", "{}", '{"key": 1}'):
        path.write_text(content)
        assert on.notes == []


def test_servers_after_a_failed_one_are_in_the_results(stage: Staged) -> None:
    on = stage("19-prefork")
    on.drain()
    on.scene.go_to(REST["19-prefork"])
    seen = on.host.look()
    identity = seen.instances[0].identity
    on.hold_fails = supervisor.HOLD_INEFFECTIVE(unit="odoo.service", restart="always", more="")
    order = DrainOrder(60, 60, 30, 100)
    gone = [dataclasses.replace(note, identity="1:1", pid=1) for note in on.notes]
    with pytest.raises(OperationFailed) as caught:
        drain_all(on.host, seen, [identity, identity], gone, order, check_mode=False)
    assert [(one.did, one.code) for one in caught.value.results] == [
        ("nothing", None),
        ("refused", "supervisor.hold_ineffective"),
        ("not_reached", "failed.not_reached"),
    ]
    assert caught.value.code == "supervisor.hold_ineffective"
