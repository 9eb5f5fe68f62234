# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Ask HAProxy's stats socket for its servers, and set their states."""

from __future__ import annotations

import contextlib
import csv
import typing as t
from dataclasses import dataclass

from .._messages import roll
from .._messages.code import Problem
from .._system.clock import Clock, Pending, Waiting, wait_until
from .._system.errors import Failure, StillWaiting
from .haproxy_sessions import SESSIONS, parse_ages
from .haproxy_socket import connect

#: Seconds to wait for HAProxy, which answers within milliseconds.
_PATIENCE = 10.0

STATES, STATISTICS = "show servers state", "show stat"

READY, DRAIN, MAINT = "ready", "drain", "maint"

#: Bits of srv_admin_state. CMAINT (0x04) and HMAINT (0x40) show the source of a state and are not states: a server that
#: the configuration disables keeps CMAINT when it is set ready (seen on HAProxy 2.6).
_FMAINT, _IMAINT, _RMAINT = 0x01, 0x02, 0x20
_FDRAIN, _IDRAIN = 0x08, 0x10

#: What stands in the column "type" of a server; others are frontends, backends and listeners.
_SERVER = "2"


#: Seconds between two questions to HAProxy, which answers within a millisecond. A host without a session must not wait
#: for the next question.
_BETWEEN = 0.1

#: Status of a server that gets requests. "UP 1/3" is on its way down.
_HEALTHY = frozenset(["UP", "no check"])

#: How many servers a message names.
_SHOWN = 12


class State(t.NamedTuple):
    """One line of ``show servers state``: srv_admin_state of a server, and its address, if it has one."""

    mask: int
    address: t.Optional[str]


class NoAnswer(Failure):
    """HAProxy cannot be asked."""


def server_states(path: str) -> t.List[t.Dict[str, t.Any]]:
    """Ask HAProxy for the servers of all its backends.

    :param path: its stats socket, as :func:`.haproxy_socket.address_of` takes it.
    :raises NoAnswer: the socket does not exist, must not be used, or another program answers.
    """
    statistics = _ask(path, STATISTICS)
    # A server that is created or deleted between the two commands is missing.
    return parse_statistics(statistics, parse_states(_ask(path, STATES), path), path)


Server = t.Dict[str, t.Any]


@dataclass(frozen=True)
class Wanted:
    """The wanted state of servers.

    :ivar hosts: names of the servers.
    :ivar backends: names of backends; an empty list means every backend with such a server.
    :ivar out: they get no new sessions; otherwise they get requests.
    :ivar only_ready: refuse servers that another program or user has taken out.
    :ivar timeout: seconds to wait for the sessions to end, or for the health checks to succeed; None does not wait.
    """

    hosts: t.Sequence[str]
    backends: t.Sequence[str]
    out: bool
    only_ready: bool
    timeout: t.Optional[float]
    #: how messages name the balancer
    name: str = "HAProxy"


@dataclass(frozen=True)
class Set:
    """The outcome of :func:`set_servers`.

    :ivar changed: whether a server was set, or would be.
    :ivar servers: as they are afterwards.
    :ivar under_way: sessions of the servers, and requests in their queues, before the first of them was set.
    :ivar followers: names of other servers that track one of them, and so leave and enter with it.
    """

    changed: bool
    servers: t.List[Server]
    under_way: int
    followers: t.List[str]
    #: why the wait goes on; None when it has ended
    waiting: t.Optional[Waiting] = None


def set_servers(path: str, wanted: Wanted, clock: Clock, *, check_mode: bool) -> Set:
    """Set servers to a state, and wait until HAProxy has no session for them, or until it reports them as healthy.

    :raises NoAnswer: HAProxy cannot be asked.
    :raises NotSet: a server is missing or was taken out before, it tracks a server that stays out, HAProxy refuses a
        command, or the timeout passed.
    """
    every = server_states(path)
    found = _chosen(every, wanted)
    if wanted.only_ready:
        for one in found:
            if one["admin"] != READY:
                problem = roll.BALANCER_OUT_ALREADY(server=name_of(one), balancer=wanted.name, state=shown_admin(one))
                raise NotSet(problem, changed=False)
    # A server in maintenance gets no requests either, and it is for those who set that to end it. A server that is out
    # with the server that it tracks has no state of its own, and would come back with it.
    to_set = [one for one in found if (one["admin"] == READY or bool(one.get("inherited"))) is wanted.out]
    under_way = sum(one["sessions"] + one["queued"] for one in found)
    following = [name_of(one) for one in followers(every, found)]
    stuck = None if wanted.out else _tracks_one_that_stays_out(every, found, wanted)
    if check_mode:
        if stuck:
            raise NotSet(stuck, changed=bool(to_set))
        return Set(bool(to_set), found, under_way, following)
    try:
        for number, one in enumerate(to_set):
            command = "set server %s state %s" % (name_of(one), DRAIN if wanted.out else READY)
            answer = _ask(path, command).strip()
            if answer:
                raise NotSet(
                    roll.BALANCER_REFUSED(balancer=wanted.name, command=command, answer=answer), changed=number > 0
                )
        if stuck:
            raise NotSet(stuck, changed=bool(to_set))
        if wanted.timeout is not None:
            found = _await(path, wanted, wanted.timeout, clock)
    except StillWaiting as exc:
        return Set(bool(to_set), found, under_way, following, _waiting(path, exc.problem, found))
    except Failure as exc:
        raise NotSet(exc.problem, changed=bool(to_set)) from exc
    return Set(bool(to_set), found, under_way, following)


