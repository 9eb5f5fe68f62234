# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Run an operation on the chosen masters, and end the module with what came of it."""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleModule

from .._facts.known_secrets import Secrets, hidden_in, known_secrets
from .._facts.results import Result, printable
from .._messages.host import NEWER_VERSION
from .._processes.look import Look
from .._processes.release import NEWEST, is_newer
from .._server.host import Host
from .._system.errors import OperationFailed
from .common import choose_masters, told_left_out

_R = t.TypeVar("_R", bound=Result)


_Told = t.Callable[[AnsibleModule, t.Sequence[_R], Secrets], t.Dict[str, t.Any]]


def run_on_masters(
    module: AnsibleModule,
    host: Host,
    run: t.Callable[[Look, t.List[str]], t.Sequence[_R]],
    *,
    chosen: t.Optional[t.Tuple[Look, t.List[str]]] = None,
    tell: t.Optional[_Told[_R]] = None,
) -> t.NoReturn:
    """Run an operation on the chosen masters, and end the module with the results of all of them.

    :param run: gets a look and identities.
    :param chosen: where the module has chosen by itself.
    :param tell: makes what the module returns, where :func:`told` is not enough.
    """
    seen, identities = chosen or choose_masters(module, host)
    # Of a server that has died since its secrets cannot be read any more, so they are read now.
    secrets = known_secrets(host.proc, seen)
    tell = tell or told
    left_out = told_left_out(module, seen)
    try:
        results = run(seen, identities)
    except OperationFailed as exc:
        note_newer(seen, exc.results)
        warn(module, exc.results, secrets)
        message = t.cast(str, printable(secrets.hide(exc.message)))
        module.fail_json(msg=message, code=exc.code, left_out=left_out, **tell(module, exc.results, secrets))
    else:
        note_newer(seen, results)
        warn(module, results, secrets)
        module.exit_json(left_out=left_out, **tell(module, results, secrets))
    raise AssertionError  # either has left the process


def note_newer(seen: Look, results: t.Sequence[Result]) -> None:
    """Put a warning into the results of servers, and of their processes, whose Odoo is newer than what is known."""
    for instance in seen.instances:
        version = seen.releases[instance.identity].version
        if is_newer(version):
            theirs = {process.identity for process, _role in instance.everybody}
            for one in results:
                if one.identity in theirs:
                    one.warnings.insert(0, NEWER_VERSION(version=version, newest=NEWEST))


def told(module: AnsibleModule, results: t.Sequence[Result], secrets: Secrets) -> t.Dict[str, t.Any]:
    """Return results as a module does, with ``changed``, and ``diff`` in diff mode."""
    found: t.Dict[str, t.Any] = {
        "changed": any(one.changed for one in results),
        "results": [hidden_in(secrets, one.told()) for one in results],
    }
    if module._diff:  # noqa: SLF001  # there is no other way to ask
        found["diff"] = [
            {"before_header": r.identity, "after_header": r.identity, "before": r.before or {}, "after": r.after or {}}
            for r in results
            if r.after is not None
        ]
    return found


def warn(module: AnsibleModule, results: t.Sequence[Result], secrets: Secrets) -> None:
    """Pass the warnings of the results on to the caller."""
    for one in results:
        for problem in one.warnings:
            module.warn(t.cast(str, printable("pid %d: %s" % (one.pid, secrets.hide(str(problem))))))
