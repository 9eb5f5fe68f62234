# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start sudo with the arguments of an Odoo server, and leave it at its prompt.

-S is "ask on standard input" to sudo and "no site" to Python, so the command line is right for both.
Print the pid of sudo, and end with it.
"""

from __future__ import annotations

import os
import sys

reader, writer = os.pipe()
pid = os.fork()
if pid == 0:
    os.dup2(reader, 0)
    os.dup2(os.open("/dev/null", os.O_WRONLY), 2)
    # argv[0] of the process is what the caller of execve writes there.
    os.execv("/usr/bin/sudo", ["python3", "-S", *sys.argv[1:]])
print(pid, flush=True)
os.waitpid(pid, 0)
