# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start so many processes that look like prefork masters and catch their signals. Print the pid that ends them all.

Each names the same log, of 5 MB, whose lines look like those that are searched for.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile

FLOOD = """
import os, signal, sys, time
for name in ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "CHLD", "TTIN", "TTOU"):
    signal.signal(getattr(signal, "SIG" + name), lambda *_arguments: None)
begun = os.getpid()
log = open(sys.argv[-1], "a")
# Each child is an exec of its own, or it would belong to the first one.
number = int(sys.argv[3])
if number:
    for _one in range(number):
        if os.fork() == 0:
            os.setsid()
            if os.fork():
                os._exit(0)
            os.execv(sys.executable, ["python3", sys.argv[0], "--no-http", "--workers", "0", *sys.argv[4:]])
print(begun, flush=True)
time.sleep(600)
"""

folder = tempfile.mkdtemp()
os.chmod(folder, 0o755)
with open(folder + "/odoo", "w") as script:
    script.write(FLOOD)
with open(folder + "/odoo.log", "w") as log:
    log.write("2026-11-30 20:00:00,000 1 INFO x odoo: Odoo version Worker alive\n" * 80000)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(
    "/usr/bin/python3",
    ["python3", folder + "/odoo", "--no-http", "--workers", sys.argv[1], "--logfile", folder + "/odoo.log"],
)
