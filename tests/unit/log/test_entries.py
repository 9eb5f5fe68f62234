# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Entries of the journal, podman and docker, and the lines of the log in them."""

from __future__ import annotations

import json

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._forms.line import head_of
from ansible_collections.fleetops.odoo.plugins.module_utils._log.entries import (
    docker_entry,
    from_syslog,
    journal_entry,
    k8s_entry,
)
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        ({"MESSAGE": "one", "_PID": "33"}, ("33", b"one", False)),
        ({"MESSAGE": "é\nx", "_PID": "33"}, ("33", "é\nx".encode(), False)),
        ({"MESSAGE": [255, 10], "_PID": "33"}, ("33", b"\xff", False)),
        ({"MESSAGE": "one", "_PID": "1", "CONTAINER_PARTIAL_MESSAGE": "true"}, ("1", b"one", True)),
        ({"MESSAGE": None, "_PID": "33"}, None),
        ({"MESSAGE": [256]}, None),
        ({}, None),
        ([], None),
    ],
)
def test_journal_entry_returns_pid_message_and_whether_it_goes_on(
    line: object, entry: tuple[str, bytes, bool] | None
) -> None:
    assert journal_entry(json.dumps(line).encode() + b"\n") == entry


@pytest.mark.parametrize(
    ("message", "pid", "expected"),
    [
        (
            "Odoo Server 19.0:p19:INFO:odoo.tools.misc:\n# Thread: <T> (db:p19)\nFile: x:INFO:y:",
            "33",
            "2026-11-24 14:52:58,449 33 INFO p19 odoo.tools.misc: \n# Thread: <T> (db:p19)\nFile: x:INFO:y:",
        ),
        ("Odoo Server 19.0+e-2026:?:INFO:odoo:x", "7", "2026-11-24 14:52:58,449 7 INFO ? odoo: x"),
        ("something else: y", "7", "something else: y"),
    ],
)
def test_a_record_sent_to_syslog_gets_its_usual_head(message: str, pid: str, expected: str) -> None:
    fields = {"MESSAGE": message, "_PID": pid, "_TRANSPORT": "syslog", "__REALTIME_TIMESTAMP": "1795531978449504"}
    entry = journal_entry(json.dumps(fields).encode())
    assert entry is not None
    assert (entry.pid, entry.message.decode()) == (pid, expected)


@given(st.binary())
def test_no_bytes_make_an_entry_parser_raise(line: bytes) -> None:
    journal_entry(line)
    k8s_entry(line)
    docker_entry(line)


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        (b"2026-11-24T07:32:16.034+00:00 stdout F a line \n", ("stdout", b"a line ", False)),
        (b"2026-11-24T07:32:16.034+00:00 stderr P   a li\n", ("stderr", b"  a li", True)),
        (b"2026-11-24T07:32:16.034+00:00 stdout F \n", ("stdout", b"", False)),
    ],
)
def test_k8s_entry_returns_stream_text_and_whether_it_goes_on(line: bytes, entry: tuple[str, bytes, bool]) -> None:
    assert k8s_entry(line) == entry


def test_docker_entry_returns_stream_text_and_whether_it_goes_on() -> None:
    assert docker_entry(b'{"log":"a line\\n","stream":"stderr","time":"x"}\n') == ("stderr", b"a line", False)
    assert docker_entry(b'{"log":"a li","stream":"stderr","time":"x"}\n') == ("stderr", b"a li", True)


@pytest.mark.parametrize("line", [b"", b"broken", b"[]", b"{}", b'{"stream":"stdout"}', b"3"])
def test_a_line_that_is_not_an_entry_of_docker_is_empty(line: bytes) -> None:
    assert docker_entry(line) == ("", b"", False)


@pytest.mark.parametrize("line", [b"", b"T", b"T stdout", b"T stdout F"])
def test_a_cut_line_of_podman_has_no_text(line: bytes) -> None:
    _stream, text, goes_on = k8s_entry(line)
    assert (text, goes_on) == (b"", False)


def test_a_syslog_entry_without_a_time_is_left_out() -> None:
    fields = {"MESSAGE": "Odoo Server 19.0:p19:INFO:odoo:x", "_PID": "7", "_TRANSPORT": "syslog"}
    assert journal_entry(json.dumps(fields).encode()) is None
    assert journal_entry(json.dumps({**fields, "__REALTIME_TIMESTAMP": "soon"}).encode()) is None


@given(st.integers(0, 4_000_000_000_000_000), st.integers(1, 4_000_000), st.sampled_from(["?", "p19", "my-db.1"]))
def test_a_record_from_syslog_is_read_as_one_from_a_file(moment: int, pid: int, database: str) -> None:
    message = f"Odoo Server 19.0:{database}:WARNING:odoo.tools.misc:one: two".encode()
    head = head_of(from_syslog(message, str(pid), moment).decode())
    assert head is not None
    assert (head.pid, head.database, head.logger, head.text) == (
        pid,
        None if database == "?" else database,
        "odoo.tools.misc",
        "one: two",
    )
