# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Argument vectors, parsed as Odoo does it."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._config.arguments import parse_arguments
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", {"workers": None}),
        ("-c /etc/odoo.conf", {"config": "/etc/odoo.conf"}),
        ("-c/etc/odoo.conf", {"config": "/etc/odoo.conf"}),
        ("--config=/etc/odoo.conf", {"config": "/etc/odoo.conf"}),
        ("--conf /etc/odoo.conf", {"config": "/etc/odoo.conf"}),
        ("--work 4", {"workers": "4"}),
        ("--workers=4 --workers=2", {"workers": "2"}),
        ("-d prod,test -p 8070", {"db_name": "prod,test", "http_port": "8070"}),
        ("-p8070", {"http_port": "8070"}),
        ("--xmlrpc-port=8070 --longpolling-port 8073", {"http_port": "8070", "gevent_port": "8073"}),
        ("--no-http", {"http_enable": "False"}),
        ("--no-xmlrpc", {"http_enable": "False"}),
        ("--syslog", {"syslog": "True"}),
        ("-i base -u all --dev all --workers 3", {"workers": "3"}),
        ("server --workers 3", {"workers": "3"}),
        ("--unknown --workers 3", {"workers": "3"}),
        ("--unknown=--workers=9 --workers 3", {"workers": "3"}),
        ("--db_password --workers=9 --workers 3", {"workers": "3"}),
        ("-w -p9999 --workers 3", {"workers": "3"}),
        ("--without-demo --workers 3", {"workers": "3"}),
        ("--without-demo all --workers 3", {"workers": "3"}),
        ("--logfile=/a --logfile ", {"logfile": "/a"}),
        ("-scPATH", {"save": "True", "config": "PATH"}),
        ("--log-handler=a:INFO,b:INFO --log-web", {"log_handler": "a:INFO,b:INFO\nodoo.http:DEBUG"}),
        ("--log-level warn --max-cron-threads 0", {"log_level": "warn", "max_cron_threads": "0"}),
    ],
)
def test_arguments(line: str, expected: dict[str, str]) -> None:
    words = line.split()
    if line.endswith("--logfile "):
        words.pop()
    found = parse_arguments(words)
    assert {name: found.get(name) for name in expected} == expected


@pytest.mark.parametrize("line", ["-c", "--workers", "--syslog=1", "-s --save=x", "--no-http=1", "--workers 3 -d"])
def test_arguments_that_optparse_would_end_the_program_for(line: str) -> None:
    # Any user of the host may run a program with that name.
    parse_arguments(line.split())


@pytest.mark.parametrize(("version", "workers"), [(None, "3"), (14, None), (18, None), (19, "3")])
def test_an_older_odoo_takes_the_next_word_for_the_value_of_without_demo(
    version: int | None, workers: str | None
) -> None:
    assert parse_arguments(["--without-demo", "--workers=3"], version).get("workers") == workers


WORDS = (
    st.sampled_from(
        [
            "-c",
            "-d",
            "--workers",
            "--workers=2",
            "--",
            "-",
            "server",
            "--x",
            "-xyz",
            "-sw",
            "x",
            "--without-demo",
            "--d",
        ]
    )
    | st.text()
)


@given(st.lists(WORDS, max_size=8))
def test_no_arguments_raise_or_hang(args: list[str]) -> None:
    with contextlib.suppress(SystemExit):  # xfail above
        parse_arguments(args)
