# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the judgement of the doctor: the verdict and the code of each check, and the proposal for group_vars."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
import yaml
from ansible_collections.fleetops.odoo.plugins.filter.doctor_report import FilterModule
from ansible_collections.fleetops.odoo.plugins.plugin_utils.doctor import examine, propose

ROOT = pathlib.Path(__file__).resolve().parents[3]
#: 2026-11-30T10:20:00Z
BEGAN = 1796034000.0
READY = {"collection": "1.0.0", "core": "2.19.14", "python": "3.11.2", "jmespath": True}
ROW = {"balancer": "lb1", "server": "odoo/web1", "state": "in", "detail": ""}
LOCK = {"kind": "drain", "id": "graceful_drain", "owner": "anna on ctl", "expired": False}


def master(**more: t.Any) -> dict[str, t.Any]:
    """A healthy prefork server of Odoo 19."""
    return {
        "identity": "33:1",
        "pid": 33,
        "version": "19.0",
        "mode": "prefork",
        "databases": ["prod"],
        "supervisor": {"kind": "systemd", "unit": "odoo.service", "kill_mode": "mixed"},
        "log": {"kind": "file", "path": "/var/log/odoo.log", "shows_dumps": True},
        "options": {"limit_time_real": 120, "limit_time_real_cron": -1, "log_level": "info"},
        **more,
    }


def rehearsed(**more: t.Any) -> dict[str, t.Any]:
    """A reload that would succeed."""
    result = {"identity": "33:1", "did": "signalled", "code": None, "reason": "", "before": {"health": "ok"}, **more}
    return {"results": [{"warnings": [], **result}]}


def facts(*python: int, iso: str = "2026-11-30T10:20:01.500000Z", uid: int = 0) -> dict[str, t.Any]:
    """Facts of a host."""
    return {
        "ansible_user_id": "root" if uid == 0 else "odoo",
        "ansible_effective_user_id": uid,
        "ansible_python": {"executable": "/usr/bin/python3", "version_info": [*(python or (3, 11)), 2]},
        "ansible_date_time": {"iso8601_micro": iso},
    }


