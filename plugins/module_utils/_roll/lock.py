# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The lock of a host: a roll takes it on every host that it is going to touch, and a drain keeps it until the way back.

Two rolls meet where they share a host, and there is no other place that both of them can see: controllers differ, and
an execution environment is gone after its job. A roll that lives renews its locks, so a lock that has expired belongs
to a roll that has ended. A reboot ends a lock, and its age is told by the clock that counts since boot, which cannot be
set.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t
from dataclasses import dataclass

from .._messages import roll
from .._system.clock import boot_id, uptime
from .._system.errors import Failure
from .._system.state_dir import StateDirectory

_NAME, _GUARD = "roll.json", "roll.guard"

#: Seconds for which a lock holds that stays only because of its content.
EXPIRES = 0.001

ROLL, DRAIN, OTHER = "roll", "drain", "other"
KINDS = (ROLL, DRAIN, OTHER)
_HELD = {ROLL: roll.LOCKED, DRAIN: roll.DRAINED, OTHER: roll.RESERVED}


@dataclass(frozen=True)
class RollLock:
    """``taken`` in seconds since boot, ``ttl`` in seconds. ``holder`` tells the controller's process from others.

    ``out``: the roll has taken the host out of its balancer; None leaves it at what was known. ``boot``: the id of the
    boot that ``taken`` counts from. ``instances``: those of its instances that the roll has taken out one by one.
    """

    id: str
    owner: str
    reason: str
    holder: str
    taken: float
    ttl: float
    out: t.Optional[bool] = False
    workflow: str = ""
    boot: str = ""
    #: What holds the lock: one of KINDS.
    kind: str = ROLL
    instances: t.Tuple[str, ...] = ()

    def expired(self, now: float) -> bool:
        """Return whether the lock has expired: its time has passed, or the host has booted since."""
        return self.boot != boot_id() or now - self.taken > self.ttl

    def told(self, now: float, instance: str = "") -> t.Dict[str, t.Any]:
        """Return the lock as the module returns it; with an instance, ``out`` is about this instance."""
        age = max(0.0, now - self.taken)
        return {
            "id": self.id,
            "owner": self.owner,
            "reason": self.reason,
            "holder": self.holder,
            "age": round(age, 1),
            "ttl": self.ttl,
            "expired": self.expired(now),
            "out": bool(self.out or (instance in self.instances if instance else self.instances)),
            "instances": list(self.instances),
            "workflow": self.workflow,
            "kind": self.kind,
        }


class Held(Failure):
    """Another roll has the lock; ``lock`` says which."""

    def __init__(self, lock: RollLock, now: float) -> None:
        super().__init__(
            _HELD[lock.kind](
                id=lock.id,
                owner=lock.owner,
                reason=" (%s)" % lock.reason if lock.reason else "",
                age=_span(now - lock.taken),
                left=_span(lock.taken + lock.ttl - now),
                out=_told_out(lock),
            )
        )
        self.lock = lock


def _told_out(lock: RollLock) -> str:
    if lock.instances and not lock.out:
        return ". These instances are out of their load balancer: %s" % ", ".join(lock.instances)
    return ". The host is out of its load balancer" if lock.out else ""


def _span(seconds: float) -> str:
    """Return a time as people say it: seconds below two minutes, else minutes, hours or days."""
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return "%d %s" % (seconds / size, unit)
    return "%d s" % max(0.0, seconds)


@dataclass(frozen=True)
class TakeOver:
    """Locks of others that may be taken over, although they have not expired.

    ``ids`` are ids of locks or of workflows; ``*`` stands for every roll. ``kinds``: only locks of these kinds.
    """

    ids: t.Tuple[str, ...] = ()
    kinds: t.Tuple[str, ...] = KINDS

    def allows(self, lock: RollLock) -> bool:
        """Return whether this lock may be taken over. ``*`` never means a drain: its servers are down on purpose."""
        named = lock.id in self.ids or lock.workflow in self.ids or ("*" in self.ids and lock.kind == ROLL)
        return named and lock.kind in self.kinds


def may_have(found: t.Optional[RollLock], wanted_id: str, take_over: TakeOver, now: float) -> bool:
    """Return whether a lock that was found may be replaced: there is none, it is ours, expired or given up. Pure."""
    return found is None or found.id == wanted_id or found.expired(now) or take_over.allows(found)


