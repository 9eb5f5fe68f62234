# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of /proc, as the kernel wrote them and as it might write them at the worst moment."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._process import (
    ODOO_SIGNALS,
    caught_names,
    parse_cgroup,
    parse_cmdline,
    parse_environ,
    parse_listening,
    parse_stat,
    parse_status,
    signal_number,
)
from hypothesis import given
from hypothesis import strategies as st

from .build import mask
from .conftest import KINDS, captured, states

MOMENTS = [(kind, state) for kind in KINDS for state in states(kind)]


@pytest.mark.parametrize(("kind", "state"), MOMENTS)
def test_every_captured_file_parses(kind: str, state: str) -> None:
    proc = captured(kind, state)
    for pid in proc.pids():
        if f"{pid}/stat" not in proc.files:
            continue
        stat = parse_stat(proc.text(pid, "stat"))
        status = parse_status(proc.text(pid, "status"))
        assert stat.ppid >= 0
        assert 0 <= stat.start <= proc.uptime_ticks() + 1
        assert set(caught_names(status.caught)) <= set(ODOO_SIGNALS)
    assert (
        ("0.0.0.0", 8069) in parse_listening(proc.text(1, "net/tcp")).values()
        or "booting" in state
        or ("draining" in state or "reexecuted" in state)
    )


def test_a_running_master_of_odoo_19() -> None:
    proc = captured("19-prefork", "running")
    stat = parse_stat(proc.text(472, "stat"))
    assert (stat.ppid, stat.start, stat.nice, stat.fingerprint) == (1, 375040, 0, 140732225923072)
    status = parse_status(proc.text(472, "status"))
    assert caught_names(status.caught) == [
        "HUP",
        "INT",
        "QUIT",
        "USR1",
        "USR2",
        "TERM",
        "CHLD",
        "TTIN",
        "TTOU",
    ]
    assert (status.uid, status.gid, status.groups) == (102, 103, (103,))
    assert parse_cgroup(proc.text(472, "cgroup")).endswith("/odoo.service")


@pytest.mark.parametrize("comm", ["odoo", "a b", ") S 1 2 3", "((", "))", "\n) R 1", "odoo) Z 0 ("])
def test_the_command_in_stat_cannot_lead_astray(comm: str) -> None:
    fields = ["S", "7", *("0" for _field in range(2, 50))]
    fields[16], fields[17], fields[19], fields[25] = "10", "3", "375040", "140732225923072"
    stat = parse_stat("472 (%s) %s\n" % (comm, " ".join(fields)))
    assert (stat.run_state, stat.ppid, stat.nice, stat.threads, stat.start) == ("S", 7, 10, 3, 375040)
    assert stat.fingerprint == 140732225923072


def test_a_hidden_startstack_is_no_fingerprint() -> None:
    assert parse_stat("1 (x) S 1 " + "0 " * 40).fingerprint is None


@given(st.text())
def test_no_text_makes_the_parsers_raise_anything_but_value_error(text: str) -> None:
    for parse in (parse_stat, parse_status):
        with contextlib.suppress(ValueError):
            parse(text)
    parse_cgroup(text)


@given(st.integers(0, 49))
def test_a_stat_that_breaks_off_is_a_value_error(length: int) -> None:
    whole = captured("19-prefork", "running").text(472, "stat")
    head, bracket, tail = whole.rpartition(")")
    torn = head + bracket + " ".join(tail.split()[:length])
    if length < 26:
        with pytest.raises(ValueError, match="not a stat line"):
            parse_stat(torn)
    else:
        assert parse_stat(torn) == parse_stat(whole)


@pytest.mark.parametrize("missing", ["Uid", "Gid", "SigCgt"])
def test_a_status_that_lacks_a_line_is_a_value_error(missing: str) -> None:
    lines = captured("19-prefork", "running").text(472, "status").splitlines()
    with pytest.raises(ValueError, match=missing):
        parse_status("\n".join(line for line in lines if not line.startswith(missing + ":")))


