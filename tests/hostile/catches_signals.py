# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look like a prefork master that runs, and catch its signals. The arguments are those of Odoo."""

from __future__ import annotations

import os
import sys
import tempfile

LOOKS_LIKE_A_SERVER = """
import signal, time
for name in ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "CHLD", "TTIN", "TTOU"):
    signal.signal(getattr(signal, "SIG" + name), lambda *_arguments: None)
while True:
    time.sleep(60)
"""

folder = tempfile.mkdtemp()
os.chmod(folder, 0o755)
with open(folder + "/odoo", "w") as script:
    script.write(LOOKS_LIKE_A_SERVER)
pid = os.fork()
if pid == 0:
    os.execv("/usr/bin/python3", ["python3", folder + "/odoo", *sys.argv[1:]])
print(pid, flush=True)
os.waitpid(pid, 0)
