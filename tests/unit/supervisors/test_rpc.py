# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""XML-RPC with a supervisord: answers, passwords, and sockets that are not what they should be."""

from __future__ import annotations

import base64
import dataclasses
import os
import pathlib
import time

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors import rpc
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.rpc import (
    Daemon,
    Errand,
    Fault,
    ask,
    credentials_in,
)

from ..build import failing
from .daemon import FAULT, PAGE, FakeSupervisord, answer, program


@pytest.mark.parametrize("tcp", [False, True])
def test_a_call_returns_the_value(tmp_path: pathlib.Path, tcp: bool) -> None:  # noqa: FBT001
    fake = FakeSupervisord(tmp_path, answer(program("RUNNING", 7)), tcp=tcp)
    assert ask(fake.daemon, "supervisor.getProcessInfo", "odoo:odoo")["pid"] == 7
    assert fake.called == [("supervisor.getProcessInfo", ("odoo:odoo",))]
    assert "Authorization" not in fake.requests[0]


def test_a_fault_has_the_number_and_the_words_of_supervisord(tmp_path: pathlib.Path) -> None:
    fake = FakeSupervisord(tmp_path, answer(FAULT))
    with pytest.raises(Fault, match="BAD_NAME: no:no") as caught:
        ask(fake.daemon, "supervisor.getProcessInfo", "no:no")
    assert caught.value.code == 10


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (b"", "closed connection"),
        (b"hello", "hello"),
        (answer("no", "500 Internal Server Error"), "HTTP status 500"),
        (answer("no"), "not XML-RPC"),
        (answer("<methodResponse><params><param><value><int>x</int></value></param></params>"), "not XML-RPC"),
        (answer('<!DOCTYPE a [<!ENTITY b "c">]><methodResponse>&b;</methodResponse>'), "not XML-RPC"),
        (b"HTTP/1.0 200 OK\r\n\r\n\xff", "utf-8"),
    ],
)
def test_a_broken_answer_is_refused(tmp_path: pathlib.Path, given: bytes, error: str) -> None:
    fake = FakeSupervisord(tmp_path, given)
    with failing("supervisor.supervisord_silent") as caught:
        ask(fake.daemon, "supervisor.getState")
    assert error in caught.value.problem.values["error"]


def test_an_answer_without_end_is_refused(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "_MOST", 1000)
    fake = FakeSupervisord(tmp_path, answer("x" * 5000))
    with failing("supervisor.supervisord_silent") as caught:
        ask(fake.daemon, "supervisor.getState")
    assert "more than 1000 bytes" in caught.value.problem.values["error"]


def test_an_answer_that_does_not_come_is_refused(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "_request", lambda *_arguments: b"POST")  # the fake waits for the rest
    with failing("supervisor.supervisord_silent"):
        ask(FakeSupervisord(tmp_path, b"").daemon, "supervisor.getState", seconds=0.2)


def test_a_socket_that_is_not_there_is_refused(tmp_path: pathlib.Path) -> None:
    with failing("supervisor.supervisord_silent") as caught:
        ask(Daemon(f"unix://{tmp_path}/none", os.geteuid(), 0), "supervisor.getState")
    assert caught.value.problem.values["error"] == "No such file or directory"
    with failing("supervisor.supervisord_silent"):
        Errand(Daemon(f"unix://{tmp_path}/none", os.geteuid(), 0), [])


@pytest.mark.parametrize("tcp", [False, True])
def test_the_socket_of_another_user_gets_no_request(tmp_path: pathlib.Path, tcp: bool) -> None:  # noqa: FBT001
    fake = FakeSupervisord(tmp_path, answer(program("RUNNING")), tcp=tcp)
    fake.config.write_text("[supervisorctl]\nusername=joe\npassword=secret\n")
    other = dataclasses.replace(fake.daemon, uid=os.geteuid() + 1)
    with failing("supervisor.supervisord_silent") as caught:
        ask(other, "supervisor.getState")
    assert f"belongs to user {os.geteuid()} and not to user {other.uid}" in caught.value.problem.values["error"]
    with failing("supervisor.supervisord_silent"):
        Errand(other, [])
    assert fake.requests == [""] * len(fake.requests)


