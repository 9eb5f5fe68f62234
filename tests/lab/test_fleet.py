# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleet files, and what is made of them: no host is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from labkit import balancer, configure, fleet, inventory, mirror, state, venv, ways
from labkit.errors import LabError
from labkit.paths import LAB_DIR, Lab


def _fleet(**host: Any) -> fleet.Fleet:
    return fleet.parse({"hosts": [{"name": "h1", **host}]}, "f.yml", "f")


@pytest.mark.parametrize("path", sorted((LAB_DIR / "fleets").glob("*.yml")), ids=lambda path: path.stem)
def test_fleets_that_come_with_the_lab_are_valid(path: Path) -> None:
    assert fleet.load(path.stem).hosts


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "f.yml: keys and values are needed"),
        ({}, "hosts must be a list"),
        ({"host": []}, "unknown key host"),
        ({"hosts": [{}]}, "a host has no name"),
        ({"hosts": [{"name": "h1", "worker": 2}]}, "host h1: unknown key worker; known are balanced, conf"),
        ({"hosts": [{"name": "h1"}, {"name": "h1"}]}, "the host h1 is there twice"),
        ({"hosts": [{"name": "db"}]}, "host db: name must be"),
        (
            {"hosts": [{"name": "h1", "version": 7}]},
            "host h1: version must be 19, 14, or one of `lab build --odoo`, not 7",
        ),
        ({"hosts": [{"name": "h1", "workers": "2"}]}, "host h1: workers must be a number from 0 to 32, not '2'"),
        ({"hosts": [{"name": "h1", "workers": 0}]}, "a prefork server needs at least one worker"),
        ({"hosts": [{"name": "h1", "mode": "threaded", "workers": 2}]}, "a threaded server has no workers"),
        ({"hosts": [{"name": "h1", "balanced": "yes"}]}, "host h1: balanced must be true or false"),
        ({"hosts": [{"name": "h1", "unit": {"Restart": ["always"]}}]}, "host h1: unit: Restart must be one line"),
        ({"hosts": [{"name": "h1", "conf": {"workers": 2}}]}, "conf: workers is a key of the host itself"),
        ({"hosts": [{"name": "h1", "conf": {"http_port": "x"}}]}, "conf: http_port must be a number, not 'x'"),
        ({"hosts": [{"name": "h1", "instances": [{"name": "a"}]}]}, "host h1: an instance has no port"),
        ({"hosts": [{"name": "h1", "instances": {"a": 1}}]}, "host h1: instances must be a list"),
        ({"hosts": [{"name": "h1", "instances": [{"name": "a", "port": 80}]}]}, "instance a: port must be a port from"),
        ({"hosts": [{"name": "h1", "instances": [{"name": "a", "port": 8069, "version": 14}]}]}, "unknown key version"),
        (
            {"hosts": [{"name": "h1", "instances": [{"name": "a", "port": 8069}, {"name": "b", "port": 8072}]}]},
            "host h1: the port 8072 is there twice",
        ),
        (
            {"hosts": [{"name": "h1", "conf": {"http_port": 8080}, "instances": [{"name": "a", "port": 8069}]}]},
            "instance a: conf: http_port is a key of the instance itself",
        ),
        (
            {"hosts": [{"name": "h1", "start": "podman", "instances": [{"name": "a", "port": 8069, "user": "x"}]}]},
            "instance a: in a container the user is odoo",
        ),
        ({"hosts": [{"name": "h1-a"}, {"name": "h1", "instances": [{"name": "a", "port": 8069}]}]}, "database h1-a is"),
        ({"hosts": [{"name": "h1", "start": "lxd"}]}, "host h1: start must be one of package, venv-path"),
        ({"hosts": [{"name": "h1", "start": "podman", "log": "journal"}]}, "with start: podman it is file or stdout"),
        ({"hosts": [{"name": "h1", "log": "stdout"}]}, "with start: package it is file or journal, not stdout"),
        ({"hosts": [{"name": "h1", "start": "terminal", "unit": {"Restart": "no"}}]}, "terminal Odoo has no unit"),
        (
            {"hosts": [{"name": "h1", "supervisord": {"autorestart": True}}]},
            "supervisord: only with start: supervisord",
        ),
        (
            {"hosts": [{"name": "h1", "start": "podman", "podman": {"restart": "yes"}}]},
            "podman: restart must be one of no, always, on-failure, unless-stopped, not 'yes'",
        ),
        ({"balancer": 1, "hosts": [{"name": "h1"}]}, "f.yml: balancer must be true or false"),
        ({"defaults": {"name": "x"}, "hosts": [{"name": "h1"}]}, "f.yml: defaults: unknown key name"),
    ],
)
def test_a_mistake_is_named_in_one_sentence(data: object, said: str) -> None:
    with pytest.raises(LabError) as caught:
        fleet.parse(data, "f.yml", "f")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_defaults_reach_every_host_and_give_way_to_its_own_keys() -> None:
    data = {
        "defaults": {"workers": 4, "unit": {"Restart": "always", "RestartSec": 5}},
        "hosts": [
            {"name": "a"},
            {"name": "b", "workers": 1, "unit": {"RestartSec": 1}},
            {"name": "c", "mode": "threaded"},
        ],
    }
    a, b, c = fleet.parse(data, "f.yml", "f").hosts
    assert (a.workers, b.workers, c.workers) == (4, 1, 0)
    assert b.unit == {"Restart": "always", "RestartSec": "1"}


