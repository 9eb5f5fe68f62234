# SPDX-License-Identifier: GPL-3.0-or-later
"""up, down, restore, reboot: the order in which a lab comes and goes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from . import (
    balancer,
    configure,
    containers,
    database,
    docker,
    images,
    inventory,
    machine,
    network,
    nginx,
    source,
    source_builder,
    state,
    venv,
    ways,
)
from .errors import LabError
from .fleet import Fleet, Host, Server
from .health import http_status, wait_until
from .images import Image
from .paths import Lab, bases_dir, cache_dir, run_dir
from .shell import locked, run, say, write_file
from .source import Tree
from .state import State

_HEALTH_SECONDS = 90.0
T = TypeVar("T")
_BASES = ("odoo19", "odoo14")


def build(hosts: Iterable[Host] = ()) -> tuple[dict[str, Image], Image]:
    """Bring all images into the cache, unpacked: those of the lab, and those of the versions of these hosts."""
    bases = {name: images.base_image(name) for name in _BASES}
    templates = images.template_image(list(bases.values()))
    images.ensure(list(bases.values()))
    images.ensure([templates])
    for version in sorted({host.version for host in hosts if host.from_source}):
        base, template = images.source_images(source.known(version), bases["odoo19"])
        for image in (base, template):
            images.ensure([image])
        bases |= {base.name: base, template.name: template}
    return bases, templates


def build_source(wanted: str, suite: str) -> tuple[Tree, str]:
    """Make the image of a checkout; return what it is, and which of its requirements were not as pinned."""
    tree = source.take(wanted, suite)
    say(f"Odoo {tree.label} ({tree.commit[:12] or 'no git'} {tree.date}) on Debian {tree.suite}")
    bases, _templates = build([Host("h", version=tree.label)])
    return tree, (bases[f"odoo{tree.label}"].tree / source_builder.NOTES).read_text(encoding="utf-8")


def up(lab: Lab, wanted: Fleet, *, keep: bool = False) -> State:
    """Bring up what is missing of a fleet, and wait until all of it serves; what fails is removed unless `keep`."""
    before = state.read(lab)
    bases, templates = build([*wanted.hosts, *(before.fleet.hosts if before else ())])
    with locked(run_dir() / ".locks" / lab.name, f"it works on the lab {lab.name}"):
        before = state.read(lab)
        current = State(before.subnet, state.merge(before.fleet, wanted), before.index) if before else None
        if current is None:
            lab.dir.mkdir(parents=True, exist_ok=True)
            current = State("", wanted)
        others = [host.name for host in current.fleet.hosts if host not in wanted.hosts]
        if others:
            say(f"{', '.join(others)} of an earlier `up` stay as they are")
        current.subnet = network.ensure_bridge(lab, current.subnet or None)
        current.place()
        fresh = [name for name in current.names() if not lab.host_dir(name).exists()]
        try:
            state.write(lab, current)
            _bring_up(lab, current, bases, templates, fresh)
        except BaseException:
            if keep:
                raise
            say("taking away what was begun")
            if before is None:
                _take_down(lab)
            else:
                for name in fresh:
                    _discard(lab, name, current.index[name])
                state.write(lab, before)
            raise
    return current


#: systemd in a host needs about seven inotify instances, and root's are counted over all hosts. The kernel's default of
#: 128 is used up by 20 hosts; a host that gets none does not boot.
_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances"), 1024


def _bring_up(lab: Lab, current: State, bases: dict[str, Image], templates: Image, fresh: Sequence[str]) -> None:
    _ensure_key(lab)
    setting, least = _INOTIFY
    if int(setting.read_text()) < least:
        say(f"raising {setting} to {least}")
        setting.write_text(str(least))
    off = [name for name in current.names() if machine.init_pid(lab, name) is None]
    if off:
        say(f"booting {', '.join(off)} in {current.subnet}")
    layers = {name: _layers(current, name, bases, templates) for name in off}
    services, hosts = [n for n in off if current.host(n) is None], [n for n in off if current.host(n) is not None]

    def prepare(name: str) -> None:
        root = machine.mount_root(lab, name, layers[name])
        if name in fresh:
            _configure(lab, current, name, root, bases, templates)
        network.connect(lab, name, current.index[name], current.address(name))

    _side_by_side(prepare, services)
    _side_by_side(lambda name: machine.boot(lab, name), services)
    _side_by_side(prepare, hosts)
    database.wait_ready(lab)
    new = [host for host in current.fleet.hosts if host.name in fresh]
    if new:
        say(f"PostgreSQL is ready; making {sum(len(host.servers) for host in new)} databases")
        for version in sorted({host.version for host in new if host.from_source}):
            database.add_template(lab, version, bases[f"template{version}"].tree / source_builder.DUMP)
        _side_by_side(lambda host: database.create(lab, host), new)
    _side_by_side(lambda name: machine.boot(lab, name), hosts)
    _start_by_hand(lab, current)
    _write_shared_files(lab, current, balancer_is_new="lb" in fresh)
    wait_healthy(lab, current)


def _start_by_hand(lab: Lab, current: State) -> None:
    by_hand = [host for host in current.fleet.hosts if host.start == "terminal" and machine.init_pid(lab, host.name)]
    _side_by_side(lambda host: ways.start_by_hand(lab, host, current.address(host.name)), by_hand)


def _side_by_side(work: Callable[[T], None], items: Sequence[T]) -> None:
    if items:
        with ThreadPoolExecutor(max_workers=min(8, len(items))) as pool:
            list(pool.map(work, items))


def _ensure_key(lab: Lab) -> None:
    lab.control_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not lab.key.exists():
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"lab-{lab.name}", "-f", lab.key])


def _layers(current: State, name: str, bases: dict[str, Image], templates: Image) -> list[Path]:
    host = current.host(name)
    if host is None:
        return [*([templates.tree] if name == "db" else []), bases["odoo19"].tree]
    base = bases[host.base]
    if host.in_container:
        layers = _docker_layers if host.start == "docker" else _podman_layers
        return [*layers(bases["odoo19"], base, host.version), bases["odoo19"].tree]
    if host.start.startswith("venv-") and not host.from_source:
        return [_venv_layer(base, host.version), base.tree]
    return [base.tree]


def _venv_layer(base: Image, version: str) -> Path:
    """Return what a virtualenv installation changes in a base."""
    key = images.digest([Path(venv.__file__)], base.key)
    return images.derived(f"venv{version}", key, base, lambda root: venv.move_into_venv(root, version))


def _podman_layers(base19: Image, base: Image, version: str) -> list[Path]:
    """The shared image store, and what a host with containers lacks of a base."""
    file = Path(containers.__file__)
    store = images.once(
        f"store{version}",
        images.digest([file], base19.key, base.key),
        lambda part: containers.make_store(base19.tree, base.tree, version, part),
    )
    host = images.derived("podman", images.digest([file], base19.key), base19, containers.remove_odoo)
    return [store, host]


def _docker_layers(base19: Image, base: Image, version: str) -> list[Path]:
    """Docker with what it depends on, and the tarball of the image that its containers are made of."""
    files = [Path(docker.__file__), Path(containers.__file__)]
    tarball = images.once(
        f"tarball{version}",
        images.digest(files, base.key),
        lambda part: docker.make_tarball(base.tree, version, part),
    )
    return [tarball, images.derived("docker", images.digest(files, base19.key), base19, docker.install)]


def _configure(lab: Lab, current: State, name: str, root: Path, bases: dict[str, Image], templates: Image) -> None:
    configure.machine(lab, root, name, current.addresses())
    host = current.host(name)
    if host is not None:
        filestore = bases.get(f"template{host.version}", templates).tree / "opt/lab/filestore" / host.version
        if host.in_container:
            (lab.host_dir(name) / "containers").mkdir()
        accounts = bases[host.base].tree if host.in_container else root
        configure.odoo(root, host, current.address("db"), filestore, accounts)
    elif name == "db":
        ways.enable(root, "postgresql.service")
    else:
        write_file(root / "etc/haproxy/haproxy.cfg", _haproxy_conf(current))
        ways.enable(root, "haproxy.service")
        write_file(root / nginx.CONFIG, _nginx_conf(current))
        (root / nginx.DEFAULT_SITE).unlink()
        ways.enable(root, "nginx.service")


def _haproxy_conf(current: State) -> str:
    return balancer.haproxy_conf(_balanced(current))


def _nginx_conf(current: State) -> str:
    return nginx.nginx_conf(_balanced(current))


def _balanced(current: State) -> list[tuple[Host, str]]:
    return [(h, current.address(h.name)) for h in current.fleet.hosts if h.balanced]


def _write_shared_files(lab: Lab, current: State, *, balancer_is_new: bool) -> None:
    write_file(lab.inventory, inventory.inventory(lab, current.fleet, current.addresses()))
    if current.fleet.balancer and not balancer_is_new:
        config = lab.root("lb") / "etc/haproxy/haproxy.cfg"
        if config.read_text(encoding="utf-8") != _haproxy_conf(current):
            say("the balancer gets the new hosts")
            write_file(config, _haproxy_conf(current))
            write_file(lab.root("lb") / nginx.CONFIG, _nginx_conf(current))
            machine.inside(lab, "lb", ["systemctl", "reload-or-restart", "haproxy", "nginx"])


def wait_healthy(lab: Lab, current: State, names: Sequence[str] | None = None) -> None:
    """Until every Odoo answers its health URL, and the balancer has them all."""
    hosts = [host for host in current.fleet.hosts if names is None or host.name in names]
    waiting = [(host, server) for host in hosts for server in host.servers]
    say(f"waiting for {', '.join(host.label(server) for host, server in waiting)} to answer")

    def wait(pair: tuple[Host, Server]) -> None:
        host, server = pair
        address, label = current.address(host.name), host.label(server)
        wait_until(
            lambda: http_status(address, server.port, host.health_path) == 200,
            _HEALTH_SECONDS,
            lambda: f"Odoo on {label} does not answer {host.health_path}: {ways.log_tail(lab, host, server, 4)}",
            lambda: ways.lives(lab, host, server),
        )
        say(f"{label} ({host.version} {server.mode}) answers")

    _side_by_side(wait, waiting)
    _side_by_side(
        lambda name: _wait_booted(lab, name), [name for name in current.names() if names is None or name in names]
    )
    if current.fleet.balancer:
        balanced = [host.label(server) for host in current.fleet.hosts if host.balanced for server in host.servers]
        wait_until(
            lambda: set(balanced) <= set(servers_up(lab)),
            _HEALTH_SECONDS,
            lambda: f"The balancer has only {', '.join(servers_up(lab)) or 'no host'} of {', '.join(balanced)}.",
        )
        say(f"the balancer sends requests to {', '.join(balanced)}")


def _wait_booted(lab: Lab, name: str) -> None:
    """Until systemd has nothing left to start: a unit may serve before systemd calls it active (PostgreSQL does)."""

    def boot_state() -> str:
        return machine.inside(lab, name, ["systemctl", "is-system-running"], check=False).stdout.strip()

    wait_until(
        lambda: boot_state() in ("running", "degraded"),
        _HEALTH_SECONDS,
        lambda: f"{name} is still {boot_state() or 'without an answer of systemd'}: {machine.console_tail(lab, name)}",
        lambda: machine.init_pid(lab, name) is not None,
    )


def servers_up(lab: Lab) -> list[str]:
    """Return the servers that HAProxy holds for healthy, and those that were taken out on purpose."""
    ask = ["socat", "-", f"UNIX-CONNECT:{balancer.SOCKET}"]
    pid = machine.init_pid(lab, "lb")
    if pid is None:
        return []
    text = machine.inside(lab, "lb", ask, check=False, feed="show stat\n").stdout
    rows = [line.split(",") for line in text.splitlines() if line.startswith("odoo,")]
    return [row[1] for row in rows if row[1] != "BACKEND" and row[17] in ("UP", "DRAIN", "MAINT")]


def down(lab: Lab) -> list[str]:
    """Take a lab down in any state; return the names of what could not be removed."""
    with locked(run_dir() / ".locks" / lab.name, f"it works on the lab {lab.name}"):
        _take_down(lab)
    return leftovers(lab)


def _take_down(lab: Lab) -> None:
    names = {path.name for path in (lab.dir / "hosts").glob("*")}
    names |= {path.name.removeprefix(f"{lab.bridge}-") for path in Path("/run/netns").glob(f"{lab.bridge}-*")}
    names |= {path.name.removeprefix(f"{lab.bridge}-") for path in machine.cgroups(lab)}
    _side_by_side(lambda name: machine.pull_plug(lab, name), sorted(names))
    close_ssh(lab)
    for name in sorted(names):
        machine.remove_disk(lab, name)
    network.remove_all(lab)
    if lab.dir.exists():
        shutil.rmtree(lab.dir)


def close_ssh(lab: Lab) -> None:
    """End the ssh connections that Ansible or `lab ssh` keep open to the lab."""
    for socket in lab.control_dir.glob("*"):
        run(["ssh", "-o", f"ControlPath={socket}", "-O", "exit", "lab"], check=False, timeout=10)
    shutil.rmtree(lab.control_dir, ignore_errors=True)


def clean(lab: Lab, *, everyones: bool) -> None:
    """Take the lab and all images away; other labs only when told to."""
    others = [path.name for path in run_dir().glob("[a-z]*") if path.is_dir() and path.name != lab.name]
    if others and not everyones:
        raise LabError(f"Other labs are up ({', '.join(sorted(others))}); `lab clean --all` takes them away too.")
    with images.held():
        for name in [*others, lab.name]:
            left = down(Lab(name))
            if left:
                raise LabError(f"`down` left something behind: {', '.join(left)}.")
        for directory in (bases_dir(), cache_dir()):
            mounted = machine.mounts_below(directory)
            if mounted:
                raise LabError(f"{mounted[0]} is still mounted, so {directory} is left alone.")
        images.remove_all()


def leftovers(lab: Lab) -> list[str]:
    """Return everything with the lab's name: processes, namespaces, interfaces, mounts, cgroups, files."""
    found = [f"process {pid}" for pid in machine.keepers(lab)]
    found += [f"namespace {path.name}" for path in Path("/run/netns").glob(f"{lab.bridge}-*")]
    found += [
        f"interface {path.name}"
        for path in Path("/sys/class/net").glob(f"{lab.bridge}*")
        if path.name == lab.bridge or path.name.startswith(f"{lab.bridge}-")
    ]
    found += [f"mount {target}" for target in machine.mounts_below(lab.dir)]
    found += [f"cgroup {path}" for path in [*machine.cgroups(lab), *machine.scopes(lab)]]
    found += [f"directory {path}" for path in (lab.dir, lab.control_dir) if path.exists()]
    return found


