# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tracebacks of real logs: an installed addon that cannot be imported, reloaded with a HUP and asked for its health."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._log.tracebacks import (
    Traceback,
    Tracebacks,
    parse_traceback,
)

from ..conftest import CAPTURES

ERROR = "ModuleNotFoundError: No module named 'does_not_exist'"
WHERE = "/opt/lab/addons/lab_broken/models/thing.py:9"
HEAD = b"2026-11-30 10:24:31,344 91 ERROR p19 odoo.sql_db: it failed\n"
BODY_TEXT = b'Traceback (most recent call last):\n  File "/a.py", line 3, in run\n    work()\nValueError: no\n'
BODY = [("", line) for line in BODY_TEXT.splitlines(keepends=True)]


def read(name: str, prefix: bytes = b"", carrier: str = "") -> list[Traceback]:
    """Return the tracebacks of a captured log, read in two pieces."""
    lines = [
        (carrier, prefix + line)
        for line in (CAPTURES / "broken" / f"{name}.log").read_bytes().splitlines(keepends=True)
    ]
    tracebacks = Tracebacks()
    for piece in (lines[:100], lines[100:], []):
        tracebacks.feed(piece)
    return tracebacks.found


@pytest.mark.parametrize(
    ("name", "master", "path", "requests"),
    [
        ("19-prefork-import", 91, "/web/health", [654, 654, 652, 654]),
        ("14-prefork-import", 66, "/web/login", [557, 556, 556]),
    ],
)
@pytest.mark.parametrize("prefix", [b"", b"Nov 30 10:24:31 shop odoo[1]: "])
def test_failed_loads_are_read_with_their_requests(
    name: str, master: int, path: str, requests: list[int], prefix: bytes
) -> None:
    found = read(name, prefix)
    # Pid 549 belongs to the generation before, which failed for another reason.
    found = [one for one in found if one.pid != 549]
    assert {(one.error, one.where, one.loads) for one in found} == {(ERROR, WHERE, True)}
    assert [one.pid for one in found if one.path == path] == requests
    assert [one.pid for one in found if one.path is None] == [master]
    assert found[0].cause == f"{ERROR} ({WHERE})"


def test_a_record_is_complete_when_no_more_lines_come() -> None:
    tracebacks = Tracebacks()
    tracebacks.feed([("", HEAD), *BODY[:2]])
    tracebacks.feed(BODY[2:])
    assert tracebacks.found == []
    tracebacks.feed([])
    assert tracebacks.found == [Traceback(91, "ValueError: no", "/a.py:3", loads=False)]


def test_the_journal_names_the_process_of_a_record_without_a_pid() -> None:
    tracebacks = Tracebacks()
    head = b"Odoo Server 19.0:p19:ERROR:odoo.sql_db: it failed\n"
    tracebacks.feed([("91", head), *(("91", line) for _carrier, line in BODY)])
    tracebacks.feed([])
    assert [(one.pid, one.error) for one in tracebacks.found] == [(91, "ValueError: no")]


def test_tracebacks_of_warnings_are_left_out() -> None:
    tracebacks = Tracebacks()
    tracebacks.feed([("", HEAD.replace(b"ERROR", b"WARNING")), *BODY])
    tracebacks.feed([])
    assert tracebacks.found == []


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (["Traceback (most recent call last):"], None),
        (["no traceback", '  File "/a.py", line 3, in run', "ValueError: no"], None),
        (["Traceback (most recent call last):", '  File "/a.py", line 3, in run'], None),
        # The message has several lines, and the code has a line that looks like one.
        (
            [
                "Traceback (most recent call last):",
                '  File "/a.py", line 3, in run',
                "    raise ParseError('x')",
                "odoo.tools.convert.ParseError: while parsing /a.xml:4",
                "Error while validating view:",
            ],
            "odoo.tools.convert.ParseError: while parsing /a.xml:4",
        ),
        (
            [
                "Traceback (most recent call last):",
                '  File "/a.py", line 1, in <module>',
                "    from . import b",
                '  File "/b.py", line 3',
                "    def x(",
                "         ^",
                "SyntaxError: '(' was never closed",
            ],
            "SyntaxError: '(' was never closed",
        ),
    ],
)
def test_the_error_is_the_first_line_behind_the_innermost_frame(lines: list[str], error: str | None) -> None:
    found = parse_traceback(lines, 7)
    assert (found and found.error) == error
