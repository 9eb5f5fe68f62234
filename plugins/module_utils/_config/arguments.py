# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Options in an argument vector, as optparse takes them for Odoo."""

from __future__ import annotations

import functools
import optparse
import typing as t

from .table import NEW, Kind, all_options

#: Between handlers of a command line, of which each may hold commas.
BETWEEN = "\n"


def parse_arguments(args: t.Sequence[str], version: t.Optional[int] = None) -> t.Dict[str, str]:
    """Return options of an argument vector, parsed as Odoo does it: by optparse, abbreviations and all.

    Unknown options (of an addon, or of a later Odoo) are passed over.
    """
    parser = _parser(version)
    values = parser.get_default_values()
    rest = list(args)
    if version is None or version >= NEW:
        # Odoo 19 lets --without-demo stand without a value. An older Odoo takes any next word for it.
        rest = [
            word for word, after in zip(args, [*args[1:], "-"]) if word != "--without-demo" or not after.startswith("-")
        ]
    while rest:
        try:
            parser._process_args([], rest, values)  # noqa: SLF001
        except (optparse.BadOptionError, optparse.OptionValueError):
            continue
    if values.log_handler:
        values.log_handler = BETWEEN.join(values.log_handler)
    return {name: str(value) for name, value in vars(values).items() if value is not None}


class _Parser(optparse.OptionParser):
    """optparse ends the program over what it cannot parse; here that word is passed over."""

    def error(self, msg: str) -> t.NoReturn:
        raise optparse.OptionValueError(msg)


@functools.lru_cache(maxsize=None)
def _parser(version: t.Optional[int]) -> optparse.OptionParser:
    parser = _Parser(add_help_option=False)
    taken: t.Set[str] = set()
    for option in all_options().values():
        for flag in option.flags:
            # Of an unknown version every way to write an option counts, and the first option that has it.
            if flag.word in taken or not (version is None or flag.since <= version <= flag.until):
                continue
            taken.add(flag.word)
            many = option.kind == Kind.HANDLERS
            if flag.value is None:
                parser.add_option(flag.word, dest=option.name, action="append" if many else "store")
            else:
                action = "append_const" if many else "store_const"
                parser.add_option(flag.word, dest=option.name, action=action, const=flag.value)
    return parser
