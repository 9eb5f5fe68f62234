# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find the ports of a host that lead to the chosen servers, and the networks in which their connections are seen."""

from __future__ import annotations

import ipaddress
import json
import typing as t
from dataclasses import dataclass

from .._facts.ports import holder_of, listeners
from .._messages import roll
from .._processes.classify import Instance, Mode
from .._processes.container import provable_container
from .._processes.look import Look
from .._processes.options import Options
from .._processes.proc import Proc
from .._processes.process import Process
from .._system.errors import Refused
from .._system.namespaces import NETWORK, differs
from .._system.programs import container_program
from .connections import View, host_view
from .programs import run

#: Seconds that a container engine may take.
_PATIENCE = 15.0


@dataclass(frozen=True)
class Targets:
    """Ports to close, and the views in which their connections are counted.

    :ivar published: some of the ports lead to containers.
    :ivar chosen: a server was chosen, whether it has ports or not.
    """

    ports: t.Tuple[int, ...]
    views: t.Tuple[View, ...]
    published: bool = False
    chosen: bool = True


def targets_of(proc: Proc, seen: Look, identities: t.Sequence[str], given: t.Sequence[int]) -> Targets:
    """Return the ports of the chosen servers.

    :param given: ports that the user names; they are closed in place of those of the servers.
    :raises Refused: a server has no port that could be closed here.
    """
    ports: t.Set[int] = set(given)
    views: t.List[View] = []
    chosen = [one for one in seen.instances if one.identity in identities]
    # Where no server runs, the ports may be those of a container that is down.
    published = bool(given) and not chosen
    for instance in chosen:
        view = view_of(instance, seen.options[instance.identity])
        elsewhere = differs(proc.root, instance.master.pid, NETWORK)
        others = {} if elsewhere else _of_others(proc, instance)
        view = _without(view, set(others) - {port for _address, port in instance.ports})
        if not view.requests:
            continue
        views.append(view)
        published = published or elsewhere
        if given:
            continue
        if elsewhere:
            ports |= _published(instance.master, view)
            continue
        loopback = loopback_only(instance)
        if loopback:
            raise Refused(roll.GATE_LOOPBACK(pid=instance.master.pid, address=loopback))
        own = view.requests | view.websockets
        for port in sorted(own & set(others)):
            holder = holder_of(proc, {others[port]})
            raise Refused(roll.GATE_SHARED_PORT(pid=instance.master.pid, port=port, holder=holder))
        ports |= own
    counted = {port for view in views for port in view.requests | view.websockets}
    if set(given) - counted:
        views.append(host_view(set(given) - counted))
    return Targets(tuple(sorted(ports)), tuple(views), published, bool(chosen))


def _of_others(proc: Proc, instance: Instance) -> t.Dict[int, int]:
    """Return the ports at which other processes than the server listen, and the inode of a socket for each.

    The user of the server chooses what its configuration says, and a port there may be that of sshd or of another user.
    The gate lets loopback through. Where the sockets of the server are not to be seen, nothing is known of others.
    """
    sockets = [process.sockets for process in (instance.master, *(child.process for child in instance.children))]
    if sockets[0] is None:
        return {}
    own = frozenset().union(*(one for one in sockets if one))
    heard = listeners(proc, instance.master.pid)
    return {port: inode for inode, address, port in heard if inode not in own and not _if_loopback([address])}


def _without(view: View, ports: t.Set[int]) -> View:
    return View(view.pid, view.requests - ports, view.websockets - ports)


def view_of(instance: Instance, options: Options) -> View:
    """Return the ports of one server: where it listens, and what it is configured to have. Pure.

    A threaded server has its websockets on the http port, where nothing tells them from requests.
    """
    if not options.http_enable:
        return View(instance.master.pid, frozenset())
    websockets = {port for _address, port in instance.evented}
    if instance.mode != Mode.THREADED:
        websockets.add(options.gevent_port)
    requests = {port for _address, port in instance.listening or ()} | {options.http_port}
    return View(instance.master.pid, frozenset(requests - websockets), frozenset(websockets))


def loopback_only(instance: Instance) -> str:
    """Return the address where a server listens if only the host itself can reach it; empty otherwise. Pure."""
    return _if_loopback([address for address, _port in instance.listening or ()])


def _if_loopback(addresses: t.Sequence[str]) -> str:
    """Return the first of these addresses if all of them are of loopback; an empty address stands for all."""
    local = addresses and all(one and ipaddress.ip_address(one).is_loopback for one in addresses)
    return addresses[0] if local else ""


def _published(master: Process, view: View) -> t.Set[int]:
    """Ask the engine of a container for the ports of the host that lead to its ports.

    :raises Refused: that cannot be known, or only the host itself can reach them.
    """
    container = provable_container(master)
    program = container_program(container.runtime) if container and container.id else None
    requests: t.Set[t.Tuple[str, int]] = set()
    websockets: t.Set[t.Tuple[str, int]] = set()
    if program and container and container.id:
        command = (program, "inspect", "--format", "{{json .NetworkSettings.Ports}}", container.id)
        code, text, _said = run(command, _PATIENCE)
        if code == 0:
            requests, websockets = parse_published(text, view.requests), parse_published(text, view.websockets)
    if not requests | websockets:
        raise Refused(roll.GATE_OTHER_NETWORK(pid=master.pid))
    loopback = _if_loopback(sorted(address for address, _port in requests))
    if loopback:
        raise Refused(roll.GATE_LOOPBACK(pid=master.pid, address=loopback))
    return {port for _address, port in requests | websockets}


def parse_published(text: str, ports: t.Iterable[int]) -> t.Set[t.Tuple[str, int]]:
    """Parse the ports of a container that docker or podman prints; return addresses and ports of the host. Pure.

    An empty address stands for all of them.
    """
    try:
        told = json.loads(text) or {}
        return {
            (str(one.get("HostIp") or ""), int(one["HostPort"]))
            for port in ports
            for one in told.get("%d/tcp" % port) or []
            if one.get("HostPort")
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()
