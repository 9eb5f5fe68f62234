# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Ask a supervisord by XML-RPC over its own socket, as supervisorctl does. Nothing of an installation is run for that.

The user of a supervisord chooses what it answers, so answers are bounded in bytes and in seconds.
"""

from __future__ import annotations

import base64
import configparser
import contextlib
import errno
import functools
import http.client
import io
import os
import re
import socket
import struct
import tempfile
import typing as t
import xmlrpc.client
from dataclasses import dataclass

from .._messages import supervisor as codes
from .._processes.process import socket_end
from .._processes.rights import as_user
from .._system.errors import Refused
from .._system.files import read_regular
from .._system.programs import start
from .._system.redact import redact_text
from .._system.timeout import TooSlow, within

#: Bytes of an answer, and of a configuration. A supervisord with a thousand programs answers with less.
_MOST = 4 << 20
_MOST_CONFIGURATION = 1 << 20
_UNIX = "unix://"
_TCP = re.compile(r"^http://([\d.]+):(\d+)$")
#: What holds a connection until the answer has come: it copies no more than _MOST bytes of it.
_READER = ("/usr/bin/head", "-c", str(_MOST))
#: Seconds that it may take to take a request.
_CONNECT = 10.0


@dataclass(frozen=True)
class Daemon:
    """A supervisord as it is asked: the address of its socket, its rights, and the file that may have its password."""

    address: str
    uid: int
    gid: int
    groups: t.Tuple[int, ...] = ()
    config: t.Optional[str] = None


class Fault(Exception):
    """A supervisord refuses a request. ``code`` is its own number."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code = code


def ask(daemon: Daemon, method: str, *params: t.Any, seconds: float = 10.0) -> t.Any:
    """Call one method of a supervisord and return what it returns.

    :param seconds: how long it may take.
    :raises Refused: it cannot be asked, or does not answer in time.
    :raises Fault: it says no.
    """
    body = xmlrpc.client.dumps(params, method)
    try:
        return _results(within(seconds, functools.partial(_post, daemon, body, seconds)))[0]
    except _Unauthorized:
        raise Refused(codes.SUPERVISORD_PASSWORD(address=daemon.address, path=daemon.config)) from None
    except (OSError, http.client.HTTPException, TooSlow, ValueError) as exc:
        raise Refused(codes.SUPERVISORD_SILENT(address=daemon.address, error=_words(exc))) from exc


class Errand:
    """Calls that a supervisord makes one after the other, also when we have ended."""

    def __init__(self, daemon: Daemon, calls: t.Sequence[t.Tuple[str, t.Sequence[t.Any]]]) -> None:
        """Hand the calls over.

        :param calls: methods and their parameters.
        :raises Refused: it cannot be asked.
        """
        batch = [{"methodName": name, "params": list(params)} for name, params in calls]
        request = _request(daemon, xmlrpc.client.dumps((batch,), "system.multicall"))
        self._said: t.IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # until close()
        try:
            with contextlib.closing(_connect(daemon, _CONNECT)) as connection:
                connection.sendall(request)
                connection.settimeout(None)
                # supervisord gives up the calls of a connection that is closed, so a program that outlives us has it.
                self.reader = start(_READER, stdin=connection.fileno(), stdout=self._said)
        except OSError as exc:
            self._said.close()
            raise Refused(codes.SUPERVISORD_SILENT(address=daemon.address, error=_words(exc))) from exc

    def faults(self) -> t.Optional[t.List[str]]:
        """Return what supervisord says against the calls; None until it has made all of them."""
        if self.reader.poll() is None:
            return None
        try:
            results = _results(os.pread(self._said.fileno(), _MOST, 0))
            return [redact_text(str(one["faultString"])) for one in results[0] if isinstance(one, dict)]
        except (Fault, http.client.HTTPException, ValueError, KeyError, TypeError) as exc:
            return [redact_text(_words(exc))]

    def close(self) -> None:
        """Take no more notice of the answer; supervisord goes on."""
        self._said.close()


def _post(daemon: Daemon, body: str, seconds: float) -> bytes:
    with contextlib.closing(_connect(daemon, seconds)) as connection:
        connection.sendall(_request(daemon, body))
        answer = b""
        while len(answer) <= _MOST:
            part = connection.recv(1 << 16)
            if not part:
                return answer
            answer += part
    raise ValueError("more than %d bytes" % _MOST)


