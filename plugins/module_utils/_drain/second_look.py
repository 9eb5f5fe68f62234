# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The second look after the end of a server: whether another one has taken its place.

It finds what any supervisor does, also one that the collection does not know (runit, s6, monit, pm2, a shell loop).
"""

from __future__ import annotations

import typing as t

from .._messages import failed
from .._messages.code import Problem
from .._processes.classify import Instance
from .._processes.container import is_named_by_root
from .._processes.look import Look
from .._processes.proc import Gone, Proc
from .._supervisors.ancestors import Ancestor, ancestors
from .notes import key_in


class SecondLook:
    """The properties of a running server by which a server in its place is recognised.

    :param seen: a look at all servers of the host.
    """

    def __init__(self, proc: Proc, seen: Look, instance: Instance) -> None:
        self._proc, self._instance = proc, instance
        self._known = frozenset(one.identity for one in seen.instances)
        self._key = key_in(seen, instance)
        self._options = seen.options[instance.identity]
        self._network = _network(proc, instance)
        self._above = ancestors(proc, instance.master.pid)
        others = [one for one in seen.instances if one.identity != instance.identity]
        # What it shares with another server tells nothing.
        self._has_own_file = all(seen.options[one.identity].config_file != self._options.config_file for one in others)
        self._has_own_argv = all(one.master.argv != instance.master.argv for one in others)
        self._has_own_parent = all(one.master.ppid != instance.master.ppid for one in others)

    def successor(self, now: Look) -> t.Optional[t.Tuple[Instance, Problem]]:
        """Return the server in its place and the failure; None while there is no such server."""
        for one in now.instances:
            shared = [] if one.identity in self._known or not self._may_replace(one) else self._shared(now, one)
            if shared:
                above = ancestors(self._proc, one.master.pid)
                parent = self._restarter(above) or (str(above[0]) if above else "the init process (pid 1)")
                what = ", ".join(shared)
                return one, failed.PLACE_TAKEN(pid=one.master.pid, parent=parent, what=what)
        return None

    def _may_replace(self, one: Instance) -> bool:
        """Return whether a server is of the user of the ended one. A new container may have another user.

        Any user can start a process with the arguments of the ended server.
        """
        return one.master.uid == self._instance.master.uid or is_named_by_root(one.master)

    def _shared(self, now: Look, one: Instance) -> t.List[str]:
        """Return what a server shares with the one that has ended, as noun phrases."""
        options = now.options[one.identity]
        here = _network(self._proc, one) == self._network
        config_file = self._options.config_file
        found: t.List[str] = []
        if here and options.http_enable and self._options.http_enable and options.http_port == self._options.http_port:
            found.append("port %d" % options.http_port)
        if here and config_file and options.config_file == config_file and self._has_own_file:
            found.append("configuration %s" % config_file)
        if self._above and one.master.ppid == self._above[0].pid and self._has_own_parent:
            found.append("parent")
        if not found and key_in(now, one) == self._key:
            found.append("supervisor")
        # A new container has a network of its own.
        if not found and not here and self._has_own_argv and one.master.argv == self._instance.master.argv:
            found.append("command")
        return found

    def _restarter(self, above: t.Sequence[Ancestor]) -> t.Optional[str]:
        """Return the nearest process that is above both servers."""
        before = {(one.pid, one.start) for one in self._above}
        return next((str(one) for one in above if (one.pid, one.start) in before), None)


def _network(proc: Proc, instance: Instance) -> t.Optional[str]:
    try:
        return proc.link(instance.master.pid, "ns/net")
    except (Gone, PermissionError):
        return None
