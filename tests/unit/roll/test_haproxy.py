# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test answers of HAProxy's socket; the captures are from HAProxy 2.6.12 with servers in every state."""

from __future__ import annotations

import contextlib
import os
import pathlib
import socket
import threading
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._roll import haproxy
from ansible_collections.fleetops.odoo.plugins.module_utils._roll.haproxy import (
    NoAnswer,
    admin_state,
    find_servers,
    parse_states,
    parse_statistics,
    server_states,
    some_of,
)
from hypothesis import example, given
from hypothesis import strategies as st

from ..conftest import CAPTURES

STATES = (CAPTURES / "haproxy-2.6/servers-state.txt").read_text()
STATISTICS = (CAPTURES / "haproxy-2.6/stat.csv").read_text()


def servers() -> dict[tuple[str, str], dict[str, t.Any]]:
    """The captured servers by backend and name."""
    found = parse_statistics(STATISTICS, parse_states(STATES, "/s"), "/s")
    return {(one["backend"], one["server"]): one for one in found}


def test_every_server_is_there_in_order_and_nothing_else() -> None:
    assert list(servers())[:3] == [("odoo", "p19"), ("odoo", "drained"), ("odoo", "maint")]
    assert len(servers()) == len(STATES.strip().splitlines()) - 2 == 18
    assert not {"FRONTEND", "BACKEND"} & {name for _backend, name in servers()}


@pytest.mark.parametrize(
    ("hosts", "backends", "found", "lacking"),
    [
        (["a"], [], ["odoo/a", "shop/a"], []),
        (["a"], ["shop"], ["shop/a"], []),
        (["a", "z"], [], ["odoo/a", "shop/a"], ["z"]),
        (["a", "b"], ["odoo", "shop"], ["odoo/a", "odoo/b", "shop/a"], ["shop/b"]),
    ],
)
def test_servers_are_found_by_name_and_backend(
    hosts: list[str], backends: list[str], found: list[str], lacking: list[str]
) -> None:
    every = [{"backend": b, "server": s} for b, s in (("odoo", "a"), ("odoo", "b"), ("shop", "a"))]
    chosen, missing = find_servers(every, hosts, backends)
    assert (list(map(haproxy.name_of, chosen)), missing) == (found, lacking)


def test_a_message_names_a_dozen_servers() -> None:
    assert some_of([]) == "no server"
    assert some_of(["odoo/b", "odoo/a", "odoo/b"]) == "odoo/a, odoo/b"
    many = [f"odoo/s{number:02}" for number in range(13)]
    assert some_of(many) == ", ".join(many[:12]) + ", ..."


def test_a_server_whole() -> None:
    assert servers()["odoo", "p19"] == {
        "backend": "odoo",
        "server": "p19",
        "status": "UP",
        "admin": "ready",
        "sessions": 0,
        "queued": 0,
        "check": "L7OK",
        "weight": 1,
        "address": "10.213.1.11",
        "tracks": None,
        "inherited": False,
        "backup": False,
    }


@pytest.mark.parametrize(
    ("backend", "server", "status", "admin"),
    [
        ("odoo", "drained", "DRAIN", "drain"),
        ("odoo", "draindown", "DOWN", "drain"),
        ("odoo", "maint", "MAINT", "maint"),
        ("odoo", "both", "MAINT", "maint"),
        ("odoo", "disabled", "MAINT", "maint"),
        # Disabled in the configuration, and set ready since.
        ("odoo", "enabled", "UP", "ready"),
        ("odoo", "down", "DOWN", "ready"),
        ("odoo", "unchecked", "no check", "ready"),
        ("odoo", "light", "UP", "ready"),
        ("longpolling", "drained", "DRAIN", "drain"),
        ("longpolling", "maint", "MAINT (via odoo/maint)", "maint"),
        ("longpolling", "lost", "MAINT (resolution)", "maint"),
        ("longpolling", "down", "DOWN", "ready"),
    ],
)
def test_what_an_administrator_has_set(backend: str, server: str, status: str, admin: str) -> None:
    found = servers()[backend, server]
    assert (found["status"], found["admin"]) == (status, admin)


