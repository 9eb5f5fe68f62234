# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the messages of a module that finds no server."""

from __future__ import annotations

import json
import os
import pathlib
import types
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.work import Busy
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.known_secrets import Secrets
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.results import Outcome, ReloadResult
from ansible_collections.fleetops.odoo.plugins.module_utils._messages.code import Problem
from ansible_collections.fleetops.odoo.plugins.module_utils._module import common, operate
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.classify import Role
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import Look
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.proc import Proc
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.release import Release
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._system.clock import Clock
from ansible_collections.fleetops.odoo.plugins.module_utils._workers.recycle import RecycleResult
from ansible_collections.fleetops.odoo.plugins.modules import recycle_workers

from .. import build


class Failed(Exception):
    pass


class Module:
    def __init__(self, **params: t.Any) -> None:
        self.params = {"match": {}, "allow_none": False, **params}

    def fail_json(self, **result: t.Any) -> t.NoReturn:
        raise Failed(result["msg"])


def said(host: Host, **params: t.Any) -> str:
    with pytest.raises(Failed) as failed:
        common.choose_masters(t.cast("t.Any", Module(**params)), host)
    return str(failed.value)


@pytest.mark.parametrize(
    ("uid", "options", "sees_little"),
    [(1000, "rw,hidepid=invisible", True), (0, "rw,hidepid=invisible", False), (1000, "rw", False)],
)
def test_the_message_of_an_empty_host_names_hidepid_only_where_processes_are_hidden(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, uid: int, options: str, *, sees_little: bool
) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self/mountinfo").write_text(f"22 28 0:21 / {tmp_path} rw - proc proc {options}\n", encoding="utf-8")
    (tmp_path / "uptime").write_text("100.0 100.0\n", encoding="utf-8")
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    host = Host(Proc(str(tmp_path)), Clock(), ServerRecords(str(tmp_path / "state")))
    message = said(host)
    assert message.startswith("No Odoo master was found, and none runs on this host")
    assert ("hidepid" in message) is sees_little
    assert said(host, match={"unit": "a"}).startswith(
        "No Odoo master was found that matches {'unit': 'a'}, and none runs"
    )
    _seen, identities = common.choose_masters(t.cast("t.Any", Module(allow_none=True)), host)
    assert identities == []
    without_option = Module()
    del without_option.params["allow_none"]
    with pytest.raises(Failed):
        common.choose_masters(t.cast("t.Any", without_option), host)


def test_the_others_are_named_in_what_json_can_carry(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    instance = build.instance(build.prefork())
    options = {instance.identity: build.options(config_file="/etc/b\udce9.conf")}
    seen = Look((instance,), (), options, {}, frozenset())
    monkeypatch.setattr(common, "matching", lambda *_arguments: (seen, []))
    host = Host(Proc(), Clock(), ServerRecords(str(tmp_path)))
    assert "others run with pid 100 (/etc/b\\xe9.conf)." in said(host, match={"unit": "a"})


#: That of a database whose administrator has no imagination.
SECRET = "master"
SECRETS = Secrets(((SECRET, "admin_passwd of odoo.conf"),))


def test_what_others_have_written_shows_no_secret_of_the_servers_wherever_it_stands() -> None:
    warned: list[str] = []
    module = t.cast("t.Any", types.SimpleNamespace(_diff=False, params={}, warn=warned.append))
    failed = ReloadResult("1:1", 1, Outcome.SIGNALLED, f"it says {SECRET}", None, ["HUP"], log=[f"said {SECRET}"])
    found = operate.told(module, [failed], SECRETS)
    assert SECRET not in json.dumps(found)
    assert (found["changed"], found["results"][0]["identity"]) == (True, "1:1")
    lost = Busy(7, Role.HTTP, 3.0, f"http://h/?x={SECRET}", "shop", None, (f"/x.py:1 f: {SECRET}",)).told()
    warning = Problem("x.y", SECRET)
    worker = {"pid": 7, "identity": "7:7", "role": SECRET, "lost": lost}
    recycled = RecycleResult(
        "1:1", 1, Outcome.SIGNALLED, "", None, ["XCPU"], warnings=[warning], busy=[lost], recycled=[worker]
    )
    recycled.step(1.0, f"XCPU cuts off {SECRET}")
    told = recycle_workers.tell(module, [recycled], SECRETS)["results"][0]
    # What we say ourselves stays what it is, since others go by it.
    assert told["recycled"][0].pop("role") == SECRET
    assert SECRET not in json.dumps(told)
    operate.warn(module, [recycled], SECRETS)
    assert warned == ["pid 1: ********"]


@pytest.mark.parametrize(("version", "codes"), [("20.0", ["host.newer_version"]), ("19.0", []), (None, [])])
def test_the_results_of_a_version_that_is_not_known_yet_warn_of_it(
    version: t.Optional[str], codes: t.List[str]
) -> None:
    instance = build.instance(build.prefork())
    worker = next(process for process, role in instance.everybody if role == Role.HTTP)
    seen = Look((instance,), (), {}, {instance.identity: Release(version)}, frozenset())
    results = [
        ReloadResult(identity, pid, Outcome.NOTHING, "", None)
        for identity, pid in ((instance.identity, 100), (worker.identity, worker.pid), ("9:9", 9))
    ]
    operate.note_newer(seen, results)
    assert [[warning.code for warning in one.warnings] for one in results] == [codes, codes, []]
