# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find out whether the runtime of a container would start its server again."""

from __future__ import annotations

import typing as t

from .._messages import supervisor as codes
from .._processes.container import find_container
from .._processes.process import Process
from .._system.errors import Refused
from .._system.programs import container_program
from .command import run

#: Runtimes that the kubelet drives.
_ORCHESTRATED = frozenset(["containerd", "cri-o", "kubernetes"])
#: What docker tells of a container: its restart policy, and the service of Swarm that it is a task of.
_POLICY = '{{.HostConfig.RestartPolicy.Name}} {{index .Config.Labels "com.docker.swarm.service.name"}}'
#: A drained server ends with status 0, so its policy does not treat the end as a failure.
_STAYS_DOWN = frozenset(["", "no", "on-failure"])
#: How long a runtime may take to answer, in seconds.
_PATIENCE = 15.0


def policy_of(master: Process) -> t.Tuple[t.Optional[str], str]:
    """Return the name of the container of a server, and its restart policy, which leaves an ended server alone.

    :raises Refused: the server would be started again, or that cannot be known, or we are in that container ourselves.
    """
    container = find_container(master)
    if container is None:
        raise Refused(codes.CONTAINER_INSIDE())
    check_no_guest(master)
    if container.runtime in _ORCHESTRATED:
        raise Refused(codes.KUBERNETES_POD(runtime=container.runtime))
    return container.id, checked(container.runtime, container.id, restart_policy(container.runtime, container.id))


def check_no_guest(master: Process) -> None:
    """Make sure that a server is not in a system of its own.

    :raises Refused: it is, and the supervisor of that system has to be asked, within it.
    """
    container = find_container(master)
    if container is not None and container.is_guest:
        raise Refused(codes.GUEST(name=container.id, runtime=container.runtime))


def checked(runtime: str, name: t.Optional[str], policy: t.Optional[str]) -> str:
    """Return a policy that leaves an ended server alone. Pure.

    :param policy: None where it is not known.
    :raises Refused: the runtime would start it again, or may.
    """
    if policy is None:
        raise Refused(codes.CONTAINER_UNKNOWN(runtime=runtime))
    if policy not in _STAYS_DOWN:
        short = (name or "")[:12]
        raise Refused(codes.CONTAINER_STARTS_AGAIN(name=name, policy=policy, runtime=runtime, short=short))
    return policy or "no"


def restart_policy(runtime: str, name: t.Optional[str]) -> t.Optional[str]:
    """Restart policy of a container of docker or podman, in their word; None where it cannot be asked for.

    :raises Refused: it is a task of Docker Swarm, which has no policy and is started again all the same.
    """
    program = container_program(runtime)
    if program is None or not name:
        return None
    try:
        said = run((program, "inspect", "--format", _POLICY, name), _PATIENCE)
    except Refused:
        return None
    policy, _blank, service = said.rstrip("\n").partition(" ")
    service = service.strip()
    if service not in ("", "<no value>"):
        raise Refused(codes.SWARM_TASK(service=service))
    return policy
