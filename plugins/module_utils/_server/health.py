# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Check whether a server answers: one HTTP request to it, from its own host."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import re
import socket
import threading
import time
import typing as t
import urllib.parse
from dataclasses import dataclass

from .._facts.differences import plain_address
from .._processes.classify import Instance, Mode
from .._processes.options import Options
from .._processes.release import major
from .._system.namespaces import network_of

#: Since Odoo 15; before, only a page that needs a database says that the server serves.
HEALTH_PATH, LOGIN_PATH = "/web/health", "/web/login"
#: Where a server with several databases sends a login that names none of them (seen on Odoo 14.0): it serves.
_CHOICE_OF_DATABASES = "/web/database/"
#: An answer that the server gives because of the request, and will give again after a reload.
_NOT_ACCEPTED = re.compile(r" answers (?:3\d\d|4(?!08|29)\d\d) instead of ")
_STATUS = re.compile(r" answers (\d{3})\b")
#: Seconds that any request gets.
_LEAST = 0.5


@dataclass(frozen=True)
class HealthCheck:
    """The request of a health check. None means: the default of the server."""

    path: t.Optional[str] = None
    port: t.Optional[int] = None
    address: t.Optional[str] = None
    host: str = "localhost"
    status: t.Tuple[int, ...] = (200,)
    #: seconds for one request
    timeout: float = 10.0

    def within(self, seconds: float) -> HealthCheck:
        """Return the same check with a shorter limit, but at least half a second."""
        return dataclasses.replace(self, timeout=min(self.timeout, max(seconds, _LEAST)))


def check_health(
    check: HealthCheck, instance: Instance, options: Options, version: t.Optional[str], proc_root: str = "/proc"
) -> t.Optional[str]:
    """Ask the server for its health; None when it is well, else one clause that says what came instead.

    A server in a network of its own is asked from there, unless an address is given. A gevent process of its own is not
    asked.
    """
    if instance.mode == Mode.GEVENT:
        return None
    try:
        with network_of(proc_root, instance.master.pid) if check.address is None else contextlib.nullcontext():
            return _check(check, instance, options, version)
    except OSError as exc:
        return "its network cannot be entered (%s)" % (exc.strerror or exc)


def _check(check: HealthCheck, instance: Instance, options: Options, version: t.Optional[str]) -> t.Optional[str]:
    address, port = target(check, instance, options)
    if check.path:
        return _ask(check, address, port, check.path)
    if (major(version) or 15) < 15:
        return _ask(check, address, port, LOGIN_PATH)
    answer = _ask(check, address, port, HEALTH_PATH)
    if answer and version is None and " 404 " in answer:
        return _ask(check, address, port, LOGIN_PATH)
    return answer


def is_not_accepted(answer: t.Optional[str]) -> bool:
    """Return whether a healthy server gives an answer that its check does not accept; another path or host would help.

    :param answer: what :func:`check_health` returned.
    """
    return bool(_NOT_ACCEPTED.search(answer or ""))


def status_of(answer: str) -> t.Optional[int]:
    """Return the HTTP status of an answer that is not healthy; None if the server did not answer.

    :param answer: what :func:`check_health` returned.
    """
    found = _STATUS.search(answer)
    return int(found.group(1)) if found else None


def paths_of(check: HealthCheck) -> t.Tuple[str, ...]:
    """Return the paths that a health check may ask for."""
    return (check.path,) if check.path else (HEALTH_PATH, LOGIN_PATH)


def target(check: HealthCheck, instance: Instance, options: Options) -> t.Tuple[str, int]:
    """Address and port to ask: as told, else where the master listens, else where it is configured to."""
    heard = {port: address for address, port in instance.listening or ()}
    configured = (plain_address(options.http_interface) or "", options.http_port)
    if configured in (instance.listening or ()):
        heard[configured[1]] = configured[0]
    port = check.port or (options.http_port if options.http_port in heard or not heard else min(heard))
    address = check.address or heard.get(port) or options.http_interface or "127.0.0.1"
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
    return everywhere.get(address, address), port


def _ask(check: HealthCheck, address: str, port: int, path: str) -> t.Optional[str]:
    url = "http://%s:%d%s" % (address, port, path)
    connection = http.client.HTTPConnection(address, port, timeout=check.timeout)
    late = time.monotonic() + check.timeout
    try:
        connection.connect()
        # The timeout of a socket begins again with every byte: a server that drips its answer would never meet it.
        with _ended(connection.sock, late):
            connection.request(
                "GET", path, headers={"Host": check.host, "User-Agent": "fleetops.odoo", "Connection": "close"}
            )
            response = connection.getresponse()
            status, place = response.status, urllib.parse.urlsplit(response.headers.get("Location", "")).path
    # A ValueError: a path or header that is not ASCII, or an invalid name (http_interface is a text of odoo.conf).
    except (OSError, http.client.HTTPException, ValueError) as exc:
        if time.monotonic() >= late:
            # The end may come from here, and must not read as if the server had closed the connection.
            return "%s does not answer (timed out after %g s)" % (url, check.timeout)
        return "%s does not answer (%s)" % (url, str(exc) or type(exc).__name__)
    finally:
        connection.close()
    if time.monotonic() > late:
        return "%s does not answer (its answer was not complete after %g s)" % (url, check.timeout)
    chooses = status in (302, 303) and path == LOGIN_PATH != check.path and place.startswith(_CHOICE_OF_DATABASES)
    if status not in check.status and not chooses:
        return "%s answers %d instead of %s" % (url, status, " or ".join(map(str, check.status)))
    return None


@contextlib.contextmanager
def _ended(sock: socket.socket, late: float) -> t.Iterator[None]:
    """End a connection at this time of the monotonic clock, also while it is read."""

    def end() -> None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, late - time.monotonic()), end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
