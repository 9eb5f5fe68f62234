# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look like a threaded server, also within namespaces, and write down each signal. Arguments: the file for that."""

from __future__ import annotations

import os
import sys
import tempfile

LOOKS_LIKE_A_SERVER = """
import os, signal, sys, time
told = os.open(%r, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
def heard(number, _frame):
    os.write(told, b"%%d %%d\\n" %% (os.getpid(), number))
for name in ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "CHLD", "XCPU"):
    signal.signal(getattr(signal, "SIG" + name), heard)
os.write(told, b"begun\\n")
while True:
    time.sleep(0.2)
"""

folder = tempfile.mkdtemp()
os.chmod(folder, 0o755)
with open(folder + "/odoo", "w") as script:
    script.write(LOOKS_LIKE_A_SERVER % sys.argv[1])
os.execv("/usr/bin/python3", ["python3", folder + "/odoo", "--no-http", "--logfile", folder + "/odoo.log"])
