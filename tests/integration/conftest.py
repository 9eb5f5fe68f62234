# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet of real Odoo servers for the whole run, and what the tests do to it."""

from __future__ import annotations

import contextlib
import functools
import http.client
import json
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import time
import typing as t
from dataclasses import dataclass

import pytest
import yaml
from ansible_collections.fleetops.odoo.tests.integration.commands import Running
from ansible_collections.fleetops.odoo.tests.integration.concerned import uses

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAB = ROOT / "tests" / "lab" / "lab"
KINDS = ("p19", "t19", "p14", "t14")

#: What no output may ever contain: the lab plants them in odoo.conf.
SECRETS = ("LAB-SECRET",)

#: `make versions`: "14:17" has the hosts of 14 run 17, which the tests then take for an Odoo that does as 14 does.
STAND_IN = dict([os.environ["FLEETOPS_STAND_IN"].split(":")]) if os.environ.get("FLEETOPS_STAND_IN") else {}

#: Where Debian's packages have Odoo.
PACKAGED = "/usr/lib/python3/dist-packages"

#: Options of ``reload`` for exactly one HUP to every server.
HUP = {"policy": "always", "method": "hup"}


#: The master of a user and its children, as soon as two looks agree: Odoo runs short programs now and then.
PROCESSES = """look() { master=$(pgrep -o -u "$1") && echo "$master" && { pgrep -P "$master" || true; }; }
before=$(look "$1")
while sleep 0.2; now=$(look "$1"); [ "$before" != "$now" ]; do before=$now; done
echo "$now"
"""


#: Wait until the server listens, but no longer than some seconds: its port may be another one.
LISTENS = "for n in $(seq 50); do ss -Hltn 'sport = :8069' | grep -q . && break; sleep 0.1; done"


@dataclass
class Answer:
    """The result of Ansible for one host."""

    code: int
    result: dict[str, t.Any]
    output: str

    @property
    def only(self) -> dict[str, t.Any]:
        """The single entry of ``results``."""
        (entry,) = self.result["results"]
        return t.cast("dict[str, t.Any]", entry)

    @property
    def outcome(self) -> tuple[int, str, str | None]:
        """The exit code, and what was done to the only server and why that went wrong; the module has the same code."""
        assert self.result.get("code") == self.only["code"], self.output
        return self.code, self.only["did"], self.only["code"]

    @property
    def warned(self) -> dict[str, str]:
        """The warnings of the only server: messages by code. Ansible shows each of them too."""
        found = {warning["code"]: warning["message"] for warning in self.only["warnings"]}
        assert self.output.count("[WARNING]: pid ") == len(self.only["warnings"]), self.output
        return found