@pytest.mark.parametrize(
    ("server", "tracks", "inherited", "shown"),
    [
        ("p19", "odoo/p19", False, "ready"),
        ("drained", "odoo/drained", True, "drain, because it tracks odoo/drained"),
        ("maint", "odoo/maint", True, "maint, because it tracks odoo/maint"),
        ("lost", None, False, "maint"),
        ("down", "odoo/down", False, "ready"),
    ],
)
def test_a_server_that_tracks_another_one(server: str, tracks: str | None, inherited: bool, shown: str) -> None:  # noqa: FBT001
    found = servers()["longpolling", server]
    assert (found["tracks"], found["inherited"], haproxy.shown_admin(found)) == (tracks, inherited, shown)
    assert servers()["odoo", "p19"]["tracks"] is None


def test_a_name_that_does_not_resolve_has_no_address() -> None:
    assert servers()["longpolling", "lost"]["address"] is None
    assert servers()["longpolling", "p19"]["address"] == "10.213.1.11"


@pytest.mark.parametrize(
    ("server", "takes", "why"),
    [
        (("odoo", "p19"), True, ""),
        (("odoo", "unchecked"), True, ""),
        (("odoo", "down"), False, ""),
        (("odoo", "light"), False, "weight 0"),
        (("odoo", "drained"), False, "drain"),
        (("odoo", "maint"), False, "maint"),
        (("longpolling", "p19"), True, ""),
        (("longpolling", "drained"), False, "drain, because it tracks odoo/drained"),
        (("longpolling", "down"), False, ""),
    ],
)
def test_which_servers_take_requests(server: tuple[str, str], takes: bool, why: str) -> None:  # noqa: FBT001
    found = servers()[server]
    assert (haproxy.takes_requests(found), haproxy.why_out(found)) == (takes, why)


def test_a_backup_server_takes_no_requests_beside_others() -> None:
    assert [name for (_backend, name), one in servers().items() if one["backup"]] == ["spare"]
    assert not haproxy.takes_requests({**servers()["odoo", "p19"], "backup": True})


def test_servers_that_track_one_directly_or_over_another_one_follow_it() -> None:
    every = [
        {"backend": "odoo", "server": "a"},
        {"backend": "odoo", "server": "b"},
        {"backend": "chat", "server": "a", "tracks": "odoo/a"},
        {"backend": "far", "server": "a", "tracks": "chat/a"},
        {"backend": "chat", "server": "b", "tracks": "odoo/b"},
    ]
    assert [haproxy.name_of(one) for one in haproxy.followers(every, every[:1])] == ["chat/a", "far/a"]
    assert [haproxy.name_of(one) for one in haproxy.followers(every, [every[0], every[2]])] == ["far/a"]
    assert haproxy.followers(every, every[3:4]) == []


def test_load_weight_and_checks() -> None:
    assert servers()["busy", "p19"]["sessions"] == 1
    assert [servers()["odoo", name]["weight"] for name in ("light", "spare", "p19")] == [0, 0, 1]
    assert [servers()["odoo", name]["check"] for name in ("down", "unchecked", "maint")] == ["L4CON", None, None]
    assert servers()["longpolling", "p19"]["check"] is None


def test_a_check_that_is_under_way_shows_the_last_result() -> None:
    found = parse_statistics(STATISTICS.replace("L7OK", "* L7OK"), parse_states(STATES, "/s"), "/s")
    assert found[0]["check"] == "L7OK"


def test_text_of_a_check_may_hold_commas_and_quotes() -> None:
    text = STATISTICS.replace("Layer4 connection problem", '"a ""strange"", long, answer"')
    assert len(parse_statistics(text, parse_states(STATES, "/s"), "/s")) == 18


