# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Odoo in containers of a real docker: from their host, and from the inside by the connection of community.docker."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import time
import typing as t
import urllib.request

import pytest
import yaml

from .before import SILENCE, as_before, state_of
from .conftest import HUP, Answer, Fleet, address, lab_up, login, request

# It boots a docker, and downloads it first where that has not been done.
pytestmark = [pytest.mark.timeout(900), pytest.mark.thorough]

HOSTS = ("d19", "d14")
#: The server of d14 is threaded.
WORKERS = {
    "d19": {"http": 2, "cron": 1, "gevent": 1, "other": 0},
    "d14": {"http": 0, "cron": 0, "gevent": 0, "other": 0},
}
VOLUMES = "-v /etc/odoo:/etc/odoo:ro -v /opt/lab/addons:/opt/lab/addons:ro -v /var/lib/odoo:/var/lib/odoo"
ODOO = "/usr/bin/odoo --config /etc/odoo/odoo.conf"
COMPOSE = "--label com.docker.compose.project=shop --label com.docker.compose.service=odoo"
#: A health check each second, as a compose file may have it.
HEALTH = (
    "--health-interval 1s --health-cmd"
    ' "python3 -c \'import urllib.request; urllib.request.urlopen(\\"http://127.0.0.1:8069/web/health\\")\'"'
)


@pytest.fixture(scope="module")
def fleet() -> t.Iterator[Fleet]:
    """A fleet of its own, for the run of this file."""
    yield from lab_up("docker", str(pathlib.Path(__file__).parent / "docker.yml"))


def docker(fleet: Fleet, host: str, words: str) -> str:
    """Run docker on a host."""
    return fleet.run(host, "sh", "-c", f"docker {words}", seconds=120).strip()


def unit(fleet: Fleet, host: str, name: str = "odoo") -> str:
    """The id of a container, which is the unit of its server."""
    return docker(fleet, host, f"container inspect --format '{{{{.Id}}}}' {name}")


def of(fleet: Fleet, name: str) -> dict[str, t.Any]:
    """Return the options that choose the server of a container of d19."""
    return {"match": {"unit": unit(fleet, "d19", name)}}


@contextlib.contextmanager
def container(fleet: Fleet, options: str = "", command: str = ODOO, name: str = "two") -> t.Iterator[dict[str, t.Any]]:
    """Run a second container of a compose project on d19; yield what chooses its server."""
    words = f"{COMPOSE} {VOLUMES} --user odoo --publish 8169:8069 {options} lab/odoo:19 {command}"
    docker(fleet, "d19", f"rm -f {name} >/dev/null; docker run --detach --name {name} {words}")
    try:
        chosen = of(fleet, name)
        serves(fleet, 8169)
        yield chosen
    finally:
        docker(fleet, "d19", f"rm -f {name}; rm -f /run/fleetops-odoo/drain-*")


def serves(fleet: Fleet, port: int) -> None:
    """Wait until a server of d19 answers."""
    url, deadline = f"http://{address(fleet.inventory, 'd19')}:{port}/web/health", time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.status == 200
            return
        assert time.monotonic() < deadline, url
        time.sleep(0.2)


def drained(fleet: Fleet, **arguments: t.Any) -> Answer:
    """Drain a server of d19, with a second look of 3 s."""
    return fleet.module("d19", "drain", min_gone_time=3, **arguments)


def undrained(fleet: Fleet, *options: str, **arguments: t.Any) -> Answer:
    """Bring a server of d19 back."""
    return fleet.module("d19", "drain", *options, state="undrained", timeout=90, **arguments)


@pytest.mark.parametrize("host", HOSTS)
def test_a_server_in_docker_is_known_and_asked_from_its_host(fleet: Fleet, host: str) -> None:
    master = fleet.master(host)
    assert (master["container"]["runtime"], master["supervisor"]["kind"]) == ("docker", "container")
    assert master["container"]["id"] == master["supervisor"]["unit"] == unit(fleet, host)
    assert (master["container"]["pid"] == 1) is (host == "d14")
    assert (master["log"]["kind"], master["state"], master["workers"]) == ("container", "running", WORKERS[host])
    dumps = fleet.module(host, "stack_dump", samples=1).only
    assert (dumps["did"], dumps["code"], dumps["missing"]) == ("signalled", None, [])
    assert len(dumps["dumps"]) == 1 + sum(WORKERS[host].values())
    caches = fleet.module(host, "cache_stats", timeout=20).only
    assert (caches["code"], caches["missing"]) == (None, [])
    assert fleet.module(host, "evidence").code == 0


