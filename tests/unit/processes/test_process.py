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
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import (
    ODOO_SIGNALS,
    caught_names,
    on_odoo_sh,
    parse_accepted,
    parse_cgroup,
    parse_cmdline,
    parse_environ,
    parse_established,
    parse_inodes,
    parse_listening,
    parse_select,
    parse_stat,
    parse_status,
    parse_thread,
    plain_address,
    signal_number,
    socket_end,
    waits_idly,
)
from hypothesis import given
from hypothesis import strategies as st

from .. import build
from ..build import mask
from ..conftest import KINDS, captured, states

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


def test_each_field_of_stat_is_the_kernels() -> None:
    stat = parse_stat("1 (x) S " + " ".join(str(at) for at in range(1, 50)))
    assert (stat.ppid, stat.nice, stat.threads, stat.start, stat.fingerprint) == (1, 16, 17, 19, 25)
    # The times in user space and in the kernel, without those of children.
    assert (stat.rss_pages, stat.cpu_ticks) == (21, 11 + 12)


def test_a_broken_stat_is_shown_in_part() -> None:
    with pytest.raises(ValueError, match=r"^not a stat line: '1 \(y{37}'$"):
        parse_stat("1 (" + "y" * 60 + ") S 1")


def test_a_hidden_startstack_gives_no_fingerprint() -> None:
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
    with pytest.raises(ValueError, match=f"^not a status file: '{missing}' is missing$"):
        parse_status("\n".join(line for line in lines if not line.startswith(missing + ":")))


def test_status_tells_the_effective_user() -> None:
    status = parse_status("Uid:\t1000\t0\t7\t8\nGid:\t1000\t42\t43\t44\nSigCgt:\t0000000000000001\n")
    assert (status.uid, status.gid, status.groups, status.caught) == (0, 42, (), 1)
    assert status.namespace_pids == ()


@pytest.mark.parametrize(
    ("uids", "gids", "expected"),
    [
        ("1000 1000 1000 1000", "42 42 42 42", True),
        ("1000 0 0 0", "42 42 42 42", False),
        ("0 1000 1000 1000", "42 42 42 42", False),
        ("1000 1000 0 1000", "42 42 42 42", False),
        ("1000 1000 1000 0", "42 42 42 42", False),
        ("1000 1000 1000 1000", "42 5 5 5", False),
        ("1000 1000 1000 1000", "42 42 5 42", False),
    ],
)
def test_a_process_with_an_id_of_another_user_has_not_one_user(uids: str, gids: str, *, expected: bool) -> None:
    status = parse_status(f"Uid:\t{uids}\nGid:\t{gids}\nSigCgt:\t0000000000000001\n")
    assert status.has_one_user is expected


@pytest.mark.parametrize("ids", ["0", "0 0 0", "0 0 0 0 0", ""])
def test_a_status_without_four_ids_is_a_value_error(ids: str) -> None:
    with pytest.raises(ValueError, match=r"^not a status file"):
        parse_status(f"Uid:\t{ids}\nGid:\t0 0 0 0\nSigCgt:\t0000000000000001\n")


def test_the_pids_of_a_process_in_a_container() -> None:
    text = "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nNSpid:\t8022\t6\nSigCgt:\t0000000000000000\n"
    assert parse_status(text).namespace_pids == (8022, 6)


def test_a_thread() -> None:
    text = "Name:\tx\nState:\tS (sleeping)\nvoluntary_ctxt_switches:\t31\nnonvoluntary_ctxt_switches:\t4\n"
    assert parse_thread(text) == ("S", 35)
    # In any order; a word that is not a number does not count.
    assert parse_thread("nonvoluntary_ctxt_switches: 4\nvoluntary_ctxt_switches: ?\nState: R (running)\n") == ("R", 4)
    assert parse_thread("") == ("", 0)


@pytest.mark.parametrize(
    ("stage", "expected"),
    [("production", True), ("staging", True), ("dev", True), ("", False), ("Production", False), (None, False)],
)
def test_odoo_sh_is_known_by_its_stage(stage: str | None, *, expected: bool) -> None:
    marks = {} if stage is None else {"ODOO_STAGE": stage}
    assert on_odoo_sh(build.process(1, marks=marks)) is expected


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
        ("4:memory:/docker/abc\n3:cpu:/z\n", "/docker/abc"),
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
    # A line that breaks off has its inode or it has none.
    whole = four.split()
    assert parse_listening(head + " ".join(whole[:10])) == {7001: ("127.0.0.1", 8069)}
    assert parse_listening(head + " ".join(whole[:9])) == {}


