# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A rolling restart under load, ours and what people do without it, side by side for the four kinds of server.

``make bench``. Three hosts behind HAProxy, 30 requests a second of mixed length all through the roll, and a request of
8 s in flight on each host when its turn comes. Exit code 1 when ours loses a request or takes too long.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import typing as t
import urllib.parse
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parent
LAB = HERE.parent / "lab" / "lab"
LOAD = HERE.parent / "lab" / "load.py"
#: What visitors of a shop do: most pages are quick, some are slow.
PATHS = "/web/login=20,/lab/pid=5,/lab/sleep/0.3=3,/lab/sql/0.5=2,/lab/sleep/2=0.3"
LONG = 8
KINDS = {
    "19 prefork": {"version": 19, "mode": "prefork", "workers": 4},
    "19 threaded": {"version": 19, "mode": "threaded"},
    "14 prefork": {"version": 14, "mode": "prefork", "workers": 4},
    "14 threaded": {"version": 14, "mode": "threaded"},
}
HOSTS = ("b1", "b2", "b3")


@dataclass
class Leg:
    """One roll over one fleet."""

    code: int
    wall: float
    requests: int
    failed: int
    p99: float
    #: the status of each long request, or why it failed
    long: list[str]
    #: seconds from the task that sends the long requests of a batch to their begin, for all batches
    sending: float
    output: str
    #: the report of our own roll
    report: dict[str, t.Any] | None = None

    def line(self, name: str) -> str:
        """For a table."""
        ended = sum(1 for one in self.long if one == "200")
        return (
            f"  {name:<28} {self.failed:>4} of {self.requests} lost, p99 {self.p99:5.2f} s, "
            f"long requests {ended} of {len(self.long)}, wall {self.wall:5.1f} s, exit code {self.code}"
        )


def main() -> int:
    """Run it; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kinds", default=",".join(KINDS), help="some of: %(default)s")
    parser.add_argument("--rate", default="30", help="requests a second (default: %(default)s)")
    parser.add_argument("--ours", action="store_true", help="leave out what people do today")
    arguments = parser.parse_args()
    faults: list[str] = []
    for kind in arguments.kinds.split(","):
        with tempfile.TemporaryDirectory(prefix="fleetops-bench-") as scratch:
            faults += bench(kind, pathlib.Path(scratch), arguments.rate, ours_only=arguments.ours)
    for fault in faults:
        print(f"MISS  {fault}")
    return 1 if faults else 0


def bench(kind: str, scratch: pathlib.Path, rate: str, *, ours_only: bool) -> list[str]:
    """Both rolls over a fleet of one kind; returns what is not as it should be."""
    hosts = [{"name": name, "max_cron_threads": 1, **KINDS[kind]} for name in HOSTS]
    fleet = scratch / "fleet.yml"
    # JSON is YAML.
    fleet.write_text(json.dumps({"name": "bench", "balancer": True, "hosts": hosts}), encoding="utf-8")
    lab = [str(LAB), "--lab", "bench"]
    try:
        subprocess.run([*lab, "up", fleet], check=True, stdout=subprocess.DEVNULL)
        inventory = subprocess.run([*lab, "inventory"], check=True, capture_output=True, text=True).stdout.strip()
        print(kind, flush=True)
        ours = leg(inventory, scratch, rate, "fleetops.odoo.rolling_restart")
        print(ours.line("fleetops.odoo"), flush=True)
        if not ours_only:
            for playbook, name in (("careful", "haproxy, systemd, uri"), ("today", "serial 1, systemd, wait_for")):
                print(leg(inventory, scratch, rate, str(HERE / f"{playbook}.yml")).line(name), flush=True)
    finally:
        subprocess.run([*lab, "down"], check=False, stdout=subprocess.DEVNULL)
    return judge(kind, ours)


def judge(kind: str, ours: Leg) -> list[str]:
    """Limits that our roll must hold."""
    faults = []
    if ours.code:
        faults.append(f"{kind}: exit code {ours.code}\n{ours.output}")
    if ours.failed or not ours.requests:
        faults.append(f"{kind}: {ours.failed} of {ours.requests} requests lost")
    if ours.long != ["200"] * len(HOSTS):
        faults.append(f"{kind}: the long requests ended with {ours.long}")
    if ours.report:
        batches = ours.report["batches"]
        reloads = sum(one["seconds"] for one in ours.report["hosts"])
        checks = sum(before_signal(one) for one in ours.report["hosts"])
        # The roll waits for the long request while the host leaves its balancer; that is the request's time, not ours.
        # The task that sends it is the bench's.
        wall = batches[-1]["ended"] - batches[0]["began"] - ours.sending
        bound = reloads * 1.05 + 1.5 * len(batches) + LONG * len(batches)
        own = (wall - reloads - LONG * len(batches)) / len(batches)
        print(
            f"  {wall:.1f} s in batches, of them {reloads:.1f} s of reloads ({checks:.1f} s of that before the signal: "
            f"the start-up check) and {own:.1f} s a host of our own; bound {bound:.1f} s",
            flush=True,
        )
        if wall > bound:
            faults.append(f"{kind}: {wall:.1f} s in batches, bound {bound:.1f} s")
    return faults


def before_signal(host: dict[str, t.Any]) -> float:
    """Return the seconds of a host's reload before its signal, from the report."""
    firsts = [one["steps"][0]["seconds"] for one in host["results"] if one["steps"]]
    return t.cast("float", sum(firsts))


