# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start a process that looks like a threaded server again and again, with the arguments of Odoo. It prints its pid."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import tempfile
import time

LOOKS_LIKE_A_SERVER = """
import signal, time
for name in ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "CHLD", "XCPU"):
    signal.signal(getattr(signal, "SIG" + name), lambda *_arguments: None)
time.sleep(60)
"""
#: Seconds between two starts, and processes at one time.
PAUSE, MOST = 0.5, 4
PR_SET_PDEATHSIG = 1

script = tempfile.mkdtemp() + "/odoo"
os.chmod(os.path.dirname(script), 0o755)
with open(script, "w") as file:
    file.write(LOOKS_LIKE_A_SERVER)
print(os.getpid(), flush=True)
running: list[int] = []
while True:
    pid = os.fork()
    if pid == 0:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.execv("/usr/bin/python3", ["python3", script, *sys.argv[1:]])
    running.append(pid)
    if len(running) > MOST:
        os.kill(running[0], signal.SIGKILL)
        os.waitpid(running.pop(0), 0)
    time.sleep(PAUSE)
