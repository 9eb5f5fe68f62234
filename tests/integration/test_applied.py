# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A reload with defaults leaves a server that runs with what is configured, seen from outside, or it is refused."""

from __future__ import annotations

import contextlib
import ipaddress
import typing as t

import pytest

from .conftest import KINDS, Fleet, thorough
from .test_hup_effects import CONF, at_rest, configure, look, named_for, restart

#: Changes of odoo.conf, each on top of those before it.
CHANGES: list[dict[str, str]] = [
    {"http_port": "8169"},
    {"gevent_port": "8172"},
    {"http_interface": "127.0.0.1"},
    {"http_interface": "127.0.0.2", "http_port": "8170"},
    {"max_cron_threads": "0"},
    {"workers": "1"},
    {"http_interface": ""},
    {"dbfilter": ".*"},
    {"workers": "0"},
    {"http_port": "8069"},
    {"limit_memory_hard": "0"},
    {"workers": "3"},
    {"max_cron_threads": "2"},
    {"gevent_port": "8069", "http_port": "8072"},
    {"http_enable": "False"},
    {"log_level": "debug"},
    {"limit_time_real": "300"},
    {"max_cron_threads": "1"},
    {"workers": "0"},
    {"workers": "2", "max_cron_threads": "2"},
    {"limit_memory_hard": "3000000000"},
    {"proxy_mode": "False"},
    {"server_wide_modules": "base,web"},
    {"data_dir": "/tmp/applied"},
    {"pidfile": "/tmp/applied.pid"},
    {"limit_request": "100"},
    {"db_maxconn": "16"},
    {"http_enable": "True"},
    {"log_level": "info"},
    {"syslog": "False", "workers": "4"},
]
#: What the lab has configured.
BEGIN = {"http_interface": "0.0.0.0", "http_port": "8069", "gevent_port": "8072", "max_cron_threads": "1"}


def socket_of(address: str, port: str) -> str:
    """Return a socket as /proc/net/tcp writes it."""
    words = ipaddress.ip_address(address or "0.0.0.0").packed
    return "".join(words[at : at + 4][::-1].hex() for at in range(0, len(words), 4)).upper() + f":{int(port):04X}"


def expected(options: t.Mapping[str, str]) -> list[t.Any]:
    """Return what runs with these options: prefork or not, sockets of the master, children with theirs."""
    workers, serves = int(options["workers"]), options.get("http_enable") != "False"
    http = [socket_of(options["http_interface"], options["http_port"])] if serves else []
    if not workers:
        return [False, http, []]
    gevent = [["gevent", [socket_of(options["http_interface"], options["gevent_port"])]]] if serves else []
    children = [["http", http]] * (workers if serves else 0) + [["cron", []]] * int(options["max_cron_threads"])
    return [True, http, sorted(children + gevent)]


@contextlib.contextmanager
def own_conf(fleet: Fleet, host: str) -> t.Iterator[None]:
    """Restore the odoo.conf of the lab when the block ends."""
    fleet.run(host, "sh", "-c", f"test -e /root/lab.conf || cp -p {CONF} /root/lab.conf")
    try:
        yield
    finally:
        fleet.run(host, "cp", "-p", "/root/lab.conf", CONF)
        restart(fleet, host)


def apply_each(fleet: Fleet, host: str, changes: t.Sequence[t.Mapping[str, str]]) -> list[str]:
    """Make one change after the other, each by a reload with defaults; return what each of them did."""
    options = {**BEGIN, "workers": "2" if host[0] == "p" else "0"}
    did = []
    for change in changes:
        options.update(change)
        configure(fleet, host, named_for(host, options))
        answer = fleet.module(host, "reload")
        assert (answer.code, answer.only["code"]) == (0, None), (change, answer.result["msg"])
        assert answer.only["did"] in ("signalled", "restarted"), (change, answer.only["reason"])
        did.append(answer.only["did"])
        pid = (answer.only["successor"] or answer.only["identity"]).partition(":")[0]
        seen = look(fleet, host, pid)
        assert seen is not None, change
        assert seen[2][:3] == expected(options), (change, did)
        # A limit shows where Odoo has set it for the whole server.
        if options["workers"] == "0" and "limit_memory_hard" in options:
            assert seen[2][3] == options["limit_memory_hard"].replace(
                "0", "unlimited", options["limit_memory_hard"] == "0"
            )
    again = fleet.module(host, "reload", "--check")
    assert (again.code, again.only["did"]) == (0, "nothing"), again.only["reason"]
    return did


