# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Connect to the stats socket of HAProxy, which may be a file, an abstract name or a port."""

from __future__ import annotations

import re
import socket
import typing as t

#: Bytes of a name of a socket in Linux. HAProxy fills an abstract name up to them with NULs, unless it is ``abnsz``.
_LONGEST = 108
_FAMILY = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6, "tcp4": socket.AF_INET, "tcp6": socket.AF_INET6}
_PREFIX = re.compile(r"(unix|abnsz?|ipv[46]|tcp[46]?)@(.*)")
_PORT = re.compile(r"\[?(?P<host>[^/\]]*)\]?:(?P<port>\d{1,5})")

_Address = t.Union[str, bytes, t.Tuple[str, int]]


def address_of(name: str) -> t.Tuple[socket.AddressFamily, _Address]:
    """Return family and address of a socket.

    :param name: as ``stats socket`` in haproxy.cfg names it: a path, ``abns@name``, ``ipv4@127.0.0.1:9999``,
        ``127.0.0.1:9999`` or ``:9999``, which is a port of this host.
    """
    found = _PREFIX.fullmatch(name)
    kind, rest = found.groups() if found else ("", name)
    if kind.startswith("abns"):
        abstract = b"\0" + rest.encode()
        return socket.AF_UNIX, abstract if kind == "abnsz" else abstract.ljust(_LONGEST, b"\0")
    port = _PORT.fullmatch(rest)
    if kind == "unix" or port is None:
        return socket.AF_UNIX, rest
    family = _FAMILY.get(kind, socket.AF_INET6 if ":" in port["host"] else socket.AF_INET)
    host = port["host"]
    if host in ("", "*", "0.0.0.0", "::"):  # noqa: S104 - what it listens on, and not what is connected to
        host = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    return family, (host, int(port["port"]))


def connect(name: str, seconds: float) -> socket.socket:
    """Return a connection to a socket.

    :param name: as :func:`address_of` takes it.
    :param seconds: how long the connection, and each read and write, may take.
    :raises OSError: there is no connection.
    """
    family, address = address_of(name)
    connection = socket.socket(family)
    try:
        connection.settimeout(seconds)
        connection.connect(address)
    except BaseException:
        connection.close()
        raise
    return connection