def test_status_tells_the_effective_user() -> None:
    status = parse_status("Uid:\t1000\t0\t0\t0\nGid:\t1000\t42\t42\t42\nSigCgt:\t0000000000000001\n")
    assert (status.uid, status.gid, status.groups, status.caught) == (0, 42, (), 1)


@given(st.sets(st.sampled_from(ODOO_SIGNALS)))
def test_a_mask_tells_the_signals_that_made_it(names: set[str]) -> None:
    assert set(caught_names(mask(names))) == names


def test_the_kernel_counts_signals_as_we_do() -> None:
    before = parse_status(_own_status()).caught
    old = signal.signal(signal.SIGUSR2, lambda *_arguments: None)
    try:
        assert parse_status(_own_status()).caught == before | 1 << (signal_number("USR2") - 1)
    finally:
        signal.signal(signal.SIGUSR2, old)


def _own_status() -> str:
    with open(f"/proc/{os.getpid()}/status") as file:
        return file.read()


@pytest.mark.parametrize(
    ("data", "argv"),
    [
        (b"", ()),
        (b"\0", ("",)),
        (b"odoo\0", ("odoo",)),
        (b"odoo: WorkerHTTP 1410\0\0\0\0", ("odoo: WorkerHTTP 1410",)),
        (b"a\0\0b\0", ("a", "", "b")),
        (b"python3\0\xff\0", ("python3", "\udcff")),
        (b"X\0", ("X",)),
    ],
)
def test_cmdline(data: bytes, argv: tuple[str, ...]) -> None:
    assert parse_cmdline(data) == argv


def test_environ() -> None:
    data = b"A=1\0B=x=y\0ODOO_READY_SIGHUP_PID=532\0rubbish\0C=\xff\0\xfe=2\0\0"
    assert parse_environ(data) == {"A": "1", "B": "x=y", "ODOO_READY_SIGHUP_PID": "532", "C": "\udcff", "\udcfe": "2"}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("0::/system.slice/odoo.service\n", "/system.slice/odoo.service"),
        ("12:pids:/a\n1:name=systemd:/system.slice/odoo.service\n0::/\n", "/system.slice/odoo.service"),
        ("12:pids:/longer/than/that\n1:name=systemd:/theirs\n0::/unified\n", "/unified"),
        ("12:pids:/longer/than/that\n1:name=systemd:/theirs\n0::/\n", "/theirs"),
        ("12:pids:/longer/than/that\n1:name=systemd:/t\n", "/t"),
        ("4:memory:/docker/abc\n3:cpu:/\n", "/docker/abc"),
        ("0::/a:b/odoo@x:y.service\n", "/a:b/odoo@x:y.service"),
        ("", ""),
    ],
)
def test_cgroup(text: str, path: str) -> None:
    assert parse_cgroup(text) == path


@pytest.mark.skipif(sys.byteorder != "little", reason="the lines were written by a little-endian kernel")
def test_listening() -> None:
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    four = "   0: 0100007F:1F85 00000000:0000 0A 00000000:00000000 00:00000000 00000000   102        0 7001 1 0\n"
    any4 = "   1: 00000000:1F88 00000000:0000 0A 00000000:00000000 00:00000000 00000000   102        0 7002 1 0\n"
    connected = "   2: 0100007F:1F85 0100007F:A000 01 00000000:00000000 00:00000000 00000000   102        0 7003 1 0\n"
    six = (
        "   3: 00000000000000000000000001000000:1F85 00000000000000000000000000000000:0000 0A 00000000:00000000"
        " 00:00000000 00000000   102        0 7004 1 0\n"
    )
    assert parse_listening(head + four + any4 + connected + six) == {
        7001: ("127.0.0.1", 8069),
        7002: ("0.0.0.0", 8072),
        7004: ("::1", 8069),
    }
    assert parse_listening("") == {}
