# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Ask the runtime of a container: whether it would start the server again, how the container ended, and for a start."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._messages import failed
from .._messages import supervisor as codes
from .._messages import timeout as waits
from .._messages.code import Problem
from .._processes.container import find_container, provable_container
from .._processes.process import Process
from .._system.errors import Refused
from .._system.programs import container_program
from .command import run

#: Runtimes that the kubelet drives.
_ORCHESTRATED = frozenset(["containerd", "cri-o", "kubernetes"])
#: What is asked of a container; docker and podman have the same names for it. A task of Docker Swarm has no policy.
_QUESTION = (
    "id={{.Id}} name={{.Name}} running={{.State.Running}} status={{.State.ExitCode}} oom={{.State.OOMKilled}}"
    " removed={{.HostConfig.AutoRemove}} policy={{.HostConfig.RestartPolicy.Name}}"
    ' service={{index .Config.Labels "com.docker.swarm.service.name"}}'
)
_ANSWER = re.compile(
    r"\bid=(\S+) name=/?(\S+) running=(true|false) status=(-?\d+) oom=(true|false) removed=(true|false)"
    r" policy=(\S*) service=(?:<no value>|(.*))$"
)
#: A drained server ends with status 0, so its policy does not treat the end as a failure.
_STAYS_DOWN = frozenset(["", "no", "on-failure"])
#: How long a runtime may take to answer, and to start a container, in seconds.
_PATIENCE, _START_PATIENCE = 15.0, 60.0


@dataclass(frozen=True)
class Facts:
    """Hold what a runtime tells of a container."""

    id: str
    name: str
    running: bool
    #: of its first process
    status: int
    oom_killed: bool
    #: when it ends (--rm)
    is_removed: bool
    #: in the word of the runtime
    policy: str
    #: of Docker Swarm
    service: t.Optional[str] = None


def facts_of(runtime: t.Optional[str], name: t.Optional[str]) -> t.Optional[Facts]:
    """Ask docker or podman about a container; None where it cannot be asked, or knows no such container.

    :param name: or the id.
    """
    program = container_program(runtime or "")
    if program is None or not name:
        return None
    try:
        return parse_facts(run((program, "container", "inspect", "--format", _QUESTION, name), _PATIENCE))
    except (Refused, ValueError):
        return None


def parse_facts(said: str) -> Facts:
    """Parse what a runtime answers. Pure.

    :raises ValueError: it is something else.
    """
    found = _ANSWER.search(said.strip())
    if found is None:
        raise ValueError(said)
    id_, name, running, status, oom, removed, policy, service = found.groups()
    return Facts(id_, name, running == "true", int(status), oom == "true", removed == "true", policy, service or None)


def held_container(master: Process) -> t.Tuple[HeldContainer, Facts]:
    """Return the container of a server, and what its runtime tells; the runtime leaves an ended server alone.

    :raises Refused: the server would be started again, or that cannot be known, or we are in that container ourselves.
    """
    container = provable_container(master)
    if container is None:
        raise Refused(codes.CONTAINER_INSIDE())
    check_no_guest(master)
    if container.runtime in _ORCHESTRATED:
        raise Refused(codes.KUBERNETES_POD(runtime=container.runtime))
    facts = facts_of(container.runtime, container.id)
    if facts is None:
        raise Refused(codes.CONTAINER_UNKNOWN(runtime=container.runtime))
    check_stays_down(container.runtime, facts)
    return HeldContainer(container.runtime, facts.id, facts.name), facts


def check_no_guest(master: Process) -> None:
    """Make sure that a server is not in a system of its own.

    :raises Refused: it is, and the supervisor of that system has to be asked, within it.
    """
    container = find_container(master)
    if container is not None and container.is_guest:
        raise Refused(codes.GUEST(name=container.id, runtime=container.runtime))


def check_stays_down(runtime: str, facts: Facts) -> None:
    """Make sure that a runtime leaves a container alone that has ended. Pure.

    :raises Refused: it would start it again; or it is a task of Docker Swarm, which has no policy, and is replaced.
    """
    if facts.service:
        raise Refused(codes.SWARM_TASK(service=facts.service))
    if facts.policy not in _STAYS_DOWN:
        raise Refused(
            codes.CONTAINER_STARTS_AGAIN(name=facts.name, policy=facts.policy, runtime=runtime, short=facts.id[:12])
        )


def bad_end_of(facts: Facts) -> t.Optional[str]:
    """Return why the end of a container was not a clean one; None for a clean end. Pure."""
    if facts.oom_killed:
        return "out of memory"
    # A shell ends with 130 after its child has ended because of an INT.
    by_signal = facts.status > 128 and facts.status != 130
    return "status %d" % facts.status if by_signal and not facts.running else None


@dataclass(frozen=True)
class HeldContainer:
    """The container of a server that is drained, or was."""

    runtime: str
    id: str
    name: str

    def lacking(self) -> t.Optional[Problem]:
        """Return what is awaited until the container has ended; None once it has."""
        facts = facts_of(self.runtime, self.id)
        return waits.CONTAINER_ENDS(name=self.name) if facts is not None and facts.running else None

    def goes_on(self) -> Problem:
        """Return the warning about a container that does not end with its server."""
        return codes.CONTAINER_GOES_ON(name=self.name, runtime=self.runtime)

    def bad_end(self) -> t.Optional[Problem]:
        """Return why its end was not a clean one; None for a clean end."""
        facts = facts_of(self.runtime, self.id)
        why = bad_end_of(facts) if facts is not None else None
        return failed.CONTAINER_BAD_END(name=self.name, why=why, runtime=self.runtime) if why else None

    def id_now(self) -> t.Optional[str]:
        """Return the id of the container of this name: its own, or that of its replacement."""
        facts = facts_of(self.runtime, self.name)
        return None if facts is None else facts.id

    def check_startable(self) -> None:
        """Make sure that it can be started.

        :raises Refused: there is no container of this name, or it runs without the server.
        """
        facts = facts_of(self.runtime, self.name)
        if facts is None:
            raise Refused(codes.CONTAINER_GONE(name=self.name, runtime=self.runtime))
        if facts.running:
            raise Refused(self.goes_on())

    def start(self) -> None:
        """Make the runtime start the container.

        :raises Refused: the runtime does not start it.
        """
        program = container_program(self.runtime)
        if program is None:
            raise Refused(codes.CONTAINER_NOT_STARTED(name=self.name))
        run((program, "start", self.name), _START_PATIENCE)

    def why_down(self) -> t.Optional[Problem]:
        """Return why no server comes of its start; None while one may."""
        facts = facts_of(self.runtime, self.name)
        if facts is None or facts.running:
            return None
        return codes.CONTAINER_DOWN(name=self.name, status=facts.status, runtime=self.runtime)
