# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways Odoo is started on a host: what each needs there, and how to ask it for state and log."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from . import containers, docker, inventory, machine, network
from .fleet import UNIT_STARTS, Host, Server
from .health import listens, wait_until
from .paths import Lab
from .shell import last_lines, run, write_file
from .venv import SOURCE, VENV

_SYSTEM = "etc/systemd/system"
_LOGIN_SECONDS = 30.0
_PATH = f"{VENV}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_TEMPLATE_UNIT = """\
[Unit]
Description=Odoo instance %i
After=network.target

[Service]
Type=simple
User=odoo
Group=odoo
ExecStart=/usr/bin/odoo --config /etc/odoo/%i.conf --logfile /var/log/odoo/%i.log
KillMode=mixed

[Install]
WantedBy=multi-user.target
"""


def command(host: Host, server: Server) -> str:
    """The command line, without what switches to the server's user."""
    program = f"{VENV}/bin/python3 {SOURCE}/odoo-bin" if host.in_venv else "/usr/bin/odoo"
    if host.from_source and host.start not in UNIT_STARTS:
        program = f"/usr/bin/env PATH={_PATH} {program}"
    logging = f" --logfile {server.log_file}" if server.log == "file" else ""
    return f"{program} --config {server.config}{logging}"


def install(root: Path, host: Host) -> None:
    """Write what starts Odoo into a host's root. (Nothing is written for a terminal: see start_by_hand.)"""
    if host.start in UNIT_STARTS:
        if host.instances:
            write_file(root / _SYSTEM / "odoo@.service", _TEMPLATE_UNIT)
        for server in host.servers:
            for name, text in drop_ins(host, server).items():
                write_file(root / _SYSTEM / f"{server.service}.service.d" / name, text)
            enable(root, f"{server.service}.service", f"/{_SYSTEM}/odoo@.service" if server.name else None)
    elif host.start == "supervisord":
        write_file(root / "etc/supervisor/conf.d/odoo.conf", "\n".join(_programs(host)))
        enable(root, "supervisor.service")
    elif host.in_container:
        runtime = docker if host.start == "docker" else containers
        runtime.settings(root, host)
        commands = [(server, command(host, server)) for server in host.servers]
        write_file(root / _SYSTEM / containers.UNIT, runtime.unit(host, commands))
        enable(root, containers.UNIT, f"/{_SYSTEM}/{containers.UNIT}")


def enable(root: Path, unit: str, file: str | None = None) -> None:
    """As `systemctl enable` for a unit of multi-user.target."""
    link = root / _SYSTEM / "multi-user.target.wants" / unit
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(file or f"/lib/systemd/system/{unit}")


def drop_ins(host: Host, server: Server) -> dict[str, str]:
    """The drop-in files of a server's unit, by name; none for an ordinary one."""
    files: dict[str, str] = {}
    if host.start != "package" or server.log != "file" or (host.from_source and server.name):
        files["10-start.conf"] = f"[Service]\nExecStart=\nExecStart={command(host, server)}\n"
    if server.user != "odoo":
        files["15-user.conf"] = f"[Service]\nUser={server.user}\nGroup={server.user}\n"
    if host.venv_first:
        files["20-path.conf"] = f"[Service]\nEnvironment=PATH={_PATH}\n"
    if server.unit:
        files["30-unit.conf"] = "[Service]\n" + "".join(f"{key}={value}\n" for key, value in server.unit.items())
    return files


def _programs(host: Host) -> Iterator[str]:
    for server in host.servers:
        settings = {
            "command": command(host, server),
            "user": server.user,
            "directory": server.data_dir,
            "environment": f'HOME="{server.data_dir}",USER="{server.user}"',
            "redirect_stderr": "true",
            "stdout_logfile": _output(host, server),
            **host.supervisord,
        }
        yield f"[program:{server.program}]\n" + "".join(f"{key}={value}\n" for key, value in settings.items())


def _output(host: Host, server: Server) -> str:
    """Return where the output of a server goes that logs neither to a file nor to the journal."""
    if host.start == "supervisord":
        return f"/var/log/supervisor/{server.program}.log"
    return f"/root/{server.program}.typescript"


