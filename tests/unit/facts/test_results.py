# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the results that modules return."""

from __future__ import annotations

import json
import os
import pwd

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.gather import Facts
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import Loaded
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import (
    Outcome,
    ReloadResult,
    Result,
    iso,
    kind_of,
    masters,
    one_off,
    printable,
    summary,
    user_name,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._log.place import LogPlace
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look, look
from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.find import Supervisor, SupervisorKind
from hypothesis import given
from hypothesis import strategies as st

from ..conftest import captured

SECRET = "Q7zX9w"
LOAD = Loaded(0.0, 1.5, "process")


def facts(seen: Look) -> dict[str, Facts]:
    """Facts that a survey would find for every server of a look."""
    log = LogPlace("file", "/var/log/odoo/\udcff.log", shows_dumps=True)
    one = Facts(Supervisor(SupervisorKind.SYSTEMD, "odoo.service"), None, log, 1_796_000_000.0, LOAD, None)
    return {instance.identity: one for instance in seen.instances}


def test_a_master_of_odoo_19_at_rest() -> None:
    seen = look(captured("19-prefork", "running"))
    (told,) = masters(seen, facts(seen), 1_796_000_060.0, {})
    assert (told["pid"], told["identity"], told["mode"], told["state"]) == (472, "472:375040", "prefork", "running")
    assert told["workers"] == {"http": 2, "cron": 1, "gevent": 1, "other": 0}
    assert [child["role"] for child in told["children"]] == ["http", "http", "gevent", "cron"]
    assert told["caught"][:3] == ["HUP", "INT", "QUIT"]
    assert told["uptime"] == 60.0
    assert told["loaded"] == {
        "not_before": "1970-01-01T00:00:00.000Z",
        "not_after": "1970-01-01T00:00:01.500Z",
        "evidence": "process",
    }
    assert {"address": "0.0.0.0", "port": 8069} in told["listening"]
    assert told["rss"] > 1 << 20
    assert told["hidden"] is False


def test_no_secret_of_an_argument_vector_is_told() -> None:
    proc = captured("19-prefork", "decoys")
    for name in [name for name in proc.files if name.endswith("/cmdline")]:
        words = proc.files[name].rstrip(b"\0").split(b"\0")
        if words[0].endswith(b"python3"):
            more = [b"--db_pa", SECRET.encode(), b"-w" + SECRET.encode(), b"--smtp-password=" + SECRET.encode()]
            proc.files[name] = b"\0".join([*words, *more, b""])
    seen = look(proc)
    told = json.dumps([masters(seen, facts(seen), 0.0, {}), one_off(seen)])
    assert len(seen.instances) == 3
    assert len(seen.one_off) == 2
    assert SECRET not in told
    assert told.count("********") == 15


def _with_argument(argument: bytes) -> str:
    proc = captured("19-prefork", "running")
    proc.files["472/cmdline"] += argument + b"\0"
    seen = look(proc)
    return json.dumps(masters(seen, facts(seen), 0.0, {}), ensure_ascii=False)


@pytest.mark.parametrize("argument", [b"-d\xff", b"--logfile=/\xff", b"--data-dir=/\xff", b"--http-interface=\xff"])
def test_bytes_that_are_not_text_in_an_option_are_shown_as_escapes(argument: bytes) -> None:
    _with_argument(argument).encode()


@pytest.mark.parametrize("argument", [b"-c/\xff", b"\xff"])
def test_bytes_that_are_not_text_elsewhere_are_shown_as_escapes(argument: bytes) -> None:
    assert "\\\\xff" in _with_argument(argument)
    _with_argument(argument).encode()


def test_a_summary_is_what_an_operation_can_change() -> None:
    seen = look(captured("19-prefork", "hup-19-shepherd-old-and-new-generation"))
    told = summary(seen.instances[0], "19.0", LOAD)
    assert told["state"] == "reloading"
    assert told["workers"] == {"http": 4, "cron": 2, "gevent": 2, "other": 0}
    assert {child["generation"] for child in told["children"]} == {"old", "current"}


def test_a_result() -> None:
    told = Result("1:2", 1, Outcome.NOTHING, "because", seconds=1.23456).told()
    assert told == {
        "identity": "1:2",
        "pid": 1,
        "did": "nothing",
        "code": None,
        "reason": "because",
        "signals": [],
        "before": None,
        "after": None,
        "seconds": 1.23,
        "warnings": [],
    }


def test_a_result_of_a_reload_tells_more() -> None:
    told = ReloadResult("1:2", 1, Outcome.RESTARTED, "because", successor="3:4", log=["a \udcff"]).told()
    assert (told["did"], told["successor"], told["log"]) == ("restarted", "3:4", ["a \\xff"])
    assert set(told) - {"successor", "log", "steps"} == set(Result("1:2", 1, Outcome.NOTHING, "").told())


def test_users() -> None:
    assert user_name(os.getuid()) == pwd.getpwuid(os.getuid()).pw_name
    assert user_name(4_000_000_001) == "4000000001"


def test_moments() -> None:
    assert iso(0) == "1970-01-01T00:00:00.000Z"
    assert iso(1_796_000_000.1239) == "2026-11-30T00:53:20.123Z"


@given(st.binary())
def test_any_bytes_can_be_printed(data: bytes) -> None:
    text = printable(data.decode("utf-8", "surrogateescape"))
    assert text is not None
    text.encode()


def test_nothing_stays_nothing() -> None:
    assert printable(None) is None


def test_commands_of_a_terminal_are_shown_as_escapes() -> None:
    assert printable("a\tb\nc \x1b]0;taken\x07\x9b31m\u202e") == "a\tb\nc \\x1b]0;taken\\x07\\x9b31m\\u202e"


def test_a_member_is_its_word_as_key_in_text_and_in_json() -> None:
    assert {"signalled": 1}[Outcome.SIGNALLED] == 1
    assert f"{Outcome.SIGNALLED} %s" % Outcome.SIGNALLED == "signalled signalled"
    assert json.dumps({Outcome.SIGNALLED: Outcome.REFUSED}) == '{"signalled": "refused"}'


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("odoo -u all --stop-after-init", "update"),
        ("odoo-bin -i base,web --stop-after-init -d x", "update"),
        ("odoo --upd=all --stop", "update"),
        ("odoo module upgrade base", "update"),
        ("odoo shell -c /etc/odoo.conf", "shell"),
        ("odoo db dump x", "db"),
        ("odoo --stop-after-init", "run"),
        ("odoo server --stop-after-init", "run"),
        ("odoo <script>", "run"),
        ("odoo --addons-path=/a module upgrade x", "update"),
        ("odoo --addons-path=/a shell", "shell"),
    ],
)
def test_a_one_off_command_has_the_kind_of_its_subcommand(line: str, kind: str) -> None:
    assert kind_of(["python3", *line.split()]) == kind