@dataclass
class Fleet:
    """The lab, as tests use it."""

    name: str
    inventory: str

    def module(self, host: str, name: str, /, *options: str, **arguments: t.Any) -> Answer:
        """Run one of our modules ad hoc, over ssh, as a user would."""
        return self.begin(host, name, *options, **arguments)()

    def begin(self, host: str, name: str, /, *options: str, **arguments: t.Any) -> t.Callable[[], Answer]:
        """As :meth:`module`, but return at once; calling what it returns waits for the answer."""
        command = ["ansible", "-i", self.inventory, host, "-m", f"fleetops.odoo.{name}"]
        if arguments:
            command += ["-a", json.dumps(arguments)]
        # One line of JSON a host, for every terminal.
        environment = {
            **os.environ,
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            "ANSIBLE_CALLBACK_FORMAT_PRETTY": "false",
        }
        running = Running([*command, *options], environment)

        def answer() -> Answer:
            done = running.end(240)
            output = done.stdout
            no_secrets(output)
            at = output.find("=>")
            at = output.find("{", at)
            assert at > 0, output
            result = json.JSONDecoder().raw_decode(output[at:])[0]
            return Answer(done.returncode, result, output)

        return answer

    def playbook(self, name: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run a playbook of the collection, or a file."""
        playbook = name if "/" in name else f"fleetops.odoo.{name}"
        command = ["ansible-playbook", "-i", self.inventory, playbook, *options]
        done = Running(command, os.environ).end(300)
        no_secrets(done.stdout)
        return done

    def run(self, host: str, *command: str, check: bool = True, seconds: float = 60) -> str:
        """Run a command on a host."""
        done = subprocess.run(
            [*login(self.inventory, host), shlex.join(command)],
            check=False,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    def feed(self, host: str, command: str, data: bytes) -> None:
        """Run a command of the shell on a host as root, with this as its input."""
        subprocess.run([*login(self.inventory, host), command], input=data, check=True, timeout=60)

    def roles(self, host: str) -> list[str]:
        """Return the roles of the processes of the one master of a host, with the class of a worker of an addon."""
        children = self.master(host)["children"]
        return sorted(f"{child['role']} {child['kind'] or ''}".strip() for child in children)

    def master(self, host: str, **match: t.Any) -> dict[str, t.Any]:
        """The one master of a host."""
        answer = self.module(host, "master_info", match=match)
        assert answer.code == 0, answer.output
        (master,) = answer.result["masters"]
        return t.cast("dict[str, t.Any]", master)

    def processes(self, host: str) -> list[str]:
        """Return the identities of the master and its children: equal as long as nothing was reloaded."""
        known = variables(self.inventory, host)
        if known.get("lab_service"):
            # Wherever Odoo's user has nothing but Odoo; it takes a twentieth of the time.
            return self.run(host, "sh", "-c", PROCESSES, "sh", known["lab_user"]).split()
        return self.identities(host)

    def pid(self, host: str) -> int:
        """Return the pid of the one master of a host."""
        return int(self.processes(host)[0].partition(":")[0])

    def identities(self, host: str) -> list[str]:
        """Identities of the master and its children, in this order."""
        master = self.master(host)
        return [master["identity"], *(child["identity"] for child in master["children"])]

    def restore(self, *hosts: str) -> None:
        """Make hosts again."""
        lab(self.name, "restore", *hosts)

    def settle(self, host: str, state: str = "running", seconds: float = 30) -> dict[str, t.Any]:
        """Wait until the one master of a host is in this state."""
        deadline = time.monotonic() + seconds
        if state == "running" and variables(self.inventory, host).get("lab_service"):
            # Before that it boots, and to look at it takes a second of CPU.
            self.run(host, "sh", "-c", LISTENS)
        while True:
            masters = self.module(host, "master_info").result["masters"]
            if [master["state"] for master in masters] == [state]:
                return t.cast("dict[str, t.Any]", masters[0])
            assert time.monotonic() < deadline, masters


def results_by_host(output: str) -> dict[str, list[str]]:
    """Return the results that the default callback shows of each host, such as ``ok`` and ``skipping``."""
    found: dict[str, list[str]] = {}
    for word, host in re.findall(r"(?m)^(ok|changed|skipping|failed|fatal): \[([^\]\s]+)", output):
        found.setdefault(host, []).append(word)
    return found


def no_secrets(output: str) -> None:
    """Check that no output contains a secret."""
    for secret in SECRETS:
        assert secret not in output, f"{secret} in:\n{output}"


def lab(name: str, *arguments: str) -> str:
    """Run the lab's tool."""
    done = subprocess.run(
        [str(LAB), "--lab", name, *arguments], check=False, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Request:
    """A request in flight; ``status`` is there once the block has ended."""

    status: int | None = None


@functools.cache
def _known(inventory: str) -> dict[str, t.Any]:
    """The lab's inventory, which it writes as plain YAML: to ask Ansible for it takes half a second of CPU."""
    return t.cast("dict[str, t.Any]", yaml.safe_load(pathlib.Path(inventory).read_text(encoding="utf-8"))["all"])


def variables(inventory: str, host: str) -> dict[str, t.Any]:
    """Return the variables of a host in the inventory of the lab."""
    groups = _known(inventory)["children"].values()
    (found,) = (group["hosts"][host] for group in groups if group["hosts"].get(host))
    return t.cast("dict[str, t.Any]", found)


def address(inventory: str, host: str) -> str:
    """The address of a host of the lab."""
    return t.cast("str", variables(inventory, host)["ansible_host"])


def login(inventory: str, host: str) -> list[str]:
    """Return the words of a login to a host of the lab; the command comes after them.

    What ``lab ssh`` does, a thousand times in a run, without the tenth of a second that its Python takes to begin.
    """
    known = _known(inventory)["vars"]
    options = shlex.split(known["ansible_ssh_common_args"])
    return ["ssh", "-i", known["ansible_ssh_private_key_file"], *options, f"root@{address(inventory, host)}"]


def release(host: str) -> str:
    """The version of a host that is named for one, as modules tell it: 14.0 on t14, or what stands in for it."""
    version = STAND_IN.get(host[-2:], host[-2:]).removesuffix("source")
    return f"saas~{version[4:].replace('_', '.')}" if version.startswith("saas") else f"{version}.0"


def major_of(host: str) -> int:
    """Return the major version of a host that is named for one."""
    return int(release(host).removeprefix("saas~").partition(".")[0])


def under_test(hosts: t.Sequence[str]) -> list[str]:
    """Return the hosts that a test compares: with `make versions` only those that run the version under test."""
    return [host for host in hosts if not STAND_IN or host[-2:] in STAND_IN]


def python_of(host: str) -> tuple[str, str]:
    """Return the interpreter of a host that is named for a version, and the folder of its Odoo."""
    if host[-2:] in STAND_IN:
        return "/opt/odoo/venv/bin/python3", "/opt/odoo/src"
    return "python3", PACKAGED


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what does not run on a host of the version under test."""
    for old in STAND_IN:
        theirs = [item for item in items if isinstance(item, pytest.Function)]
        left_out = [item for item in theirs if not uses(item.function, _parameters(item), old)]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def _parameters(item: pytest.Function) -> dict[str, t.Any]:
    return item.callspec.params if hasattr(item, "callspec") else {}


def fleet_file(hosts: str) -> pathlib.Path:
    """Return the file of a fleet, which the lab may know by its name."""
    return pathlib.Path(hosts) if hosts.endswith(".yml") else ROOT / f"tests/lab/fleets/{hosts}.yml"


def stand_in(hosts: str) -> str:
    """Return the text of a fleet file with the version under test in place of the one it stands in for."""
    text = fleet_file(hosts).read_text(encoding="utf-8")
    for old, new in STAND_IN.items():
        text = re.sub(rf"version: {old}\b", f"version: {new}", text)
    return text


def thorough(*values: t.Any) -> list[t.Any]:
    """Values of a parameter that the gate leaves out, because they are like another one."""
    return [pytest.param(value, marks=pytest.mark.thorough) for value in values]


def side_by_side(
    fleet: Fleet, hosts: t.Iterable[str], name: str, *options: str, **arguments: t.Any
) -> dict[str, Answer]:
    """Run a module on several hosts at the same moment."""
    begun = {host: fleet.begin(host, name, *options, **arguments) for host in hosts}
    return {host: answer() for host, answer in begun.items()}


def free(fleet: Fleet, host: str, name: str) -> None:
    """Let the requests for /lab/hold/NAME end, which wait for that however slow the machine is.

    Not by a request, because a server that drains takes none. The shell keeps the pipe open for a moment, because its
    content would be lost otherwise.
    """
    fleet.run(host, "sh", "-c", f"exec 3<>/tmp/lab-{name}; echo >&3; sleep 0.2")


def run_of(folder: pathlib.Path) -> pathlib.Path:
    """The folder of the only run of diagnostics, which has its archive beside it."""
    run, archive = sorted(folder.iterdir())
    assert archive.name == f"{run.name}.tar.gz"
    return run


@contextlib.contextmanager
def request(fleet: Fleet, host: str, path: str, port: int = 8069) -> t.Iterator[Request]:
    """Keep a request in progress at a host while the block runs, and wait for its answer at the end."""
    connection = http.client.HTTPConnection(address(fleet.inventory, host), port, timeout=60)
    connection.request("GET", path)
    time.sleep(0.5)
    sent = Request()
    try:
        yield sent
        sent.status = connection.getresponse().status
    finally:
        connection.close()


@contextlib.contextmanager
def held(fleet: Fleet, host: str, name: str) -> t.Iterator[Request]:
    """Keep a request for /lab/hold/NAME in progress at a host while the block runs, however slow the machine is."""
    with request(fleet, host, f"/lab/hold/{name}") as sent:
        try:
            yield sent
        finally:
            free(fleet, host, name)


@contextlib.contextmanager
def unwatched(fleet: Fleet, host: str) -> t.Iterator[None]:
    """Let the load balancer make no health checks of a host: each wakes all of its idle workers."""
    say = "echo '{} health odoo/{}' | socat - /run/haproxy/admin.sock"
    fleet.run("lb", "sh", "-c", say.format("disable", host))
    try:
        yield
    finally:
        fleet.run("lb", "sh", "-c", say.format("enable", host))


def plant_killer(fleet: Fleet, host: str) -> None:
    """Make the next load end the server, in a way that nothing but trying finds out: a module that ends the process."""
    addon = "/opt/lab/addons/lab_killer"
    fleet.run(host, "mkdir", "-p", addon)
    fleet.run(host, "sh", "-c", f"echo \"{{'name': 'k'}}\" > {addon}/__manifest__.py")
    code = "import logging, os; logging.getLogger('lab').critical('the end, db_password=LAB-SECRET'); os._exit(7)"
    fleet.run(host, "sh", "-c", f'echo "{code}" > {addon}/__init__.py')
    fleet.run(host, "sh", "-c", "echo 'server_wide_modules = base,web,lab_killer' >> /etc/odoo/odoo.conf")


def pull_out_killer(fleet: Fleet, host: str) -> None:
    """Undo :func:`plant_killer`, and start the server again. To restore the host takes three times as long."""
    fleet.run(host, "sh", "-c", "sed -i '/lab_killer/d' /etc/odoo/odoo.conf; rm -r /opt/lab/addons/lab_killer")
    fleet.run(host, "sh", "-c", "systemctl reset-failed odoo; systemctl restart odoo")
    fleet.settle(host)


@pytest.fixture(scope="session")
def fleet() -> t.Iterator[Fleet]:
    """The fleet of most tests, up for the whole run. FLEETOPS_TEST_LAB names its lab, so that two runs do not meet.

    FLEETOPS_TEST_HOSTS brings up only these hosts, for tests that need no more ("p19,t19").
    """
    name = os.environ.get("FLEETOPS_TEST_LAB", "tests")
    only = [host for host in os.environ.get("FLEETOPS_TEST_HOSTS", "").split(",") if host]
    # The other hosts run no version under test.
    only = only or (list(KINDS) if STAND_IN else [])
    yield from lab_up(name, str(pathlib.Path(__file__).parent / "fleet.yml"), only=only, several=True)


@pytest.fixture(scope="session")
def first_hour() -> t.Iterator[Fleet]:
    """A fleet with faults that the doctor finds, for several files. tests/conftest.py runs them one after the other."""
    yield from lab_up("first", str(pathlib.Path(__file__).parent / "first_hour.yml"), several=True)


@pytest.fixture(scope="session")
def balancers() -> t.Iterator[Fleet]:
    """A fleet behind HAProxy and nginx, for several files. tests/conftest.py runs them one after the other."""
    yield from lab_up("balan", str(pathlib.Path(__file__).parent / "balancers.yml"), several=True)


def lab_up(name: str, hosts: str, only: t.Sequence[str] = (), *, several: bool = False) -> t.Iterator[Fleet]:
    """Bring a fleet up, and down again. While working on a test, FLEETOPS_KEEP_LAB=1 keeps it and saves the time.

    FLEETOPS_LAB_PREFIX is put before its name, so that two people can run one test on one machine.

    :param several: more than one file uses it, so each of pytest-xdist's workers has one of its own.
    """
    if os.geteuid() != 0:
        pytest.skip("the lab needs root")
    # A name of a lab has at most 8 characters.
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")[2:] if several else ""
    name = (os.environ.get("FLEETOPS_LAB_PREFIX", "") + name)[: 8 - len(worker)] + worker
    keep = bool(os.environ.get("FLEETOPS_KEEP_LAB"))
    if not keep:
        lab(name, "down")
    with tempfile.TemporaryDirectory() as folder:
        # The fleet keeps its name, which is that of the file.
        place = pathlib.Path(folder, fleet_file(hosts).name)
        place.write_text(stand_in(hosts), encoding="utf-8")
        lab(name, "up", str(place), *(["--hosts", ",".join(only)] if only else []))
    try:
        yield Fleet(name, lab(name, "inventory").strip())
    finally:
        if not keep:
            lab(name, "down")
