# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roll two hosts with many instances each, every instance behind a backend of its own, and count what is lost.

``make bench``. One batch holds an instance of each host. All the while every backend gets requests. Exit code 1 when a
request is lost or the batches take longer than the reloads in them allow.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import typing as t
import urllib.error
import urllib.request

from ansible_collections.fleetops.odoo.tests.bench.cost import run

LAB = pathlib.Path(__file__).resolve().parent.parent / "lab" / "lab"
HOSTS = ("m1", "m2")
#: Seconds besides the reload that the turn of an instance may take, HAProxy's check interval included.
OWN = 3.0
#: Requests a second to each backend.
RATE = 1.0


def main() -> int:
    """Run it; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--instances", type=int, default=20, help="on each host (default: %(default)s)")
    arguments = parser.parse_args()
    ports = {f"i{number:02}": 8100 + 2 * number for number in range(arguments.instances)}
    lab = [str(LAB), "--lab", "inst"]
    with tempfile.TemporaryDirectory(prefix="fleetops-instances-") as scratch:
        fleet = pathlib.Path(scratch) / "fleet.yml"
        instances = [{"name": name, "port": port, "mode": "threaded"} for name, port in ports.items()]
        hosts = [{"name": name, "version": 19, "max_cron_threads": 0, "instances": instances} for name in HOSTS]
        # JSON is YAML.
        fleet.write_text(json.dumps({"name": "inst", "balancer": True, "hosts": hosts}), encoding="utf-8")
        try:
            subprocess.run([*lab, "up", fleet], check=True, stdout=subprocess.DEVNULL)
            inventory = subprocess.run([*lab, "inventory"], check=True, capture_output=True, text=True).stdout.strip()
            return measure(lab, inventory, pathlib.Path(scratch), ports)
        finally:
            subprocess.run([*lab, "down"], check=False, stdout=subprocess.DEVNULL)


def measure(lab: list[str], inventory: str, scratch: pathlib.Path, ports: t.Mapping[str, int]) -> int:
    """Roll all instances once; print what it took, and return the exit code."""
    shown = subprocess.run(["ansible-inventory", "-i", inventory, "--list"], check=True, capture_output=True).stdout
    variables = json.loads(shown)["_meta"]["hostvars"]
    feed(lab, variables, ports)
    names = named(variables, ports)
    path = scratch / "names.json"
    groups = {"odoo": {"hosts": names}, "balancers": {"hosts": {"lb": variables["lb"]}}}
    path.write_text(json.dumps({"all": {"children": groups}}), encoding="utf-8")
    ping, _lines = run(["ansible", "odoo", "-i", str(path), "-m", "ansible.builtin.ping"])
    options = {
        "rolling_restart_policy": "always",
        "rolling_restart_batches": "100%",
        "rolling_restart_report_dir": str(scratch / "reports"),
        "balancer": "haproxy",
        "balancer_haproxy_hosts": ["lb"],
    }
    load = Load(variables["lb"]["ansible_host"], ports)
    cpu, lines = run(["ansible-playbook", "-i", str(path), "fleetops.odoo.rolling_restart", "-e", json.dumps(options)])
    load.end()
    report = json.loads(next((scratch / "reports").glob("*/report.json")).read_text(encoding="utf-8"))
    batches = report["batches"]
    seconds = {one["host"]: one["seconds"] for one in report["hosts"]}
    # The instances of a batch reload side by side.
    reloads = sum(max(seconds[host] for host in batch["hosts"]) for batch in batches)
    wall = batches[-1]["ended"] - batches[0]["began"]
    bound = reloads * 1.05 + OWN * len(batches)
    print(
        f"{len(names)} instances on {len(HOSTS)} hosts: {load.failed} of {load.sent} requests lost,"
        f" {wall:.1f} s in {len(batches)} batches, of them {reloads:.1f} s of reloads; bound {bound:.1f} s;"
        f" {cpu / ping:.1f} x the CPU of a ping; {len(lines)} lines",
        flush=True,
    )
    faults = [
        *([f"{load.failed} requests lost: {load.errors}"] if load.failed or not load.sent else []),
        *([f"{wall:.1f} s in batches, bound {bound:.1f} s"] if wall > bound else []),
    ]
    for fault in faults:
        print(f"MISS  {fault}")
    return 1 if faults else 0


def named(variables: t.Mapping[str, t.Any], ports: t.Iterable[str]) -> dict[str, dict[str, t.Any]]:
    """Return the variables of each instance, by its name in the inventory (docs/rolling.md, instances of one host)."""
    return {
        f"{host}-{name}": {
            **variables[host],
            "rolling_restart_instance": name,
            "rolling_restart_match": {"config_file": f"/etc/odoo/{name}.conf"},
            "rolling_restart_masters": 1,
            "balancer_haproxy_backends": [name],
            "balancer_haproxy_servers": [f"{host}-{name}"],
        }
        for host in HOSTS
        for name in ports
    }


def feed(lab: list[str], variables: t.Mapping[str, t.Any], ports: t.Mapping[str, int]) -> None:
    """Give each instance a frontend and a backend in HAProxy, and wait until all servers are up."""
    text = ""
    for name, port in ports.items():
        text += f"\nfrontend {name}\n  bind :{front(port)}\n  default_backend {name}\n"
        text += f"backend {name}\n  option httpchk\n  option redispatch\n"
        text += "  http-check send meth GET uri /web/health ver HTTP/1.1 hdr Host lab.internal\n"
        for host in HOSTS:
            where = f"{variables[host]['ansible_host']}:{port}"
            text += f"  server {host}-{name} {where} check inter 3s fastinter 1s rise 1\n"
    command = f"printf '%s' '{text}' >> /etc/haproxy/haproxy.cfg; systemctl reload haproxy"
    subprocess.run([*lab, "exec", "lb", "sh", "-c", command], check=True)
    deadline = time.monotonic() + 180
    for port in ports.values():
        while not answers(variables["lb"]["ansible_host"], port):
            if time.monotonic() > deadline:
                raise SystemExit(f"port {front(port)} of the balancer does not answer")
            time.sleep(0.5)
    time.sleep(5)


def front(port: int) -> int:
    """Return the port of the balancer that leads to this port of the servers."""
    return port + 1000


def answers(balancer: str, port: int) -> bool:
    """Return whether a request through the balancer succeeds."""
    try:
        with urllib.request.urlopen(f"http://{balancer}:{front(port)}/web/health", timeout=30) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class Load:
    """Requests to every backend until it is ended."""

    def __init__(self, balancer: str, ports: t.Mapping[str, int]) -> None:
        self.sent = self.failed = 0
        self.errors: list[str] = []
        self._guard, self._stop = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(balancer, port)) for port in ports.values()]
        for thread in self._threads:
            thread.start()

    def _ask(self, balancer: str, port: int) -> None:
        while not self._stop.wait(1 / RATE):
            ok = answers(balancer, port)
            with self._guard:
                self.sent += 1
                self.failed += not ok
                if not ok:
                    self.errors.append(f"{front(port)} at {time.strftime('%H:%M:%S')}")

    def end(self) -> None:
        """Wait for the answers that are under way."""
        self._stop.set()
        for thread in self._threads:
            thread.join()


if __name__ == "__main__":
    sys.exit(main())
