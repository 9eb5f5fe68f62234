# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence

from . import fleet, health, inventory, lifecycle, machine, state, status
from .errors import LabError
from .paths import Lab, bases_dir, cache_dir
from .shell import say
from .source import SUITES

_PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "ip": "iproute2",
    "zstd": "zstd",
    "ssh": "openssh-client",
    "nsenter": "util-linux",
}


def _check_machine() -> None:
    lifecycle.require_root()
    missing = sorted({package for program, package in _PROGRAMS.items() if not shutil.which(program)})
    if missing:
        raise LabError(f"The lab needs programs that are not installed: apt-get install {' '.join(missing)}.")


def _lab(args: argparse.Namespace) -> Lab:
    return Lab(args.lab)


def _build(args: argparse.Namespace) -> int:
    if args.debian and args.odoo is None:
        raise LabError("--debian goes with --odoo alone.")
    _check_machine()
    if args.odoo is not None:
        tree, notes = lifecycle.build_source(args.odoo, args.debian)
        for line in notes.splitlines():
            say(f"not as requirements.txt pins it: {line}")
        say("fleets can have this version:")
        print(tree.label)
        return 0
    lifecycle.build()
    say(f"the images are in {cache_dir()} and {bases_dir()}")
    return 0


def _up(args: argparse.Namespace) -> int:
    wanted = fleet.load(args.fleet)
    if args.hosts:
        wanted = wanted.only(args.hosts.split(","))
    _check_machine()
    lab = _lab(args)
    current = lifecycle.up(lab, wanted, keep=args.keep)
    say(f"the lab {lab.name} is up: {lab.inventory}")
    if current.fleet.balancer:
        print(f"http://{current.address('lb')}/")
    return 0


def _status(args: argparse.Namespace) -> int:
    lifecycle.require_root()
    lab = _lab(args)
    current = _running(lab)
    rows = status.rows(lab, current)
    print(json.dumps(rows, indent=1) if args.json else status.table(rows))
    return 0


def _ssh(args: argparse.Namespace) -> int:
    lab = _lab(args)
    current = _running(lab)
    if args.host not in current.names():
        raise LabError(f"The lab {lab.name} has no host {args.host}; it has {', '.join(current.names())}.")
    words = ["ssh", "-i", str(lab.key), *inventory.ssh_options(lab)]
    words += [f"{args.user}@{current.address(args.host)}", *args.command]
    os.execvp("ssh", words)


def _exec(args: argparse.Namespace) -> int:
    lifecycle.require_root()
    lab = _lab(args)
    _running(lab)
    done = machine.inside(lab, args.host, args.command, check=False)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


def _running(lab: Lab) -> state.State:
    current = state.read(lab)
    if current is None:
        raise LabError(f"The lab {lab.name} is down; `lab up` brings it up.")
    return current


def _down(args: argparse.Namespace) -> int:
    lifecycle.require_root()
    lab = _lab(args)
    left = lifecycle.down(lab)
    if left:
        raise LabError(f"`down` left something behind: {', '.join(left)}.")
    say(f"the lab {lab.name} is gone")
    return 0


def _clean(args: argparse.Namespace) -> int:
    lifecycle.require_root()
    lifecycle.clean(_lab(args), everyones=args.all)
    say("unpacked and cached images are gone")
    return 0


def _inventory(args: argparse.Namespace) -> int:
    lab = _lab(args)
    _running(lab)
    print(lab.inventory)
    return 0


def _restore(args: argparse.Namespace) -> int:
    _check_machine()
    lifecycle.restore(_lab(args), args.hosts)
    return 0


def _power(*, off: bool, on: bool) -> Callable[[argparse.Namespace], int]:
    def act(args: argparse.Namespace) -> int:
        _check_machine()
        lifecycle.power(_lab(args), args.hosts, off=off, on=on)
        return 0

    return act


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description="Real Odoo hosts on this machine.")
    parser.add_argument(
        "--lab", default=os.environ.get("LAB_NAME", "lab"), help="the lab's name (default: %(default)s)"
    )
    commands = parser.add_subparsers(dest="command_name", required=True, metavar="COMMAND")

    def command(name: str, act: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(act=act)
        return sub

    bring = command("up", _up, "bring up what is missing of a fleet, and wait until all of it serves")
    bring.add_argument("fleet", nargs="?", default="demo", help="a YAML file, or a name from fleets/ (default: demo)")
    bring.add_argument("--hosts", help="only these of the fleet's hosts, with commas between")
    bring.add_argument("--keep", action="store_true", help="leave everything for a look when it fails")
    show = command("status", _status, "a table of the hosts")
    show.add_argument("--json", action="store_true", help="the same as JSON")
    login = command("ssh", _ssh, "log in to a host, or run a command there")
    login.add_argument("--user", default="root", help="root (default) or ops, who has no sudo")
    login.add_argument("host")
    login.add_argument("command", nargs=argparse.REMAINDER)
    enter = command("exec", _exec, "run a command on a host without ssh, as root")
    enter.add_argument("host")
    enter.add_argument("command", nargs=argparse.REMAINDER)
    command("down", _down, "take the lab away, with all that belongs to it")
    tidy = command("clean", _clean, "take the lab and the images away; refused while other labs stand on them")
    tidy.add_argument("--all", action="store_true", help="take the other labs away too")
    make = command("build", _build, "only build the images; with --odoo, that of a checkout of Odoo's source")
    make.add_argument("--odoo", metavar="DIR[@REF]", help="a clone, a bare repository, a folder or an archive")
    make.add_argument("--debian", choices=list(SUITES), default="", help="instead of what the checkout's Python says")
    command("inventory", _inventory, "print the path of the Ansible inventory")
    for name, act, text in (
        ("restore", _restore, "make Odoo hosts again: disk, database, boot"),
        ("reboot", _power(off=True, on=True), "shut hosts down in order and boot them again"),
        ("poweroff", _power(off=True, on=False), "shut hosts down in order"),
        ("poweron", _power(off=False, on=True), "boot hosts that are off from their disks"),
    ):
        command(name, act, text).add_argument("hosts", nargs="+", metavar="HOST")
    return parser


def _interrupted(number: int, _frame: object) -> None:
    """The first signal ends the work; those that follow must not end the cleaning up."""
    if not health.INTERRUPTED.is_set():
        health.INTERRUPTED.set()
        raise KeyboardInterrupt(signal.Signals(number).name)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry of the tool: an error is one sentence and exit code 1."""
    args = _parser().parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    try:
        code: int = args.act(args)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted", file=sys.stderr)
        return 130
    return code