#: Of Odoo 19.0 in the lab, and the same socket as IPv6 shows it.
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F85 00000000:0000 0A 00000000:00000000 00:00000000 00000000   104        0 6872943 1 0 100 0 0 10 0
   4: 0B03D50A:93F4 0203D50A:1538 06 00000000:00000000 03:00000E2C 00000000     0        0 0 3 0
   6: 0B03D50A:9406 0203D50A:1538 01 00000000:00000000 02:00000A5C 00000000   104        0 6875883 2 0 20 4 30 10 -1
   7: 0000000000000000FFFF00000B03D50A:9406 0000000000000000FFFF00000203D50A:1538 01 0:0 0:0 0 104 0 6875884 2 0
"""


@pytest.mark.skipif(sys.byteorder != "little", reason="the capture is of such a machine")
def test_connected_sockets() -> None:
    ends = (("10.213.3.11", 37894), ("10.213.3.2", 5432))
    assert list(parse_established(TCP)) == [(6875883, *ends), (6875884, *ends)]


@pytest.mark.parametrize(
    ("text", "plain"),
    [("::ffff:10.0.0.1", "10.0.0.1"), ("fe80::1%eth0", "fe80::1"), ("10.0.0.1/32", "10.0.0.1"), ("x", "x")],
)
def test_an_address_is_written_in_one_way(text: str, plain: str) -> None:
    assert plain_address(text) == plain


@pytest.mark.skipif(sys.byteorder != "little", reason="the capture is of such a machine")
def test_a_connected_socket_that_breaks_off() -> None:
    line = TCP.splitlines()[3].split()
    assert [inode for inode, *_ends in parse_established("\n" + " ".join(line[:10]))] == [6875883]
    assert list(parse_established("\n" + " ".join(line[:9]))) == []


@pytest.mark.skipif(sys.byteorder != "little", reason="as such a machine writes it")
@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("0100007F:1F90", ("127.0.0.1", 8080)),
        ("B80D01206745230102000000EFCDAB89:0050", ("2001:db8:123:4567:0:2:89ab:cdef", 80)),
    ],
)
def test_the_end_of_a_socket(text: str, end: tuple[str, int]) -> None:
    assert socket_end(text) == end


@pytest.mark.parametrize(
    ("caught", "as_master"),
    [
        (build.PREFORK_MASTER, True),
        (build.THREADED_MASTER, True),
        (build.WORKER, False),
        (build.GEVENT, False),
        # PostgreSQL's own processes, as they were seen.
        (("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "CHLD"), False),
    ],
)
def test_what_a_master_catches_is_told_from_what_others_catch(caught: tuple[str, ...], *, as_master: bool) -> None:
    assert build.process(100, caught=caught).catches_as_master is as_master


def test_the_descriptors_of_a_select_are_found_by_machine() -> None:
    text = "270 0xd 0x7f30b8ff8c70 0x0 0x0 0x7f30b8ff8bc0 0x0 0x7f30b8ff8b78 0x7f30bd1d5f2a"
    assert parse_select(text, "x86_64") == (13, 0x7F30B8FF8C70)
    assert parse_select(text, "aarch64") is None
    assert parse_select("running", "x86_64") is None
    assert parse_select("202 0x7f 0x189 0x0 0x0 0x0 0xffffffff 0x7ff 0x7f3", "x86_64") is None


@pytest.mark.parametrize(
    ("text", "x86", "arm"),
    [
        ("270 0x7 0x7ffd3e96be60 0x0 0x0 0x0", True, False),
        ("230 0x1 0x1 0x7fffa98fa770 0x0", True, False),
        ("115 0x1 0x1 0x7fffa98fa770 0x0", False, True),
        ("202 0x2cc4a6c0 0x189 0x0 0x0", False, False),
        ("running", False, False),
        ("-1 0x7ff 0x7f3", False, False),
        ("", False, False),
    ],
)
def test_a_select_and_a_sleep_are_waits_of_a_thread_without_work(text: str, *, x86: bool, arm: bool) -> None:
    assert (waits_idly(text, "x86_64"), waits_idly(text, "aarch64"), waits_idly(text, "sparc")) == (x86, arm, False)


def test_a_connection_to_the_port_of_the_server_was_accepted() -> None:
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    row = "   0: 0100007F:%s 0100007F:C000 %s 00000000:00000000 00:00000000 00000000   102        0 %d 1 0 20\n"
    text = head + row % ("1F85", "0A", 1) + row % ("1F85", "01", 2) + row % ("1F85", "08", 3) + row % ("C001", "01", 4)
    assert parse_accepted(text, {8069}) == {2, 3}
    assert parse_inodes(text, 9) == {1, 2, 3, 4}