def _request(daemon: Daemon, body: str) -> bytes:
    # With HTTP/1.0 the end of the answer is the end of the connection.
    lines = ["POST /RPC2 HTTP/1.0", "Content-Type: text/xml", "Content-Length: %d" % len(body.encode())]
    credentials = _credentials(daemon)
    if credentials:
        words = base64.b64encode(("%s:%s" % credentials).encode()).decode("ascii")
        lines.append("Authorization: Basic " + words)
    return "\r\n".join([*lines, "", body]).encode()


class _Answer:
    """Bytes that were received, in the place of the socket that they came from."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, *_arguments: t.Any) -> t.IO[bytes]:
        """Return them as a file."""
        return io.BytesIO(self._content)


def _results(answer: bytes) -> t.Any:
    """Return the results in an answer to a call.

    :raises Fault: supervisord refuses.
    :raises ValueError, http.client.HTTPException: it is not an answer.
    """
    response = http.client.HTTPResponse(t.cast(t.Any, _Answer(answer)))
    response.begin()
    if response.status == http.client.UNAUTHORIZED:
        raise _Unauthorized
    if response.status != http.client.OK:
        raise ValueError("HTTP status %d" % response.status)
    text = response.read().decode("utf-8")
    if "<!" in text:  # XML-RPC has no declarations, and those of entities can grow without bounds
        raise ValueError("not XML-RPC")
    try:
        return xmlrpc.client.loads(text)[0]
    except xmlrpc.client.Fault as exc:
        raise Fault(int(exc.faultCode), str(exc.faultString)) from exc
    except Exception as exc:  # the parser raises errors of many kinds
        raise ValueError("not XML-RPC") from exc


class _Unauthorized(ValueError):
    """The supervisord wants a user name and a password, or others."""


def _connect(daemon: Daemon, seconds: float) -> socket.socket:
    """Connect to a supervisord, and to nothing that another user has put in its place.

    :raises OSError: that does not work.
    """
    tcp = _TCP.match(daemon.address)
    connection = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect((tcp.group(1), int(tcp.group(2))) if tcp else daemon.address[len(_UNIX) :])
        _check_owner(daemon, _owner_of_port(int(tcp.group(2))) if tcp else _owner_of_peer(connection))
    except BaseException:
        connection.close()
        raise
    return connection


def _check_owner(daemon: Daemon, owner: t.Optional[int]) -> None:
    if owner != daemon.uid:
        raise PermissionError(errno.EPERM, "its socket belongs to user %s and not to user %d" % (owner, daemon.uid))


def _owner_of_peer(connection: socket.socket) -> int:
    _pid, uid, _gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(uid)


def _owner_of_port(port: int) -> t.Optional[int]:
    with open("/proc/self/net/tcp") as file:
        rows = [line.split() for line in file]
    return next((int(row[7]) for row in rows if row[3] == "0A" and socket_end(row[1])[1] == port), None)


def _credentials(daemon: Daemon) -> t.Optional[t.Tuple[str, str]]:
    """Return user name and password that a supervisord wants, out of its configuration; None where none are found."""
    try:
        with as_user(daemon.uid, daemon.gid, daemon.groups):
            text = read_regular(daemon.config or "", _MOST_CONFIGURATION).decode("utf-8")
        return credentials_in(text, "inet" if _TCP.match(daemon.address) else "unix")
    except (OSError, ValueError, configparser.Error):
        return None


def credentials_in(text: str, family: str) -> t.Optional[t.Tuple[str, str]]:
    """Return user name and password in the configuration of a supervisord; None without them. Pure.

    :param family: of its socket, unix or inet.
    :raises configparser.Error: it is not a configuration.
    """
    parser = configparser.RawConfigParser(strict=False, inline_comment_prefixes=(";", "#"))
    parser.read_string(text)
    for section in (family + "_http_server", "supervisorctl"):
        name, password = (parser.get(section, key, fallback="") for key in ("username", "password"))
        # The server may have the hash of the password alone; supervisorctl needs the password itself.
        if name and password and not password.startswith("{SHA}"):
            return name.replace("%%", "%"), password.replace("%%", "%")
    return None


def _words(exc: BaseException) -> str:
    return getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
