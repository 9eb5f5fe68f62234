# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what a look costs, as ratios against the work without the collection, all measured in this run.

``make bench``. Exit code 1 when a bound is missed. The processes are started here and ended by pid.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t

import psutil
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.gather import survey
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import masters
from ansible_collections.fleetops.odoo.plugins.module_utils._log.place import FILE, LogPlace
from ansible_collections.fleetops.odoo.plugins.module_utils._log.read import find_load_line, logged_load
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.process import parse_stat, parse_status

PROCESSES = 5000
ATTRIBUTES = ["pid", "ppid", "name", "cmdline", "username", "create_time"]

#: A server as the kernel sees it: handlers of a prefork master, workers forked from it, an own exec for gevent.
FAKE_SERVER = """
import os, signal, socket, sys, time
CATCH = lambda *names: [signal.signal(getattr(signal, "SIG" + n), lambda *a: None) for n in names]
DROP = lambda *names: [signal.signal(getattr(signal, "SIG" + n), signal.SIG_DFL) for n in names]
if "gevent" in sys.argv:
    CATCH("INT", "QUIT", "USR1", "CHLD")
    time.sleep(600)
port = socket.socket(); port.bind(("127.0.0.1", 0)); port.listen(1)
CATCH("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "CHLD", "TTIN", "TTOU")
for number in range(10):
    if os.fork() == 0:
        DROP("HUP", "TERM", "CHLD", "TTIN", "TTOU"); CATCH("XCPU")
        if number == 9: os.nice(10); port.close()
        time.sleep(600); os._exit(0)
if os.fork() == 0:
    os.execv(sys.executable, [sys.executable, sys.argv[0], "gevent", *sys.argv[1:]])
time.sleep(600)
"""


def main() -> int:
    """Measure everything; returns the exit code."""
    rows: list[tuple[str, float, str, bool]] = []
    with crowd(PROCESSES):
        count = len(psutil.pids())
        bare, own, other = compare(bare_loop, full_look, psutil_iter)
        rows.append((f"{count} processes: look / bare loop over cmdline", own / bare, "at most 1.5", own / bare <= 1.5))
        rows.append((f"{count} processes: psutil.process_iter / look", other / own, "at least 3", other / own >= 3))
        peak = peak_memory()
        rows.append(("peak memory of a look in MB", peak, "under 60", peak < 60))
    with crowd(PROCESSES // 5):
        small = statistics.median(timed(full_look) for _attempt in range(5))
        growth = (own / count) / (small / len(psutil.pids()))
        rows.append(("cost for each process, 5,000 / 1,000", growth, "at most 1.3", growth <= 1.3))
    with servers(20):
        seconds = statistics.median(timed(full_look) for _attempt in range(5))
        rows.append(("20 masters with 11 children each: CPU seconds", seconds, "under 1", seconds < 1))
    short, long = log_costs()
    rows.append(("load evidence: log of 1 GB / log of 10 MB", long / short, "at most 1.5", long / short <= 1.5))
    for name, value, bound, good in rows:
        print(f"{'ok  ' if good else 'MISS'}  {name:<52} {value:8.3f}   {bound}")
    return 0 if all(good for _name, _value, _bound, good in rows) else 1


def bare_loop() -> None:
    """The work that every solution needs."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/cmdline", "rb", buffering=0) as file:
                file.read()


def full_look() -> None:
    """All that master_info does on a host, staleness included, without Ansible around it."""
    proc = Proc()
    seen = look(proc)
    masters(seen, survey(proc, seen, ServerRecords("/nonexistent"), staleness=True), time.time(), {})


def psutil_iter() -> None:
    """The work of a solution with psutil alone."""
    list(psutil.process_iter(ATTRIBUTES))


def timed(work: t.Callable[[], None]) -> float:
    """CPU seconds of one run, those of its children included."""
    before = used()
    work()
    return used() - before


def used() -> float:
    """CPU seconds of this process and of the children that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def compare(*works: t.Callable[[], None]) -> list[float]:
    """Medians of alternating runs, so that a busy moment of the machine meets all of them."""
    samples: list[list[float]] = [[] for _work in works]
    for _round in range(9):
        for work, values in zip(works, samples, strict=True):
            values.append(timed(work))
    return [statistics.median(values) for values in samples]


def peak_memory() -> float:
    """Largest resident memory of a process that does nothing but look, in MB."""
    code = f"import sys; sys.path[:0] = {sys.path!r}; from tests.bench.bench import full_look; full_look(); "
    code += "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)"
    root = pathlib.Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=root)
    return float(done.stdout)