class NotSet(Failure):
    """A server is not in the wanted state.

    :ivar changed: whether servers were set before that.
    """

    def __init__(self, problem: Problem, *, changed: bool) -> None:
        super().__init__(problem)
        self.changed = changed


def name_of(server: t.Mapping[str, t.Any]) -> str:
    """Return how HAProxy's commands name a server."""
    return "%s/%s" % (server["backend"], server["server"])


def is_up(server: t.Mapping[str, t.Any]) -> bool:
    """Return whether HAProxy finds a server healthy, or does not check it."""
    return str(server["status"]).startswith(("UP", "no check"))


def takes_requests(server: t.Mapping[str, t.Any]) -> bool:
    """Return whether a server gets requests.

    HAProxy gives none to a server of weight 0, though it calls it UP, and none to a backup server while others are up.
    """
    return not why_out(server) and is_up(server) and not server.get("backup")


def why_out(server: t.Mapping[str, t.Any]) -> str:
    """Return why a healthy server gets no requests: its administrative state, or weight 0. Empty if it gets them."""
    if server["admin"] != READY:
        return shown_admin(server)
    return "" if int(server.get("weight", 1)) > 0 else "weight 0"


def shown_admin(server: t.Mapping[str, t.Any]) -> str:
    """Return the administrative state of a server, with the server that it has this state from."""
    return "%s%s" % (server["admin"], ", because it tracks %s" % server["tracks"] if server.get("inherited") else "")


def followers(every: t.Sequence[Server], tracked: t.Sequence[Server]) -> t.List[Server]:
    """Return the other servers that track one of these, also over a third server, in HAProxy's order. Pure."""
    names = {name_of(one) for one in tracked}
    while True:
        more = {name_of(one) for one in every if one.get("tracks") in names} - names
        if not more:
            break
        names |= more
    return [one for one in every if name_of(one) in names and one not in tracked]


def _tracks_one_that_stays_out(
    every: t.Sequence[Server], found: t.Sequence[Server], wanted: Wanted
) -> t.Optional[Problem]:
    """Return the problem of a server that stays out, because a server that it tracks is out and does not enter."""
    by_name = {name_of(one): one for one in every}
    entering = {name_of(one) for one in found}
    for one in found:
        above = by_name.get(one.get("tracks") or "")
        # HAProxy refuses a configuration in which servers track each other in a circle.
        while above is not None:
            if above["admin"] != READY and not above.get("inherited") and name_of(above) not in entering:
                return roll.BALANCER_TRACKED_OUT(
                    balancer=wanted.name, server=name_of(one), tracked=name_of(above), state=above["admin"]
                )
            above = by_name.get(above.get("tracks") or "")
    return None


def some_of(names: t.Iterable[str]) -> str:
    """Return the names of the servers that a balancer has, for a message; not all of many."""
    every = sorted(set(names))
    return ", ".join(every[:_SHOWN]) + (", ..." if len(every) > _SHOWN else "") or "no server"


def find_servers(
    every: t.Sequence[Server], hosts: t.Collection[str], backends: t.Collection[str]
) -> t.Tuple[t.List[Server], t.List[str]]:
    """Return the servers of these names, and the names that no server has. Pure.

    :param every: as :func:`server_states` returns them.
    :param backends: an empty list means every backend with such a server.
    """
    found = [one for one in every if one["server"] in hosts and (not backends or one["backend"] in backends)]
    if backends:
        wanted, known = ["%s/%s" % (b, s) for b in backends for s in hosts], {name_of(one) for one in found}
    else:
        wanted, known = list(hosts), {one["server"] for one in found}
    return found, [name for name in wanted if name not in known]


def _chosen(every: t.Sequence[Server], wanted: Wanted) -> t.List[Server]:
    found, lacking = find_servers(every, wanted.hosts, wanted.backends)
    if lacking:
        has = some_of(map(name_of, every))
        raise NotSet(
            roll.BALANCER_UNKNOWN_SERVER(balancer=wanted.name, server=", ".join(lacking), servers=has), changed=False
        )
    return found


