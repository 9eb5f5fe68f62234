# SPDX-License-Identifier: GPL-3.0-or-later
"""Template databases: PostgreSQL's data directory with one installed Odoo database per version, as a layer for `db`.

Runs as `python3 -m labkit.templates BASE19 BASE14 TARBALL` in mount and PID namespaces of its own.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from .errors import LabError
from .paths import LAB_DIR
from .recipe import RECIPES, Recipe
from .shell import last_lines, run, say

SECRET = "LAB-SECRET-db-password"
_BIN = "/usr/lib/postgresql/15/bin"
_DATA = "/var/lib/postgresql/15/main"
_CONFIG = """\
# The lab's data are worth nothing: speed instead of safety.
listen_addresses = '*'
max_connections = 300
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
autovacuum_naptime = 10min
jit = off
ssl = off
"""
_HBA = """\
local all all trust
host all all 127.0.0.1/32 trust
host all all 10.213.0.0/16 scram-sha-256
"""


def template_name(version: str) -> str:
    """The name of a version's template database."""
    return f"tmpl_{version}"


def build(bases: dict[str, Path], tarball: Path) -> None:
    """initdb, install Odoo of each version into a database of its own, pack the data directory."""
    run(["ip", "link", "set", "lo", "up"])
    work = Path(tempfile.mkdtemp(prefix="fleetops-lab-templates-", dir="/var/tmp"))
    try:
        run(["mount", "-t", "tmpfs", "-o", "size=2g,mode=755", "tmpfs", work])
        roots = {name: _overlay(work / name, base) for name, base in bases.items()}
        server_root = roots["odoo19"]
        say("initdb")
        server = _start_postgres(server_root)
        try:
            failures: list[str] = []
            threads = [
                threading.Thread(target=_install_or_note, args=(RECIPES[name], root, server_root, failures))
                for name, root in roots.items()
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            if failures:
                raise LabError(failures[0])
        finally:
            stop = [f"{_BIN}/pg_ctl", "stop", "-m", "fast", "-D", _DATA]
            run(["chroot", server_root, "runuser", "-u", "postgres", "--", *stop], check=False)
            server.wait(timeout=60)
        say("packing")
        _collect(work / "layer", roots, server_root)
        run(["tar", "-C", work / "layer", "--numeric-owner", "-I", "zstd -T0 -3", "-cf", tarball, "."])
    finally:
        run(["umount", "-R", "-l", work], check=False)
        shutil.rmtree(work, ignore_errors=True)


def _overlay(directory: Path, base: Path) -> Path:
    for part in ("upper", "work", "root"):
        (directory / part).mkdir(parents=True)
    root = directory / "root"
    options = f"lowerdir={base},upperdir={directory / 'upper'},workdir={directory / 'work'}"
    run(["mount", "-t", "overlay", "overlay", "-o", options, root])
    # A chroot without a /dev of its own would have no /dev/shm and no random numbers.
    run(["mount", "--rbind", "/dev", root / "dev"])
    run(["mount", "-t", "proc", "proc", root / "proc"])
    shutil.copytree(LAB_DIR / "addons", root / "opt/lab/addons", ignore=shutil.ignore_patterns("__pycache__"))
    return root


def _start_postgres(root: Path) -> subprocess.Popen[bytes]:
    (root / "etc/postgresql/15/main/conf.d/lab.conf").write_text(_CONFIG, encoding="ascii")
    (root / "etc/postgresql/15/main/pg_hba.conf").write_text(_HBA, encoding="ascii")
    as_postgres = ["chroot", os.fspath(root), "runuser", "-u", "postgres", "--"]
    run(["chroot", root, "install", "-d", "-o", "postgres", "-g", "postgres", "/run/postgresql"])
    run([*as_postgres, f"{_BIN}/initdb", "-D", _DATA, "--locale=C.UTF-8", "-E", "UTF8", "--no-sync", "--auth=trust"])
    config = "config_file=/etc/postgresql/15/main/postgresql.conf"
    server = subprocess.Popen([*as_postgres, f"{_BIN}/postgres", "-D", _DATA, "-c", config, "-c", "port=5432"])
    for _attempt in range(300):
        if run([*as_postgres, f"{_BIN}/pg_isready", "-q"], check=False).returncode == 0:
            break
        if server.poll() is not None:
            raise LabError("PostgreSQL did not start.")
        time.sleep(0.1)
    _sql(root, "postgres", f"CREATE ROLE odoo LOGIN CREATEDB PASSWORD '{SECRET}'")
    return server


def _sql(root: Path, database: str, statement: str) -> None:
    run(["chroot", root, "runuser", "-u", "postgres", "--", "psql", "-qXd", database, "-c", statement])


def _install_or_note(recipe: Recipe, root: Path, server_root: Path, failures: list[str]) -> None:
    try:
        _install(recipe, root, server_root)
    except (LabError, OSError) as error:
        failures.append(f"The template database of Odoo {recipe.version} could not be made: {error}")


def _install(recipe: Recipe, root: Path, server_root: Path) -> None:
    name = template_name(recipe.version)
    modules = ",".join((*recipe.addons, "lab_slow"))
    odoo = ["chroot", os.fspath(root), "runuser", "-u", "odoo", "--", "env", "HOME=/var/lib/odoo", "/usr/bin/odoo"]
    odoo += ["--db_host=127.0.0.1", "--db_user=odoo", f"--database={name}", "--addons-path=/opt/lab/addons"]
    odoo += ["--data-dir=/var/lib/odoo", "--max-cron-threads=0", "--workers=0"]
    say(f"Odoo {recipe.version}: installing {modules}")
    done = run([*odoo, "-i", modules, "--without-demo=all", "--no-http", "--stop-after-init"], check=False)
    if done.returncode != 0 or "Modules loaded." not in done.stderr:
        print(done.stderr, file=sys.stderr)
        raise LabError(f"Odoo ended with {done.returncode}: {_reason(done.stderr)}")
    # Bundles made from here on live in the database, so that its copies need no work at their first page.
    _sql(server_root, name, "INSERT INTO ir_config_parameter (key, value) VALUES ('ir_attachment.location', 'db')")
    _visit(recipe, odoo)
    say(f"Odoo {recipe.version}: done")


def _reason(log: str) -> str:
    errors = [line for line in log.splitlines() if re.match(r"\w+(\.\w+)*(Error|Exception)\b", line)]
    return errors[-1] if errors else last_lines(log, 1)


def _visit(recipe: Recipe, odoo: list[str]) -> None:
    """Serve the login page and its assets once."""
    port = 18000 + int(recipe.version)
    server = subprocess.Popen([*odoo, f"--http-port={port}", "--http-interface=127.0.0.1"], stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 90
        page = ""
        while not page:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/web/login", timeout=60) as answer:
                    page = answer.read().decode()
            except (urllib.error.URLError, OSError) as error:
                if time.monotonic() > deadline or server.poll() is not None:
                    raise LabError(f"its login page does not answer ({error}).") from error
                time.sleep(0.1)
        for asset in sorted(set(re.findall(r'(?:src|href)="(/web/(?:assets|content)/[^"]+)"', page))):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{asset}", timeout=60) as answer:
                    answer.read()
            except urllib.error.HTTPError as error:
                say(f"Odoo {recipe.version}: {asset}: {error.code}")
    finally:
        server.terminate()
        server.wait(timeout=60)


def _collect(layer: Path, roots: dict[str, Path], server_root: Path) -> None:
    for part in (_DATA, "/etc/postgresql/15/main"):
        target = layer / part.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        run(["cp", "-a", f"{server_root}{part}", target])
    # Directories of a layer cover those of the base: same owner and mode.
    for directory in sorted((path for path in layer.rglob("*") if path.is_dir()), key=str):
        shutil.copystat(server_root / directory.relative_to(layer), directory)
        status = (server_root / directory.relative_to(layer)).stat()
        os.chown(directory, status.st_uid, status.st_gid)
    for name, root in roots.items():
        files = root / "var/lib/odoo/filestore" / template_name(RECIPES[name].version)
        if files.is_dir():
            run(["mkdir", "-p", layer / "opt/lab/filestore"])
            run(["cp", "-a", files, layer / "opt/lab/filestore" / RECIPES[name].version])


def main() -> int:
    """Entry for the isolated child process; its stderr is the build log."""
    try:
        build({"odoo19": Path(sys.argv[1]), "odoo14": Path(sys.argv[2])}, Path(sys.argv[3]))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
