# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""decide: from what a look saw and what is wished to act, nothing, wait or refuse, each with its reason. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._facts.differences import Difference, Need
from .._facts.loaded import Loaded
from .._facts.staleness import Staleness
from .._processes.classify import Instance, State
from .._system.word import Word


class Act(Word):
    """The result of a decision."""

    ACT = "act"
    NOTHING = "nothing"
    WAIT = "wait"
    REFUSE = "refuse"


class Policy(Word):
    """The policy of a reload: always, if loaded before a time, or if files have changed."""

    ALWAYS = "always"
    SINCE = "since"
    STALE = "stale"


class Method(Word):
    """The method of a reload: a HUP, the supervisor, or the one of them that works."""

    HUP = "hup"
    SUPERVISOR = "supervisor"
    AUTO = "auto"


@dataclass(frozen=True)
class Decision:
    """``kind`` is act, nothing, wait or refuse; ``reason`` is a clause. ``load``: what we wait for is a new load.

    ``restart``: a HUP would not be enough.
    """

    kind: Act
    reason: str
    load: bool = False
    restart: bool = False


@dataclass(frozen=True)
class ReloadWish:
    """``since`` is in seconds since the epoch, with the policy ``since`` only."""

    policy: Policy
    since: t.Optional[float] = None
    method: Method = Method.HUP


def decide_reload(
    instance: Instance,
    load: Loaded,
    staleness: t.Optional[Staleness],
    wish: ReloadWish,
    waited_for: t.Optional[str],
    time_text: t.Callable[[float], str],
    differences: t.Sequence[Difference] = (),
) -> Decision:
    """Decide whether a server needs a HUP or a restart now.

    :param staleness: needed for the policy ``stale``, and for every policy but ``since`` after a wait.
    :param waited_for: what this call has already waited for: a start or a reload in progress.
    :param time_text: turns seconds since the epoch into text for the reason.
    :param differences: how it differs from its configuration.
    """
    unapplied = "; ".join(one.text for one in differences if one.needs != Need.NONE)
    if instance.state != State.RUNNING:
        return Decision(Act.WAIT, "the server was %s" % instance.state, load=True)
    if any(child.starting for child in instance.children):
        return Decision(Act.WAIT, "the server was starting a process")
    if wish.policy == Policy.SINCE and wish.since is not None:
        if load.not_before >= wish.since and unapplied:
            return Decision(Act.ACT, unapplied)
        if load.not_before >= wish.since:
            return Decision(
                Act.NOTHING,
                "the server loaded its code at %s or later, which is not before %s"
                % (time_text(load.not_before), time_text(wish.since)),
            )
        return Decision(
            Act.ACT,
            "the server may have loaded its code at %s, which is before %s"
            % (time_text(load.not_before), time_text(wish.since)),
        )
    if wish.policy == Policy.STALE and staleness is not None:
        return _decide_stale(load, staleness, wish.method, time_text)
    if waited_for and not unapplied:
        return _decide_after_wait(waited_for, staleness or Staleness(), wish.method)
    return Decision(Act.ACT, "a reload was requested")


def _decide_after_wait(waited_for: str, staleness: Staleness, method: Method) -> Decision:
    """Count the load of another call or program as the reload, unless something has changed since that began."""
    reason = "%s when this call began, and that was successful" % waited_for
    if not staleness.stale:
        return Decision(Act.NOTHING, reason)
    restart = staleness.needs == Need.RESTART and method != Method.HUP
    if restart or staleness.hup_helps:
        return Decision(Act.ACT, "%s, but %s" % (reason, _changes(staleness)), restart=restart)
    return Decision(Act.NOTHING, "%s; a HUP does not apply this: %s" % (reason, "; ".join(staleness.reasons)))


def _changes(staleness: Staleness) -> str:
    """Return why a server is stale, with the first of its changed files."""
    more = staleness.count - len(staleness.files[:3])
    names = ", ".join(staleness.files[:3]) + (" and %d more" % more if more > 0 else "")
    reason = "; ".join(staleness.reasons)
    return "%s: %s" % (reason, names) if names else reason


def _decide_stale(load: Loaded, staleness: Staleness, method: Method, time_text: t.Callable[[float], str]) -> Decision:
    if not staleness.stale:
        return Decision(Act.NOTHING, "nothing has changed since it loaded its code at %s" % time_text(load.not_before))
    if staleness.needs == Need.RESTART:
        reason = "; ".join(staleness.reasons)
        if method != Method.HUP:
            return Decision(Act.ACT, reason, restart=True)
        return Decision(Act.REFUSE, reason)
    return Decision(Act.ACT, _changes(staleness))
