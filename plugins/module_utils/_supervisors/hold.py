# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Prevent that the supervisor of a drained server starts it again, and release the supervisor."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import re
import time
import typing as t
from dataclasses import dataclass

from .._messages import failed
from .._messages import supervisor as codes
from .._messages import timeout as waits
from .._messages.code import Problem
from .._processes.classify import Instance
from .._processes.proc import Proc
from .._processes.rights import as_user
from .._system.errors import Refused
from . import other_units, supervisord
from .command import run
from .container import HeldContainer, held_container
from .find import Supervisor, SupervisorKind
from .keeper import keeps
from .rpc import Daemon
from .systemd import Unit, show_units, systemctl_words, watchdogs_on
from .unit_rules import drain_warnings, is_transient, sockets_of, why_not_drain

AUTO, EXTERNAL = "auto", "external"

#: Where systemd looks for files that the next boot removes.
RUNTIME = "/run/systemd/system"
#: It sorts after the drop-ins of others, in every directory.
DROP_IN = "zz-fleetops-drain.conf"
_CONTENT = (
    "# fleetops.odoo.drain keeps this server down. 'state: undrained' and a boot remove this file.\n"
    "[Service]\nRestart=no\nRestartForceExitStatus=\n"
)
_UNIT_NAME = re.compile(r"^[A-Za-z0-9:_.\\@-]+\.service$")
#: How long systemd and supervisord may take to answer, in seconds.
_PATIENCE = 15.0


_BY_SYSTEMD = (SupervisorKind.SYSTEMD, SupervisorKind.SYSTEMD_USER)


@dataclass(frozen=True)
class Hold:
    """The supervisor of a server, and what prevents a restart.

    ``policy`` is the restart policy in the words of the supervisor; ``drop_in`` is the file that overrides it, if one
    is needed.
    """

    kind: SupervisorKind
    unit: t.Optional[str] = None
    policy: t.Optional[str] = None
    drop_in: t.Optional[str] = None
    #: the supervisord that runs it
    daemon: t.Optional[Daemon] = None
    #: the caller prevents the restart itself
    external: bool = False
    #: socket units that would start it at the next request, and are stopped meanwhile
    sockets: t.Tuple[str, ...] = ()
    #: units that systemd stops with it
    bound: t.Tuple[str, ...] = ()
    #: systemd forgets the unit when it ends (systemd-run)
    transient: bool = False
    warnings: t.Tuple[Problem, ...] = ()
    #: whose systemd or supervisord it is, where it is that of a user
    uid: t.Optional[int] = None
    #: whose id is the unit, where the runtime can be asked
    container: t.Optional[HeldContainer] = None

    @property
    def by_systemd(self) -> bool:
        """Return whether a systemd keeps the server running, that of the system or of a user."""
        return self.kind in _BY_SYSTEMD

    def show(self, names: t.Optional[t.Collection[str]] = None) -> t.Dict[str, Unit]:
        """Ask its systemd about units; about its own unit unless others are given."""
        return show_units([t.cast(str, self.unit)] if names is None else names, self.uid)

    def unit_shown(self) -> t.Optional[Unit]:
        """Return what its systemd knows of its unit."""
        return self.show().get(self.unit) if self.by_systemd and self.unit else None

    def told(self) -> t.Dict[str, t.Any]:
        """Return the hold as the module returns it."""
        return {
            "kind": str(self.kind),
            "unit": self.unit,
            "policy": self.policy,
            "drop_in": self.drop_in,
            "sockets": list(self.sockets),
            "bound": list(self.bound),
            "external": self.external,
        }


