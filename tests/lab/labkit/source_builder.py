# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds what a version from a checkout needs: a base image, and its template database as SQL.

Runs as `python3 -m labkit.source_builder base LABEL TARBALL` and `... template LABEL BASE19 BASE TARBALL`, in mount and
PID namespaces of its own. This file is a part of what an image's key is made of.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import builder, templates
from .errors import LabError
from .mirror import find_mirror
from .recipe import RECIPES, Recipe
from .shell import run, say, write_file
from .source import SUITES, Tree, known, looser, requirements
from .venv import SOURCE, VENV

NOTES = "opt/odoo/requirements.notes"
#: Where the layer of a template database has its SQL.
DUMP = "opt/lab/template.sql"
# psycopg2 has no wheels for Linux under its own name.
_OTHER_NAMES = {"psycopg2": "psycopg2-binary"}
# Odoo up to 17 and gevent import pkg_resources, which setuptools from 82 on and Python from 3.12 on have no more.
# That of Debian 12 finds no package whose name has a dot, so that gevent would end at each start.
_ALSO = ("setuptools>=69,<81", "wheel")
_UNIT = f"""\
[Unit]
Description=Odoo from its source
After=network.target

[Service]
Type=simple
User=odoo
Group=odoo
ExecStart={VENV}/bin/python3 {SOURCE}/odoo-bin --config /etc/odoo/odoo.conf --logfile /var/log/odoo/odoo-server.log
KillMode=mixed

[Install]
WantedBy=multi-user.target
"""
_LAUNCHER = """\
#!/usr/bin/env python3
import odoo.cli

odoo.cli.main()
"""
# For the lab's own calls.
_PROGRAM = f'#!/bin/sh\nexec {VENV}/bin/python3 {SOURCE}/odoo-bin "$@"\n'


def recipe_of(tree: Tree) -> Recipe:
    """Return the recipe of a checkout: Debian with Python and nothing of Odoo's."""
    packages = {name for name in RECIPES["odoo14"].packages if not name.startswith("python3-")}
    packages |= {"python3", "python3-psutil", "python3-setproctitle", "python3-venv"}
    return Recipe(f"odoo{tree.label}", tree.version, tree.suite, "", "", tuple(sorted(packages)), tree.addons)


def build(tree: Tree, tarball: Path) -> None:
    """Debian root, a virtualenv with wheels from PyPI, the checkout's copy, as a zstd tarball."""
    recipe, mirror = recipe_of(tree), find_mirror()
    work = Path(tempfile.mkdtemp(prefix="fleetops-lab-build-", dir="/var/tmp"))
    try:
        root = work / "root"
        builder._bootstrap(mirror, recipe, root, work)
        builder._inside(
            root, *["useradd", "--system", "--home-dir", "/var/lib/odoo", "--shell", "/usr/sbin/nologin", "odoo"]
        )
        builder._inside(root, "install", "-d", "-o", "odoo", "-g", "odoo", "/var/lib/odoo", "/var/log/odoo")
        say(f"{recipe.name}: the source")
        run(["install", "-d", root / SOURCE.lstrip("/"), root / "etc/odoo"])
        run(["tar", "-C", root / SOURCE.lstrip("/"), "--no-same-owner", "-xf", tree.packed])
        script = root / SOURCE.lstrip("/") / "odoo-bin"
        if not script.exists():
            write_file(script, _LAUNCHER, 0o755)
        write_file(root / "usr/bin/odoo", _PROGRAM, 0o755)
        write_file(root / "lib/systemd/system/odoo.service", _UNIT)
        _install_wheels(tree, root)
        # One job: several need /dev/shm, which the new root does not have (seen on Debian 11, Python 3.9).
        builder._inside(root, f"{VENV}/bin/python3", "-m", "compileall", "-q", SOURCE)
        builder._settle(root)
        say(f"{recipe.name}: packing")
        run(["tar", "-C", root, "--numeric-owner", "--xattrs", "-I", "zstd -T0 -3", "-cf", tarball, "."])
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _install_wheels(tree: Tree, root: Path) -> None:
    """Fill the virtualenv from wheels alone, so that no code of a package runs while it is installed."""
    text = (root / SOURCE.lstrip("/") / "requirements.txt").read_text(encoding="utf-8", errors="replace")
    asked = [_other_name(line) for line in requirements(text, SUITES[tree.suite])]
    builder._inside(root, "python3", "-m", "venv", VENV)
    pip = _Pip(root)
    try:
        say(f"odoo{tree.label}: looking for the wheels of {len(asked)} requirements")
        with ThreadPoolExecutor(max_workers=2) as pool:
            found = list(pool.map(pip.first_with_wheel, asked))
        names = [name for name in found if name]
        changed = [f"{a} -> {b or 'left out: no wheel'}" for a, b in zip(asked, found, strict=True) if a != b]
        say(f"odoo{tree.label}: installing {len(names)} packages; not as pinned: {', '.join(changed) or 'none'}")
        changed += pip.install(names)
        # A gevent process that cannot begin is started again and again, and the rest of the server is well meanwhile.
        test = "import gevent.monkey; gevent.monkey.patch_all()"
        builder._inside(root, "runuser", "-u", "odoo", "--", f"{VENV}/bin/python3", "-c", test)
        write_file(root / NOTES, "".join(f"{line}\n" for line in changed))
    finally:
        pip.close()


