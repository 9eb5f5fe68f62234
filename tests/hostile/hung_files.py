# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mount a file system of FUSE that answers nothing, and print the pid that holds it.

Arguments: the folder, and "waiting" (the program does not read the requests, as one that SIGSTOP has stopped) or
"taken" (it reads them and does not answer; then nothing ends the process that asks).
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
import time

INIT, GETATTR = 26, 3
folder, way = sys.argv[1:]
device = os.open("/dev/fuse", os.O_RDWR)
libc = ctypes.CDLL(None, use_errno=True)
options = "fd=%d,rootmode=40000,user_id=%d,group_id=%d,allow_other" % (device, os.getuid(), os.getgid())
if libc.mount(b"hung", folder.encode(), b"fuse", ctypes.c_ulong(6), options.encode()) != 0:
    raise OSError(ctypes.get_errno(), "mount")
request = os.read(device, 1 << 17)
_length, opcode, unique = struct.unpack_from("<IIQ", request)
assert opcode == INIT, opcode
# fuse_init_out of version 7.31.
answer = struct.pack("<IIIIHHIIHH8I", 7, 31, 1 << 16, 0, 12, 9, 1 << 16, 1, 32, 0, *[0] * 8)
os.write(device, struct.pack("<IiQ", 16 + len(answer), 0, unique) + answer)
print(os.getpid(), flush=True)
while way == "taken":
    os.read(device, 1 << 17)
time.sleep(600)
