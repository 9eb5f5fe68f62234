# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write captures of this host's Odoo for unit tests, as a tar archive on stdout.

Runs on a host of the lab, as root, with the host's own Python. There is /proc at rest and during a HUP, the dumps of
all processes with a request for /lab/sleep/10 under way, and the cache statistics. Values of environment variables are
left out, but those that Odoo itself sets.
"""

from __future__ import annotations

import http.client
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
import typing as t

LOG = "/var/log/odoo/odoo-server.log"
_FILES = ("stat", "status", "cmdline", "cgroup", "comm")
_LINKS = ("exe", "cwd")
_KEPT = (b"ODOO_READY_SIGHUP_PID", b"ODOO_HTTP_SOCKET_FD", b"LISTEN_FDS", b"LISTEN_PID")


def read(path: str) -> bytes:
    """Read a file of /proc, which is of no known size."""
    with open(path, "rb") as file:
        return file.read()


def family() -> t.List[int]:
    """The processes of the unit, the oldest first, and what started it."""
    text = subprocess.run(
        ["systemctl", "show", "odoo", "-p", "ControlGroup", "--value"], capture_output=True, check=True
    )
    pids = read("/sys/fs/cgroup" + text.stdout.decode().strip() + "/cgroup.procs").split()
    return [1, *sorted(int(pid) for pid in pids)]


def tree() -> t.Dict[str, bytes]:
    """/proc as it is now, as far as it is about Odoo."""
    found = {"uptime": read("/proc/uptime"), "net/tcp": read("/proc/net/tcp"), "net/tcp6": b""}
    for pid in family():
        place = "/proc/%d/" % pid
        try:
            found.update({"%d/%s" % (pid, name): read(place + name) for name in _FILES})
            found.update({"%d/%s.txt" % (pid, n): os.readlink(place + n).encode() + b"\n" for n in _LINKS})
            rows = [item.partition(b"=") for item in read(place + "environ").split(b"\0") if item]
            kept = [name + b"=" + (value if name in _KEPT else b"REDACTED") for name, _is, value in rows]
            found["%d/environ" % pid] = b"".join(item + b"\0" for item in kept)
            links = []
            for name in sorted(os.listdir(place + "fd"), key=int):
                try:
                    links.append("%s -> %s" % (name, os.readlink(place + "fd/" + name)))
                except OSError:
                    continue
            wanted = [line for line in links if "socket:" in line or "/log/" in line or "/dev/" in line]
            found["%d/fd.txt" % pid] = "".join(line + "\n" for line in wanted).encode()
        except OSError:
            # It has ended meanwhile: what was read of it stays out.
            found = {name: text for name, text in found.items() if not name.startswith("%d/" % pid)}
    return found


def ask(path: str) -> None:
    """Send a request, and wait for its end."""
    connection = http.client.HTTPConnection("127.0.0.1", 8069, timeout=60)
    try:
        connection.request("GET", path)
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        pass
    finally:
        connection.close()


def told(number: int) -> bytes:
    """Return what all processes write after this signal, one after the other."""
    offset = os.path.getsize(LOG)
    for pid in family()[1:]:
        os.kill(pid, number)
        time.sleep(1)
    with open(LOG, "rb") as file:
        file.seek(offset)
        return file.read()


def main() -> None:
    """Capture, and write the archive."""
    files: t.Dict[str, bytes] = {}
    for _number in range(4):
        ask("/web/login")
    files.update({"proc/running/proc/" + name: text for name, text in tree().items()})
    long = threading.Thread(target=ask, args=("/lab/sleep/10",))
    long.start()
    time.sleep(1)
    files["dumps.log"] = told(signal.SIGQUIT)
    long.join()
    # gevent may end of it, so it is the last one.
    files["usr1.log"] = told(signal.SIGUSR1)
    long = threading.Thread(target=ask, args=("/lab/sleep/4",))
    long.start()
    time.sleep(1)
    master = family()[1]
    first = read("/proc/%d/stat" % master).rpartition(b") ")[2].split()[25]
    os.kill(master, signal.SIGHUP)
    time.sleep(0.5)
    moments = {"hup-draining-in-flight": tree()}
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        now = tree()
        fields = now.get("%d/stat" % master, b"").rpartition(b") ")[2].split()
        # Python's own handler of INT, which is the first one.
        handlers = [line for line in now.get("%d/status" % master, b"").splitlines() if line.startswith(b"SigCgt")]
        if fields and fields[25] != first and handlers and int(handlers[0].split()[1], 16) & 2:
            moments.setdefault("hup-main-reexecuted-no-handlers", now)
            break
        time.sleep(0.02)
    long.join()
    time.sleep(15)
    moments["hup-done"] = tree()
    for moment, found in moments.items():
        files.update({"proc/%s/proc/%s" % (moment, name): text for name, text in found.items()})
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        for name, text in files.items():
            item = tarfile.TarInfo(name)
            item.size = len(text)
            archive.addfile(item, io.BytesIO(text))


if __name__ == "__main__":
    main()