@pytest.mark.parametrize("host", HOSTS)
def test_a_server_in_docker_is_reloaded_and_gets_workers(fleet: Fleet, host: str) -> None:
    old = fleet.identities(host)
    answer = fleet.module(host, "reload", **HUP)
    assert (answer.outcome, answer.only["signals"]) == ((0, "signalled", None), ["HUP"]), answer.output
    new = fleet.identities(host)
    assert new[0] == old[0]
    assert set(new[1:]).isdisjoint(old[1:])
    assert fleet.module(host, "reload").outcome == (0, "nothing", None)
    refused = fleet.module(host, "reload", policy="always", method="supervisor")
    assert refused.outcome == (2, "refused", "supervisor.container_not_restarted")
    if host == "d19":
        assert fleet.module(host, "workers", count=3).only["signals"] == ["TTIN"]
        assert fleet.module(host, "workers", count=2).only["after"]["workers"] == WORKERS[host]


@pytest.mark.parametrize("host", HOSTS)
def test_a_drained_container_stays_down_and_is_started_as_it_was(fleet: Fleet, host: str) -> None:
    match = {"match": {"unit": unit(fleet, host)}}
    with container(fleet, HEALTH) if host == "d19" else contextlib.nullcontext() as other:
        before = state_of(fleet, host, match["match"])
        with request(fleet, host, "/lab/sleep/4") as sent:
            answer = fleet.module(host, "drain", **match)
        assert (answer.outcome, sent.status) == ((0, "signalled", None), 200), answer.output
        assert (answer.only["hold"]["policy"], answer.only["warnings"]) == ("no", [])
        time.sleep(SILENCE)
        assert docker(fleet, host, "inspect --format '{{.State.Status}} {{.State.ExitCode}}' odoo") == "exited 0"
        masters = fleet.module(host, "master_info").result["masters"]
        assert [one["supervisor"]["unit"] for one in masters] == ([other["match"]["unit"]] if other else [])
        again = fleet.module(host, "drain", **match)
        assert (again.outcome, again.result["changed"]) == ((0, "nothing", None), False)
        check = fleet.module(host, "drain", "--check", state="undrained", **match)
        assert (check.outcome, check.result["changed"]) == ((0, "started", None), True), check.output
        back = fleet.module(host, "drain", state="undrained", timeout=90, **match)
        assert back.outcome == (0, "started", None), back.output
        assert "docker was asked to start odoo" in [step["what"] for step in back.only["steps"]]
        as_before(fleet, host, before, match["match"])
        assert fleet.module(host, "drain", state="undrained", **match).outcome == (0, "nothing", None)


def test_two_containers_of_a_project_are_drained_and_brought_back_alone(fleet: Fleet) -> None:
    with container(fleet, HEALTH) as second:
        first = of(fleet, "odoo")
        for chosen, other, port in ((second, first, 8169), (first, second, 8069)):
            left = fleet.master("d19", **other["match"])["identity"]
            with request(fleet, "d19", "/lab/sleep/3", port) as sent:
                answer = drained(fleet, **chosen)
            assert (answer.outcome, sent.status) == ((0, "signalled", None), 200), answer.output
            (master,) = fleet.module("d19", "master_info").result["masters"]
            assert master["identity"] == left
            back = undrained(fleet, **chosen)
            assert back.outcome == (0, "started", None), back.output
            assert fleet.master("d19", **other["match"])["identity"] == left


@pytest.mark.parametrize("policy", ["always", "unless-stopped"])
def test_a_policy_that_starts_it_again_is_refused_with_the_command_that_changes_it(fleet: Fleet, policy: str) -> None:
    docker(fleet, "d19", f"update --restart={policy} odoo")
    try:
        before = fleet.identities("d19")
        for options in (["--check"], []):
            answer = fleet.module("d19", "drain", *options)
            assert answer.outcome == (2, "refused", "supervisor.container_starts_again"), answer.output
            assert f" {policy}, so docker " in answer.result["msg"]
        assert fleet.identities("d19") == before
        # The caller says that the restart is prevented, and it is not.
        external = drained(fleet, hold="external")
        assert external.outcome == (2, "signalled", "failed.place_taken"), external.output
    finally:
        docker(fleet, "d19", "update --restart=no odoo")
    serves(fleet, 8069)
    fleet.run("d19", "sh", "-c", "rm -f /run/fleetops-odoo/drain-*")


def test_the_policy_on_failure_leaves_a_drained_server_down(fleet: Fleet) -> None:
    with container(fleet, "--init --restart on-failure") as chosen:
        answer = drained(fleet, **chosen)
        assert (answer.outcome, answer.only["hold"]["policy"]) == ((0, "signalled", None), "on-failure"), answer.output
        assert undrained(fleet, **chosen).outcome == (0, "started", None)
        assert docker(fleet, "d19", "inspect --format '{{.HostConfig.RestartPolicy.Name}}' two") == "on-failure"


