# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make so many empty files, links or folders in a folder: what, how many, and the folder."""

from __future__ import annotations

import os
import sys

what, number, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.makedirs(folder)
os.chdir(folder)
for count in range(number):
    if what == "files":
        os.mknod("m%d.py" % count)
    elif what == "links":
        os.symlink("../../addons/../addons/a/m0.py", "m%d.py" % count)
    else:
        os.mkdir("m%d" % count)