def log_costs() -> tuple[float, float]:
    """CPU seconds that the search for the load takes in a short and in a long log that do not hold it."""
    line = b"2026-11-24 05:00:00,000 1 INFO db werkzeug: 127.0.0.1 - - [24/Nov/2026] GET /web/login HTTP/1.1 200\n"
    costs = []
    with tempfile.TemporaryDirectory() as folder:
        for size in (10 << 20, 1 << 30):
            path = pathlib.Path(folder) / f"log-{size}"
            block = line * (10 * 1024)
            with path.open("wb") as file:
                for _block in range(size // len(block)):
                    file.write(block)
            with path.open("rb"):  # it must be one of our own open files
                master = _self()
                place = LogPlace(FILE, str(path), shows_dumps=True)
                assert logged_load(Proc(), master, place, 0.0) is None
                costs.append(statistics.median(timed(lambda: search(master, place)) for _attempt in range(5)))  # noqa: B023
            path.unlink()
    assert find_load_line("2026-11-24 05:00:00,250 7 INFO ? odoo: Odoo version 19.0\n", 7)
    return costs[0], costs[1]


def search(master: t.Any, place: LogPlace) -> None:
    """Ten searches, since one is shorter than the clock that counts CPU time."""
    for _search in range(10):
        logged_load(Proc(), master, place, 0.0)


def _self() -> t.Any:
    from ansible_collections.fleetops.odoo.plugins.module_utils._processes.read import _process  # noqa: PLC0415

    proc, pid = Proc(), os.getpid()
    return _process(proc, pid, (), parse_stat(proc.text(pid, "stat")), parse_status(proc.text(pid, "status")), set())


@contextlib.contextmanager
def crowd(count: int) -> t.Iterator[None]:
    """So many sleeping processes."""
    children = [os.posix_spawn("/bin/sleep", ["sleep", "600"], {}) for _child in range(count)]
    try:
        yield
    finally:
        end(children)


@contextlib.contextmanager
def servers(count: int) -> t.Iterator[None]:
    """So many servers as the kernel sees them, each with ten workers and a gevent process."""
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder) / "odoo-bin"
        script.write_text(FAKE_SERVER)
        # A group of its own each, so that it can be ended with its workers.
        started = [
            subprocess.Popen([sys.executable, str(script), "--workers=9"], start_new_session=True)
            for _server in range(count)
        ]
        try:
            deadline = time.monotonic() + 60
            while complete() < count:
                assert time.monotonic() < deadline
                time.sleep(0.2)
            yield
        finally:
            for process in started:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def complete() -> int:
    """Return how many of our servers have all their processes."""
    mine = [i for i in look(Proc()).instances if i.master.ppid == os.getpid()]
    return sum(i.state == "running" and len(i.children) == 11 for i in mine)


def end(children: t.Sequence[int]) -> None:
    """End processes of ours and wait for them."""
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    for pid in children:
        os.waitpid(pid, 0)


if __name__ == "__main__":
    if "--inside" not in sys.argv:
        # A PID namespace of our own: other processes of this machine are not counted.
        inside = [sys.executable, __file__, "--inside"]
        os.execvp("unshare", ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", *inside])
    sys.exit(main())