def test_only_wanted_hosts() -> None:
    demo = fleet.load("demo")
    assert [host.name for host in demo.only(["h3", "h1"]).hosts] == ["h1", "h3"]
    with pytest.raises(LabError, match="has no host h9; it has h1, h2, h3"):
        demo.only(["h9"])


@pytest.mark.parametrize("name", ["", "Lab", "a-b", "ninechars", "1st"])
def test_lab_names_fit_into_an_interface_name(name: str) -> None:
    with pytest.raises(LabError, match="1 to 8 lower-case"):
        Lab(name)
    assert len(Lab("abcdefgh").veth(fleet.MOST_HOSTS + 10)) <= 15


def test_odoo_conf_has_the_hosts_own_words_last() -> None:
    (host,) = _fleet(workers=5, conf={"limit_time_real": 30, "db_name": "other"}).hosts
    lines = configure.odoo_conf(host, host.servers[0], "10.213.9.2").splitlines()
    assert lines[0] == "[options]"
    assert {"workers = 5", "limit_time_real = 30", "db_name = other", "db_host = 10.213.9.2"} <= set(lines)


def test_an_ordinary_host_has_debians_unit_alone() -> None:
    (host,) = _fleet().hosts
    assert ways.drop_ins(host, host.servers[0]) == {}


def test_drop_ins() -> None:
    (host,) = _fleet(log="journal", start="venv-on-path", unit={"Restart": "always"}).hosts
    files = ways.drop_ins(host, host.servers[0])
    start = "ExecStart=/opt/odoo/venv/bin/python3 /opt/odoo/src/odoo-bin --config /etc/odoo/odoo.conf\n"
    assert files["10-start.conf"] == f"[Service]\nExecStart=\n{start}"
    assert "PATH=/opt/odoo/venv/bin:" in files["20-path.conf"]
    assert files["30-unit.conf"] == "[Service]\nRestart=always\n"


def test_instances_take_from_their_host_what_they_do_not_say() -> None:
    rows = [
        {"name": "a", "port": 8069, "conf": {"limit_time_real": 9}},
        {"name": "b", "port": 8169, "mode": "threaded", "user": "other", "gevent_port": 9000},
    ]
    (host,) = _fleet(version=14, workers=3, conf={"limit_time_cpu": 7}, instances=rows).hosts
    a, b = host.servers
    assert (a.workers, a.gevent_port, a.user, host.label(a), a.service) == (3, 8072, "odoo", "h1-a", "odoo@a")
    assert (b.workers, b.gevent_port, b.user, b.config, b.data_dir) == (
        0,
        9000,
        "other",
        "/etc/odoo/b.conf",
        "/var/lib/odoo/b",
    )
    lines = configure.odoo_conf(host, a, "10.213.9.2").splitlines()
    assert {"http_port = 8069", "longpolling_port = 8072", "db_name = h1-a", "limit_time_real = 9"} <= set(lines)
    assert "limit_time_cpu = 7" in lines
    assert ways.drop_ins(host, a) == {}
    assert list(ways.drop_ins(host, b)) == ["15-user.conf"]


