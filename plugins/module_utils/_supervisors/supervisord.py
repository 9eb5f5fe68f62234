# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""supervisord: how it is asked about a server, and with which configuration."""

from __future__ import annotations

import os
import re
import typing as t

from .._messages import supervisor as codes
from .._processes.classify import Instance
from .._processes.proc import Gone, Proc
from .._processes.process import parse_cmdline, parse_stat, parse_status
from .._system.errors import Refused
from .._system.files import is_roots
from .command import run

#: Where supervisorctl may be: never below a place that a service's user writes to.
_SUPERVISORCTL = ("/usr/bin/supervisorctl", "/usr/local/bin/supervisorctl", "/bin/supervisorctl")


#: States of a program of supervisord that may come to a running server without us.
SUPERVISORD_GOES_ON = ("BACKOFF", "STARTING", "RUNNING")


_PROGRAM = re.compile(r"^[A-Za-z0-9_][\w.@+-]*:[A-Za-z0-9_][\w.@+-]*$")


def supervisorctl_for(proc: Proc, instance: Instance, program: str) -> t.Tuple[str, ...]:
    """How the supervisord of a server is asked: supervisorctl, with the configuration that its supervisord was given.

    :raises Refused: it cannot be asked, or does not know this server by that name.
    """
    ctl = next((path for path in _SUPERVISORCTL if is_roots(path)), None)
    if ctl is None:
        raise Refused(codes.NO_SUPERVISORCTL(paths=", ".join(_SUPERVISORCTL)))
    if not _PROGRAM.match(program):
        # The server's environment tells this name, and supervisorctl takes several words, and patterns.
        raise Refused(codes.BAD_PROGRAM_NAME(name=program))
    parent = instance.master.ppid
    try:
        # A wrapper may stand between them.
        if "supervisord" not in proc.text(parent, "cmdline"):
            parent = parse_stat(proc.text(parent, "stat")).ppid
        argv = parse_cmdline(proc.read(parent, "cmdline"))
        # All of its IDs: sudo with the arguments of supervisord has an effective ID of 0.
        uids = {*parse_status(proc.text(parent, "status")).uids}
        cwd = proc.link(parent, "cwd")
    except (Gone, ValueError):
        argv, uids, cwd = (), set(), "/"
    if not any(os.path.basename(word) == "supervisord" for word in argv):
        raise Refused(codes.NO_SUPERVISORD())
    if uids != {0}:
        raise Refused(codes.SUPERVISORD_NOT_ROOT(pid=parent))
    base: t.Tuple[str, ...] = (ctl,)
    config = config_of(argv)
    if config is not None:
        path = os.path.join(cwd, config)
        if not is_roots(path):
            raise Refused(codes.CONFIGURATION_NOT_ROOT(path=path))
        base = (ctl, "-c", path)
    said = run((*base, "pid", program), 10.0).strip()
    if said not in (str(instance.master.pid), str(instance.master.ppid)):
        raise Refused(codes.OTHER_PROGRAM(program=program, said=said))
    return base


def config_of(argv: t.Sequence[str]) -> t.Optional[str]:
    """Path of the configuration that a supervisord was started with, as it stands there. Pure."""
    for word, following in zip(argv, [*argv[1:], ""]):
        if word in ("-c", "--configuration") and following:
            return following
        if word.startswith("--configuration="):
            return word.partition("=")[2]
        if word.startswith("-c") and len(word) > 2:
            return word[2:]
    return None