def start_by_hand(lab: Lab, host: Host, address: str) -> None:
    """Log in and start in a terminal what does not run yet: no unit, no supervisor, a login session's cgroup."""
    running = masters(lab, host.name)
    missing = [server for server in host.servers if server.config not in running]
    if not missing:
        return

    def ready() -> bool:
        # A login before logind is there would stay in the cgroup of ssh.service.
        logind = ["systemctl", "is-active", "--quiet", "systemd-logind"]
        return listens(address, 22) and machine.inside(lab, host.name, logind, check=False).returncode == 0

    wait_until(ready, _LOGIN_SECONDS, lambda: f"No login to {host.name}: {machine.console_tail(lab, host.name)}")
    own_session = ["-o", "ControlMaster=no", "-o", "ControlPath=none"]
    for server in missing:
        words = f"runuser -u {server.user} -- {command(host, server)}"
        line = f"setsid script -q -f -c {shlex.quote(words)} {_output(host, server)} </dev/null >/dev/null 2>&1 &"
        run(["ssh", "-n", "-i", lab.key, *own_session, *inventory.ssh_options(lab), f"root@{address}", line])


def masters(lab: Lab, host: str) -> dict[str, int]:
    """The Odoo masters that run on a host, by their odoo.conf; the pid is the one that the host sees."""
    init = machine.init_pid(lab, host)
    if init is None:
        return {}
    level = len(machine.namespace_pids(init)) - 1
    found: dict[int, tuple[str, int, int]] = {}
    # A container may have a network of its own.
    for pid in machine.below(init):
        with contextlib.suppress(OSError, IndexError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
            # Wrappers (runuser, script) have the same words, but are not Python.
            if "--config" in words[:-1] and Path(os.readlink(f"/proc/{pid}/exe")).name.startswith("python"):
                config = words[words.index("--config") + 1]
                found[pid] = (config, machine.parent(pid), machine.namespace_pids(pid)[level])
    return {config: seen for config, parent, seen in found.values() if parent not in found}


def state(lab: Lab, host: Host, server: Server) -> str:
    """Return the state of a server in the words of its supervisor."""
    if host.start == "supervisord":
        words = _ask(lab, host, "supervisorctl", "status", server.program).split()
        return words[1] if len(words) > 1 else "?"
    if host.in_container:
        inspect = (host.start, "container", "inspect", "--format={{.State.Status}}", server.program)
        return _ask(lab, host, *inspect).strip() or unit_state(lab, host.name, containers.UNIT)
    if host.start == "terminal":
        return "running" if server.config in masters(lab, host.name) else "-"
    return unit_state(lab, host.name, server.service)


def unit_state(lab: Lab, name: str, unit: str) -> str:
    """A unit's state as `systemctl status` puts it."""
    shown = machine.inside(lab, name, ["systemctl", "show", unit, "--property=ActiveState,SubState"], check=False)
    facts = dict(line.partition("=")[::2] for line in shown.stdout.splitlines())
    return f"{facts.get('ActiveState', '?')} ({facts.get('SubState', '?')})"


def lives(lab: Lab, host: Host, server: Server) -> bool:
    """Return whether the host is on, and the supervisor of Odoo has not given it up."""
    if machine.init_pid(lab, host.name) is None:
        return False
    if host.start == "terminal":
        words = (Path(f"/proc/{pid}/cmdline") for pid in network.pids(lab, host.name))
        return any(server.config in _read(path) for path in words)
    return not state(lab, host, server).startswith(("failed", "FATAL", "exited"))


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def log_tail(lab: Lab, host: Host, server: Server, lines: int) -> str:
    """The end of a server's log, wherever it goes."""
    root = lab.root(host.name)
    text = _read(root / server.log_file.lstrip("/")) if server.log == "file" else ""
    if not text and host.start in ("supervisord", "terminal"):
        text = _read(root / _output(host, server).lstrip("/"))
    if text:
        return last_lines(text, lines)
    # Before Odoo has read its options it complains on stderr.
    if machine.init_pid(lab, host.name) is None:
        return machine.console_tail(lab, host.name)
    if host.in_container:
        # Docker prints on standard error what the server has written there.
        words = [*("sh", "-c", 'exec "$0" logs "--tail=$1" "$2" 2>&1'), host.start, str(lines), server.program]
        return last_lines(_ask(lab, host, *words), lines)
    words = ["journalctl", f"--unit={server.service}", "--no-pager", "--output=cat", f"--lines={lines}"]
    return last_lines(_ask(lab, host, *words), lines)


def _ask(lab: Lab, host: Host, *argv: str) -> str:
    return machine.inside(lab, host.name, argv, check=False).stdout