def test_supervisord_gets_a_program_for_each_server(tmp_path: Path) -> None:
    rows = [{"name": "a", "port": 8069}, {"name": "b", "port": 8169, "log": "file"}]
    (host,) = _fleet(start="supervisord", supervisord={"autorestart": False}, instances=rows).hosts
    ways.install(tmp_path, host)
    text = (tmp_path / "etc/supervisor/conf.d/odoo.conf").read_text(encoding="utf-8")
    assert text.count("autorestart=false\n") == 2
    assert "[program:a]\ncommand=/usr/bin/odoo --config /etc/odoo/a.conf\n" in text
    assert "command=/usr/bin/odoo --config /etc/odoo/b.conf --logfile /var/log/odoo/b.log\n" in text
    assert not (tmp_path / "etc/systemd/system/multi-user.target.wants/odoo.service").is_symlink()


@pytest.mark.parametrize(
    ("podman", "said"),
    [
        ({}, "--restart=no "),
        ({"restart": False}, "--restart=no "),
        ({"restart": "always"}, "lab/odoo:19 runuser -u odoo -- /usr/bin/odoo --config /etc/odoo/odoo.conf"),
        ({"pid1": "odoo"}, "--user=odoo lab/odoo:19 /usr/bin/odoo --config /etc/odoo/odoo.conf"),
    ],
)
def test_the_container_of_a_host(tmp_path: Path, podman: dict[str, Any], said: str) -> None:
    (host,) = _fleet(start="podman", podman=podman).hosts
    ways.install(tmp_path, host)
    text = (tmp_path / "etc/systemd/system/odoo-containers.service").read_text(encoding="utf-8")
    assert said in text


@pytest.mark.parametrize(
    ("docker", "said"),
    [
        ({}, ["--restart=no ", "--publish=8069:8069", "--init --user=odoo lab/odoo:19 /usr/bin/odoo --config "]),
        ({"restart": "always", "pid1": "odoo"}, ["--restart=always ", "--publish=8072:8072 --user=odoo "]),
        ({"network": "host"}, ["--network=host --init "]),
    ],
)
def test_the_container_of_a_host_with_docker(tmp_path: Path, docker: dict[str, Any], said: list[str]) -> None:
    (host,) = _fleet(start="docker", docker=docker).hosts
    ways.install(tmp_path, host)
    text = (tmp_path / "etc/systemd/system/odoo-containers.service").read_text(encoding="utf-8")
    assert [words for words in said if words not in text] == []
    assert '"native.cgroupdriver=systemd"' in (tmp_path / "etc/docker/daemon.json").read_text(encoding="utf-8")


def test_the_balancer_checks_what_every_server_has() -> None:
    new, old = _fleet().hosts[0], _fleet(version=14, conf={"http_port": 8169}).hosts[0]
    assert "uri /web/health ver HTTP/1.1 hdr Host" in balancer.haproxy_conf([(new, "10.213.0.11")])
    mixed = balancer.haproxy_conf([(new, "10.213.0.11"), (old, "10.213.0.12")])
    assert "uri /web/login ver" in mixed
    assert "10.213.0.12:8169 check" in mixed


def test_inventory_has_groups_and_no_secret() -> None:
    demo = fleet.load("demo")
    place = state.State("10.213.7.0/24", demo)
    place.place()
    text = inventory.inventory(Lab("x"), demo, place.addresses())
    groups = yaml.safe_load(text)["all"]["children"]
    assert groups["odoo"]["hosts"]["h2"]["ansible_host"] == "10.213.7.12"
    assert set(groups) == {"odoo", "odoo19", "prefork", "balanced", "database", "balancer"}
    assert "SECRET" not in text