def leg(inventory: str, scratch: pathlib.Path, rate: str, playbook: str) -> Leg:
    """One roll under load."""
    url = balancer(inventory)
    tally, log = scratch / "tally.json", scratch / "long.txt"
    reports = scratch / f"reports-{time.time()}"
    log.unlink(missing_ok=True)
    log.touch()
    load = subprocess.Popen(
        [sys.executable, LOAD, "--url", url, "--rate", rate, "--paths", PATHS, "--seconds", "600", "--tally", tally],
        stdout=subprocess.DEVNULL,
    )
    time.sleep(2)
    variables = {
        "bench_url": url,
        "bench_log": str(log),
        "bench_script": str(HERE / "roll.py"),
        "rolling_restart_policy": "always",
        "balancer": "haproxy",
        "balancer_haproxy_hosts": ["lb"],
        "balancer_haproxy_backends": ["odoo"],
        "rolling_restart_report_dir": str(reports),
        "rolling_restart_before_batch": str(HERE / "long_request.yml"),
    }
    begun = time.monotonic()
    done = subprocess.run(
        ["ansible-playbook", "-i", inventory, playbook, "-e", json.dumps(variables)],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false"},
    )
    wall = time.monotonic() - begun
    time.sleep(2)
    load.terminate()
    load.wait()
    deadline = time.monotonic() + 60
    while len(log.read_text(encoding="utf-8").splitlines()) < len(HOSTS) and time.monotonic() < deadline:
        time.sleep(0.5)
    counted = json.loads(tally.read_text(encoding="utf-8"))
    ends = [line.split() for line in log.read_text(encoding="utf-8").splitlines()]
    found = sorted(reports.glob("*/report.json"))
    report = json.loads(found[0].read_text(encoding="utf-8")) if found else None
    return Leg(
        done.returncode,
        wall,
        counted["requests"],
        counted["failed"],
        counted["p99"],
        [outcome for outcome, _seconds in ends],
        sum(float(seconds) for _outcome, seconds in ends),
        done.stdout + "\n".join(counted["first_errors"]),
        report,
    )


def long_request(url: str, host: str, log: str, begun: str) -> None:
    """Send a long request to a host, in a process of its own, and write down how it ends.

    :param begun: when the task began, in seconds since the epoch.
    """
    target = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(target.hostname or "", target.port or 80, timeout=60)
    connection.request("GET", f"/lab/sleep/{LONG}", headers={"X-Lab-Server": host})
    seconds = time.time() - float(begun)
    if os.fork():
        # Its worker has it before the roll goes on.
        time.sleep(0.3)
        os._exit(0)
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    try:
        outcome = str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as exc:
        outcome = type(exc).__name__
    with pathlib.Path(log).open("a", encoding="utf-8") as file:
        file.write(f"{outcome} {seconds:.3f}\n")
    os._exit(0)


def balancer(inventory: str) -> str:
    """URL of the load balancer."""
    shown = subprocess.run(
        ["ansible-inventory", "-i", inventory, "--host", "lb"], check=True, capture_output=True, text=True
    ).stdout
    return t.cast("str", json.loads(shown)["lab_url"])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--long-request"]:
        long_request(*sys.argv[2:6])
    sys.exit(main())
