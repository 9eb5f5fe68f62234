# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: no compatibility is promised to anybody else.

"""Having the processes of a server write their stacks, and reading them from its log."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.fleetops.odoo.plugins.module_utils._await import Clock, Pending, TimedOut, wait_until
from ansible_collections.fleetops.odoo.plugins.module_utils._busy import shown_pid, workers
from ansible_collections.fleetops.odoo.plugins.module_utils._dump_types import Dump
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps import parse_dumps
from ansible_collections.fleetops.odoo.plugins.module_utils._evidence import dumped
from ansible_collections.fleetops.odoo.plugins.module_utils._instances import Instance
from ansible_collections.fleetops.odoo.plugins.module_utils._log import LogMark
from ansible_collections.fleetops.odoo.plugins.module_utils._logplace import JOURNAL, LogPlace
from ansible_collections.fleetops.odoo.plugins.module_utils._proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._process import Process
from ansible_collections.fleetops.odoo.plugins.module_utils._send import Refused, Target, send

#: How much of the log is searched for dumps, and for the names of jobs: lines, and bytes of a file.
_LINES, _BYTES = 20_000, 4 << 20
_JOB_LINES, _JOB_BYTES = 4000, 1 << 19
#: Seconds that a dump may take. A threaded server under load may write none, and is asked twice (5 of 40 on 14.0).
_PATIENCE, _TRIES = 2.0, 2
#: Seconds that the rest of a dump may take behind its header: the journal gets it line by line.
_REST = 0.1


class Stacks:
    """Asks the workers of one server for their stacks. None of them is harmed by it."""

    def __init__(self, proc: Proc, clock: Clock, place: LogPlace, unit: t.Optional[str]) -> None:
        self._proc, self._clock, self._place, self._unit = proc, clock, place, unit

    def hidden(self, instance: Instance) -> t.Optional[str]:
        """Why a dump would not be seen, as a clause; None when it would."""
        if not self._place.shows_dumps:
            return "its log level hides stack dumps, or its log goes nowhere"
        log = self._mark(instance)
        log.close()
        return None if log.source else "its log cannot be read from here"

    def take(self, instance: Instance) -> t.Tuple[t.Dict[int, Dump], t.List[str]]:
        """A dump of each worker by its pid, as far as they come, and the last lines of the log."""
        asked = {shown_pid(process): (process, role) for process, role in workers(instance)}
        log = self._mark(instance)
        try:
            if not self._place.shows_dumps or log.source is None:
                return {}, []
            found: t.Dict[int, Dump] = {}
            for _try in range(_TRIES):
                missing = {pid: one for pid, one in asked.items() if pid not in found}
                if not missing:
                    break
                # The journal gets dumps line by line, so those of two processes would be mixed.
                one_by_one = self._place.kind == JOURNAL
                for group in [[one] for one in missing.values()] if one_by_one else [list(missing.values())]:
                    self._ask(instance, group, log)
                dumps = {dump.pid: dump for dump in parse_dumps(log.tail(_LINES, _BYTES))}
                found = {pid: dumps[pid] for pid in asked if pid in dumps}
            lines = log.last(_JOB_LINES, _JOB_BYTES)
            return {asked[pid][0].pid: dump for pid, dump in found.items()}, lines
        finally:
            log.close()

    def _mark(self, instance: Instance) -> LogMark:
        return LogMark(self._proc, instance.master, self._place, self._unit, self._clock.time())

    def _ask(self, instance: Instance, group: t.Sequence[t.Tuple[Process, str]], log: LogMark) -> None:
        sent: t.Set[int] = set()
        for process, role in group:
            with contextlib.suppress(Refused):  # it may have ended, or be about to
                send(self._proc, "QUIT", Target(process, role, instance.mode, instance.state))
                sent.add(shown_pid(process))

        def attempt() -> t.Union[bool, Pending]:
            return sent <= dumped(log.tail(_LINES, _BYTES)) or Pending("a dump")

        if sent:
            with contextlib.suppress(TimedOut):
                wait_until(attempt, self._clock, self._clock.monotonic() + _PATIENCE)
            self._clock.sleep(_REST)
