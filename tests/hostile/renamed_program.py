# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run another program that is called python3 and has the arguments of a server: a shell that waits for commands."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile

reader, writer = os.pipe()
folder = tempfile.mkdtemp()
shutil.copy("/bin/dash", folder + "/python3")
pid = os.fork()
if pid == 0:
    os.dup2(reader, 0)
    # dash -s reads its commands from standard input; the words behind it are the parameters of the script.
    os.execv(folder + "/python3", [folder + "/python3", "-s", *sys.argv[1:]])
print(pid, flush=True)
os.waitpid(pid, 0)
