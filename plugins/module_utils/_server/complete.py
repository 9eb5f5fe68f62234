# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The conditions of a complete server, for the waiter. Pure functions of looks."""

from __future__ import annotations

import typing as t

from .._facts.differences import Need, compare
from .._messages import timeout
from .._messages.code import Problem
from .._processes.classify import Child, Generation, Instance, Mode, Role, State
from .._processes.options import Options


def missing(instance: Instance, options: Options, scaled: t.Optional[int] = None) -> t.Optional[Problem]:
    """Return what is missing of a complete server; None if it has all its processes and runs as configured.

    A prefork server is complete when the configured number of http and cron workers and the gevent process are there,
    all of the current generation and with their handlers, and nothing of an older one is left.

    :param scaled: number of http workers that signals have set since its last exec; fewer are enough then.
    """
    if instance.mode == Mode.GEVENT:
        return _lacking_alone(instance, options)
    return _lacking_server(instance, options, scaled)


def missing_as_loaded(instance: Instance) -> t.Optional[Problem]:
    """Return what is missing of a server as it was loaded, for any present configuration; None if nothing is.

    The number of its processes does not count then: one http worker is enough if the server listens.
    """
    if instance.mode == Mode.GEVENT:
        return None if instance.master.catches("QUIT") else timeout.HANDLERS()
    lacking = _lacking_begin(instance)
    serves = any(child.ready for child in instance.having(Role.HTTP, Generation.CURRENT))
    if lacking is None and instance.mode == Mode.PREFORK and instance.listening and not serves:
        lacking = timeout.PROCESSES(lacking=1, count=1, role=Role.HTTP)
    return lacking or _lacking_end(instance)


def _lacking_alone(instance: Instance, options: Options) -> t.Optional[Problem]:
    if not instance.master.catches("QUIT"):
        return timeout.HANDLERS()
    return timeout.GEVENT_LISTENING(port=options.gevent_port) if instance.listening == () else None


def _lacking_server(instance: Instance, options: Options, scaled: t.Optional[int]) -> t.Optional[Problem]:
    lacking = _lacking_begin(instance)
    if lacking:
        return lacking
    unapplied = [one.text for one in compare(instance, options, None) if one.needs != Need.NONE]
    if unapplied:
        return timeout.CONFIGURATION(differences="; ".join(unapplied))
    wants_prefork = options.workers != 0
    if wants_prefork != (instance.mode == Mode.PREFORK):
        return timeout.MODE(mode=Mode.PREFORK if wants_prefork else Mode.THREADED)
    if options.http_enable and instance.listening == ():
        return timeout.LISTENING()
    lacking = _lacking_process(instance, options, scaled) if wants_prefork else None
    return lacking or _lacking_end(instance)


def _lacking_begin(instance: Instance) -> t.Optional[Problem]:
    if not instance.master.catches("HUP"):
        return timeout.HANDLERS()
    if instance.having(Role.SHEPHERD):
        return timeout.OLD_MASTER()
    old = [c for c in instance.children if c.generation == Generation.OLD]
    return timeout.OLD_PROCESSES(count=len(old), processes=_processes(old)) if old else None


def _lacking_end(instance: Instance) -> t.Optional[Problem]:
    if instance.having(Role.UNKNOWN):
        return timeout.NEW_PROCESS()
    if instance.state != State.RUNNING:
        return timeout.RUNNING(state=instance.state)
    return None


def _lacking_process(instance: Instance, options: Options, scaled: t.Optional[int]) -> t.Optional[Problem]:
    wanted = [(Role.CRON, options.max_cron_threads)]
    if options.http_enable:
        http = options.workers if scaled is None else min(options.workers, scaled)
        wanted += [(Role.HTTP, http), (Role.GEVENT, 1)]
    for role, count in wanted:
        ready = [child for child in instance.having(role, Generation.CURRENT) if child.ready]
        if len(ready) < count:
            return timeout.PROCESSES(lacking=count - len(ready), count=count, role=role)
    evented = instance.having(Role.GEVENT, Generation.CURRENT)
    if options.http_enable and not instance.evented and all(child.process.sockets is not None for child in evented):
        return timeout.GEVENT_LISTENING(port=options.gevent_port)
    return None


#: A gevent process that has ended so often is not about to come.
_ENDS_AGAIN = 2


def gevent_ends(instance: Instance, seen: t.Collection[str]) -> t.Optional[Problem]:
    """Return that the gevent process of a server ends again and again; None where it does not.

    :param seen: identities of its gevent processes since its last exec.
    """
    ended = set(seen) - {child.process.identity for child in instance.having(Role.GEVENT)}
    return timeout.GEVENT_ENDS(count=len(ended)) if len(ended) >= _ENDS_AGAIN else None


def reloaded(before: Instance, now: Instance) -> bool:
    """Return whether the master has executed itself again between two looks.

    If ASLR is off the fingerprint stays; then a master without handlers is the evidence, which lasts for most of a
    second at least.
    """
    return before.master.fingerprint != now.master.fingerprint or not now.master.catches("QUIT")


def _processes(children: t.Sequence[Child]) -> str:
    roles = sorted({c.role for c in children})
    return "%s process%s" % ("/".join(roles), "" if len(children) == 1 else "es")