def find_hold(proc: Proc, instance: Instance, supervisor: Supervisor, how: str, seconds: float = 0.0) -> Hold:
    """Return what is needed so that a server stays down after its end. Changes nothing.

    :param how: auto, or external.
    :param seconds: how long the drain may take.
    :raises Refused: the server would come back, or this is not known.
    """
    if how == EXTERNAL:
        return Hold(supervisor.kind, supervisor.unit, external=True)
    if supervisor.kind in _BY_SYSTEMD and supervisor.unit:
        shown = show_units([supervisor.unit], supervisor.uid).get(supervisor.unit)
        if shown is None:
            raise Refused(codes.SYSTEMD_UNKNOWN(unit=supervisor.unit))
        if not keeps(proc, instance.master, shown):
            # Started by hand, by cron or by an agent from within a unit of theirs: the unit does not end with it.
            warning = codes.OTHER_UNIT(unit=supervisor.unit, main=shown.main_pid or "none")
            return Hold(SupervisorKind.NONE, warnings=(warning,))
        return _systemd(supervisor, shown, seconds, by_launcher=shown.main_pid not in (None, instance.master.pid))
    if supervisor.kind == SupervisorKind.SUPERVISORD:
        daemon = supervisord.daemon_of(proc, instance.master, supervisor.unit)
        return Hold(SupervisorKind.SUPERVISORD, supervisor.unit, daemon=daemon, uid=daemon.uid)
    if supervisor.kind == SupervisorKind.CONTAINER:
        if instance.master.marks.get("SUPERVISOR_ENABLED"):
            raise Refused(codes.SUPERVISORD_INSIDE())
        held, facts = held_container(instance.master)
        warnings = (codes.CONTAINER_REMOVED(name=held.name, runtime=held.runtime),) if facts.is_removed else ()
        return Hold(supervisor.kind, held.id, facts.policy or "no", warnings=warnings, container=held)
    return Hold(SupervisorKind.NONE)


def _systemd(supervisor: Supervisor, unit: Unit, seconds: float, *, by_launcher: bool) -> Hold:
    name, uid = t.cast(str, supervisor.unit), supervisor.uid
    why = why_not_drain(name, unit, seconds, time.monotonic(), watchdogs=not unit.watchdog or watchdogs_on())
    if why:
        raise Refused(why)
    plain = Hold(
        supervisor.kind,
        name,
        unit.restart or "no",
        sockets=sockets_of(unit),
        bound=other_units.bound_units(unit, uid),
        transient=is_transient(unit),
        warnings=drain_warnings(name, unit, seconds, by_launcher=by_launcher),
        uid=uid,
    )
    held = unit.restart in (None, "no") and not unit.restart_force
    drop_in = drop_in_of(name, uid)
    needed = None if held and not os.path.exists(drop_in) else drop_in
    if (needed or plain.sockets) and os.geteuid() not in (0, uid):
        raise Refused(codes.SYSTEMD_STARTS_AGAIN(restart=unit.restart, more=" ".join(("", *plain.sockets))))
    return dataclasses.replace(plain, drop_in=needed)


def drop_in_of(name: str, uid: t.Optional[int] = None) -> str:
    """Return the path of our drop-in for a unit.

    :raises Refused: the name is not the name of a service.
    """
    if not _UNIT_NAME.match(name):
        raise Refused(codes.BAD_UNIT_NAME(name=name))
    return os.path.join(RUNTIME if uid is None else "/run/user/%d/systemd/user" % uid, name + ".d", DROP_IN)


def put(hold: Hold) -> bool:
    """Prevent the supervisor from starting the server again.

    Return whether the directory of the drop-in was made for that.

    :raises Refused: another setting overrides the drop-in, or systemd does not read it; the drop-in is removed then.
    :raises OSError: the drop-in cannot be written.
    """
    if hold.drop_in is None:
        return False
    folder = os.path.dirname(hold.drop_in)
    made = False
    temporary = "%s.%d" % (hold.drop_in, os.getpid())
    try:
        with _files_of(hold):
            made = not os.path.isdir(folder)
            os.makedirs(folder, 0o755, exist_ok=True)
            with open(temporary, "w") as file:
                file.write(_CONTENT)
            os.chmod(temporary, 0o644)
            os.rename(temporary, hold.drop_in)
        daemon_reload(hold.uid)
        _make_sure_it_holds(hold)
    except (Refused, OSError):
        with _files_of(hold):
            for path in (temporary, hold.drop_in):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
            _tidy_up(folder, made=made)
        with contextlib.suppress(Refused):
            daemon_reload(hold.uid)
        raise
    return made


