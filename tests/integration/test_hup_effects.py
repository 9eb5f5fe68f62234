# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the effect of a plain HUP on a changed option, from outside and without the collection.

A server after a HUP is compared with the same server after a restart: the HUP has applied the change if both are equal.
The table in module_utils/_facts/differences.py is held to what is seen here.
"""

from __future__ import annotations

import concurrent.futures
import json
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.differences import ANSWERS, Hup

from .conftest import Fleet, major_of, thorough, under_test

pytestmark = pytest.mark.versions

CONF = "/etc/odoo/odoo.conf"
#: The first version that has the option gevent_port.
GEVENT_PORT = 16
#: Runs on the host: what its /proc shows of the server with this pid.
LOOK = r"""
import json, os, re, sys
def read(path):
    with open(path, "rb") as file:
        return file.read().decode("utf-8", "replace")
listening = {}
for name in ("tcp", "tcp6"):
    for line in read("/proc/net/" + name).splitlines()[1:]:
        fields = line.split()
        if fields[3] == "0A":
            listening[fields[9]] = fields[1]
def look(pid):
    folder = "/proc/%s/" % pid
    stat, sockets = read(folder + "stat").rpartition(")")[2].split(), set()
    for fd in os.listdir(folder + "fd"):
        try:
            inode = os.readlink(folder + "fd/" + fd)[8:-1]
        except OSError:
            continue
        sockets |= {listening[inode]} if inode in listening else set()
    caught = int(re.search(r"SigCgt:\s*(\w+)", read(folder + "status")).group(1), 16)
    limit = re.search(r"Max address space\s+(\w+)", read(folder + "limits")).group(1)
    gevent = "\0gevent\0" in read(folder + "cmdline")
    return caught, int(stat[16]), stat[25], sorted(sockets), gevent, limit
pid = sys.argv[1]
try:
    caught, nice, stack, sockets, _gevent, limit = look(pid)
    pids = [p for task in os.listdir("/proc/%s/task" % pid)
            for p in read("/proc/%s/task/%s/children" % (pid, task)).split()]
except OSError:
    print("null")
    sys.exit()
children, gone = [], False
for child in pids:
    try:
        children.append(look(child))
    except OSError:
        # It has ended meanwhile, and the server has not.
        gone = True