def test_a_server_that_was_deleted_meanwhile_is_left_out() -> None:
    masks = parse_states(STATES, "/s")
    del masks["odoo", "p19"]
    assert "p19" not in {one["server"] for one in parse_statistics(STATISTICS, masks, "/s") if one["backend"] == "odoo"}


@pytest.mark.parametrize(
    ("mask", "state"),
    [
        (0x00, "ready"),
        (0x01, "maint"),
        (0x02, "maint"),
        (0x04, "ready"),
        (0x05, "maint"),
        (0x08, "drain"),
        (0x09, "maint"),
        (0x10, "drain"),
        (0x20, "maint"),
        (0x40, "ready"),
        (0x48, "drain"),
    ],
)
def test_the_bits(mask: int, state: str) -> None:
    assert admin_state(mask) == state


@pytest.mark.parametrize(
    "text", ["", "\n", "Permission denied\n", "Unknown command: x\n", "2\n# x\n", "1\n# be_name\nx"]
)
def test_what_is_not_haproxy_has_a_code(text: str) -> None:
    with pytest.raises(NoAnswer) as caught:
        parse_states(text, "/s.sock")
    assert (caught.value.code, caught.value.problem.values["path"]) == ("roll.balancer_not_haproxy", "/s.sock")
    assert "\n" not in str(caught.value)
    with pytest.raises(NoAnswer):
        parse_statistics(text, {}, "/s.sock")


@given(st.text())
@example("\x00")
def test_no_text_raises_anything_else(text: str) -> None:
    for lines in (text, "1\n# " + text, STATES + text):
        with contextlib.suppress(NoAnswer):
            parse_states(lines, "/s")
    for lines in (text, "# pxname,svname," + text, STATISTICS + text):
        with contextlib.suppress(NoAnswer):
            parse_statistics(lines, parse_states(STATES, "/s"), "/s")


class Balancer:
    """A socket that answers as HAProxy does: one command a connection."""

    def __init__(self, path: pathlib.Path, answers: dict[str, str]) -> None:
        self.asked: list[str] = []
        self._answers = answers
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _address = self._socket.accept()
            except OSError:
                return
            with connection:
                command = connection.recv(1000).decode().strip()
                self.asked.append(command)
                connection.sendall(self._answers.get(command, "Unknown command\n").encode())

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def test_over_a_socket(tmp_path: pathlib.Path) -> None:
    balancer = Balancer(tmp_path / "s", {"show stat": STATISTICS, "show servers state": STATES})
    assert len(server_states(str(tmp_path / "s"))) == 18
    balancer.close()
    # A server that is made in between must not look as if it were ready.
    assert balancer.asked == ["show stat", "show servers state"]


@pytest.mark.parametrize(
    ("bait", "code"),
    [
        ("nothing", "roll.balancer_no_socket"),
        ("file", "roll.balancer_not_running"),
        ("closed", "roll.balancer_not_running"),
        ("silent", "roll.balancer_no_answer"),
        ("long name", "roll.balancer_no_answer"),
    ],
)
def test_no_answer_has_a_code(tmp_path: pathlib.Path, bait: str, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s"
    monkeypatch.setattr(haproxy, "_PATIENCE", 0.1)
    held = socket.socket(socket.AF_UNIX)
    if bait == "file":
        path.write_text("")
    elif bait in ("closed", "silent"):
        held.bind(str(path))
        if bait == "silent":
            held.listen()
    elif bait == "long name":
        path = tmp_path / ("x" * 200)
    with pytest.raises(NoAnswer) as caught:
        server_states(str(path))
    assert (caught.value.code, caught.value.problem.values["path"]) == (code, str(path))
    assert "\n" not in str(caught.value)
    held.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may connect to anything")
def test_no_permission(tmp_path: pathlib.Path) -> None:
    held = socket.socket(socket.AF_UNIX)
    held.bind(str(tmp_path / "s"))
    held.listen()
    (tmp_path / "s").chmod(0)
    with pytest.raises(NoAnswer) as caught:
        server_states(str(tmp_path / "s"))
    assert caught.value.code == "roll.balancer_not_permitted"
    held.close()