def _other_name(requirement: str) -> str:
    name = re.split(r"[=<>!~]", requirement)[0]
    return _OTHER_NAMES.get(name.lower(), name) + requirement[len(name) :]


class _Pip:
    """The virtualenv's pip, in the new root, with this machine's settings for its network and its registry."""

    _FORWARDED = ("index-url", "extra-index-url", "proxy", "trusted-host", "timeout", "default-timeout")

    def __init__(self, root: Path) -> None:
        self._root = root
        (root / "wheels").mkdir()
        certificates = next((os.environ[n] for n in ("PIP_CERT", "SSL_CERT_FILE") if os.environ.get(n)), "")
        self._settings = {"LC_ALL": "C.UTF-8", "HOME": "/wheels", "PATH": "/usr/bin:/bin", "PIP_NO_INPUT": "1"}
        self._settings |= {n: v for n, v in os.environ.items() if n.lower().endswith("_proxy")}
        self._settings |= self._pip_settings()
        shutil.copy(certificates or "/etc/ssl/certs/ca-certificates.crt", root / "wheels/ca.crt")
        self._settings |= {"PIP_CERT": "/wheels/ca.crt", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        for file in ("resolv.conf", "hosts"):
            (root / "etc" / file).unlink(missing_ok=True)
            shutil.copy(Path("/etc", file), root / "etc" / file)

    def _pip_settings(self) -> dict[str, str]:
        """Return the settings of this machine's pip for registries; paths on its disk do not exist in the new root."""
        program = shutil.which("pip3") or shutil.which("pip")
        text = run([program, "config", "list"], check=False).stdout if program else ""
        settings = {}
        for name, value in re.findall(r"^(?:global|user|site|:env:)\.([\w-]+)='(.*)'$", text, re.MULTILINE):
            if name in self._FORWARDED:
                places = [word for word in value.split() if not word.startswith(("file:", "/"))]
                settings[f"PIP_{name.upper().replace('-', '_')}"] = " ".join(places)
        return {name: value for name, value in settings.items() if value}

    def _run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        inside = ["unshare", "--pid", "--fork", "--kill-child", "--mount", f"--root={self._root}", "--mount-proc"]
        command = [f"{VENV}/bin/python3", "-m", "pip", words[0], "--quiet", "--only-binary=:all:", *words[1:]]
        stdin = subprocess.DEVNULL
        return subprocess.run([*inside, *command], check=False, env=self._settings, stdin=stdin, capture_output=True)

    def install(self, names: Sequence[str]) -> list[str]:
        """Install packages, and what they depend on; return a note for each whose dependency has no wheel.

        The pins win over what the packages say of each other, as on a server whose packages came one after the other.
        """
        together, alone, notes = [*names, *_ALSO], [], []
        while True:
            said = self._failure("install", "--use-deprecated=legacy-resolver", "--find-links=/wheels", *together)
            if not said:
                break
            found = re.search(r"No matching distribution found for (\S+) \(from ([\w.-]+)", said)
            apart = [n for n in together if found and re.split(r"[=<>!~]", n)[0].lower() == found[2].lower()]
            if not found or not apart:
                raise LabError(f"pip install failed: {' / '.join(said.strip().splitlines()[-2:])}")
            together = [name for name in together if name not in apart]
            alone += apart
            notes.append(f"{apart[0]} without {found[1]}: no wheel")
        said = self._failure("install", "--no-deps", "--find-links=/wheels", *alone) if alone else ""
        if said:
            raise LabError(f"pip install failed: {' / '.join(said.strip().splitlines()[-2:])}")
        return notes

    def _failure(self, *words: str) -> str:
        done = self._run(*words)
        said = done.stderr.decode(errors="replace")
        print(said, file=sys.stderr)
        return (said.strip() or f"exit {done.returncode}") if done.returncode else ""

    def first_with_wheel(self, requirement: str) -> str:
        """Return the requirement itself if it has a wheel, else a looser one that has, else nothing."""
        for wanted in (requirement, *looser(requirement)):
            done = self._run("download", "--no-deps", "--dest=/wheels", wanted)
            if done.returncode == 0:
                return wanted
            said = done.stderr.decode(errors="replace")
            if "No matching distribution" not in said and "no matching" not in said.lower():
                raise LabError(f"pip cannot download {wanted}: {' / '.join(said.strip().splitlines()[-2:])}")
        return ""

    def close(self) -> None:
        """Take away what pip alone needed."""
        shutil.rmtree(self._root / "wheels")


def build_template(tree: Tree, base19: Path, base: Path, tarball: Path) -> None:
    """Install Odoo into a database of its own, and pack that as SQL, with its filestore."""
    run(["ip", "link", "set", "lo", "up"])
    recipe = recipe_of(tree)
    work = Path(tempfile.mkdtemp(prefix="fleetops-lab-templates-", dir="/var/tmp"))
    try:
        run(["mount", "-t", "tmpfs", "-o", "size=2g,mode=755", "tmpfs", work])
        server_root = templates._overlay(work / "server", base19)
        root = templates._overlay(work / "odoo", base)
        server = templates._start_postgres(server_root)
        name = templates.template_name(recipe.version)
        as_postgres = ["chroot", os.fspath(server_root), "runuser", "-u", "postgres", "--"]
        layer = work / "layer"
        try:
            templates._install(recipe, root, server_root)
            write_file(layer / DUMP, run([*as_postgres, "pg_dump", name]).stdout)
        finally:
            stop = [f"{templates._BIN}/pg_ctl", "stop", "-m", "fast", "-D", templates._DATA]
            run([*as_postgres, *stop], check=False)
            server.wait(timeout=60)
        files = root / "var/lib/odoo/filestore" / name
        if files.is_dir():
            run(["mkdir", "-p", layer / "opt/lab/filestore"])
            run(["cp", "-a", files, layer / "opt/lab/filestore" / tree.label])
        run(["tar", "-C", layer, "--numeric-owner", "-I", "zstd -T0 -3", "-cf", tarball, "."])
    finally:
        run(["umount", "-R", "-l", work], check=False)
        shutil.rmtree(work, ignore_errors=True)


def main(words: Sequence[str]) -> int:
    """Entry for the isolated child process; its stderr is the build log."""
    try:
        tree = known(words[1])
        if words[0] == "base":
            build(tree, Path(words[2]))
        else:
            build_template(tree, Path(words[2]), Path(words[3]), Path(words[4]))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
