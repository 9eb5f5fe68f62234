# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""When did a server load its code? Our own markers, and the lock that lets one call at a time act on a server.

Both live in a directory that only the caller can write: root's is /run/fleetops-odoo, another user's is
/tmp/fleetops-odoo-UID. (What stands in a user's runtime directory goes with its last session, while its servers run
on.) Of an earlier boot nothing counts.
"""

from __future__ import annotations

import dataclasses
import typing as t
from dataclasses import dataclass, field

from .._processes.process import Process
from .._system.state_dir import StateDirectory

MARKER, LOG, PROCESS = "marker", "log", "process"


@dataclass(frozen=True)
class Loaded:
    """Bounds of the moment at which the running code was loaded, in seconds since the epoch."""

    not_before: float
    not_after: float
    evidence: str
    #: where links on the way to its code led to when it was loaded, by our record: path and real path
    links: t.Mapping[str, str] = field(default_factory=dict)
    #: folders of addons that its log names, as real paths
    addons: t.Tuple[str, ...] = ()
    #: the log of this pid is older than the start of the process, so the clock of the machine was set since
    clock_moved: bool = False
    #: by our record: what each of its sources was known by, and when that was seen
    state: t.Mapping[str, str] = field(default_factory=dict)
    seen_at: float = 0.0


@dataclass(frozen=True)
class Trace:
    """The sources of a server at a moment, for our record.

    :ivar links: where the links on the way to its code lead to, as paths and real paths.
    :ivar addons: folders of addons that its log names.
    :ivar state: what each of its sources is known by.
    :ivar at: when that was seen, in seconds since the epoch.
    """

    links: t.Mapping[str, str] = field(default_factory=dict)
    addons: t.Tuple[str, ...] = ()
    state: t.Mapping[str, str] = field(default_factory=dict)
    at: float = 0.0


class ServerRecords(StateDirectory):
    """The records about servers, and the locks of servers, of one user on one host."""

    def try_lock(self, process: Process) -> t.Optional[int]:
        """Take the lock of this server; None when another call holds it. It ends with the descriptor, or with us."""
        try:
            return self.lock("%d-%d.lock" % (process.pid, process.start), wait=False)
        except BlockingIOError:
            return None

    def remember(self, process: Process, not_before: float, not_after: float, trace: t.Optional[Trace] = None) -> None:
        """Write down when this process, in its present exec, loaded its code.

        :param trace: from what.
        :raises OSError: the marker could not be written (a full disk); it is not there then, never half there.
        """
        content: t.Dict[str, t.Any] = {"fingerprint": process.fingerprint, **dataclasses.asdict(trace or Trace())}
        content.update(not_before=not_before, not_after=not_after)
        self.write(_marker(process), content)

    def recall(self, process: Process) -> t.Optional[Loaded]:
        """Return the record of this process in its present exec; None without one."""
        try:
            content = self.read(_marker(process))
            if process.fingerprint is None or content["fingerprint"] != process.fingerprint:
                return None
            addons = content.get("addons")
            return Loaded(
                float(content["not_before"]),
                float(content["not_after"]),
                MARKER,
                links=_texts(content.get("links")),
                addons=tuple(map(str, addons)) if isinstance(addons, list) else (),
                state=_texts(content.get("state")),
                seen_at=float(content.get("at", 0.0)),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def recall_earlier(self, process: Process) -> t.Optional[float]:
        """Return a time before which the present exec of a process has loaded nothing; None without a record.

        It is the lower bound of an earlier exec of the same process, in seconds since the epoch.
        """
        try:
            content = self.read(_marker(process))
            if process.fingerprint is None or content["fingerprint"] == process.fingerprint:
                return None
            return float(content["not_before"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remember_scale(self, process: Process, count: int, *, proven: bool) -> None:
        """Write down how many http workers this master, in its present exec, was told to have.

        :param proven: its master has shown that it keeps up that number.
        :raises OSError: it could not be written.
        """
        self.write(_scale(process), {"fingerprint": process.fingerprint, "count": count, "proven": proven})

    def scaled(self, process: Process) -> t.Optional[int]:
        """Return the number of http workers that signals have set since the last exec of this master; None if none."""
        content = self._scaled(process)
        return content[0] if content else None

    def is_in_doubt(self, process: Process) -> bool:
        """Return whether a call has sent signals to this master, and not seen which number it keeps up in the end."""
        content = self._scaled(process)
        return content is not None and not content[1]

    def _scaled(self, process: Process) -> t.Optional[t.Tuple[int, bool]]:
        try:
            content = self.read(_scale(process))
            if process.fingerprint is None or content["fingerprint"] != process.fingerprint:
                return None
            return int(content["count"]), bool(content.get("proven"))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _texts(found: t.Any) -> t.Dict[str, str]:
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _marker(process: Process) -> str:
    return "%d-%d.json" % (process.pid, process.start)


def _scale(process: Process) -> str:
    return "%d-%d.workers.json" % (process.pid, process.start)


def loaded(
    started: float,
    marker: t.Optional[Loaded],
    logged: t.Optional[float],
    now: float,
    addons: t.Tuple[str, ...] = (),
    earliest: t.Optional[float] = None,
    earlier: t.Optional[float] = None,
) -> Loaded:
    """Return when the running code was loaded, by the best evidence. Pure; all times are seconds since the epoch.

    :param started: when the process was started. This is a lower bound of the load, also after HUPs.
    :param marker: our record of the present exec.
    :param logged: time of the last version line in the log; Odoo has imported its core by then.
    :param addons: the folders of addons that the log names for that load.
    :param earliest: the earliest time in the log after that line. If the clock was set back since the load, files have
        times of the clock as it is now.
    :param earlier: a lower bound of the load of an earlier exec of the process, by our record.
    """
    if marker is not None:
        return marker
    if logged is not None and logged <= now and earliest is not None and earliest < logged - _CLOCK_SLACK:
        return Loaded(earliest - LONGEST_IMPORT, logged, LOG, addons=addons, clock_moved=True)
    if logged is not None and started <= logged <= now:
        lower = max(started, logged - LONGEST_IMPORT)
        if earlier is not None and earlier <= logged:
            lower = max(lower, earlier)
        return Loaded(lower, logged, LOG, addons=addons)
    if logged is not None and logged < started - _CLOCK_SLACK:
        # Files that have changed since have times of the clock as it was then, too.
        return Loaded(logged - LONGEST_IMPORT, logged, LOG, addons=addons, clock_moved=True)
    return Loaded(started, now, PROCESS)


#: Seconds by which a start may seem to be later than it was: a clock is kept right in small steps.
_CLOCK_SLACK = 5.0
#: Odoo says its version after it has imported its core. That takes less than a second (0.4 s seen); this leaves room
#: for a cold disk.
LONGEST_IMPORT = 30.0
