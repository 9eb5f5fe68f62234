# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look like a threaded server, and exchange each of its files for a link to one of root's, again and again.

Arguments: the folder in which its files are, and the folder that the links lead to. It prints two pids.
"""

from __future__ import annotations

import ctypes
import os
import sys

LOOKS_LIKE_A_SERVER = """
import signal, time
log = open(%r, "a")
for name in ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "CHLD", "XCPU"):
    signal.signal(getattr(signal, "SIG" + name), lambda *_arguments: None)
while True:
    time.sleep(60)
"""
NAMES = ("addons", "data", "odoo.conf", "odoo.log")
RENAME_EXCHANGE = 2

place, target = sys.argv[1:]
os.makedirs(place + "/addons/shop")
os.makedirs(place + "/data")
os.chdir(place)
for name in ("odoo.conf", "odoo.log", "addons/shop/__init__.py", "addons/shop/__manifest__.py"):
    with open(name, "w") as file:
        file.write("[options]\nlog_level = info\n" if name == "odoo.conf" else "")
for name in NAMES:
    os.symlink(target + "/" + name, "other-" + name)
# The folder itself, too, for what looks at it by an absolute path.
os.symlink(target, place + ".other")
with open("odoo", "w") as script:
    script.write(LOOKS_LIKE_A_SERVER % (place + "/odoo.log"))

words = ["--config", place + "/odoo.conf", "--addons-path", place + "/addons", "--data-dir", place + "/data"]
forged = os.fork()
if forged == 0:
    os.execv("/usr/bin/python3", ["python3", place + "/odoo", "--no-http", "--logfile", place + "/odoo.log", *words])
swapper = os.fork()
if swapper == 0:
    libc = ctypes.CDLL(None)
    folder = os.path.dirname(place)
    number = 0
    while True:
        number += 1
        name = NAMES[number % len(NAMES)]
        libc.renameat2(-100, (place + "/" + name).encode(), -100, (place + "/other-" + name).encode(), RENAME_EXCHANGE)
        if number % 16 == 0:
            libc.renameat2(-100, place.encode(), -100, (place + ".other").encode(), RENAME_EXCHANGE)
print(forged, swapper, flush=True)
os.waitpid(forged, 0)
