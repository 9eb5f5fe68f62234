# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Check whether a new server could listen on its configured ports, and read its options from Odoo's own parser.

The trial has tried to open each port as the user of the server. It cannot open the ports of the server itself, which
the server closes or passes on. A port of another process ends the new server (seen on Odoo 14.0 prefork and 19.0
threaded), or leaves it without HTTP.
"""

from __future__ import annotations

import errno
import json
import typing as t

from .._facts.ports import Ends, conflicts, holder_of, listeners
from .._messages import rehearsal as codes
from .._processes.classify import Instance, Mode
from .._processes.proc import Gone, Proc, TooLarge
from .._system.errors import Refused

#: Lets a process open ports below 1024.
_CAP_NET_BIND_SERVICE = 10


def check_places(proc: Proc, instance: Instance, answer: bytes) -> t.Dict[str, t.Any]:
    """Ask whether a new server could listen where it is configured to.

    :param answer: what the trial answered.
    :returns: options as Odoo's own parser has read them.
    :raises Refused: it could not.
    """
    configured, tried = parse_places(answer)
    if instance.mode == Mode.GEVENT:
        tried = [place for place in tried if place[0] != "http_port"]
    ports = [port for option, _address, port, _number, _error in tried if port]
    if len(ports) != len(set(ports)):
        raise Refused(codes.SAME_PORT(port=ports[0]))
    ends: Ends = ()
    own: t.Optional[t.Set[int]] = None
    for option, address, port, number, error in tried:
        if number == errno.EADDRINUSE:
            if own is None:
                # In this order: a child that begins between the two looks is not taken for another program.
                ends, own = listeners(proc, instance.master.pid), _own(proc, instance)
            taken = conflicts(address, port, ends, own)
            if taken:
                holder = holder_of(proc, {inode for inode, _address, _port in taken})
                raise Refused(codes.PORT_TAKEN(option=option, port=port, address=taken[0][1], holder=holder))
            if not any(there == port and inode in own for inode, _address, there in ends):
                raise Refused(codes.CANNOT_LISTEN(option=option, address=address, port=port, error=error))
        elif number and not _may_be_allowed(instance, port, number):
            raise Refused(codes.CANNOT_LISTEN(option=option, address=address, port=port, error=error))
    return configured


def parse_places(answer: bytes) -> t.Tuple[t.Dict[str, t.Any], t.List[t.Tuple[str, str, int, int, str]]]:
    """Return the options that the trial told, and option, address, port, errno and error of each place. Pure.

    What is not of that form is left out: the server's own code may have written the answer.
    """
    try:
        told = json.loads(answer.decode("utf-8", "replace"))
        configured = {name: kind(told["configured"][name]) for name, kind in _KINDS if name in told["configured"]}
        places = [
            (str(option), str(address), int(port), int(number), str(error))
            for option, address, port, number, error in told.get("places") or ()
        ]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}, []
    for option, address, _port, number, _error in places:
        if option == "http_port" and not number:
            # Where a name leads only the server's own host knows.
            configured["http_interface"] = address
    return configured, places


_KINDS: t.Tuple[t.Tuple[str, t.Callable[[t.Any], t.Any]], ...] = (
    ("http_enable", bool),
    ("http_interface", str),
    ("http_port", int),
    ("gevent_port", int),
    ("workers", int),
    ("max_cron_threads", int),
    ("limit_memory_hard", int),
)


def _may_be_allowed(instance: Instance, port: int, number: int) -> bool:
    """Return whether the server has a right that the trial does not have, or already has the place."""
    if number != errno.EACCES:
        return False
    held = any(port == there for _address, there in instance.ports)
    return held or bool(instance.master.capabilities >> _CAP_NET_BIND_SERVICE & 1)


def _own(proc: Proc, instance: Instance) -> t.Set[int]:
    """Return the sockets of the server: those that were seen, and those that its present children have.

    A gevent process that has begun after the look would be taken for another program (seen on Odoo 19.0, just after a
    start).
    """
    own = {inode for process, _role in instance.everybody for inode in process.sockets or ()}
    for pid in (instance.master.pid, *proc.children(instance.master.pid)):
        try:
            own |= proc.sockets(pid)
        except (Gone, TooLarge, OSError):
            continue
    return own
