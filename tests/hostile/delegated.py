# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make a cgroup below the own one (the unit has Delegate=yes), and look like a threaded server in it.

Arguments: the path of the new cgroup, then the arguments of Odoo. It prints the pid of that server.
"""

from __future__ import annotations

import os
import sys
import tempfile

LOOKS_LIKE_A_SERVER = """
import signal, time
for name in ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "CHLD", "XCPU"):
    signal.signal(getattr(signal, "SIG" + name), lambda *_arguments: None)
while True:
    time.sleep(60)
"""

path, words = sys.argv[1], sys.argv[2:]
with open("/proc/self/cgroup") as file:
    own = next(line for line in file.read().splitlines() if line.startswith("0::"))[3:]
folder = "/sys/fs/cgroup%s/%s" % (own, path)
os.makedirs(folder)
script = tempfile.mkdtemp() + "/odoo"
os.chmod(os.path.dirname(script), 0o755)
with open(script, "w") as file:
    file.write(LOOKS_LIKE_A_SERVER)
pid = os.fork()
if pid == 0:
    with open(folder + "/cgroup.procs", "w") as procs:
        procs.write("%d" % os.getpid())
    os.execv("/usr/bin/python3", ["python3", script, *words])
print(pid, flush=True)
os.waitpid(pid, 0)