@pytest.mark.parametrize("host", KINDS)
@pytest.mark.thorough
def test_thirty_changes_of_odoo_conf_are_applied_one_after_the_other(fleet: Fleet, host: str) -> None:
    with own_conf(fleet, host):
        did = apply_each(fleet, host, CHANGES)
    assert len(did) == 30
    # Without the hand-over of the socket a HUP does nearly all of it.
    assert did.count("restarted") >= (8 if host == "p19" else 1)


@pytest.mark.versions
@pytest.mark.parametrize("host", ["p19", *thorough("t14")])
def test_a_changed_port_is_applied_and_told_before(fleet: Fleet, host: str) -> None:
    with own_conf(fleet, host):
        configure(fleet, host, {"http_port": "8171"})
        master = fleet.master(host)
        (found,) = master["differences"]
        assert (found["option"], found["running"], found["configured"]) == ("http_port", 8069, 8171)
        assert master["needs"] == found["needs"] == ("restart" if host == "p19" else "reload")
        hup = fleet.module(host, "reload", "--check", policy="always", method="hup")
        assert hup.outcome == ((2, "refused", "refused.hup_not_enough") if host == "p19" else (0, "signalled", None))
        assert apply_each(fleet, host, [{"http_port": "8171"}]) == ["restarted" if host == "p19" else "signalled"]
        assert fleet.master(host)["differences"] == []


@pytest.mark.versions
@pytest.mark.parametrize("host", ["p19", *thorough("t19", "p14", "t14")])
def test_a_port_of_another_process_is_refused_with_its_name(fleet: Fleet, host: str) -> None:
    before = fleet.processes(host)
    with own_conf(fleet, host):
        holder = fleet.run(host, "sh", "-c", "python3 -m http.server 8269 >/dev/null 2>&1 & echo $!; sleep 1").strip()
        try:
            configure(fleet, host, {"http_port": "8269"})
            for method in ("auto", "supervisor"):
                answer = fleet.module(host, "reload", method=method)
                assert answer.outcome == (2, "refused", "rehearsal.port_taken")
                assert f"pid {holder} (python3)" in answer.result["msg"]
            configure(fleet, host, {"http_interface": "203.0.113.9"})
            assert fleet.module(host, "reload").outcome == (2, "refused", "rehearsal.cannot_listen")
            assert fleet.processes(host) == before
        finally:
            fleet.run(host, "kill", holder)


@pytest.mark.thorough
def test_a_server_for_cron_alone_gets_no_hup_that_would_end_it(fleet: Fleet) -> None:
    with own_conf(fleet, "p19"):
        configure(fleet, "p19", {"http_enable": "False"})
        restart(fleet, "p19")
        before = fleet.processes("p19")
        for name, options in (("reload", {"policy": "always", "method": "hup"}), ("send_signal", {"signal": "HUP"})):
            answer = fleet.module("p19", name, **options)
            assert answer.outcome == (2, "refused", "refused.no_socket_to_hand_over")
        assert fleet.processes("p19") == before
        assert fleet.module("p19", "reload", policy="always").outcome == (0, "restarted", None)
        assert at_rest(fleet, "p19") is not None


@pytest.mark.versions
@pytest.mark.thorough
@pytest.mark.parametrize("host", ["p19", *thorough("t19", "p14", "t14")])
def test_http_that_is_enabled_later_is_applied(fleet: Fleet, host: str) -> None:
    """Until then the server looks as one that drains: it does not listen, and odoo.conf says that it should."""
    with own_conf(fleet, host):
        assert len(apply_each(fleet, host, [{"http_enable": "False"}])) == 1
        configure(fleet, host, {"http_enable": "True"})
        master = fleet.master(host)
        assert (master["state"], [one["option"] for one in master["differences"]]) == ("running", ["http_enable"])
        assert apply_each(fleet, host, [{"http_enable": "True"}]) == ["restarted" if host == "p19" else "signalled"]