def _discard(lab: Lab, name: str, index: int) -> None:
    machine.pull_plug(lab, name)
    machine.remove_disk(lab, name)
    network.disconnect(lab, name, index)


def _known(lab: Lab, names: Sequence[str]) -> State:
    current = state.read(lab)
    if current is None:
        raise LabError(f"The lab {lab.name} is down; `lab up` brings it up.")
    for name in names:
        if name not in current.names():
            raise LabError(f"The lab {lab.name} has no host {name}; it has {', '.join(current.names())}.")
    return current


def restore(lab: Lab, names: Sequence[str]) -> None:
    """Make Odoo hosts again: disk, database, boot."""
    bases, templates = build(_known(lab, names).fleet.hosts)
    with locked(run_dir() / ".locks" / lab.name, f"it works on the lab {lab.name}"):
        current = _known(lab, names)
        if any(current.host(name) is None for name in names):
            raise LabError("Only Odoo hosts can be restored; for db or lb use `lab down` and `lab up`.")
        for name in names:
            _discard(lab, name, current.index[name])
        _bring_up(lab, current, bases, templates, names)


def power(lab: Lab, names: Sequence[str], *, off: bool, on: bool) -> None:
    """Shut hosts down in order, boot them again from their disks, or both."""
    with locked(run_dir() / ".locks" / lab.name, f"it works on the lab {lab.name}"):
        current = _known(lab, names)
        if off:
            _side_by_side(lambda name: machine.power_off(lab, name), names)
        if on:
            for name in names:
                if machine.init_pid(lab, name) is None:
                    network.connect(lab, name, current.index[name], current.address(name))
                    machine.boot(lab, name)
            _start_by_hand(lab, current)
            wait_healthy(lab, current, [name for name in names if current.host(name)])


def require_root() -> None:
    """The lab makes namespaces and mounts."""
    if os.geteuid() != 0:
        raise LabError("The lab needs root: it makes namespaces, mounts and cgroups; run it with sudo.")