def _await(path: str, wanted: Wanted, timeout: float, clock: Clock) -> t.List[Server]:
    told = {"balancer": wanted.name, "timeout": timeout}

    def attempt() -> t.Union[t.List[Server], Pending]:
        now = _chosen(server_states(path), wanted)
        for one in now:
            if wanted.out and (one["sessions"] or one["queued"]):
                sessions = one["sessions"] + one["queued"]
                noun = "session" if sessions == 1 else "sessions"
                return Pending(roll.BALANCER_SESSIONS(**told, server=name_of(one), sessions=sessions, noun=noun))
            if not wanted.out and one["status"] not in _HEALTHY:
                return Pending(roll.BALANCER_NOT_UP(**told, server=name_of(one), status=one["status"]))
        return now

    return wait_until(attempt, clock, clock.began() + timeout, may_report=True, longest=_BETWEEN)


def _waiting(path: str, problem: Problem, servers: t.Sequence[Server]) -> Waiting:
    values = problem.values
    if problem.code != roll.BALANCER_SESSIONS.name:
        return Waiting("load balancer {balancer} to report server {server} as up (it is {status})".format(**values))
    ages: t.Sequence[float] = ()
    # The ages are for people only. Whether HAProxy answers is for the wait itself to judge.
    with contextlib.suppress(NoAnswer):
        ages = parse_ages(_ask(path, SESSIONS), {name_of(one) for one in servers})
    return Waiting("{sessions:d} {noun} of server {server} in load balancer {balancer} to end".format(**values), ages)


def parse_states(text: str, path: str) -> t.Dict[t.Tuple[str, str], State]:
    """Parse ``show servers state``: what it tells of each server, by backend and server.

    :raises NoAnswer: it is something else.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or lines[0] != "1" or not lines[1].startswith("# "):
        raise NoAnswer(_strange(text, STATES, path))
    names = lines[1][2:].split()
    states = {}
    try:
        for line in lines[2:]:
            row = dict(zip(names, line.split()))
            # "-" stands for a name that does not resolve.
            address = row["srv_addr"] if row["srv_addr"] != "-" else None
            states[row["be_name"], row["srv_name"]] = State(int(row["srv_admin_state"]), address)
    except (KeyError, ValueError) as exc:
        raise NoAnswer(_strange(text, STATES, path)) from exc
    return states


def parse_statistics(text: str, states: t.Mapping[t.Tuple[str, str], State], path: str) -> t.List[t.Dict[str, t.Any]]:
    """Parse ``show stat``: the servers among its rows, in HAProxy's order, as ``haproxy_info`` returns them.

    :param states: what :func:`parse_states` returns; a server without one is left out.
    :raises NoAnswer: it is something else.
    """
    if not text.startswith("# pxname,svname,"):
        raise NoAnswer(_strange(text, STATISTICS, path))
    try:
        return [
            {
                "backend": row["pxname"],
                "server": row["svname"],
                "status": row["status"],
                "admin": admin_state(states[row["pxname"], row["svname"]].mask),
                "inherited": is_inherited(states[row["pxname"], row["svname"]].mask),
                "tracks": row["tracked"] or None,
                "address": states[row["pxname"], row["svname"]].address,
                "sessions": int(row["scur"]),
                "queued": int(row["qcur"]),
                # A star stands before it while the next check is under way.
                "check": row["check_status"].replace("* ", "") or None,
                "weight": int(row["weight"]),
                "backup": row["bck"] == "1",
            }
            for row in csv.DictReader(text[2:].splitlines())
            if row["type"] == _SERVER and (row["pxname"], row["svname"]) in states
        ]
    # Before Python 3.11 a NUL is an error of csv's own.
    except (KeyError, ValueError, csv.Error) as exc:
        raise NoAnswer(_strange(text, STATISTICS, path)) from exc


def admin_state(mask: int) -> str:
    """Return the state that an administrator, a tracked server or a name without address has set. MAINT wins."""
    if mask & (_FMAINT | _IMAINT | _RMAINT):
        return MAINT
    return DRAIN if mask & (_FDRAIN | _IDRAIN) else READY


def is_inherited(mask: int) -> bool:
    """Return whether a server is out only because the server that it tracks is."""
    return bool(mask & (_IMAINT | _IDRAIN)) and not mask & (_FMAINT | _RMAINT | _FDRAIN)


def _strange(text: str, command: str, path: str) -> Problem:
    first = next((line.strip() for line in text.splitlines() if line.strip()), "nothing")[:100]
    return roll.BALANCER_NOT_HAPROXY(path=path, command=command, answer=first)


def _ask(path: str, command: str) -> str:
    try:
        with connect(path, _PATIENCE) as connection:
            connection.sendall(command.encode() + b"\n")
            answer = b""
            while True:
                more = connection.recv(1 << 16)
                if not more:
                    return answer.decode("utf-8", "replace")
                answer += more
    except FileNotFoundError:
        raise NoAnswer(roll.BALANCER_NO_SOCKET(path=path)) from None
    except PermissionError:
        raise NoAnswer(roll.BALANCER_NOT_PERMITTED(path=path)) from None
    except ConnectionRefusedError:
        raise NoAnswer(roll.BALANCER_NOT_RUNNING(path=path)) from None
    except OSError as exc:  # a timeout too
        raise NoAnswer(roll.BALANCER_NO_ANSWER(path=path, error=exc.strerror or exc)) from exc
