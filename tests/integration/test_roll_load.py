# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test rolls over the four kinds of server under the load of ``make bench``, for each kind of load balancer.

30 requests a second (GET and POST), and a request of 8 s in flight on each host when its turn comes.
"""

from __future__ import annotations

import pathlib
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.integration.conftest import KINDS, ROOT, Fleet, address, lab_up
from ansible_collections.fleetops.odoo.tests.integration.rolls import Roll
from ansible_collections.fleetops.odoo.tests.integration.traffic import traffic

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(900)]

#: On lb. Nothing but the long requests goes to the last one.
HAPROXY, NGINX, LONG = 80, 81, 83
RATE = 30.0
PATHS = (
    "/web/login=20,/lab/pid=5,POST /lab/pid=5,/lab/sleep/0.3=3,POST /lab/sleep/0.3=3,/lab/sql/0.5=2,/lab/sleep/2=0.3"
)
#: By the kind of load balancer: the port of the load, and the variables.
BALANCERS: dict[str, tuple[int, dict[str, t.Any]]] = {
    "haproxy": (HAPROXY, {"balancer": "haproxy"}),
    "nginx": (
        NGINX,
        {
            "balancer": "nginx",
            "balancer_nginx_hosts": ["lb"],
            "balancer_nginx_upstreams": ["odoo"],
            "balancer_nginx_websocket_upstreams": ["odoo_gevent"],
            "balancer_nginx_servers": "{{ ansible_host }}",
        },
    ),
    "firewall behind nginx": (NGINX, {"balancer": "firewall"}),
    "firewall behind haproxy": (HAPROXY, {"balancer": "firewall"}),
}


@pytest.fixture(scope="module")
def fleet() -> t.Iterator[Fleet]:
    """A fleet of its own, for the run of this file, with a port of nginx that sends a request to one certain host."""
    for fleet in lab_up("rollload", str(pathlib.Path(__file__).parent / "load_fleet.yml")):
        pools = "\n".join(f"upstream to_{host} {{ server {address(fleet.inventory, host)}:8069; }}" for host in KINDS)
        site = f"server {{ listen {LONG}; location / {{ proxy_pass http://to_$http_x_lab_server; }} }}"
        fleet.feed("lb", "cat > /etc/nginx/conf.d/to.conf && systemctl reload nginx", f"{pools}\n{site}\n".encode())
        yield fleet


def files(fleet: Fleet) -> str:
    """Digests of nginx's files."""
    return fleet.run("lb", "sh", "-c", "find /etc/nginx -type f | sort | xargs sha256sum")


# Each value of each dimension with each kind of load balancer, and each pair of values of any two dimensions.
@pytest.mark.parametrize(
    ("kind", "method", "serial"),
    [
        ("haproxy", "hup", 1),
        ("haproxy", "supervisor", 2),
        ("nginx", "hup", 2),
        ("nginx", "supervisor", 1),
        ("firewall behind nginx", "hup", 1),
        ("firewall behind nginx", "supervisor", 2),
        ("firewall behind haproxy", "hup", 2),
        ("firewall behind haproxy", "supervisor", 1),
    ],
)
def test_a_roll_loses_no_request_under_the_load_of_the_bench(
    fleet: Fleet, tmp_path: pathlib.Path, kind: str, method: str, serial: int
) -> None:
    port, variables = BALANCERS[kind]
    log, before = tmp_path / "long.txt", files(fleet)
    log.touch()
    bench = {
        "bench_url": f"http://{address(fleet.inventory, 'lb')}:{LONG if port == NGINX else port}",
        "bench_log": str(log),
        "bench_script": str(ROOT / "tests/bench/roll.py"),
    }
    given = {
        **variables,
        "batches": str(serial),
        "method": method,
        "before_batch": str(ROOT / "tests/bench/long_request.yml"),
    }
    options = [word for name, value in bench.items() for word in ("-e", f"{name}={value}")]
    with traffic(fleet, port, PATHS, RATE) as tally:
        time.sleep(2)
        begun = time.monotonic()
        done = Roll(fleet, tmp_path, *options, **given).end(600)
        seconds = time.monotonic() - begun
        time.sleep(2)
    long = log.read_text(encoding="utf-8").split()
    batches = [one["hosts"] for one in done.report.get("batches", [])]
    shown = f"{kind}, {method}, batches of {serial}: {tally['failed']} of {tally['requests']} requests lost"
    print(f"{shown} in {seconds:.0f} s, long requests {long}, p99 {tally['p99']:.1f} s, {batches}")
    assert done.code == 0, done.output
    assert done.outcomes == dict.fromkeys(KINDS, "reloaded" if method == "hup" else "restarted")
    assert {len(one) for one in batches} == {serial}
    assert tally["failed"] == 0, tally
    assert tally["requests"] > 0.9 * RATE * seconds
    assert long == ["200"] * len(KINDS)
    assert files(fleet) == before
    assert [fleet.run(host, "nft", "list", "tables") for host in KINDS] == [""] * len(KINDS)