kinds = sorted(
    [("shepherd" if c[0] & 1 and c[2] != stack else "gevent" if c[4] else "cron" if c[1] > nice else "http"), c[3]]
    for c in children
)
at_rest = not gone and bool(caught & 4) and all(
    kind != "shepherd" and (kind != "gevent" or where) and c[0] & 4 for (kind, where), c in zip(kinds, children)
)
prefork = bool(caught & 1 << 20)
# What a threaded server was limited to goes with a prefork master, which nothing depends on.
print(json.dumps([at_rest, stack, [prefork, sockets, kinds, None if prefork else limit]]))
"""


def look(fleet: Fleet, host: str, pid: str) -> list[t.Any] | None:
    """Return whether the server runs, its stack, and its other properties; None after its end."""
    return t.cast("list[t.Any] | None", json.loads(fleet.run(host, "python3", "-c", LOOK, pid)))


def at_rest(fleet: Fleet, host: str, old_stack: str = "") -> list[t.Any] | None:
    """Return the properties of the server when they are stable for 3 s in a new exec; None if it ends."""
    pid = fleet.run(host, "systemctl", "show", "odoo", "-p", "MainPID", "--value").strip()
    last, since, deadline = None, time.monotonic(), time.monotonic() + 40
    while time.monotonic() < deadline:
        seen = look(fleet, host, pid) if pid != "0" else None
        if seen is None:
            return None
        if seen != last:
            last, since = seen, time.monotonic()
        elif seen[0] and seen[1] != old_stack and time.monotonic() - since > 3:
            break
        time.sleep(0.5)
    return last


def configure(fleet: Fleet, host: str, options: t.Mapping[str, str]) -> None:
    """Write these options into odoo.conf, in place of those that the lab has made."""
    names = "|".join([*options, "nothing"])
    lines = "".join(f"{name} = {value}\\n" for name, value in options.items())
    fleet.run(host, "sh", "-c", f"grep -vE '^({names}) *=' /root/lab.conf > {CONF}; printf '{lines}' >> {CONF}")


def named_for(host: str, options: t.Mapping[str, str]) -> dict[str, str]:
    """Return options under the names that they have in the version of a host."""
    old = major_of(host) < GEVENT_PORT
    return {name.replace("gevent", "longpolling") if old else name: value for name, value in options.items()}


def restart(fleet: Fleet, host: str) -> list[t.Any] | None:
    """Restart the server by its unit, and look."""
    fleet.run(host, "sh", "-c", "systemctl reset-failed odoo; systemctl restart odoo", seconds=180)
    return at_rest(fleet, host)


#: What is changed, from these options to those, and its name in the table.
CHANGES: list[tuple[str, dict[str, str], dict[str, str]]] = [
    ("http_port", {}, {"http_port": "8169"}),
    ("http_interface", {}, {"http_interface": "127.0.0.1"}),
    ("http_interface", {"http_interface": "127.0.0.1"}, {"http_interface": "0.0.0.0"}),
    ("gevent_port", {}, {"gevent_port": "8172"}),
    ("http_enable to False", {}, {"http_enable": "False"}),
    ("http_enable to True", {"http_enable": "False"}, {"http_enable": "True"}),
    ("workers to 0", {"workers": "2"}, {"workers": "0"}),
    ("workers from 0", {"workers": "0"}, {"workers": "2"}),
    ("workers", {"workers": "2"}, {"workers": "3"}),
    ("workers", {"workers": "2"}, {"workers": "1"}),
    ("max_cron_threads", {}, {"max_cron_threads": "0"}),
    ("max_cron_threads", {}, {"max_cron_threads": "3"}),
    ("limit_memory_hard", {}, {"limit_memory_hard": "3000000000"}),
    ("limit_memory_hard to 0", {}, {"limit_memory_hard": "0"}),
]


@pytest.fixture(scope="module")
def changed(fleet: Fleet) -> t.Iterator[set[str]]:
    """Return the hosts that tests have changed. Each test begins with a restart, and the file ends with one."""
    hosts: set[str] = set()
    yield hosts
    for host in hosts:
        assert restart(fleet, host) is not None


@pytest.mark.parametrize("hosts", [("p19",), *thorough(("t19", "p14", "t14"))])
@pytest.mark.parametrize(
    ("change", "before", "after"),
    [pytest.param(*one, marks=pytest.mark.thorough) for one in CHANGES],
)
def test_a_plain_hup(
    fleet: Fleet,
    changed: set[str],
    hosts: tuple[str, ...],
    change: str,
    before: dict[str, str],
    after: dict[str, str],
) -> None:
    # A threaded server would begin as a prefork server, or does not show it from outside.
    prefork_only = "workers" in change or "cron" in change or "gevent" in change
    able = [host for host in under_test(hosts) if host[0] == "p" or not prefork_only]
    changed.update(able)
    # Side by side, since most of it is waiting.
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for done in [pool.submit(compare, fleet, host, change, before, named_for(host, after)) for host in able]:
            done.result()


def compare(fleet: Fleet, host: str, change: str, before: dict[str, str], after: dict[str, str]) -> None:
    """Compare a server after a HUP with the same server after a restart, and with the table."""
    fleet.run(host, "sh", "-c", f"test -e /root/lab.conf || cp -p {CONF} /root/lab.conf")
    try:
        configure(fleet, host, before)
        first = restart(fleet, host)
        assert first is not None
        configure(fleet, host, after)
        fleet.run(host, "systemctl", "kill", "--kill-who=main", "-s", "HUP", "odoo")
        reloaded = at_rest(fleet, host, first[1])
        restarted = restart(fleet, host)
        assert restarted is not None
        seen = Hup.ENDS if reloaded is None else Hup.APPLIES if reloaded[2] == restarted[2] else Hup.IGNORES
        # The limit of a prefork server's workers does not show.
        unseen = change == "limit_memory_hard" or (host[0] == "p" and change.startswith("limit_memory_hard"))
        assert first[2] != restarted[2] or unseen, "nothing of this change shows"
        keeps, opens = ANSWERS.get(change, (Hup.APPLIES, Hup.APPLIES))
        # What is the same on a prefork server, whose workers alone have a limit, is applied there.
        if change == "limit_memory_hard to 0" and host[0] == "p":
            keeps = opens = Hup.APPLIES
        assert seen == (keeps if host == "p19" else opens), (host, first, reloaded, restarted)
    finally:
        fleet.run(host, "cp", "-p", "/root/lab.conf", CONF)