def test_a_password_is_sent_and_its_lack_is_told_without_it(tmp_path: pathlib.Path) -> None:
    fake = FakeSupervisord(tmp_path, answer(program("RUNNING")), answer(PAGE, "401 Unauthorized"))
    fake.config.write_text("[unix_http_server]\nusername = joe ; me\npassword = 50%% of it\n", encoding="utf-8")
    assert ask(fake.daemon, "supervisor.getState")["statename"] == "RUNNING"
    (line,) = [line for line in fake.requests[0].splitlines() if line.startswith("Authorization: Basic ")]
    assert base64.b64decode(line.split()[-1]) == b"joe:50% of it"
    with failing("supervisor.supervisord_password") as caught:
        ask(fake.daemon, "supervisor.getState")
    assert "50%" not in str(caught.value.problem)
    assert str(fake.config) in str(caught.value.problem)


@pytest.mark.parametrize(
    ("text", "family", "found"),
    [
        ("[unix_http_server]\nfile=/s\n", "unix", None),
        ("[unix_http_server]\nusername=a\npassword=b\n[inet_http_server]\nusername=c\npassword=d", "unix", ("a", "b")),
        ("[unix_http_server]\nusername=a\npassword=b\n[inet_http_server]\nusername=c\npassword=d", "inet", ("c", "d")),
        ("[unix_http_server]\nusername=a\npassword={SHA}82ab\n", "unix", None),
        (
            "[unix_http_server]\nusername=a\npassword={SHA}82ab\n[supervisorctl]\nusername=a\npassword=b#c # d",
            "unix",
            ("a", "b#c"),
        ),
        ("[supervisord]\nx=%(here)s\n[supervisord]\n", "unix", None),
    ],
)
def test_credentials(text: str, family: str, found: tuple[str, str] | None) -> None:
    assert credentials_in(text, family) == found


@pytest.mark.parametrize("text", [None, b"\xff\xfe", b"no section"])
def test_a_configuration_that_cannot_be_read_has_no_password(tmp_path: pathlib.Path, text: bytes | None) -> None:
    fake = FakeSupervisord(tmp_path, answer(program("RUNNING")))
    if text is not None:
        fake.config.write_bytes(text)
    assert ask(fake.daemon, "supervisor.getState")
    assert "Authorization" not in fake.requests[0]


def faults_of(errand: Errand) -> list[str]:
    """The faults of an errand that has ended."""
    end = time.monotonic() + 20
    while True:
        faults = errand.faults()
        if faults is not None:
            errand.close()
            return faults
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("given", "faults"),
    [
        (answer([True, True]), []),
        (answer([True, {"faultCode": 50, "faultString": "SPAWN_ERROR: odoo:odoo"}]), ["SPAWN_ERROR: odoo:odoo"]),
        (answer([{"faultCode": 1, "faultString": "db_password=x"}]), ["db_password=********"]),
        (answer(FAULT), ["BAD_NAME: no:no"]),
        (answer([{"no": 1}]), ["'faultString'"]),
        (answer("no"), ["not XML-RPC"]),
    ],
)
def test_an_errand_tells_the_faults_of_its_calls(tmp_path: pathlib.Path, given: bytes, faults: list[str]) -> None:
    fake = FakeSupervisord(tmp_path, given)
    errand = Errand(fake.daemon, [("supervisor.stopProcess", ("a:b",)), ("supervisor.startProcess", ("a:b",))])
    assert faults_of(errand) == faults
    assert fake.called == [
        (
            "system.multicall",
            (
                [
                    {"methodName": "supervisor.stopProcess", "params": ["a:b"]},
                    {"methodName": "supervisor.startProcess", "params": ["a:b"]},
                ],
            ),
        )
    ]


def test_an_errand_outlives_the_session_of_its_caller(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "_request", lambda *_arguments: b"POST")  # the fake waits for the rest
    errand = Errand(FakeSupervisord(tmp_path, b"").daemon, [])
    assert errand.faults() is None
    assert os.getsid(errand.reader.pid) != os.getsid(0)
    errand.reader.kill()
    errand.reader.wait()
    errand.close()
