# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Codes: the stable names of refusals, failures, waits and warnings, each with its sentence and its remedy.

The files beside this one are the table, a file for each group. Nothing else in the collection has sentences about what
went wrong: code raises or returns ``SYNTAX_ERROR(path=..., line=...)``. docs/troubleshooting.md is made from the table.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Problem:
    """A code with its values filled in.

    :ivar text: the sentence, as a clause without a full stop.
    :ivar remedy: what to do, as whole sentences; empty where there is nothing to do.
    :ivar values: what was filled in, for tests and callers; it may hold what must be hidden before it is shown.
    """

    code: str
    text: str
    remedy: str = ""
    values: t.Mapping[str, t.Any] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return "%s. %s" % (self.text, self.remedy) if self.remedy else self.text

    @property
    def message(self) -> str:
        """The problem as a message of its own.

        It begins with a capital letter, unless it begins with the name of an option or a variable, or with an address.
        """
        text = str(self)
        first = text.partition(" ")[0]
        as_it_is = self.code.startswith("option.") or "_" in first or "://" in first
        return text if as_it_is else text[:1].upper() + text[1:]

    def told(self) -> t.Dict[str, str]:
        """Return the problem as modules return it."""
        return {"code": self.code, "message": str(self)}


@dataclass(frozen=True)
class Code:
    """One row of the table.

    :ivar name: stable name, ``group.what``; playbooks and tests ask for it.
    :ivar sentence: a clause with placeholders of str.format, which say their type: {pid:d}, {seconds:g}, {path}.
    :ivar remedy: what to do, as whole sentences; it may use the same placeholders.
    """

    name: str
    sentence: str
    remedy: str = ""

    def __call__(self, **values: t.Any) -> Problem:
        """Fill in the placeholders.

        :raises KeyError, ValueError: a value is missing or has another type; a unit test finds such calls.
        """
        return Problem(self.name, self.sentence.format(**values), self.remedy.format(**values), values)
