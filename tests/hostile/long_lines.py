# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write lines of 10 MB into a log, five a second, for at most a minute. Argument: the log. It prints its pid."""

from __future__ import annotations

import os
import sys
import time

line = b"2026-11-30 20:00:00,000 1 INFO x odoo.tools.misc: " + b"# Thread: password=x /web?a=b " * 350000 + b"\n"
log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND)
print(os.getpid(), flush=True)
for _line in range(300):
    os.write(log, line)
    time.sleep(0.2)