def test_a_killed_server_that_the_policy_on_failure_starts_again_is_told(fleet: Fleet) -> None:
    with container(fleet, "--init --restart on-failure") as chosen, contextlib.suppress(ConnectionError):
        with request(fleet, "d19", "/lab/sleep/100", 8169):
            answer = drained(fleet, http_timeout=1, on_timeout="kill", **chosen)
        assert answer.outcome == (2, "signalled", "failed.place_taken"), answer.output


def test_a_unit_that_runs_a_new_container_is_told(fleet: Fleet) -> None:
    words = f"--rm --init --name unit --user odoo --publish 8169:8069 {VOLUMES} lab/odoo:19 {ODOO}"
    start = f"[Service]\nRestart=always\nRestartSec=2\nExecStart=/usr/bin/docker run {words}\n"
    path = "/etc/systemd/system/erp.service"
    fleet.run(
        "d19", "sh", "-ec", f"printf '%s' \"$1\" >{path}; systemctl daemon-reload; systemctl start erp", "sh", start
    )
    try:
        serves(fleet, 8169)
        answer = fleet.module("d19", "drain", **of(fleet, "unit"))
        assert answer.outcome == (2, "signalled", "failed.place_taken"), answer.output
        assert list(answer.warned) == ["supervisor.container_removed"]
    finally:
        fleet.run("d19", "sh", "-c", f"systemctl stop erp; docker rm -f unit; rm {path}; systemctl daemon-reload")


def test_a_paused_container_is_refused_before_any_signal(fleet: Fleet) -> None:
    docker(fleet, "d19", "pause odoo")
    try:
        for name, options in (("drain", {}), ("reload", {"policy": "always"}), ("workers", {"count": 3})):
            answer = fleet.module("d19", name, **options)
            assert answer.outcome == (2, "refused", "refused.frozen"), answer.output
            assert "docker unpause" in answer.result["msg"]
        dumps = fleet.module("d19", "stack_dump", samples=1).only
        assert {one["code"] for one in dumps["missing"]} == {"refused.frozen"}
    finally:
        docker(fleet, "d19", "unpause odoo")
    assert fleet.master("d19")["workers"] == WORKERS["d19"]


def test_a_container_made_anew_under_its_name_is_started(fleet: Fleet) -> None:
    with container(fleet, "--init") as chosen:
        assert drained(fleet, **chosen).outcome == (0, "signalled", None)
        docker(fleet, "d19", "rm two")
        gone = undrained(fleet, **chosen)
        assert gone.outcome == (2, "refused", "supervisor.container_gone"), gone.output
        words = f"{COMPOSE} {VOLUMES} --user odoo --publish 8169:8069 lab/odoo:19 {ODOO}"
        docker(fleet, "d19", f"create --init --name two {words}")
        back = undrained(fleet, **chosen)
        assert back.outcome == (0, "started", None), back.output
        left = fleet.run("d19", "sh", "-c", "find /run/fleetops-odoo -name 'drain-*.json'; true")
        assert left == ""


def test_a_container_that_docker_removes_is_warned_of_before_its_drain(fleet: Fleet) -> None:
    with container(fleet, "--init --rm") as chosen:
        for options in (["--check"], []):
            answer = fleet.module("d19", "drain", *options, min_gone_time=3, **chosen)
            assert answer.outcome == (0, "signalled", None), answer.output
            assert list(answer.warned) == ["supervisor.container_removed"]
        assert undrained(fleet, **chosen).outcome == (2, "refused", "supervisor.container_gone")


def test_a_container_that_goes_on_without_its_server_is_told(fleet: Fleet) -> None:
    with container(fleet, command=f"sh -c '{ODOO}; sleep 600'") as chosen:
        answer = drained(fleet, **chosen)
        assert answer.outcome == (0, "signalled", None), answer.output
        assert list(answer.warned) == ["supervisor.container_goes_on"]
        refused = undrained(fleet, **chosen)
        assert refused.outcome == (2, "refused", "supervisor.container_goes_on"), refused.output
        docker(fleet, "d19", "restart --time 1 two")
        serves(fleet, 8169)
        assert undrained(fleet, **chosen).outcome == (0, "nothing", None)


def test_a_server_that_does_not_start_again_is_told_with_its_status(fleet: Fleet) -> None:
    with container(fleet, "--init", f"sh -c 'test ! -e /tmp/no || exit 3; exec {ODOO}'") as chosen:
        docker(fleet, "d19", "exec two touch /tmp/no")
        assert drained(fleet, **chosen).outcome == (0, "signalled", None)
        answer = undrained(fleet, **chosen)
        assert answer.outcome == (2, "started", "supervisor.container_down"), answer.output
        assert "status 3" in answer.result["msg"]


