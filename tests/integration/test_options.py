# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the options of servers against Odoo's own parser."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import lzma
import os
import pathlib
import shlex
import subprocess
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.unit.config.asked import answer_of, plain

from .conftest import PACKAGED, Fleet, login, major_of, python_of
from .options_corpus import COMPARED, ORACLE, corpus, task_of

pytestmark = pytest.mark.versions

RECORDED = pathlib.Path(__file__).parents[1] / "unit/captures/options"


def record(version: int, cases: list[t.Any], answers: list[dict[str, t.Any]]) -> None:
    """Write what the unit tests compare: the usual answers once, and of each case what differs from them."""
    usual = {}
    for name in COMPARED:
        told = collections.Counter(json.dumps(answer[name]) for answer in answers if name in answer)
        usual[name] = json.loads(told.most_common(1)[0][0] if told else "null")
    less = [{n: v for n, v in answer.items() if json.dumps(v) != json.dumps(usual.get(n))} for answer in answers]
    parts = ["%s" % ",\n".join(json.dumps(one) for one in many) for many in (map(dataclasses.asdict, cases), less)]
    text = '{"usual": %s,\n"cases": [\n%s\n],\n"answers": [\n%s\n]}\n' % (json.dumps(usual), *parts)
    (RECORDED / f"{version}.json.xz").write_bytes(lzma.compress(text.encode()))


@pytest.mark.thorough
@pytest.mark.parametrize("host", ["p14", "p19"])
def test_our_options_are_those_of_odoos_own_parser(fleet: Fleet, host: str) -> None:
    cases, version = corpus(), major_of(host)
    python, source = python_of(host)
    done = subprocess.run(
        [*login(fleet.inventory, host), f"runuser -u odoo -- {python} -c {shlex.quote(ORACLE)}"],
        input=task_of(cases, source),
        check=True,
        capture_output=True,
        text=True,
        timeout=600,
    )
    # Each version stands in the same folder then.
    answers = [json.loads(line.replace(source, PACKAGED)) for line in done.stdout.splitlines()]
    pairs = [(case, answer) for case, answer in zip(cases, answers, strict=True) if "died" not in answer]
    assert len(pairs) >= 300
    different = []
    for case, answer in pairs:
        ours = answer_of(case, version)
        ours["config"] = ours["config"] or answer["config"]
        for name in answer.keys() & ours.keys():
            theirs = plain(answer[name], name, case.cwd)
            different += [(name, theirs, ours[name], case)] if theirs != ours[name] else []
    assert different == []
    if os.environ.get("FLEETOPS_RECORD"):
        record(version, *(list(part) for part in zip(*pairs, strict=True)))


@contextlib.contextmanager
def configured(fleet: Fleet, host: str, *lines: str) -> t.Iterator[None]:
    """Add lines to the odoo.conf of a server while the block runs."""
    fleet.run(host, "cp", "-p", "/etc/odoo/odoo.conf", "/etc/odoo/odoo.conf.before")
    try:
        text = "".join(line + "\n" for line in lines)
        fleet.run(host, "sh", "-c", 'printf %s "$0" >> /etc/odoo/odoo.conf', text)
        yield
    finally:
        fleet.run(host, "mv", "/etc/odoo/odoo.conf.before", "/etc/odoo/odoo.conf")


@pytest.mark.parametrize("host", ["p19", "p14"])
def test_old_names_count_in_the_versions_that_take_them(fleet: Fleet, host: str) -> None:
    ports = (8169 if major_of(host) <= 18 else 8069, 8173 if major_of(host) <= 17 else 8072)
    with configured(fleet, host, "xmlrpc_port = 8169", "longpolling_port = 8173"):
        options = fleet.master(host)["options"]
        assert (options["http_port"], options["gevent_port"]) == ports


@pytest.mark.parametrize("host", ["p19", "p14"])
def test_paths_are_expanded_with_the_environment_of_the_server(fleet: Fleet, host: str) -> None:
    # Its unit sets no HOME, but systemd does for a user of a unit.
    with configured(fleet, host, "pidfile = ~/pid", "screencasts = $HOME/x"):
        fleet.run(host, "sed", "-i", "s|^data_dir.*|data_dir = ~|", "/etc/odoo/odoo.conf")
        assert fleet.master(host)["options"]["data_dir"] == "/var/lib/odoo"