def _files_of(hold: Hold) -> t.ContextManager[None]:
    """Yield the rights for files below /run/user: they belong to that user, who may put a link there.

    :raises OSError: the kernel refuses it.
    """
    if hold.uid is None:
        return contextlib.nullcontext()
    entry = pwd.getpwuid(hold.uid)
    return as_user(entry.pw_uid, entry.pw_gid, os.getgrouplist(entry.pw_name, entry.pw_gid))


def _make_sure_it_holds(hold: Hold) -> None:
    name, unit = t.cast(str, hold.unit), hold.unit_shown() or Unit()
    if unit.restart != "no" or unit.restart_force:
        more = ", RestartForceExitStatus=%s" % unit.restart_force if unit.restart_force else ""
        raise Refused(codes.HOLD_INEFFECTIVE(unit=name, restart=unit.restart, more=more))


def stop_sockets(hold: Hold) -> t.List[str]:
    """Stop the socket units that would start an ended server at the next request; return those that were stopped.

    While the server runs systemd does not listen for it, so this comes after the INT: a socket cannot be started again
    while its service runs.

    :raises Refused: systemd does not stop one.
    """
    return other_units.stop(hold.sockets, hold.uid)


def _start_sockets(hold: Hold) -> bool:
    unit = hold.unit_shown()
    # A socket cannot be started beside a service that runs without it.
    if unit is not None and unit.active_state not in other_units.DOWN:
        return False
    return bool(other_units.start(hold.sockets, hold.uid))


def take_away(hold: Hold, *, made: bool) -> bool:
    """Release the supervisor. Return whether something had to be removed.

    :param made: the directory of the drop-in was made for it.
    :raises Refused: systemd does not read the change. The drop-in stays, so that the next call tries again.
    """
    removed = hold.drop_in is not None and os.path.exists(hold.drop_in)
    if removed:
        drop_in = t.cast(str, hold.drop_in)
        aside = "%s.%d" % (drop_in, os.getpid())
        with _files_of(hold):
            os.rename(drop_in, aside)
        try:
            daemon_reload(hold.uid)
        except Refused:
            with _files_of(hold):
                os.rename(aside, drop_in)
            raise
        with _files_of(hold):
            os.unlink(aside)
            _tidy_up(os.path.dirname(drop_in), made=made)
    started = bool(hold.sockets) and _start_sockets(hold)
    return removed or started


def start_bound(hold: Hold) -> t.List[str]:
    """Start the units that systemd has stopped with a server; return them. :raises Refused: systemd does not."""
    return other_units.start(hold.bound, hold.uid, wait=False)


def outlived(hold: Hold) -> t.Optional[Problem]:
    """Return the warning about a unit whose main process goes on without the server; None where it does not.

    So it is with a container whose first process is another program.
    """
    if hold.container is not None:
        return hold.container.goes_on()
    unit = hold.unit_shown()
    if unit is None or unit.active_state != "active" or unit.main_pid is None or unit.has_job:
        return None
    return codes.OTHER_UNIT(unit=hold.unit, main=unit.main_pid)


def _tidy_up(folder: str, *, made: bool) -> None:
    if made:
        with contextlib.suppress(OSError):  # another program has put a file there
            os.rmdir(folder)
            if folder.startswith("/run/user/"):
                os.rmdir(os.path.dirname(folder))


def daemon_reload(uid: t.Optional[int] = None) -> None:
    """Make systemd read its units again.

    :raises Refused: systemd fails.
    """
    run((*systemctl_words(uid), "--no-ask-password", "daemon-reload"), 60.0)