@pytest.mark.parametrize(
    ("driver", "code"), [("journald", None), ("local", "dump.container_driver"), ("none", "dump.container_driver")]
)
def test_stacks_are_read_where_the_log_driver_shows_them(fleet: Fleet, driver: str, code: str | None) -> None:
    with container(fleet, f"--init --log-driver {driver}") as chosen:
        found = fleet.module("d19", "stack_dump", samples=1, **chosen).only
        assert (found["did"], found["code"]) == ("refused" if code else "signalled", code)
        assert (found["missing"] == []) is (code is None)


def test_a_task_of_a_real_swarm_is_refused(fleet: Fleet) -> None:
    mounts = (
        "--mount type=bind,src=/etc/odoo,dst=/etc/odoo,ro --mount type=bind,src=/opt/lab/addons,dst=/opt/lab/addons"
    )
    docker(fleet, "d19", "swarm init --advertise-addr host0")
    try:
        service = f"--name shop_odoo --user odoo {mounts} lab/odoo:19 {ODOO}"
        docker(fleet, "d19", f"service create --no-resolve-image {service}")
        task = docker(fleet, "d19", "ps --quiet --no-trunc --filter label=com.docker.swarm.service.name=shop_odoo")
        answer = fleet.module("d19", "drain", match={"unit": task})
        assert answer.outcome == (2, "refused", "supervisor.swarm_task"), answer.output
        assert "docker service scale shop_odoo=0" in answer.result["msg"]
    finally:
        docker(fleet, "d19", "swarm leave --force")


@pytest.fixture(scope="module")
def inside(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Fleet]:
    """The containers as hosts of an inventory, reached over community.docker.docker as their users would do it.

    The socket of each docker is brought here by ssh; the program is that of the lab, as this machine may have none.
    """
    folder = tmp_path_factory.mktemp("inside")
    root = pathlib.Path(f"/var/lib/fleetops-lab/{fleet.name}/hosts/d19/root")
    (folder / "docker").symlink_to(root / "usr/bin/docker")
    hosts: dict[str, t.Any] = {}
    with contextlib.ExitStack() as stack:
        for host in HOSTS:
            *ssh, place = login(fleet.inventory, host)
            forward = ["-o", "ControlPath=none", "-N", "-L", f"{folder}/{host}:/run/docker.sock", place]
            program = stack.enter_context(subprocess.Popen([*ssh, *forward]))
            stack.callback(program.terminate)
            hosts[host] = {"ansible_docker_extra_args": f"-H unix://{folder}/{host}", "ansible_host": "odoo"}
        common = {"ansible_connection": "community.docker.docker", "ansible_user": "odoo"}
        common["ansible_python_interpreter"] = "/usr/bin/python3"
        inventory = folder / "inventory.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": common}}), encoding="utf-8")
        deadline = time.monotonic() + 20
        while not all((folder / host).exists() for host in HOSTS):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
            yield Fleet(fleet.name, str(inventory))


@pytest.mark.parametrize("host", HOSTS)
def test_from_the_inside_all_but_its_log_and_its_end_is_reached(fleet: Fleet, inside: Fleet, host: str) -> None:
    old = fleet.identities(host)
    master = inside.master(host)
    assert (master["pid"] == 1, master["state"], master["workers"]) == (host == "d14", "running", WORKERS[host])
    assert (master["supervisor"]["kind"], master["container"], master["hidden"]) == ("container", None, False)
    for name in ("stack_dump", "cache_stats"):
        refused = inside.module(host, name).only
        assert (refused["did"], refused["code"], refused.get("asked", [])) == ("refused", "dump.container", [])
    for options in (["--check"], []):
        drain = inside.module(host, "drain", *options)
        assert drain.outcome == (2, "refused", "supervisor.container_inside"), drain.output
    restart = inside.module(host, "reload", policy="always", method="supervisor")
    assert restart.outcome == (2, "refused", "supervisor.container_not_restarted")
    assert fleet.identities(host) == old
    reload = inside.module(host, "reload", **HUP)
    assert (reload.outcome, reload.only["signals"]) == ((0, "signalled", None), ["HUP"]), reload.output
    new = fleet.identities(host)
    assert new[0] == old[0]
    assert set(new[1:]).isdisjoint(old[1:])
    assert inside.module(host, "wait_healthy", timeout=30).code == 0
    assert inside.module(host, "evidence").code == 0
    if host == "d19":
        assert inside.module(host, "workers", count=3).only["signals"] == ["TTIN"]
        # Nothing tells which of them are idle, so none is ended but after its request.
        assert inside.module(host, "workers", count=2).outcome == (2, "refused", "refused.idle_unknown")
        fewer = inside.module(host, "workers", count=2, wait_busy=True)
        assert (fewer.code, fewer.only["after"]["workers"]) == (0, WORKERS[host]), fewer.output
    assert docker(fleet, host, "inspect --format '{{.State.Running}}' odoo") == "true"
