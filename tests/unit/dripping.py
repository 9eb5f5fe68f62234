# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that begins an answer and then sends one byte at a time, without an end."""

from __future__ import annotations

import contextlib
import socket
import threading
import typing as t


@contextlib.contextmanager
def dripping(begin: bytes) -> t.Iterator[int]:
    """Yield its port on 127.0.0.1; it serves one connection.

    :param begin: what it sends at once.
    """
    stop = threading.Event()

    def drip(listener: socket.socket) -> None:
        taken, _peer = listener.accept()
        with taken, contextlib.suppress(OSError):
            taken.sendall(begin)
            while not stop.wait(0.05):
                taken.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()
            thread.join()
