# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting until things answer."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable

from .errors import LabError

# Set by the first SIGINT or SIGTERM: threads that wait give up.
INTERRUPTED = threading.Event()


def http_status(address: str, port: int, path: str, timeout: float = 5.0) -> int | None:
    """The status of one GET, None when there is no answer."""
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def listens(address: str, port: int) -> bool:
    """Does anything accept a TCP connection there?"""
    try:
        with socket.create_connection((address, port), timeout=2):
            return True
    except OSError:
        return False


def wait_until(
    ready: Callable[[], bool],
    seconds: float,
    failure: Callable[[], str],
    alive: Callable[[], bool] = lambda: True,
) -> None:
    """Poll until ready; past the deadline, or when it is not alive any more, the failure's text is the error."""
    began = looked = time.monotonic()
    while not ready():
        now = time.monotonic()
        if INTERRUPTED.is_set():
            raise LabError("Interrupted.")
        if now - looked > 1:
            # Looking for life costs more than looking for readiness.
            looked = now
            if not alive():
                raise LabError(failure())
        if now - began > seconds:
            raise LabError(failure())
        time.sleep(0.05)
