# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test rolls over the instances of a host, each with a name in the inventory and a backend of its own."""

from __future__ import annotations

import contextlib
import json
import pathlib
import subprocess
import threading
import time
import typing as t
import urllib.request

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import Fleet, address, lab_up
from ansible_collections.fleetops.odoo.tests.integration.rolls import RELOAD, Ended, Roll, balancer, locked

pytestmark = pytest.mark.thorough

PORTS = {"shop": 8069, "erp": 8169, "wiki": 8269}
HOSTS = ("many", "many14")
#: On lb, by name of the instance.
FRONT = {name: 9000 + number for number, name in enumerate(PORTS)}


@pytest.fixture(scope="module")
def fleet() -> t.Iterator[Fleet]:
    """A fleet of its own, whose balancer has a backend for each instance."""
    for fleet in lab_up("inst", str(pathlib.Path(__file__).parent / "instances.yml")):
        text = ""
        for name, port in PORTS.items():
            text += f"\nfrontend {name}\n  bind :{FRONT[name]}\n  default_backend {name}\n"
            text += f"backend {name}\n  option httpchk\n  option redispatch\n"
            text += "  http-check send meth GET uri /web/login ver HTTP/1.1 hdr Host lab.internal\n"
            for host in HOSTS:
                where = f"{address(fleet.inventory, host)}:{port}"
                text += f"  server {host}-{name} {where} check inter 3s fastinter 1s rise 1\n"
        fleet.run("lb", "sh", "-c", f"printf '%s' '{text}' >> /etc/haproxy/haproxy.cfg; systemctl reload haproxy")
        deadline = time.monotonic() + 180
        while not all_up(fleet):
            assert time.monotonic() < deadline, balancer(fleet)
            time.sleep(0.5)
        yield fleet


def ours(fleet: Fleet) -> dict[str, tuple[str, str]]:
    """States of the instances in the balancer."""
    return {name: state for name, state in balancer(fleet).items() if "-" in name}


def all_up(fleet: Fleet) -> bool:
    """Return whether every instance is in the balancer and healthy."""
    found = ours(fleet)
    return len(found) == len(PORTS) * len(HOSTS) and set(found.values()) == {("ready", "UP")}


def processes(fleet: Fleet, host: str) -> list[str]:
    """Return the identities of all masters of a host and of their children."""
    masters = fleet.module(host, "master_info").result["masters"]
    return sorted(one["identity"] for master in masters for one in [master, *master["children"]])


@pytest.fixture
def names(fleet: Fleet, tmp_path: pathlib.Path) -> Fleet:
    """The same fleet, by the names of the instances."""
    shown = subprocess.run(["ansible-inventory", "-i", fleet.inventory, "--list"], check=True, capture_output=True)
    variables = json.loads(shown.stdout)["_meta"]["hostvars"]
    hosts = {
        f"{host}-{name}": {
            **variables[host],
            "rolling_restart_instance": name,
            "rolling_restart_match": {"config_file": f"/etc/odoo/{name}.conf"},
            "rolling_restart_masters": 1,
            "balancer_haproxy_backends": [name],
            "balancer_haproxy_servers": [f"{host}-{name}"],
        }
        for host in HOSTS
        for name in PORTS
    }
    groups = {"odoo": {"hosts": hosts}, "balancers": {"hosts": {"lb": variables["lb"]}}}
    path = tmp_path / "names.json"
    path.write_text(json.dumps({"all": {"children": groups}}), encoding="utf-8")
    return Fleet(fleet.name, str(path))


def roll(names: Fleet, folder: pathlib.Path, *options: str, **variables: t.Any) -> Roll:
    """Begin a roll over the names."""
    return Roll(names, folder, *options, **{"balancer_haproxy_backends": None, **variables})


@contextlib.contextmanager
def asked(fleet: Fleet) -> t.Iterator[list[str]]:
    """Ask every instance through the balancer while the block runs; yield what failed."""
    failed: list[str] = []
    stop = threading.Event()

    def ask(name: str) -> None:
        url = f"http://{address(fleet.inventory, 'lb')}:{FRONT[name]}/lab/pid"
        while not stop.wait(0.1):
            try:
                with urllib.request.urlopen(url, timeout=30) as answer:
                    answer.read()
            except OSError as exc:
                failed.append(f"{name}: {exc}")

    threads = [threading.Thread(target=ask, args=(name,)) for name in PORTS]
    for thread in threads:
        thread.start()
    try:
        yield failed
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_each_instance_has_a_turn_of_its_own(fleet: Fleet, names: Fleet, tmp_path: pathlib.Path) -> None:
    before = {host: processes(fleet, host) for host in HOSTS}
    with asked(fleet) as failed:
        done: Ended = roll(names, tmp_path, batches="100%").end(400)
    assert done.code == 0, done.output
    assert failed == []
    assert done.outcomes == {f"{host}-{name}": "reloaded" for host in HOSTS for name in PORTS}
    # At no time were two instances of a host in a turn.
    assert [len(batch["hosts"]) for batch in done.report["batches"]] == [2, 2, 1, 1]
    for batch in done.report["batches"]:
        # Nor were both servers of one backend.
        hosts, instances = zip(*(name.split("-") for name in batch["hosts"]), strict=True)
        assert len(set(hosts)) == len(set(instances)) == len(batch["hosts"])
    assert {host: processes(fleet, host) for host in HOSTS} != before
    assert all_up(fleet)
    assert [locked(fleet, host) for host in HOSTS] == [None, None]


def test_a_roll_that_was_killed_leaves_one_instance_out_and_the_next_puts_it_back(
    fleet: Fleet, names: Fleet, tmp_path: pathlib.Path
) -> None:
    first = roll(names, tmp_path / "first", "-l", "many-*")
    first.wait_for(r"batch 2 of 3: many-erp", 200)
    first.wait_for_turn("many-erp", RELOAD)
    first.process.kill()
    first.process.wait(30)
    assert [name for name, state in ours(fleet).items() if state[0] != "ready"] == ["many-erp"]
    was = locked(fleet, "many")
    assert (was["out"], was["instances"]) == (True, ["erp"])
    done = roll(names, tmp_path / "second", "-l", "many-*", policy="stale").end(300)
    assert done.code == 0, done.output
    assert all_up(fleet)
    assert locked(fleet, "many") is None


def test_two_names_for_one_server_are_refused(fleet: Fleet, names: Fleet, tmp_path: pathlib.Path) -> None:
    before = processes(fleet, "many")
    done = roll(names, tmp_path, "-l", "many-shop,many-erp", match={}, masters=0).end()
    assert (done.code, done.code_of("many-shop"), done.code_of("many-erp")) == (2, *["roll.same_server"] * 2), done
    assert processes(fleet, "many") == before
    assert all_up(fleet)
