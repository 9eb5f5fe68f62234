# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of Odoo's log without what a carrier puts around them; whole logs are in captures/logs (dumps/test_forms)."""

from __future__ import annotations

import json

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._forms.carrier import Unwrapper, unwrapped
from ansible_collections.fleetops.odoo.plugins.module_utils._forms.line import head_of
from hypothesis import given
from hypothesis import strategies as st

from ..conftest import CAPTURES, KINDS

RECORD = "2026-11-24 10:30:21,608 34 INFO p19 odoo.addons.base: some text"
DUMP = "2026-11-24 10:30:21,608 34 INFO p19 odoo.tools.misc: "
FRAME = 'File: "/usr/bin/odoo", line 6, in <module>'
CAPTURED = [
    line for kind in KINDS for line in (CAPTURES / "dumps" / f"{kind}.log").read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize(
    ("raw", "pid"),
    [
        (RECORD, ""),
        (RECORD + "\r\n", ""),
        (f"Nov 24 10:30:22 p19 odoo[7]: {RECORD}", "7"),
        (f"Nov  4 10:30:22.123456 p19 python3[7]: {RECORD}", "7"),
        (f"2026-11-24T10:30:22+0000 p19 odoo[7]: {RECORD}", "7"),
        (f"2026-11-24T07:32:16.034+00:00 stdout F {RECORD}", ""),
        (f"2026-11-24T07:32:16.034+00:00 stderr P {RECORD}", ""),
        (f"odoo-1  | {RECORD}", "odoo-1"),
        (json.dumps({"MESSAGE": RECORD, "_PID": "7"}), "7"),
        (json.dumps({"MESSAGE": list(RECORD.encode()), "_PID": "7"}), "7"),
        (json.dumps({"MESSAGE": RECORD, "_PID": 7}), ""),
        (json.dumps({"log": RECORD + "\n", "stream": "stderr", "_PID": "7"}), ""),
        (RECORD.replace("INFO", "\x1b[1;32mINFO\x1b[0m"), ""),
        ("odoo-1  | " + RECORD.replace("INFO", "\x1b[1;32mINFO\x1b[0m"), "odoo-1"),
        (json.dumps({"MESSAGE": RECORD.replace("INFO", "\x1b[32mINFO\x1b[m")}), ""),
    ],
)
def test_the_carrier_of_a_line_is_taken_off_and_names_the_process(raw: str, pid: str) -> None:
    assert unwrapped(raw) == (pid, RECORD)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "  File: x",
        "{broken",
        "{}",
        '{"MESSAGE": 3}',
        '{"MESSAGE": [256]}',
        '{"log": null}',
        "[1]",
        '{"a":' * 100_000,
        "Nov 24 10:30:22 p19 kernel: text",
        "2026-11-24T07:32:16.034+00:00 stdin F text",
    ],
)
def test_a_line_without_a_known_carrier_stays_as_it_is(raw: str) -> None:
    assert unwrapped(raw) == ("", raw)


def test_every_captured_line_stays_as_it_was_written() -> None:
    assert len(CAPTURED) > 500
    assert [unwrapped(line) for line in CAPTURED] == [("", line) for line in CAPTURED]


@given(st.text())
def test_any_text_can_be_unwrapped(text: str) -> None:
    _carrier, line = unwrapped(text)
    head_of(line)


def told(*lines: str) -> list[tuple[str, str]]:
    unwrapper = Unwrapper(lambda: 1_795_600_000.0)  # on 25 November 2026
    return [one for line in lines for one in unwrapper.lines(line)]


def test_what_stands_before_a_head_is_taken_off_the_lines_below_it() -> None:
    below = ["# Thread: <T> (db:p19) (uid:1) (url:/)", FRAME, "  main()", "", "other text"]
    stamps = [f"[2026-11-24 10:30:2{n}.{n * 7}] erp-{n % 2} >> " for n in (0, 2, 4, 6, 8, 0)]
    lines = [stamp + line for stamp, line in zip(stamps, [DUMP, *below])]
    assert told(*lines) == [("erp-0", line) for line in [DUMP, *below]]


def test_two_writers_of_one_log_are_told_apart() -> None:
    lines = [f"web-{n}  | {line}" for line in (DUMP, FRAME) for n in (1, 2)]
    assert [carrier for carrier, _line in told(*lines)] == ["web-1", "web-2", "web-1", "web-2"]


@pytest.mark.parametrize("text", ['  print("# Thread: <T>")', "    code.append('File: \"a\", line 1, in f')"])
def test_a_line_of_code_that_shows_a_dump_is_left_as_it_is(text: str) -> None:
    assert told(DUMP, FRAME, text)[2] == ("", text)


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (
            "Nov 24 11:30:22 h odoo[7]: Odoo Server 19.0:p:INFO:odoo.http:x",
            "2026-11-24 11:30:22,000 7 INFO p odoo.http: x",
        ),
        # Not of this year yet.
        (
            "Nov 30 11:30:22 h odoo[7]: Odoo Server 19.0:p:INFO:odoo.http:x",
            "2025-11-30 11:30:22,000 7 INFO p odoo.http: x",
        ),
        ("10:30:22,5 7 INFO ? odoo.http: x", "0000-00-00 10:30:22,500 7 INFO ? odoo.http: x"),
        ("2026-11-24T11:30:22.608+01:00 7 INFO ? odoo: x", "2026-11-24 10:30:22,608 7 INFO ? odoo: x"),
        ("2026-11-24 10:30:22,608 [7] odoo.tools.misc", "2026-11-24 10:30:22,608 7 INFO ? odoo.tools.misc: "),
    ],
)
def test_a_head_of_another_make_gets_the_usual_form(raw: str, line: str) -> None:
    assert [one for _carrier, one in told(raw)] == [line]


@pytest.mark.parametrize("mark", ["#012", "\\n", "^J", "␤", "<LF>"])
def test_a_record_in_one_line_is_taken_apart_by_what_stands_for_the_end_of_a_line(mark: str) -> None:
    raw = mark.join([DUMP, "# Thread: <T> (db:p19)", FRAME, "  main()"])
    assert [line for _carrier, line in told(raw)] == [DUMP, "# Thread: <T> (db:p19)", FRAME, "  main()"]


def test_a_line_that_a_runtime_has_cut_is_put_together_again() -> None:
    text = "# Thread: <T> (url:/" + "x" * 20_000 + ")"
    docker = [json.dumps({"log": part, "stream": "stderr"}) for part in (text[:16_384], text[16_384:] + "\n")]
    assert told(*docker) == [("", text)]
    podman = [f"2026-11-24T10:30:22Z stderr {tag} {part}" for tag, part in (("P", text[:8000]), ("F", text[8000:]))]
    assert told(*podman) == [("", text)]


def test_shapes_of_prefixes_are_limited() -> None:
    unwrapper = Unwrapper()
    for number in range(200):
        unwrapper.lines("a" * number + ": " + FRAME)
    assert len(unwrapper._prefixes.shapes) <= 16
