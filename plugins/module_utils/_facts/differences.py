# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Compare a running server with its configuration, and say whether a HUP would change it. Pure.

A HUP makes Odoo execute itself again and read its configuration again, so it applies every option but those below.
Odoo 19 in prefork mode passes its listening socket to the next generation and opens no new one.
"""

from __future__ import annotations

import ipaddress
import socket
import types
import typing as t
from dataclasses import dataclass

from .._messages import refused
from .._messages.code import Problem
from .._processes.classify import Generation, Instance, Mode, Role, State
from .._processes.options import Options
from .._processes.release import major
from .._system.word import Word

Value = t.Union[str, int, bool]
#: Address and port.
Place = t.Tuple[str, int]


class Hup(Word):
    """The effect of a HUP on an option that has changed."""

    APPLIES = "applies"
    IGNORES = "ignores"
    ENDS = "ends"


class Need(Word):
    """The operation after which a server runs with its configuration and the code on the disk, the least first."""

    NONE = "none"
    RELOAD = "reload"
    RESTART = "restart"


#: From this version on a prefork master hands its listening socket over.
HANDS_OVER = 19
#: What a HUP does about a change, seen on Odoo 14.0, 16.0, 18.0 and 19.0 by tests/integration/test_hup_effects.py:
#: first where the socket is handed over, then on every other server. A HUP applies what is not in this table.
ANSWERS: t.Mapping[str, t.Tuple[Hup, Hup]] = types.MappingProxyType(
    {
        "http_port": (Hup.IGNORES, Hup.APPLIES),
        "http_interface": (Hup.IGNORES, Hup.APPLIES),
        # The port stays open, and nothing answers there.
        "http_enable to False": (Hup.IGNORES, Hup.APPLIES),
        # There is no socket that could be handed over.
        "http_enable to True": (Hup.ENDS, Hup.APPLIES),
        # The threaded server opens its port, which the old generation still holds.
        "workers to 0": (Hup.ENDS, Hup.APPLIES),
        # Odoo sets no limit then, and the one that it had set before outlives the exec.
        "limit_memory_hard to 0": (Hup.IGNORES, Hup.IGNORES),
    }
)


@dataclass(frozen=True)
class Difference:
    """An option that a server runs with and that is configured otherwise.

    :ivar hup: what a HUP would do about it.
    :ivar wanted: False where the server was made to differ, or differs for a moment, and nothing has to be done.
    """

    option: str
    running: Value
    configured: Value
    hup: Hup = Hup.APPLIES
    wanted: bool = True

    @property
    def needs(self) -> Need:
        """Return the operation that applies it."""
        if not self.wanted:
            return Need.NONE
        return Need.RELOAD if self.hup == Hup.APPLIES else Need.RESTART

    @property
    def text(self) -> str:
        """The difference as a clause."""
        return "%s: the server runs with %s, and %s is configured" % (self.option, self.running, self.configured)

    def told(self) -> t.Dict[str, t.Any]:
        """Return it as modules do."""
        return {
            "option": self.option,
            "running": self.running,
            "configured": self.configured,
            "needs": str(self.needs),
            "hup": str(self.hup),
        }


def compare(
    instance: Instance,
    options: Options,
    version: t.Optional[str],
    *,
    scaled: t.Optional[int] = None,
    stale: bool = False,
    limit: t.Optional[int] = None,
) -> t.Tuple[Difference, ...]:
    """Return the differences between a running server and its configuration; empty if they are not visible.

    :param version: of its Odoo; None counts as one of which a HUP does the least.
    :param scaled: number of http workers that signals have set since its last exec.
    :param stale: its configuration has changed since it was loaded, so that another number of workers is the old one.
    :param limit: bytes of address space, where Odoo has limited the master itself.
    """
    if instance.state != State.RUNNING or instance.mode in (None, Mode.GEVENT) or options.config_error:
        return ()
    keeps = hands_over(instance, version)
    found: t.List[Difference] = []

    def differ(option: str, running: Value, configured: Value, change: str = "", *, wanted: bool = True) -> None:
        both = ANSWERS.get(change or option, (Hup.APPLIES, Hup.APPLIES))
        found.append(Difference(option, running, configured, both[0] if keeps else both[1], wanted))

    prefork = instance.mode == Mode.PREFORK
    workers = len(instance.having(Role.HTTP, Generation.CURRENT))
    if prefork != (options.workers != 0):
        differ("workers", workers if prefork else 0, options.workers, "workers to 0" if prefork else "")
    serves = serves_http(instance, options)
    if serves is not None and serves != options.http_enable:
        differ("http_enable", serves, options.http_enable, "http_enable to %s" % options.http_enable)
    if serves and options.http_enable:
        for option, (running, configured) in _places(instance, options).items():
            differ(option, running, configured)
        if prefork and options.workers != 0 and workers != max(options.workers, 0):
            differ("workers", workers, options.workers, wanted=stale and workers != scaled)
    crons = len(instance.having(Role.CRON, Generation.CURRENT))
    if prefork and options.workers != 0 and crons != options.max_cron_threads:
        differ("max_cron_threads", crons, options.max_cron_threads, wanted=stale)
    if limit is not None and not options.limit_memory_hard:
        differ("limit_memory_hard", limit, 0, "limit_memory_hard to 0")
    return tuple(found)


def _places(instance: Instance, options: Options) -> t.Dict[str, t.Tuple[Value, Value]]:
    """Return what is different about the places where the master and gevent listen, by option: running, configured."""
    found: t.Dict[str, t.Tuple[Value, Value]] = {}
    address = plain_address(options.http_interface)
    # Where a unit of systemd has opened the socket, the unit says where. Gevent listens a moment after its start.
    places = [("http_port", options.http_port, () if instance.activated else instance.listening or ())]
    places.append(("gevent_port", options.gevent_port, instance.evented))
    for option, port, listening in places:
        # With port 0 the kernel chooses one.
        if not listening or port == 0 or (address, port) in listening:
            continue
        heard = [place for place in listening if place[1] == port]
        if not heard:
            heard = [place for place in listening if place[0] == address] or list(listening)
            found[option] = heard[0][1], port
        if address not in (None, heard[0][0]):
            found.setdefault("http_interface", (heard[0][0], address))
    return found


def serves_http(instance: Instance, options: Options) -> t.Optional[bool]:
    """Return whether a server was started with HTTP; None if its sockets are not visible.

    An addon may listen in the master too, so an open port alone does not prove it.
    """
    if instance.mode == Mode.PREFORK and (instance.having(Role.HTTP) or instance.having(Role.GEVENT)):
        return True
    if instance.listening is None:
        return None
    if options.http_enable:
        return bool(instance.listening)
    address = plain_address(options.http_interface)
    return any(port == options.http_port and address in (None, there) for there, port in instance.listening)


def hands_over(instance: Instance, version: t.Optional[str]) -> bool:
    """Return whether a HUP hands the listening socket of a server to its next generation."""
    return instance.mode == Mode.PREFORK and (major(version) or HANDS_OVER) >= HANDS_OVER


def hup_obstacle(instance: Instance, version: t.Optional[str]) -> t.Optional[Problem]:
    """Return why a HUP would end a server with every configuration; None if it would not."""
    if instance.mode == Mode.GEVENT:
        return refused.GEVENT_ALONE(deed="a HUP ends it")
    if not hands_over(instance, version) or instance.state != State.RUNNING or instance.listening is None:
        return None
    if instance.having(Role.HTTP) or instance.having(Role.GEVENT) or any(c.starting for c in instance.children):
        return None
    return refused.NO_SOCKET_TO_HAND_OVER()


def plain_address(interface: str) -> t.Optional[str]:
    """Return the address that an interface of odoo.conf means, as the kernel writes it; None for a name.

    >>> plain_address(""), plain_address("127.1"), plain_address("0:0:0:0:0:0:0:1"), plain_address("odoo.example.com")
    ('0.0.0.0', '127.0.0.1', '::1', None)
    """
    if interface in ("", "localhost"):
        return "127.0.0.1" if interface else "0.0.0.0"  # noqa: S104
    try:
        return str(ipaddress.ip_address(interface.partition("%")[0]))
    except ValueError:
        pass
    # Older ways to write an IPv4 address, which the C library takes as well.
    if interface.replace(".", "").isdigit():
        try:
            return socket.inet_ntoa(socket.inet_aton(interface))
        except OSError:
            pass
    return None