def place(store: StateDirectory) -> str:
    """Return a text that only this host has, with any name; containers of one machine differ, too.

    Two names with one place share a lock, processes and ports.

    :raises OSError: the directory that holds the store is not there.
    """
    status = os.stat(os.path.dirname(store.path))
    return "%s %d:%d" % (boot_id(), status.st_dev, status.st_ino)


def take(
    store: StateDirectory, wanted: RollLock, take_over: TakeOver, *, check_mode: bool, instance: str = ""
) -> t.Tuple[bool, t.Optional[RollLock]]:
    """Take the lock, or renew it.

    :param instance: ``wanted.out`` is about this instance of the host, not about the host.
    :returns: whether that changes anything, and the lock that was there before.
    :raises Held: another owner has it.
    :raises OSError: it cannot be written.
    """
    with _claimed(store, wanted.id, take_over, wanted.taken, check_mode=check_mode) as found:
        # A roll that takes over the lock of a dead roll must keep what is out until it is back.
        out, instances = (bool(found.out), found.instances) if found else (False, ())
        if instance and wanted.out is not None:
            instances = tuple(one for one in instances if one != instance) + ((instance,) if wanted.out else ())
        elif wanted.out is not None:
            out = wanted.out
        wanted = dataclasses.replace(wanted, out=out, instances=instances)
        if not check_mode:
            # Every user may read it, and other rolls must.
            store.write(_NAME, dataclasses.asdict(wanted), mode=0o644)
    return found is None or found.id != wanted.id, found


def give_back(
    store: StateDirectory, wanted_id: str, take_over: TakeOver, *, check_mode: bool, instance: str = ""
) -> t.Tuple[bool, t.Optional[RollLock]]:
    """Remove the lock.

    :param instance: the lock is removed for this instance of the host. If others, or the host, are out of their
        balancer, an expired lock stays, which tells the next roll that.
    :returns: whether that changes anything, and the lock that was there before.
    :raises Held: another owner has it.
    :raises OSError: it cannot be removed.
    """
    with _claimed(store, wanted_id, take_over, uptime(), check_mode=check_mode) as found:
        others = tuple(one for one in found.instances if one != instance) if found else ()
        if found and instance and (others or found.out) and others == found.instances and found.ttl <= EXPIRES:
            # It stays only for what it tells, and it says nothing of this instance.
            return False, found
        if found is not None and not check_mode:
            if instance and (others or found.out):
                stays = dataclasses.replace(found, instances=others, taken=uptime(), ttl=EXPIRES)
                store.write(_NAME, dataclasses.asdict(stays), mode=0o644)
            else:
                os.unlink(os.path.join(store.path, _NAME))
    return found is not None, found


@contextlib.contextmanager
def _claimed(
    store: StateDirectory, wanted_id: str, take_over: TakeOver, now: float, *, check_mode: bool
) -> t.Iterator[t.Optional[RollLock]]:
    """Yield the present lock, which no other process changes while the block runs, and which we may take.

    :raises Held: we must not take it.
    """
    descriptor = -1
    if not check_mode:
        store.open()
        descriptor = store.lock(_GUARD, wait=True)
    try:
        found = read(store)
        for lock in [found, *map(read, heeded())]:
            if lock is not None and not may_have(lock, wanted_id, take_over, now):
                raise Held(lock, now)
        yield found
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def heeded() -> t.List[StateDirectory]:
    """Return the other places of locks to respect: root's. Root respects no other, because any user can write one."""
    return [] if os.geteuid() == 0 else [StateDirectory.of_root()]


def read(store: StateDirectory) -> t.Optional[RollLock]:
    """Return the lock of this host; None without a readable lock."""
    try:
        found = store.read(_NAME)
        return RollLock(
            str(found["id"]),
            str(found["owner"]),
            str(found["reason"]),
            str(found["holder"]),
            float(found["taken"]),
            float(found["ttl"]),
            bool(found["out"]),
            str(found.get("workflow", "")),
            str(found.get("boot", "")),
            found["kind"] if found.get("kind") in KINDS else ROLL,
            tuple(map(str, found.get("instances", ()))),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