def record(*masters: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    """A host that is ready."""
    return {
        "seen": {"masters": list(masters or [master()]), "unseen": []},
        "facts": facts(),
        "began": BEGAN,
        "ended": BEGAN + 3,
        "rehearsed": rehearsed(),
        "lock": {"lock": None},
        "balancer": "haproxy",
        **more,
    }


def balancers(*rows: dict[str, t.Any], **more: t.Any) -> dict[str, t.Any]:
    """The report about load balancers."""
    return {"rows": {"web1": list(rows)}, "failures": {}, "servers": {"lb1": ["odoo/web1"]}, **more}


def verdicts(one: dict[str, t.Any], seen: dict[str, t.Any] | None = None) -> dict[tuple[str, str], str]:
    """Return verdict and code of each check that is not ok."""
    found = examine({"web1": one}, seen or balancers(ROW), READY)["checks"]
    return {(line["check"], line["verdict"]): line["code"] for line in found if line["verdict"] != "ok"}


def test_a_fleet_that_is_ready_has_a_line_for_each_check_and_no_fault() -> None:
    told = examine({"web1": record()}, balancers(ROW), READY)
    assert [one["check"] for one in told["checks"]] == [
        *("versions", "reachable", "become", "python", "clock", "psutil", "servers", "log", "supervisor", "health"),
        *("reload", "room", "requests", "balancer"),
    ]
    assert {one["verdict"] for one in told["checks"]} == {"ok"}
    assert told["faulty"] == []
    assert told["stats"]["outcome"] == "done"
    assert told["details"][1] == "web1        ok  reachable   the controller reaches the host"
    assert told["details"][-1] == "1 host: 14 checks, 0 warnings, 0 faults"


@pytest.mark.parametrize(("error", "shown"), [(None, "all databases"), ("cannot be read", "unknown databases")])
def test_databases_are_all_only_if_the_configuration_was_read(error: str | None, shown: str) -> None:
    told = examine({"web1": record(master(databases=[], config_error=error))}, balancers(ROW), READY)
    assert any(line.endswith(f"prefork, {shown}") for line in told["lines"]), told["lines"]


def test_what_is_ok_on_a_host_is_one_line_and_the_rest_is_told_in_full() -> None:
    told = examine({"web1": record(facts=facts(uid=107)), "web2": {}}, balancers(ROW), READY)
    first, second, third, fourth, last = told["lines"]
    assert first.startswith("controller  ok       versions   fleetops.odoo ")
    assert second.startswith("web1        ok       12 checks  ")
    assert ": Odoo 19.0, prefork" in second
    assert third.startswith("web1        warning  become     ")
    assert fourth.startswith("web2        fault    reachable  ")
    assert last == "2 hosts: 15 checks, 1 warning, 1 fault on web2"


@pytest.mark.parametrize(
    ("one", "check", "verdict", "code"),
    [
        (record(seen={"unreachable": True, "msg": "no route"}), "reachable", "fault", "host.unreachable"),
        ({}, "reachable", "fault", "host.unreachable"),
        (record(facts=facts(uid=107)), "become", "warning", "host.not_root"),
        (record(facts=facts(3, 7)), "python", "fault", "host.old_python"),
        (record(facts={}), "facts", "fault", "roll.task_failed"),
        (record(seen={"code": "host.no_psutil", "msg": "No psutil."}), "psutil", "fault", "host.no_psutil"),
        (record(seen={"msg": "It ended"}), "modules", "fault", "roll.task_failed"),
        (record(seen={"code": "host.no_privileges", "msg": "x"}, facts={}), "become", "fault", "host.no_privileges"),
        (record(seen={"masters": [], "unseen": []}), "servers", "fault", "host.no_server"),
        (
            record(seen={"masters": [master()], "unseen": [{"code": "host.hidden_sockets", "reason": "x"}]}),
            *("visible", "warning", "host.hidden_sockets"),
        ),
        (record(master(log={"kind": "terminal", "shows_dumps": True})), "log", "warning", "host.no_log"),
        (record(master(log={"kind": "journal", "shows_dumps": False})), "log", "warning", "host.log_hides_dumps"),
        (record(master(supervisor={"kind": "none", "unit": None})), "supervisor", "warning", "host.no_supervisor"),
        (
            record(master(supervisor={"kind": "systemd", "unit": "o", "kill_mode": "control-group"})),
            *("supervisor", "warning", "host.kill_mode"),
        ),
        (record(rehearsed=rehearsed(before={"health": "503"})), "health", "fault", "host.not_healthy"),
        (
            record(rehearsed=rehearsed(did="refused", code="rehearsal.syntax_error")),
            *("reload", "fault", "rehearsal.syntax_error"),
        ),
        (
            record(rehearsed=rehearsed(did="refused", code="rehearsal.virtualenv_lost")),
            *("reload", "warning", "rehearsal.virtualenv_lost"),
        ),
        (
            record(
                master(supervisor={"kind": "container", "unit": "c"}),
                rehearsed=rehearsed(did="refused", code="rehearsal.virtualenv_lost"),
            ),
            *("reload", "fault", "rehearsal.virtualenv_lost"),
        ),
        (
            record(rehearsed=rehearsed(did="refused", code="rehearsal.little_room")),
            *("room", "fault", "rehearsal.little_room"),
        ),
        (record(rehearsed=rehearsed(did="not_reached", code="x")), "reload", "warning", "host.not_checked"),
        (record(rehearsed={"msg": "it broke", "code": "a.b"}), "reload", "fault", "a.b"),
        (
            record(rehearsed=rehearsed(warnings=[{"code": "host.newer_version", "message": "newer"}])),
            *("reload", "warning", "host.newer_version"),
        ),
        (record(master(version="14.0"), balancer="none"), "requests", "warning", "host.loses_requests"),
        (record(master(mode="threaded"), balancer="none"), "requests", "warning", "host.loses_requests"),
        (record(master(version=None), balancer="none"), "requests", "warning", "host.loses_requests"),
        (record(lock={"lock": LOCK}), "lock", "warning", "host.locked"),
    ],
)
def test_verdict_of_a_host(one: dict[str, t.Any], check: str, verdict: str, code: str) -> None:
    assert verdicts(one)[check, verdict] == code


def test_prefork_of_19_and_later_loses_no_request_without_a_balancer() -> None:
    assert verdicts(record(balancer="none"), balancers()) == {}
    assert verdicts(record(master(version="saas~19.2"), balancer="none"), balancers()) == {}


@pytest.mark.parametrize(
    ("iso", "off"),
    [
        ("2026-11-30T10:19:58.100000Z", None),
        ("2026-11-30T10:19:57.000000Z", "3.0 s behind"),
        ("2026-11-30T10:20:04.900000Z", None),
        ("2026-11-30T10:21:03.000000Z", "60.0 s ahead of"),
    ],
)
def test_a_clock_counts_from_the_time_in_which_it_was_asked(iso: str, off: str | None) -> None:
    found = examine({"web1": record(facts=facts(iso=iso))}, balancers(ROW), READY)["checks"]
    (line,) = (one for one in found if one["check"] == "clock")
    assert (line["verdict"], line["code"]) == (("warning", "host.clock_differs") if off else ("ok", ""))
    assert off is None or off in line["text"]


@pytest.mark.parametrize(
    ("seen", "check", "verdict", "code"),
    [
        (balancers({**ROW, "state": "down", "detail": "DOWN L4CON"}), "balancer", "fault", "roll.balancer_down"),
        (balancers({**ROW, "state": "out", "detail": "maint"}), "balancer", "warning", "roll.balancer_out_already"),
        (balancers({**ROW, "server": "w1", "state": "unknown"}), "balancer", "fault", "roll.balancer_unknown_server"),
        (balancers(failures={"web1": {"reason": "no", "code": "a.b"}}), "balancer", "fault", "a.b"),
        (
            balancers(ROW, servers={"lb1": ["odoo/web1", "odoo/old", "other/x"]}),
            *("balancer", "warning", "roll.balancer_other_servers"),
        ),
    ],
)
def test_verdict_of_a_balancer(seen: dict[str, t.Any], check: str, verdict: str, code: str) -> None:
    assert verdicts(record(), seen) == {(check, verdict): code}


def test_a_host_that_a_drain_took_out_has_a_line_for_its_lock_only() -> None:
    seen = balancers({**ROW, "state": "out", "detail": "drain"})
    assert verdicts(record(lock={"lock": LOCK}), seen) == {("lock", "warning"): "host.locked"}


@pytest.mark.parametrize(
    ("controller", "codes"),
    [({"core": "2.22.0"}, ["host.newer_core"]), ({"jmespath": False}, ["host.no_jmespath"])],
)
def test_verdict_of_the_controller(controller: dict[str, t.Any], codes: list[str]) -> None:
    told = examine({"web1": record()}, balancers(ROW), {**READY, **controller})
    assert [one["code"] for one in told["checks"] if one["verdict"] == "warning"] == codes
    assert told["stats"]["warnings"] == {"controller": 1}


def test_wrong_variables_of_the_balancer_are_a_fault_of_the_controller() -> None:
    wrong = [{"code": "option.missing", "message": "balancer needs more"}]
    told = examine({"web1": record()}, balancers(ROW), READY, wrong)
    assert told["faulty"] == ["controller"]
    assert (told["stats"]["outcome"], told["stats"]["remaining"]) == ("failed", [])


def test_faults_and_codes_reach_a_workflow() -> None:
    hosts = {"web1": record(), "web2": record(seen={"unreachable": True, "msg": "no route\nat all"})}
    told = examine(hosts, balancers(ROW), READY)
    assert told["stats"]["hosts"] == {"done": ["web1"], "unreachable": ["web2"]}
    assert told["stats"]["faults"] == {"web2": 1}
    assert told["lines"][-1] == "2 hosts: 15 checks, 0 warnings, 1 fault on web2"
    assert "at all" not in "".join(told["lines"])


def test_secrets_in_a_message_are_hidden() -> None:
    told = examine({"web1": record(seen={"msg": "cannot run: db_password=hunter2"})}, balancers(), READY)
    assert "hunter2" not in "".join(told["lines"])


LONG = {"limit_time_real": 600, "limit_time_real_cron": 3600}


@pytest.mark.parametrize(
    ("one", "options", "variables"),
    [
        (record(), {}, {"rolling_restart_masters": 1}),
        (record(facts=facts(uid=107)), {}, {"ansible_become": True, "rolling_restart_masters": 1}),
        (record(seen={"unreachable": True}), {}, None),
        (
            record(master(options=LONG), master(options={})),
            {"balancer": "haproxy", "balancer_haproxy_hosts": ["lb-1"]},
            {
                "balancer": "haproxy",
                "balancer_haproxy_hosts": ["lb-1"],
                "balancer_haproxy_backends": ["odoo"],
                "rolling_restart_masters": 2,
                "balancer_drain_timeout": 600,
                "rolling_restart_timeout": 780,
                "graceful_drain_http_timeout": 630,
                "graceful_drain_cron_timeout": 3600,
                "graceful_drain_timeout": 3660,
            },
        ),
        (
            record(),
            {"balancer": "nginx", "balancer_nginx_hosts": ["lb"]},
            {
                "balancer": "nginx",
                "balancer_nginx_hosts": ["lb"],
                "balancer_nginx_servers": ["{{ ansible_host }}"],
                "rolling_restart_masters": 1,
            },
        ),
    ],
)
def test_proposal(one: dict[str, t.Any], options: dict[str, t.Any], variables: dict[str, t.Any] | None) -> None:
    text = propose({"web1": one}, balancers(ROW), options)
    assert yaml.safe_load(text) == variables
    assert ("# balancer: haproxy" in text) is (not options)
    known: set[str] = set()
    for name in ("balancer", "rolling_restart", "graceful_drain"):
        known |= set(yaml.safe_load((ROOT / f"roles/{name}/defaults/main.yml").read_text(encoding="utf-8")))
    assert set(variables or {}) - {"ansible_become"} <= known


def test_the_proposal_has_only_backends_of_hosts_with_the_same_kind_of_balancer() -> None:
    seen = balancers(ROW)
    seen["rows"]["web2"] = [{**ROW, "balancer": "firewall", "server": "all ports"}]
    hosts = {"web1": record(), "web2": record(balancer="firewall")}
    told = yaml.safe_load(propose(hosts, seen, {"balancer": "haproxy", "balancer_haproxy_hosts": ["lb1"]}))
    assert told["balancer_haproxy_backends"] == ["odoo"]


def test_the_filter_adds_what_it_knows_of_the_controller() -> None:
    told = FilterModule().filters()["doctor_report"]({"web1": record()}, balancers(ROW))
    assert told["details"][0].split()[:5] == ["controller", "ok", "versions", "fleetops.odoo", "1.0.0,"]
    assert told["group_vars"].startswith("---\n# Proposed by fleetops.odoo.doctor")
