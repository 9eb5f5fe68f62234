# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure what a roll costs the controller, as ratios to `ansible -m ping` on the same hosts, and its lines of output.

``make bench``. Three hosts of the lab stand for more: each has as many names in an inventory as are needed. The work of
the controller is that for a whole fleet; only the servers are the same. All names of a host have the lock of the same
roll, so it admits them all. Exit code 1 when a bound is missed.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import resource
import subprocess
import sys
import tempfile

LAB = pathlib.Path(__file__).resolve().parent.parent / "lab" / "lab"
HOSTS = ("b1", "b2", "b3")
#: Seconds of CPU of a check roll and of a real roll, as multiples of those of a ping.
MOST_CHECK, MOST_ROLL = 4.0, 10.0
#: Lines of output for each host of a green roll with one host in a batch, and for the roll as a whole.
MOST_LINES, MOST_LINES_ONCE = 20, 40


def main() -> int:
    """Run it; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", default="3,50,200", help="numbers of names (default: %(default)s)")
    arguments = parser.parse_args()
    lab = [str(LAB), "--lab", "cost"]
    faults: list[str] = []
    with tempfile.TemporaryDirectory(prefix="fleetops-cost-") as scratch:
        fleet = pathlib.Path(scratch) / "fleet.yml"
        hosts = [
            {"name": name, "version": 19, "mode": "prefork", "workers": 2, "max_cron_threads": 1} for name in HOSTS
        ]
        # JSON is YAML.
        fleet.write_text(json.dumps({"name": "cost", "balancer": True, "hosts": hosts}), encoding="utf-8")
        try:
            subprocess.run([*lab, "up", fleet], check=True, stdout=subprocess.DEVNULL)
            real = subprocess.run([*lab, "inventory"], check=True, capture_output=True, text=True).stdout.strip()
            for size in map(int, arguments.sizes.split(",")):
                faults += measure(named(real, pathlib.Path(scratch), size), pathlib.Path(scratch), size)
        finally:
            subprocess.run([*lab, "down"], check=False, stdout=subprocess.DEVNULL)
    for fault in faults:
        print(f"MISS  {fault}")
    return 1 if faults else 0


def named(real: str, scratch: pathlib.Path, size: int) -> str:
    """Write an inventory with so many names for the hosts of another one."""
    shown = json.loads(
        subprocess.run(["ansible-inventory", "-i", real, "--list"], check=True, capture_output=True).stdout
    )
    variables = shown["_meta"]["hostvars"]
    names = {f"name{number:03}": variables[HOSTS[number % len(HOSTS)]] for number in range(size)}
    inventory = scratch / f"names-{size}.yml"
    groups = {"odoo": {"hosts": names}, "balancers": {"hosts": {"lb": variables["lb"]}}}
    inventory.write_text(json.dumps({"all": {"children": groups}}), encoding="utf-8")
    return str(inventory)


def measure(inventory: str, scratch: pathlib.Path, size: int) -> list[str]:
    """Measure a ping, a check roll and a roll over one inventory; return what is not as it should be."""
    ping, _lines = run(["ansible", "odoo", "-i", inventory, "-m", "ansible.builtin.ping"])
    roll = ["ansible-playbook", "-i", inventory, "fleetops.odoo.rolling_restart"]
    # Names of one host are taken one after the other, and those of three hosts at the same time.
    variables = {
        "rolling_restart_policy": "always",
        "rolling_restart_parallel_instances": size,
        "rolling_restart_batches": 1 if size == len(HOSTS) else len(HOSTS),
        "rolling_restart_report_dir": str(scratch / f"reports-{size}"),
    }
    check, _lines = run([*roll, "-e", json.dumps(variables), "--check"])
    real, lines = run([*roll, "-e", json.dumps(variables)])
    print(
        f"{size:>4} names: ping {ping:6.1f} s of CPU, check roll {check / ping:4.1f} x, roll {real / ping:4.1f} x;"
        f" {len(lines)} lines",
        flush=True,
    )
    faults = []
    if check > ping * MOST_CHECK:
        faults.append(f"{size} names: a check roll costs {check / ping:.1f} x a ping, bound {MOST_CHECK}")
    if real > ping * MOST_ROLL:
        faults.append(f"{size} names: a roll costs {real / ping:.1f} x a ping, bound {MOST_ROLL}")
    if size == len(HOSTS) and len(lines) > MOST_LINES_ONCE + MOST_LINES * size:
        faults.append(f"{size} names: {len(lines)} lines, bound {MOST_LINES_ONCE + MOST_LINES * size}")
    return faults


def run(argv: list[str]) -> tuple[float, list[str]]:
    """Run a command; return its seconds of CPU on the controller, ssh included, and the lines that it has printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(argv, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(done.stdout)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, re.findall(r"(?m)^.*\S.*$", done.stdout)


if __name__ == "__main__":
    sys.exit(main())
