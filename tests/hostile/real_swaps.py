# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a real server, and put other things in the places of its paths, again and again.

Arguments: the folder of the server, the folder of the other things, the names that come and go, and how: "mounts" (in
mounts of the own of the server; in a user namespace every user may mount) or "links". It prints the pids of its two
processes. As long as the file "keep" is beside its folder, the one starts the server again when it has ended. As
long as "begin" is there, the other is at work.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import subprocess
import sys
import time

MS_BIND, MNT_DETACH, RENAME_EXCHANGE = 4096, 2, 2
#: Leaves a file whose owner is the user that has run it, and goes on as the interpreter.
WITNESS = '#!/bin/sh\n: > %s/ran/$$\nexec /usr/bin/python3 "$@"\n'

place, target, names, way, *inside = sys.argv[1:]
beside = os.path.dirname(place)
mapped = os.geteuid() != 0
if way == "mounts" and not inside:
    # The mapped root of a user namespace is the service user outside.
    words = ["unshare", "-Urm" if mapped else "-m", "/usr/bin/python3", *sys.argv, "mapped" if mapped else "odoo"]
    os.execv("/usr/bin/unshare", words)
libc = ctypes.CDLL(None, use_errno=True)


def write(name: str, text: str, mode: int = 0o644) -> None:
    """Write a file of the server."""
    os.makedirs(os.path.dirname(place + "/" + name), exist_ok=True)
    with open(place + "/" + name, "w") as file:
        file.write(text)
    os.chmod(place + "/" + name, mode)


def covers(name: str) -> str:
    """Return what is mounted over a path."""
    return place + "/evil" if name == "venv" else target + "/" + name


def odoo() -> str:
    """Return an odoo.conf for another server of the service user."""
    own = {"http_port": 8269, "gevent_port": 8272, "longpolling_port": 8272}
    own_paths = {"addons_path": place + "/addons,/opt/lab/addons", "data_dir": place + "/data"}
    with open("/etc/odoo/prod.conf") as file:
        lines = [line for line in file if line.split(" ")[0] not in {**own, **own_paths}]
    lines += ["%s = %s\n" % pair for pair in {**own, **own_paths}.items() if pair[0] != "longpolling_port"]
    return "".join(lines)


def become() -> None:
    """Become the service user where root has made the mounts."""
    if inside == ["odoo"]:
        user = pwd.getpwnam(inside[0])
        os.initgroups(user.pw_name, user.pw_gid)
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)


def make() -> None:
    """Write the files of the server, and what is mounted over its virtualenv."""
    for folder in ("data", "cwd", "ran"):
        os.makedirs(place + "/" + folder)
    os.chmod(place + "/ran", 0o1777)
    write("odoo.conf", odoo(), 0o640)
    write("odoo.log", "")
    for name in ("__init__.py", "__manifest__.py"):
        write("addons/shop/" + name, "{'name': 'shop'}\n" if "manifest" in name else "")
    for venv, program in (("venv", None), ("evil", WITNESS % place)):
        write(venv + "/pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = true\n")
        os.makedirs(place + "/" + venv + "/bin")
        for name in ("python", "python3"):
            if program:
                write("%s/bin/%s" % (venv, name), program, 0o755)
            else:
                os.symlink("/usr/bin/python3", "%s/%s/bin/%s" % (place, venv, name))
    for name in names.split(","):
        os.symlink(covers(name), place + "/other-" + name)


def keep() -> None:
    """Run the server, and run it again."""
    words = [place + "/venv/bin/python3", "/usr/bin/odoo", "--config", place + "/odoo.conf"]
    while True:
        while not os.path.exists(beside + "/keep"):
            time.sleep(0.05)
        with open(place + "/said", "ab") as said:
            server = subprocess.Popen(
                [*words, "--logfile", place + "/odoo.log"],
                cwd=place + "/cwd",
                env={**os.environ, "PATH": place + "/venv/bin:/usr/bin"},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        server.wait()
        time.sleep(0.2)


def swap(name: str) -> None:
    """Put another thing in the place of a path for a moment."""
    path = (place + "/" + name).encode()
    if way == "links":
        wrong = libc.renameat2(-100, path, -100, (place + "/other-" + name).encode(), RENAME_EXCHANGE)
    else:
        wrong = libc.mount(covers(name).encode(), path, None, ctypes.c_ulong(MS_BIND), None)
    if wrong:
        with open(beside + "/failed", "a") as file:
            file.write("%s: %s\n" % (name, os.strerror(ctypes.get_errno())))
    time.sleep(0.002)
    if way == "links":
        libc.renameat2(-100, path, -100, (place + "/other-" + name).encode(), RENAME_EXCHANGE)
    else:
        libc.umount2(path, MNT_DETACH)
    time.sleep(0.002)


keeper = os.fork()
if keeper == 0:
    become()
    make()
    keep()
swapper = os.fork()
if swapper == 0:
    while True:
        # A server whose paths change while it boots ends again and again.
        while not os.path.exists(beside + "/begin"):
            time.sleep(0.05)
        for name in names.split(","):
            swap(name)
print(keeper, swapper, flush=True)
os.waitpid(keeper, 0)
