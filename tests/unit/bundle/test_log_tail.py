# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of a server's log: in a file, in the journal, and in the log of a container."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle import log_tail
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle.log_tail import end_of_log, joined
from ansible_collections.fleetops.odoo.plugins.module_utils._log.entries import docker_entry, k8s_entry
from ansible_collections.fleetops.odoo.plugins.module_utils._log.follow import Unreachable
from ansible_collections.fleetops.odoo.plugins.module_utils._log.place import (
    FILE,
    IN_CONTAINER,
    NOWHERE,
    TERMINAL,
    LogPlace,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc

from .. import build


@pytest.mark.parametrize(
    ("place", "code"),
    [
        (LogPlace(FILE, "/gone", shows_dumps=True), "dump.log_unreadable"),
        (LogPlace(TERMINAL, None, shows_dumps=True), "dump.terminal"),
        (LogPlace(NOWHERE, None, shows_dumps=True), "dump.no_log"),
    ],
)
def test_a_log_that_cannot_be_read_says_why(place: LogPlace, code: str) -> None:
    with pytest.raises(Unreachable) as caught:
        end_of_log(Proc(), build.instance(build.prefork()), place, None, 10, 1000)
    assert caught.value.code == code


def test_last_lines_of_a_log_file_that_the_server_has_open(tmp_path: pathlib.Path) -> None:
    root, fds = (tmp_path / "100" / name for name in ("root", "fd"))
    root.mkdir(parents=True)
    fds.mkdir()
    (root / "odoo.log").write_text("one\ntwo\ndb_password = hunter2\nlast\n")
    (fds / "3").symlink_to(root / "odoo.log")
    instance, place = build.instance(build.prefork(100)), LogPlace(FILE, "/odoo.log", shows_dumps=True)
    assert end_of_log(Proc(str(tmp_path)), instance, place, None, 3, 1000) == (
        "/odoo.log",
        ["two", "db_password = ********", "last"],
    )
    assert end_of_log(Proc(str(tmp_path)), instance, place, None, 3, 7)[1] == ["last"]


#: ID of a container.
NAME = "c0ffee" * 2


@pytest.fixture
def podman_log(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> pathlib.Path:
    """The log file of a container of podman's, in which the server is."""
    path = tmp_path / "ctr.log"
    monkeypatch.setattr(log_tail, "container_log", lambda *told: (f"the log of {told}", "k8s-file", str(path)))
    return path


def end_of(
    most: int = 10, largest: int = 1000, cgroup: str = f"/machine.slice/libpod-{NAME}.scope"
) -> tuple[str, list[str]]:
    """Return the end of the log of a server in a container: its source and its lines."""
    place = LogPlace(IN_CONTAINER, None, shows_dumps=True)
    return end_of_log(Proc(), build.instance(build.prefork(cgroup=cgroup)), place, None, most, largest)


def test_last_lines_of_a_container_log_are_joined_and_secrets_hidden(podman_log: pathlib.Path) -> None:
    lines = [
        "T stderr F first",
        "T stderr P put to",
        "T stderr F gether",
        "T stderr F db_password = hunter2",
        "T stderr F last",
    ]
    podman_log.write_text("".join(f"{line}\n" for line in lines))
    source, shown = end_of()
    assert source == f"the log of ('podman', '{NAME}')"
    assert shown[:2] == ["first", "put together"]
    assert "hunter2" not in shown[2]
    assert shown[3:] == ["last"]
    assert end_of(most=1)[1] == ["last"]
    # From the middle of a line on: the rest of that line is dropped.
    assert end_of(largest=len("r F x\nT stderr F last\n"))[1] == ["last"]


def test_a_missing_or_linked_container_log_is_unreachable(podman_log: pathlib.Path) -> None:
    with pytest.raises(Unreachable) as caught:
        end_of()
    assert (caught.value.code, caught.value.problem.values["error"]) == ("dump.log_error", "No such file or directory")
    podman_log.symlink_to("/etc/hostname")
    with pytest.raises(Unreachable) as caught:
        end_of()
    assert caught.value.code == "dump.log_error"


def test_the_log_of_a_container_of_an_unknown_runtime_is_unreachable() -> None:
    with pytest.raises(Unreachable) as caught:
        end_of(cgroup="/")
    assert (caught.value.code, caught.value.problem.values) == ("dump.container", {"runtime": "unknown"})


def test_a_container_that_logs_to_the_journal_is_read_by_its_id(
    monkeypatch: pytest.MonkeyPatch, podman_log: pathlib.Path
) -> None:
    asked: list[t.Any] = []

    def journal(*arguments: t.Any) -> str:
        asked.append(arguments)
        return "one\ntwo\n"

    monkeypatch.setattr(log_tail, "container_log", lambda *_told: ("the log of c0ffee", "journald", str(podman_log)))
    monkeypatch.setattr(log_tail, "journal", journal)
    assert end_of(most=5) == ("the log of c0ffee", ["one", "two"])
    assert asked == [(1000, "--lines=5", f"CONTAINER_ID_FULL={NAME}", f"_UID={os.geteuid()}")]


@pytest.mark.parametrize(
    ("entry", "lines", "texts"),
    [
        (k8s_entry, [b"T stdout F one", b"T stdout P tw", b"T stderr F err", b"T stdout F o"], ["one", "err", "two"]),
        (docker_entry, [b'{"log":"one\\n","stream":"stdout"}', b"broken"], ["one", ""]),
    ],
)
def test_joined_puts_cut_lines_of_each_stream_together(entry: t.Any, lines: list[bytes], texts: list[str]) -> None:
    assert joined(lines, entry) == texts
