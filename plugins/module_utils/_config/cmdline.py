# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Find out what an argument vector starts: an Odoo server, its gevent child, a one-off command, or no Odoo."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

SERVER = "server"
GEVENT = "gevent"
ONE_OFF = "one_off"

#: Names of the programs that run Odoo.
PYTHON = re.compile(r"^(python|pypy)[0-9.]*t?(-dbg|d)?$")
#: odoo-bin, odoo, odoo.py, openerp-server, start_odoo, odoo16, odoo-bin-17.0, odoo16-bin, and .odoo-wrapped as nixpkgs
#: makes it … but not odoo-exporter.py
_NUMBER = r"([-_.]?v?\d+(\.\d+)*)?"
_SCRIPT = re.compile(
    r"^\.?(start[-_])?(odoo|openerp)" + _NUMBER + r"([-_.]?(bin|server|gevent))?" + _NUMBER + r"(\.py)?(-wrapped_?)?$"
)
_PACKAGE = re.compile(r"^(odoo|openerp)(\.__main__|\.cli)?$")
#: Programs that run another Python program inside their own process.
_CARRIERS = frozenset(
    [
        *("debugpy", "ptvsd", "pdb", "ipdb", "pudb", "cProfile", "profile", "coverage", "trace", "viztracer"),
        *("ddtrace-run", "hunter-trace", "kernprof", "line_profiler", "memory_profiler", "memray", "pyinstrument"),
        *("scalene", "yappi"),
    ]
)
#: What coverage does without running anything.
_CARRIER_COMMANDS_WITHOUT_PROGRAM = frozenset(
    ["annotate", "combine", "debug", "erase", "help", "html", "json", "lcov", "report", "xml"]
)
#: -m, also behind other flags (-um odoo) and with the module in the same word.
_MODULE_FLAG = re.compile(r"^-[bBdEhiIOPqRsSuvVx?]*m(.*)$", re.DOTALL)
#: Options of the interpreter whose value is the next argument.
_PYTHON_VALUE_OPTIONS = frozenset(["-W", "-X", "--check-hash-based-pycs"])


@dataclass(frozen=True)
class Command:
    """An argument vector that starts Odoo.

    ``interpreter`` is argv[0] as it stands (a path or a bare name), ``script`` the path as it stands or None when Odoo
    was started with ``-m``, ``args`` what Odoo itself parses.
    """

    kind: str
    interpreter: str
    script: t.Optional[str]
    package: t.Optional[str]
    args: t.Tuple[str, ...]


def could_be_odoo(cmdline: bytes) -> bool:
    """Return a cheap guess on the raw bytes, so that a pass over thousands of processes parses only a few of them."""
    return b"odoo" in cmdline or b"openerp" in cmdline


def parse_command(argv: t.Sequence[str]) -> t.Optional[Command]:
    """Return what ``argv`` starts; None if it is not Odoo in a Python interpreter.

    Wrappers (sudo, timeout, a shell, poetry) are None: they have no handlers of their own, a signal kills them.
    """
    if not argv or not PYTHON.match(_basename(argv[0])):
        return None
    rest = list(argv[1:])
    while rest:
        word = rest.pop(0)
        as_module = _MODULE_FLAG.match(word)
        if as_module:
            module = as_module.group(1) or (rest.pop(0) if rest else "")
            if _PACKAGE.match(module):
                return _command(argv[0], None, module.partition(".")[0], rest)
            return _carried(argv[0], rest) if module in _CARRIERS else None
        if word == "-":
            return None
        if word in _PYTHON_VALUE_OPTIONS:
            rest = rest[1:]
        elif not word.startswith("-"):
            if _basename(word) in _CARRIERS:
                return _carried(argv[0], rest)
            return _command(argv[0], word, None, rest) if _is_script(word) else None
        elif re.match(r"^-[bBdEhiIOPqRsSuvVx?]*c", word):
            return None
    return None


def _carried(interpreter: str, words: t.List[str]) -> t.Optional[Command]:
    """Return the program that a carrier runs: the first word after its options that can be a program."""
    for at, word in enumerate(words):
        if word == "-m" and at + 1 < len(words):
            module, args = words[at + 1], words[at + 2 :]
            return _command(interpreter, None, module.partition(".")[0], args) if _PACKAGE.match(module) else None
        if word in _CARRIER_COMMANDS_WITHOUT_PROGRAM:
            return None
        if _is_script(word) and words[at - 1 : at] != ["-C"]:
            return _command(interpreter, word, None, words[at + 1 :])
        if not word.startswith("-") and word.endswith(".py"):
            return None
    return None


def _command(interpreter: str, script: t.Optional[str], package: t.Optional[str], args: t.Sequence[str]) -> Command:
    words = list(args)
    # Odoo looks for its subcommand in first place only, but lets --addons-path stand before it.
    if len(words) > 1 and words[0].startswith("--addons-path=") and not words[1].startswith("-"):
        words = words[1:]
    subcommand = words[0] if words and words[0] and not words[0].startswith("-") else SERVER
    if subcommand == GEVENT or _basename(script or "").startswith("openerp-gevent"):
        kind = GEVENT
    elif subcommand in (SERVER, "start") and not _stops_after_init(args):
        kind = SERVER
    else:
        kind = ONE_OFF
    return Command(kind, interpreter, script, package, tuple(args))


#: Options that a HUP drops from the arguments, and how many words each takes behind it (seen in Odoo 14.0 and 19.0).
_DROPPED = {"-s": 0, "--save": 0, "--i18n-overwrite": 0, "-u": 1, "--update": 1, "-i": 1, "--init": 1}


def lasting_arguments(args: t.Sequence[str]) -> t.List[str]:
    """Arguments that a server still has after a HUP."""
    kept = []
    skip = 0
    for word in args:
        if skip:
            skip -= 1
        elif word in _DROPPED:
            skip = _DROPPED[word]
        elif not word.startswith(("--update=", "--init=")) and word[:2] not in ("-s", "-u", "-i"):
            kept.append(word)
    return kept


def _stops_after_init(args: t.Sequence[str]) -> bool:
    # optparse takes any unambiguous beginning of a long option.
    return any(len(word) >= len("--sto") and "--stop-after-init".startswith(word) for word in args)


def _is_script(word: str) -> bool:
    # What "-m odoo" becomes with a HUP, and what its gevent process is started as.
    return bool(_SCRIPT.match(_basename(word)) or re.search(r"(^|/)(odoo|openerp)/__main__\.py$", word))


def _basename(path: str) -> str:
    return path.rsplit("/", 1)[-1]