def rest(hold: Hold) -> t.Tuple[t.Optional[Problem], t.Optional[str]]:
    """See that a supervisor is at rest about a server that has ended.

    supervisord cannot be told beforehand: with ``autorestart=true`` it starts a server that has ended, and then that
    one is stopped, which serves nothing yet (seen with supervisor 4.2).

    :returns: what is still to come, and what was done, as a clause, if anything.
    """
    if hold.daemon is not None:
        name = t.cast(str, hold.unit)
        state = supervisord.state_of(hold.daemon, name)
        if state in supervisord.GOES_ON:
            supervisord.stop(hold.daemon, name)
            return waits.STOPPED(), "supervisord started the server again, and was asked to stop it"
        # Until it has stopped, it looks like a server that has taken the place of the drained one.
        return (waits.STOPPED() if state == supervisord.STOPPING else None), None
    if hold.container is not None:
        return hold.container.lacking(), None
    if hold.by_systemd and not hold.external:
        name, unit = t.cast(str, hold.unit), hold.unit_shown()
        # With RemainAfterExit it stays active, without a process.
        ended = unit is None or unit.active_state in ("inactive", "failed") or _remains(unit)
        if unit is not None and (not ended or unit.has_job):
            return waits.INACTIVE(unit=name, state=unit.active_state), None
    return None, None


#: Results of a unit that was ended by systemd, the kernel or a signal, and not by its own will.
_BAD_ENDS = frozenset(["core-dump", "oom-kill", "signal", "timeout", "watchdog"])


def bad_end(hold: Hold) -> t.Optional[Problem]:
    """Return why the end of a server was not a clean one, from its unit or container; None for a clean end."""
    if hold.container is not None:
        return hold.container.bad_end()
    unit = hold.unit_shown()
    if unit is None or unit.result not in _BAD_ENDS:
        return None
    return failed.BAD_END(unit=hold.unit, result=unit.result)


def _remains(unit: Unit) -> bool:
    return unit.active_state == "active" and unit.main_pid is None


def start(hold: Hold) -> None:
    """Ask the supervisor to start the server, without waiting for the start.

    :raises Refused: the supervisor refuses, or there is none.
    """
    if hold.by_systemd:
        name, unit = t.cast(str, hold.unit), hold.unit_shown()
        # A start does nothing while a unit is active without a process (RemainAfterExit).
        verb = "restart" if unit is not None and _remains(unit) else "start"
        words = (*systemctl_words(hold.uid), "--no-pager", "--no-ask-password", "--no-block", verb, "--", name)
        run(words, _PATIENCE)
    elif hold.daemon is not None:
        supervisord.start(hold.daemon, t.cast(str, hold.unit))
    elif hold.container is not None:
        hold.container.start()


def check_container(hold: Hold) -> None:
    """Make sure that the container of a drained server can be started.

    :raises Refused: otherwise.
    """
    if hold.container is None:
        raise Refused(codes.CONTAINER_NOT_STARTED(name=hold.unit or "of unknown name"))
    hold.container.check_startable()


def why_down(hold: Hold) -> t.Optional[Problem]:
    """Return why no server comes of a start; None while one may.

    :raises Refused: the supervisor cannot be asked.
    """
    if hold.daemon is not None:
        return supervisord.why_down(hold.daemon, t.cast(str, hold.unit))
    if hold.container is not None:
        return hold.container.why_down()
    unit = hold.unit_shown()
    if unit is None or unit.active_state not in ("failed", "inactive") or unit.has_job:
        return None
    return codes.UNIT_DOWN(unit=hold.unit, state=unit.active_state)


def restored(content: t.Mapping[str, t.Any]) -> Hold:
    """Return a hold from the form of :func:`dataclasses.asdict` and JSON."""
    names = {field.name for field in dataclasses.fields(Hold)}
    known: t.Dict[str, t.Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in content.items() if key in names
    }
    daemon = known.get("daemon")
    if daemon is not None:
        known["daemon"] = Daemon(**{**daemon, "groups": tuple(daemon["groups"])})
    if known.get("container") is not None:
        known["container"] = HeldContainer(**known["container"])
    return Hold(**{**known, "kind": SupervisorKind(known["kind"])})
