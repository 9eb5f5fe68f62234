# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms in which logs come: each folder of captures/logs has one, and the dumps that are in it.

The dumps are those of captures/dumps/19-prefork.log, in the form that the tool of the folder's name gives them.
"""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.parse import DumpReader, backwards
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Dump
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.unpack import opened

from ..conftest import CAPTURES

FORMS = sorted(one.name for one in (CAPTURES / "logs").iterdir())


def told(dump: Dump) -> dict[str, t.Any]:
    """Return the compared parts of a dump."""
    threads = []
    for thread in dump.threads:
        at = thread.at
        place = at and f"{at.file}:{at.line} {at.function}: {at.source}"
        threads.append([thread.name, thread.db, thread.uid, thread.work, len(thread.frames), place])
    other = len(dump.other) + sum(len(thread.other) for thread in dump.threads)
    # A log that leaves out the year is taken to be of the last twelve months.
    shown = {"pid": dump.pid, "time": dump.time[5:], "threads": threads, "other": other}
    return shown if dump.is_understood else {**shown, "understood": False}


def expected(folder: pathlib.Path) -> list[dict[str, t.Any]]:
    return [{**one, "time": one["time"][5:]} for one in json.loads((folder / "expected.json").read_text())]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1 << 18, 700])
def test_every_dump_is_found_in_each_form_of_a_log(form: str, size: int) -> None:
    folder = CAPTURES / "logs" / form
    (log,) = (one for one in folder.iterdir() if one.name != "expected.json")
    reader = DumpReader()
    with opened(str(log)) as file:
        dumps = reader.read(iter(lambda: file.read(size), ""))
    if reader.is_backwards:
        with opened(str(log)) as file:
            dumps = reader.read([backwards(file.read())])
    assert [told(dump) for dump in dumps] == expected(folder)
    assert reader.strange is None


@pytest.mark.parametrize(
    "line",
    [
        # A language that no Odoo has, and texts that were packed.
        "2026-11-24 10:30:22 odoo File: '/usr/bin/odoo' line 6",
        '<entry><msg>File: "/usr/bin/odoo"; 6; main</msg></entry>',
    ],
)
def test_a_form_that_is_not_understood_is_kept_as_its_line(line: str) -> None:
    reader = DumpReader()
    assert reader.read([f"some text\n{line}\nmore\n"]) == []
    assert reader.strange == line


def test_a_dump_that_breaks_off_is_cut_and_tells_not_all() -> None:
    lines = (CAPTURES / "logs" / "plain" / "odoo.log").read_text().splitlines()
    whole = DumpReader().read(["\n".join(lines)])
    assert [(dump.is_whole, dump.is_cut, dump.is_understood) for dump in whole] == [(True, False, True)] * 2
    at = next(n for n, line in enumerate(lines) if n > 30 and line.startswith('File: "'))
    (_first, cut) = DumpReader().read(["\n".join(lines[: at + 1])])
    assert (cut.is_whole, cut.is_cut, cut.is_understood) == (False, True, False)


def test_a_dump_whose_greenlets_come_after_the_thread_that_writes_it_is_whole_and_is_not_without_them() -> None:
    lines = (CAPTURES / "logs" / "greenlets-of-15" / "odoo.log").read_text().splitlines()
    (whole,) = DumpReader().read(["\n".join(lines)])
    assert (whole.is_whole, whole.is_cut, whole.is_understood) == (True, False, True)
    assert not whole.threads[-1].is_handling
    first = next(n for n, line in enumerate(lines) if line.startswith("# Greenlet: <greenlet"))
    (cut,) = DumpReader().read(["\n".join(lines[: first + 2])])
    assert cut.is_cut


def test_dumps_that_were_written_at_the_same_time_to_one_pipe_are_never_understood() -> None:
    text = (CAPTURES / "logs" / "interleaved-plain" / "odoo.log").read_text()
    first, second = DumpReader().read([text])
    assert (first.is_cut, second.is_mixed) == (True, True)
    assert [dump.is_understood for dump in (first, second)] == [False, False]


def test_a_dump_without_a_head_ends_with_the_thread_that_writes_it() -> None:
    lines = (CAPTURES / "logs" / "plain" / "odoo.log").read_text().splitlines()
    dumps = DumpReader().read(["\n".join(line for line in lines if not line.startswith("2026"))])
    assert [(dump.pid, len(dump.threads), dump.is_understood) for dump in dumps] == [(0, 1, True), (41, 2, True)]


def test_a_dump_whose_lines_were_broken_is_never_understood() -> None:
    # As a terminal of 80 columns is copied: the name of a call may be cut, and what the process does with it.
    lines = (CAPTURES / "logs" / "plain" / "odoo.log").read_text().splitlines()
    broken = [line[at : at + 80] for line in lines for at in range(0, len(line) or 1, 80)]
    dumps = DumpReader().read(["\n".join(broken)])
    assert [dump.is_understood for dump in dumps] == [False, False]


def test_a_blank_line_behind_every_line_changes_nothing() -> None:
    lines = (CAPTURES / "logs" / "plain" / "odoo.log").read_text().splitlines()
    assert DumpReader().read(["\r\n\r\n".join(lines)]) == DumpReader().read(["\n".join(lines)])
