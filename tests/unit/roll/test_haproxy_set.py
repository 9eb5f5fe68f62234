# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test that servers of HAProxy leave and enter, also those that track another one."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import roll
from ansible_collections.fleetops.odoo.plugins.module_utils._roll import haproxy
from ansible_collections.fleetops.odoo.plugins.module_utils._roll.haproxy import NotSet, Wanted, set_servers
from ansible_collections.fleetops.odoo.plugins.module_utils._roll.haproxy_sessions import SESSIONS
from ansible_collections.fleetops.odoo.plugins.module_utils._system.clock import Clock

from .. import build


class Live:
    """HAProxy with a few servers: it takes commands, and a server's sessions end one look after the other."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **servers: dict[str, t.Any]) -> None:
        base = {"backend": "odoo", "status": "UP", "admin": "ready", "sessions": 0, "queued": 0}
        self.servers = {name: {**base, "server": name, **more} for name, more in servers.items()}
        self.said: list[str] = []
        self.answer = ""
        monkeypatch.setattr(haproxy, "server_states", self._look)
        monkeypatch.setattr(haproxy, "_ask", self._command)

    def _look(self, _path: str) -> list[dict[str, t.Any]]:
        now = [dict(one) for one in self.servers.values()]
        for one in self.servers.values():
            one["sessions"] = max(0, one["sessions"] - 1)
            if one["admin"] == "ready":
                one["status"] = "UP"
        return now

    def _command(self, _path: str, command: str) -> str:
        self.said.append(command)
        name, state = command.split()[2].split("/")[1], command.split()[4]
        if not self.answer:
            self.servers[name]["admin"] = state
        return self.answer + "\n"


def wanted(*hosts: str, **more: t.Any) -> Wanted:
    """Servers that are to leave."""
    return Wanted(**{"hosts": hosts, "backends": (), "out": True, "only_ready": False, "timeout": 5.0, **more})


def test_servers_leave_and_their_sessions_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live(monkeypatch, a={"sessions": 3}, b={"sessions": 1}, c={})
    done = set_servers("/s", wanted("a", "b"), Clock(), check_mode=False)
    assert (done.changed, done.under_way) == (True, 4)
    assert live.said == ["set server odoo/a state drain", "set server odoo/b state drain"]
    assert [(one["server"], one["sessions"]) for one in done.servers] == [("a", 0), ("b", 0)]
    again = set_servers("/s", wanted("a", "b"), Clock(), check_mode=False)
    assert (again.changed, again.under_way, len(live.said)) == (False, 0, 2)


def test_a_server_that_enters_is_waited_for_until_it_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live(monkeypatch, a={"admin": "drain", "status": "DOWN 1/2"})
    done = set_servers("/s", wanted("a", out=False), Clock(), check_mode=False)
    assert (done.changed, live.said, done.servers[0]["status"]) == (True, ["set server odoo/a state ready"], "UP")


def test_check_mode_sets_nothing_and_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live(monkeypatch, a={"sessions": 10**6})
    done = set_servers("/s", wanted("a"), Clock(), check_mode=True)
    assert (done.changed, live.said) == (True, [])


def test_a_server_in_maintenance_stays_in_maintenance(monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live(monkeypatch, a={"admin": "maint", "status": "MAINT"})
    done = set_servers("/s", wanted("a"), Clock(), check_mode=False)
    assert (done.changed, live.said) == (False, [])


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"hosts": ("a", "z")}, "roll.balancer_unknown_server"),
        ({"hosts": ("a",), "backends": ("odoo", "shop")}, "roll.balancer_unknown_server"),
        ({"hosts": ("a", "out"), "only_ready": True}, "roll.balancer_out_already"),
    ],
)
def test_where_one_server_cannot_leave_none_is_set(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, t.Any], code: str
) -> None:
    live = Live(monkeypatch, a={}, out={"admin": "drain"})
    with pytest.raises(NotSet) as caught:
        set_servers("/s", wanted(**more), Clock(), check_mode=False)
    assert (caught.value.code, caught.value.changed, live.said) == (code, False, [])


@pytest.mark.parametrize(
    ("server", "more", "code"),
    [
        ({"sessions": 10**6}, {}, "roll.balancer_sessions"),
        ({"admin": "maint"}, {"out": False}, "roll.balancer_not_up"),
    ],
)
def test_a_wait_that_ends_without_its_effect_says_that_it_has_set_something(
    monkeypatch: pytest.MonkeyPatch, server: dict[str, t.Any], more: dict[str, t.Any], code: str
) -> None:
    live = Live(monkeypatch, a=server)
    monkeypatch.setattr(haproxy, "_HEALTHY", frozenset())
    with pytest.raises(NotSet) as caught:
        set_servers("/s", wanted("a", timeout=0.01, **more), Clock(), check_mode=False)
    assert (caught.value.code, caught.value.changed, len(live.said)) == (code, True, 1)


def test_a_command_that_haproxy_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live(monkeypatch, a={})
    live.answer = "Permission denied"
    with pytest.raises(NotSet) as caught:
        set_servers("/s", wanted("a"), Clock(), check_mode=False)
    assert caught.value.code == "roll.balancer_refused"
    assert "Permission denied" in str(caught.value)


def test_a_server_that_tracks_one_leaves_with_it_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live(monkeypatch, a={}, b={"tracks": "odoo/a"}, c={})
    done = set_servers("/s", wanted("a"), Clock(), check_mode=False)
    assert (done.followers, live.said) == (["odoo/b"], ["set server odoo/a state drain"])


def test_a_server_that_is_out_with_the_one_that_it_tracks_gets_a_state_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Or it would come back with the tracked server in the midst of the work on its host."""
    live = Live(monkeypatch, a={"admin": "drain"}, b={"admin": "drain", "tracks": "odoo/a", "inherited": True})
    assert set_servers("/s", wanted("b"), Clock(), check_mode=False).changed
    assert live.said == ["set server odoo/b state drain"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_server_whose_tracked_server_stays_out_is_told_without_waiting(
    monkeypatch: pytest.MonkeyPatch,
    check_mode: bool,  # noqa: FBT001
) -> None:
    own = {"admin": "drain", "tracks": "odoo/a"}
    live = Live(monkeypatch, a={"admin": "maint"}, b=own, c={"admin": "drain", "tracks": "odoo/b", "inherited": True})
    with pytest.raises(NotSet) as caught:
        set_servers("/s", wanted("b", out=False), Clock(), check_mode=check_mode)
    assert (caught.value.code, caught.value.changed) == ("roll.balancer_tracked_out", True)
    assert caught.value.problem.values["tracked"] == "odoo/a"
    # It enters when the tracked one does.
    assert live.said == ([] if check_mode else ["set server odoo/b state ready"])


def test_both_enter_where_both_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live(monkeypatch, a={"admin": "drain"}, b={"admin": "drain", "tracks": "odoo/a"})
    assert set_servers("/s", wanted("a", "b", out=False), Clock(), check_mode=False).changed
    assert live.said == ["set server odoo/a state ready", "set server odoo/b state ready"]


@pytest.mark.parametrize(
    ("server", "out", "text", "ages"),
    [
        ({"sessions": 10**6}, True, "sessions of server odoo/a in load balancer HAProxy to end", [7]),
        (
            {"admin": "drain", "status": "DOWN"},
            False,
            "load balancer HAProxy to report server odoo/a as up (it is DOWN)",
            [],
        ),
    ],
)
def test_a_wait_that_goes_on_says_what_for(
    monkeypatch: pytest.MonkeyPatch,
    server: dict[str, t.Any],
    out: bool,  # noqa: FBT001
    text: str,
    ages: list[int],
) -> None:
    live, clock = Live(monkeypatch, a=server), build.FakeClock()
    monkeypatch.setattr(haproxy, "_HEALTHY", frozenset())
    clock.report_at = clock.monotonic() + 10

    def command(path: str, command: str) -> str:
        if command != SESSIONS:
            return live._command(path, command)
        # What it answers for a session is in test_haproxy_sessions.py.
        return "0x1: proto=tcpv4 src=1 fe=web be=odoo srv=a ts=00 epoch=0 age=7s calls=1\n"

    monkeypatch.setattr(haproxy, "_ask", command)
    # This server never changes.
    monkeypatch.setattr(haproxy, "server_states", lambda _path: [dict(live.servers["a"])])
    done = set_servers("/s", wanted("a", out=out, timeout=60), clock, check_mode=False)
    assert done.changed
    assert done.waiting is not None
    assert done.waiting.text.endswith(text)
    assert list(done.waiting.ages) == ages


def test_a_report_without_ages_does_not_end_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    live, clock = Live(monkeypatch, a={"sessions": 10**6}), build.FakeClock()
    clock.report_at = clock.monotonic() + 10

    def command(path: str, command: str) -> str:
        if command == SESSIONS:
            raise haproxy.NoAnswer(roll.BALANCER_NO_ANSWER(path=path, error="timed out"))
        return live._command(path, command)

    monkeypatch.setattr(haproxy, "_ask", command)
    done = set_servers("/s", wanted("a", timeout=60), clock, check_mode=False)
    assert (done.changed, done.waiting is not None, done.waiting and done.waiting.ages) == (True, True, ())
