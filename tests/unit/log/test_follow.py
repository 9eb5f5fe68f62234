# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Following logs: real files that are rotated, emptied and flooded; entries of the journal and of containers."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._log import follow as log_follow
from ansible_collections.fleetops.odoo.plugins.module_utils._log import held
from ansible_collections.fleetops.odoo.plugins.module_utils._log.entries import docker_entry, k8s_entry
from ansible_collections.fleetops.odoo.plugins.module_utils._log.follow import (
    FileFollower,
    Follower,
    JournalFollower,
    RuntimeFollower,
    Unreachable,
    entry_of,
    follow,
    follow_server,
    hidden,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._log.place import (
    FILE,
    IN_CONTAINER,
    JOURNAL,
    NOWHERE,
    TERMINAL,
    LogPlace,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc

from .. import build


class Log:
    """A log that is a file of the test. ``trusted``: the server has what stands there open."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.path = folder / "odoo.log"
        self.path.write_bytes(b"from before\n")
        self.trusted = True

    def opened(self) -> int | None:
        return os.open(self.path, os.O_RDONLY) if self.trusted and self.path.exists() else None

    def follow(self) -> FileFollower:
        return FileFollower("/odoo.log", str(self.path), self.opened)

    def write(self, text: bytes, path: pathlib.Path | None = None) -> None:
        with (path or self.path).open("ab") as file:
            file.write(text)


def read(follower: Follower) -> list[bytes]:
    return [line for _carrier, line in follower.read()]


@pytest.fixture
def log(tmp_path: pathlib.Path) -> Log:
    return Log(tmp_path)


def test_only_what_is_new_is_read(log: Log) -> None:
    follower = log.follow()
    assert (follower.source, read(follower)) == ("/odoo.log", [])
    log.write(b"one\ntw")
    assert read(follower) == [b"one\n"]
    log.write(b"o\r\n")
    assert read(follower) == [b"two\r\n"]
    assert read(follower) == []
    follower.close()


def test_renamed_and_made_anew_both_are_read(log: Log) -> None:
    follower = log.follow()
    old = log.path.with_suffix(".1")
    log.path.rename(old)
    log.write(b"late\n", old)
    assert read(follower) == [b"late\n"]
    log.write(b"new\n")
    log.write(b"later\n", old)
    assert read(follower) == [b"later\n", b"new\n"]
    log.write(b"newer\n")
    assert read(follower) == [b"newer\n"]
    follower.close()


def test_rotated_again_and_again(log: Log) -> None:
    before = len(os.listdir("/proc/self/fd"))
    follower = log.follow()
    for n in range(9):
        log.path.rename(log.path.with_suffix(f".{n}"))
        log.write(b"%d\n" % n)
        assert read(follower) == [b"%d\n" % n]
    assert len(os.listdir("/proc/self/fd")) <= before + 4
    follower.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_comes_in_its_place_must_be_trusted_too(log: Log) -> None:
    follower = log.follow()
    log.path.rename(log.path.with_suffix(".1"))
    log.write(b"one\n")
    log.trusted = False
    assert read(follower) == []
    log.trusted = True
    assert read(follower) == [b"one\n"]
    follower.close()


@pytest.mark.parametrize(
    "again", [b"x\n", b"from before\nx\n", b"grown beyond where it had been, before anybody looked\nx\n"]
)
def test_emptied_and_written_again(log: Log, again: bytes) -> None:
    log.write(b"and more from before\n")
    follower = log.follow()
    os.truncate(log.path, 0)
    log.write(again)
    assert read(follower)[-1] == b"x\n"
    assert read(follower) == []
    os.truncate(log.path, 0)
    assert read(follower) == []
    log.write(b"y\n")
    assert read(follower) == [b"y\n"]
    follower.close()


def test_a_log_emptied_below_a_writer_that_does_not_append_is_read_on(log: Log) -> None:
    with log.path.open("r+b") as file:
        file.truncate(1 << 40)
        file.seek(0, os.SEEK_END)
        file.write(b"before\n")
        file.flush()
        follower = log.follow()
        os.truncate(log.path, 0)
        file.write(b"after the hole\n")
        file.flush()
        assert b"after the hole\n" in read(follower)[-1]
    follower.close()


def test_a_log_that_is_not_there_yet(log: Log) -> None:
    log.path.unlink()
    follower = log.follow()
    assert read(follower) == []
    log.write(b"first\n")
    assert read(follower) == [b"first\n"]
    follower.close()


def test_out_of_reach(log: Log) -> None:
    log.trusted = False
    with pytest.raises(Unreachable) as caught:
        log.follow()
    assert caught.value.code == "dump.log_unreadable"
    log.path.unlink()
    log.path.parent.rmdir()
    with pytest.raises(Unreachable) as caught:
        log.follow()
    assert caught.value.code == "dump.log_missing"


def test_a_flood_is_read_in_pieces(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "AT_ONCE", 1 << 17)
    follower = log.follow()
    log.write(b"%060d\n" % 7 * 10_000)
    counts: list[int] = []
    while not counts or counts[-1]:
        counts.append(len(read(follower)))
    assert sum(counts) == 10_000
    assert len(counts) == 6
    follower.close()


_MEMORY = """
import resource, sys
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.collect import Collector
from ansible_collections.fleetops.odoo.plugins.module_utils._log.follow import FileFollower
import os
follower = FileFollower("x", sys.argv[1], lambda: os.open(sys.argv[1], os.O_RDONLY))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open(sys.argv[1], "ab") as file:
    for n in range(100):
        file.write((b"2026-11-24 10:30:21,608 34 INFO ? odoo.tools.misc: \\n" if n % 9 == 0 else b"") + b"y" * 999_999)
        file.write(b"\\n" if n % 5 else b"z")
collector = Collector([34], whole=True)
for carrier, line in follower.read():
    collector.take(carrier, line, 0.0)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_does_not_depend_on_the_size_of_a_log(log: Log) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", _MEMORY, str(log.path)], check=True, capture_output=True, text=True, env=environment
    )
    assert int(done.stdout) < 6_000  # kB


def test_a_line_that_the_runtime_has_cut_is_put_together(log: Log) -> None:
    follower = RuntimeFollower("x", str(log.path), k8s_entry)
    log.write(b"T stdout P 2026-11-24 10\nT stderr F other\nT stdout P :30:21\nT stdout F ,608\nT stdout F  next\n")
    assert read(follower) == [b"other\n", b"2026-11-24 10:30:21,608\n", b" next\n"]
    assert not follower.whole
    follower.close()


#: A journalctl that tells a cursor, then two entries, the second of them later.
_JOURNALCTL = """#!/bin/sh
echo "$@" >> {folder}/asked
case "$*" in
*--show-cursor*) [ -e {folder}/empty ] || echo "-- cursor: s=1;i=2" ;;
*--lines=*) ;;
*) echo '{{"MESSAGE":"one","_PID":"7"}}'; while [ ! -e {folder}/go ]; do sleep 0.01; done
   echo '{{"MESSAGE":"two\\\\n three","_PID":"8"}}'; exec sleep 60 ;;
esac
"""


@pytest.mark.parametrize("empty", [False, True])
def test_the_journal(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, empty: bool) -> None:  # noqa: FBT001
    program = tmp_path / "journalctl"
    program.write_text(_JOURNALCTL.format(folder=tmp_path))
    program.chmod(0o755)
    if empty:
        (tmp_path / "empty").touch()
    monkeypatch.setattr(log_follow, "journalctl", lambda: str(program))
    monkeypatch.setattr(log_follow, "unreadable", lambda _uid: None)
    instance = build.instance(build.threaded())
    follower = follow(Proc(), instance, LogPlace(JOURNAL, None, shows_dumps=True), [7, 8], 12.5)
    found: list[tuple[str, bytes]] = []
    while len(found) < 1:
        found += follower.read()
    (tmp_path / "go").touch()
    while len(found) < 3:
        found += follower.read()
    assert found == [("7", b"one\n"), ("8", b"two\n"), ("8", b" three\n")]
    follower.close()
    first, second = sorted((tmp_path / "asked").read_text().splitlines(), key=lambda asked: "--follow" in asked)[::2]
    assert "--lines=1" in first
    assert all("_PID=7 _PID=8 + MESSAGE_ID=" in asked for asked in (first, second))
    assert ("--since=@12.500000" if empty else "--after-cursor=s=1;i=2") in second


@pytest.mark.parametrize(
    ("unit", "match"), [("odoo.service", "_SYSTEMD_UNIT=odoo.service"), (None, "_PID=%d")], ids=["unit", "no unit"]
)
def test_the_journal_of_a_server_has_all_of_its_processes(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, unit: str | None, match: str
) -> None:
    program = tmp_path / "journalctl"
    program.write_text(_JOURNALCTL.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setattr(log_follow, "journalctl", lambda: str(program))
    monkeypatch.setattr(log_follow, "unreadable", lambda _uid: None)
    instance = build.instance(build.threaded())
    follow_server(Proc(), instance, LogPlace(JOURNAL, None, shows_dumps=False), unit, 12.5).close()
    match = match.replace("%d", str(instance.master.pid))
    assert f" {match} + MESSAGE_ID=" in (tmp_path / "asked").read_text().splitlines()[0]


def test_a_terminal_is_not_followed() -> None:
    with pytest.raises(Unreachable) as caught:
        follow_server(Proc(), build.instance(build.threaded()), LogPlace(TERMINAL, None, shows_dumps=False), None, 0.0)
    assert caught.value.code == "dump.terminal"


def test_no_journalctl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_follow, "journalctl", lambda: None)
    with pytest.raises(Unreachable) as caught:
        JournalFollower("the journal", [], 0.0, carried=True)
    assert caught.value.code == "dump.no_journalctl"


@pytest.mark.parametrize(
    ("kind", "shows", "code"),
    [
        (FILE, True, None),
        (JOURNAL, True, None),
        (IN_CONTAINER, True, None),
        (FILE, False, "dump.level"),
        (NOWHERE, False, "dump.no_log"),
        (TERMINAL, True, "dump.terminal"),
    ],
)
def test_hidden(kind: str, shows: bool, code: str | None) -> None:  # noqa: FBT001
    place = LogPlace(kind, None, shows)
    why = hidden(place)
    assert (why and why.code) == code
    if why:
        with pytest.raises(Unreachable) as caught:
            follow(Proc(), build.instance(build.threaded()), place, [], 0.0)
        assert caught.value.problem == why


LIBPOD = "/libpod_parent/libpod-" + "ab" * 32


@pytest.mark.parametrize(
    ("cgroup", "told", "result"),
    [
        (LIBPOD, "k8s-file {path}\n", k8s_entry),
        ("/docker/" + "ab" * 32, "json-file {path}\n", docker_entry),
        (LIBPOD, "none \n", "dump.container_driver"),
        (LIBPOD, "", "dump.container_driver"),
        (
            "/docker/" + "ab" * 32,
            "local /x\n",
            "dump.container_driver",
        ),
        ("/system.slice/crio-" + "ab" * 32, "", "dump.container"),
        ("/", "", "dump.container"),
    ],
)
def test_containers(
    log: Log, monkeypatch: pytest.MonkeyPatch, cgroup: str, told: str, result: t.Callable[..., t.Any] | str
) -> None:
    asked: list[tuple[str, ...]] = []

    def output_of(*command: str) -> str:
        asked.append(command)
        return told.format(path=log.path)

    monkeypatch.setattr(
        log_follow, "container_program", lambda r: f"/usr/bin/{r}" if r in ("podman", "docker") else None
    )
    monkeypatch.setattr(log_follow, "output_of", output_of)
    instance = build.instance(build.threaded(cgroup=cgroup))
    place = LogPlace(IN_CONTAINER, None, shows_dumps=True)
    if isinstance(result, str):
        with pytest.raises(Unreachable) as failed:
            follow(Proc(), instance, place, [], 0.0)
        assert failed.value.code == result
        return
    follower = t.cast(RuntimeFollower, follow(Proc(), instance, place, [], 0.0))
    assert follower._entry is result
    assert follower.source == "the log of container abababababab"
    assert asked[0][-1] == "ab" * 32
    follower.close()


def test_a_container_that_logs_to_the_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[t.Any, ...]] = []
    monkeypatch.setattr(log_follow, "container_program", lambda r: f"/usr/bin/{r}")
    monkeypatch.setattr(log_follow, "output_of", lambda *_command: "journald ")

    def make(*values: t.Any, **named: t.Any) -> Follower:
        made.append((*values, named))
        return Follower()

    monkeypatch.setattr(log_follow, "JournalFollower", make)
    follow(
        Proc(), build.instance(build.threaded(cgroup=LIBPOD)), LogPlace(IN_CONTAINER, None, shows_dumps=True), [], 1.5
    )
    # Every user can write an entry with the first field.
    matches = ["CONTAINER_ID_FULL=" + "ab" * 32, f"_UID={os.geteuid()}"]
    assert made == [("the log of container abababababab", matches, 1.5, {"carried": False})]


def test_a_container_log_of_an_unsupported_driver_is_unreachable() -> None:
    with pytest.raises(Unreachable) as caught:
        entry_of("podman", "none", "")
    assert caught.value.code == "dump.container_driver"
    assert caught.value.problem.values == {"runtime": "podman", "driver": "none"}