def test_inventory_tells_the_instances_of_a_host() -> None:
    wanted = fleet.load("ways")
    place = state.State("10.213.7.0/24", wanted)
    place.place()
    hosts = yaml.safe_load(inventory.inventory(Lab("x"), wanted, place.addresses()))["all"]["children"]["odoo"]["hosts"]
    assert [item["service"] for item in hosts["many"]["lab_instances"]] == ["odoo@prod", "odoo@test"]
    assert "lab_database" not in hosts["many"]
    assert (hosts["pod"]["lab_start"], hosts["pod"]["lab_database"]) == ("podman", "pod")
    assert hosts["pod"]["lab_container"] == "odoo"


def test_a_version_from_a_checkout_runs_from_a_virtualenv_that_is_first_in_its_path() -> None:
    (host,) = _fleet(version=17.0).hosts
    assert (host.base, host.major, host.gevent_option, host.health_path) == ("odoo17", 17, "gevent_port", "/web/health")
    files = ways.drop_ins(host, host.servers[0])
    assert files == {
        "20-path.conf": f"[Service]\nEnvironment=PATH={venv.VENV}/bin:{files['20-path.conf'].split(':', 1)[1]}"
    }
    (old,) = _fleet(version="15", start="supervisord").hosts
    assert (old.gevent_option, old.health_path) == ("longpolling_port", "/web/health")
    command = ways.command(old, old.servers[0])
    assert command.startswith(f"/usr/bin/env PATH={venv.VENV}/bin:")
    assert f" {venv.VENV}/bin/python3 {venv.SOURCE}/odoo-bin --config" in command
    (deadly,) = _fleet(version="saas18_2", start="venv-path").hosts
    assert list(ways.drop_ins(deadly, deadly.servers[0])) == ["10-start.conf"]
    assert deadly.major == 18


def test_a_running_host_is_not_changed_behind_ones_back() -> None:
    with pytest.raises(LabError, match="h1 is up with another workers"):
        state.merge(_fleet(workers=2), _fleet(workers=3))


def test_state_survives_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETOPS_LAB_RUN", str(tmp_path))
    lab = Lab("x")
    assert state.read(lab) is None
    kept = state.State("10.213.7.0/24", fleet.load("units"))
    kept.place()
    state.write(lab, kept)
    assert state.read(lab) == kept
    for name in ("kinds", "ways"):
        threaded = state.State("10.213.7.0/24", fleet.load(name))
        threaded.place()
        state.write(lab, threaded)
        assert state.read(lab) == threaded


DEB822 = """\
# a comment
Types: deb
URIs: http://mirror.invalid/debian-security
Suites: bookworm-security
Components: main

Types: deb deb-src
URIs: http://mirror.invalid/debian/
Suites: bookworm
 bookworm-updates
Components: main contrib
Signed-By: {key}
"""


@pytest.mark.parametrize("style", ["deb822", "one-line"])
def test_the_mirror_is_the_one_with_the_main_archive(tmp_path: Path, style: str) -> None:
    key = tmp_path / "key.gpg"
    key.touch()
    (tmp_path / "sources.list.d").mkdir()
    if style == "deb822":
        (tmp_path / "sources.list.d/debian.sources").write_text(DEB822.format(key=key), encoding="utf-8")
    else:
        lines = [
            "deb http://tools.invalid/apt stable main",
            "deb http://mirror.invalid/debian-security bookworm-security main",
            f"deb [arch=amd64 signed-by={key}] http://mirror.invalid/debian bookworm main # here",
        ]
        (tmp_path / "sources.list").write_text("\n".join(lines), encoding="utf-8")
    found = mirror.find_mirror(tmp_path)
    assert (found.url, found.keyring) == ("http://mirror.invalid/debian", str(key))
    assert found.source("sid") == f"deb [signed-by={key}] http://mirror.invalid/debian sid main"


def test_no_mirror_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"^No Debian mirror found"):
        mirror.find_mirror(tmp_path)
