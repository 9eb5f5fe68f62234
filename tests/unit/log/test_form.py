# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test whether an answer can be found in a log, from its last lines."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._log.form import strange_form

from ..conftest import CAPTURES

HEAD = b"2026-11-24 10:30:21,608 34 INFO p19 odoo.http: x\n"
#: Forms in which no record tells its process.
WITHOUT_PIDS = {
    *("fmt-celery", "fmt-loguru", "fmt-python-default", "fmt-twisted", "json-logstash-v1", "json-loguru-serialize"),
    *("odd-behind-compose", "rsyslog-no-pid-real", "syslog-012-no-pid"),
}
#: Forms whose records are not recognised, although a dump in them is.
NOT_UNDERSTOOD = {"fmt-xml-log4j", "xml-escaped"}


@pytest.mark.parametrize("form", sorted(one.name for one in (CAPTURES / "logs").iterdir()))
def test_the_forms_of_the_captures_are_understood(form: str) -> None:
    (log,) = (one for one in (CAPTURES / "logs" / form).iterdir() if one.name != "expected.json")
    lines = [("", line) for line in log.read_bytes().splitlines(keepends=True)]
    form_code = "dump.log_form" if form in NOT_UNDERSTOOD else None
    why = strange_form("the log", lines, 1, "stacks")
    assert (why and why.code) == ("dump.log_without_pids" if form in WITHOUT_PIDS else form_code)
    why = strange_form("the log", lines, 0, "stacks")
    assert (why and why.code) == form_code


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], None),
        ([b"/usr/lib/python3/x.py:3: DeprecationWarning: soon\n", b"  import x\n"], None),
        ([b"<r><l>odoo.http</l><level>INFO</level></r>\n"] * 3, "dump.log_form"),
        # As an addon leaves it that gives the log another form when it is loaded.
        ([HEAD, *[b"<r><l>odoo.http</l><level>INFO</level></r>\n"] * 10], "dump.log_form"),
        ([HEAD, b"<r><l>odoo.http</l><level>INFO</level></r>\n"], "dump.log_form"),
        ([b"<r><l>odoo.http</l><level>INFO</level></r>\n"] * 9 + [HEAD], None),
        # Lines of a message, and of an error.
        ([HEAD, *[b"the level is INFO\n"] * 8, b"odoo.exceptions.UserError: no\n"], None),
        ([HEAD, *[b"# Thread: <T> INFO\n", b'File: "odoo.py", line 1, in f\n'] * 10], None),
        ([b"1;odoo.addons.base;information;x;y\n"] * 5, "dump.log_form"),
    ],
)
def test_a_log_without_one_head_is_refused_once_it_has_records(lines: list[bytes], code: str | None) -> None:
    why = strange_form("the log", [("", line) for line in lines], 2, "stacks")
    assert (why and why.code) == code


def test_what_is_shown_of_a_log_hides_secrets() -> None:
    line = b"odoo.http|INFO|GET /x?access_token=S3cret\n"
    why = strange_form("the log", [("", line)] * 3, 2, "stacks")
    assert why is not None
    assert "S3cret" not in why.text
