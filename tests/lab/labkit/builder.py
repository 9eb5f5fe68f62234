# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds one base image. Runs as `python3 -m labkit.builder NAME TARBALL` in mount and PID namespaces of its own.

If this process ends in any way, the kernel removes its mounts and children with the namespaces.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from .errors import LabError
from .mirror import Mirror, find_mirror
from .recipe import DISABLED_UNITS, MASKED_UNITS, RECIPES, UNWANTED_USER_UNITS, Recipe
from .shell import run, say

_TMPFS_NEEDS_MB = 5000
_PYTHON = "usr/lib/python3/dist-packages"


def build(recipe: Recipe, tarball: Path) -> None:
    """Debian root, Odoo on top, trimmed, as a zstd tarball."""
    mirror = find_mirror()
    work = Path(tempfile.mkdtemp(prefix="fleetops-lab-build-", dir="/var/tmp"))
    try:
        if _free_memory_mb() > _TMPFS_NEEDS_MB:
            run(["mount", "-t", "tmpfs", "-o", "size=4g,mode=755", "tmpfs", work])
        root = work / "root"
        fetched: list[Path | LabError] = []
        fetcher = threading.Thread(target=_fetch_into, args=(fetched, mirror, recipe, work / "apt"))
        fetcher.start()
        _bootstrap(mirror, recipe, root, work)
        fetcher.join()
        if isinstance(fetched[0], LabError):
            raise fetched[0]
        say(f"{recipe.name}: Odoo's package")
        _install_odoo(recipe, root, fetched[0])
        _trim_odoo(recipe, root)
        _settle(root)
        say(f"{recipe.name}: packing")
        run(["tar", "-C", root, "--numeric-owner", "--xattrs", "-I", "zstd -T0 -3", "-cf", tarball, "."])
    finally:
        run(["umount", "-l", work], check=False)
        shutil.rmtree(work, ignore_errors=True)


def _free_memory_mb() -> int:
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1024
    return 0


def _bootstrap(mirror: Mirror, recipe: Recipe, root: Path, work: Path) -> None:
    say(f"{recipe.name}: Debian {recipe.suite} with {len(recipe.packages)} packages")
    scratch = work / "tmp"
    scratch.mkdir()
    argv = [
        "mmdebstrap",
        "--mode=root",
        "--variant=apt",
        "--quiet",
        f"--include={','.join(recipe.packages)}",
        '--aptopt=Acquire::Check-Valid-Until "false"',
        '--aptopt=Acquire::Check-Date "false"',
        '--aptopt=Acquire::Languages "none"',
        '--aptopt=APT::Install-Recommends "false"',
        *(f"--aptopt={option}" for option in mirror.options),
        "--dpkgopt=force-unsafe-io",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=path-exclude=/usr/lib/*/libLLVM*",  # only PostgreSQL's JIT, which the lab turns off
        "--dpkgopt=path-exclude=/usr/lib/*/libz3*",
        "--dpkgopt=path-exclude=/usr/lib/postgresql/*/lib/bitcode/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        recipe.suite,
        os.fspath(root),
        mirror.source(recipe.suite),
    ]
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TMPDIR": os.fspath(scratch), "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
    )
    if done.returncode != 0:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        raise LabError(f"The Debian root {recipe.suite} could not be made: {_first_error(done.stderr)}")


def _first_error(text: str) -> str:
    for line in text.splitlines():
        if line.startswith("E:"):
            return line
    return text.strip().splitlines()[-1] if text.strip() else "mmdebstrap said nothing"


def _fetch_into(result: list[Path | LabError], mirror: Mirror, recipe: Recipe, apt: Path) -> None:
    try:
        result.append(_fetch_odoo(mirror, recipe, apt))
    except LabError as error:
        result.append(error)


def _fetch_odoo(mirror: Mirror, recipe: Recipe, apt: Path) -> Path:
    """Download one .deb with apt and its signature checks, in an apt directory of our own."""
    for part in ("lists/partial", "cache/archives/partial", "download"):
        (apt / part).mkdir(parents=True)
    (apt / "status").touch()
    sources = apt / "sources.list"
    sources.write_text(mirror.source(recipe.odoo_suite) + "\n", encoding="utf-8")
    options = [
        f"Dir::State::Lists={apt / 'lists'}",
        f"Dir::State::status={apt / 'status'}",
        f"Dir::Cache={apt / 'cache'}",
        f"Dir::Etc::SourceList={sources}",
        "Dir::Etc::SourceParts=/dev/null",
        "Acquire::Languages=none",
        "Acquire::Check-Valid-Until=false",
        "Acquire::Check-Date=false",
        "APT::Sandbox::User=root",
    ]
    flags = [word for option in options for word in ("-o", option)]
    run(["apt-get", *flags, "-qq", "update"])
    known = run(["apt-cache", *flags, "show", recipe.odoo_package], check=False)
    if known.returncode != 0:
        raise LabError(f"The package {recipe.odoo_package} is not in Debian {recipe.odoo_suite} on the mirror.")
    here = os.getcwd()
    run(["env", f"--chdir={apt / 'download'}", "apt-get", *flags, "-qq", "download", recipe.odoo_package])
    os.chdir(here)
    return next((apt / "download").glob("*.deb"))


def _inside(root: Path, *argv: str) -> None:
    """Run a program in the new root, without a network."""
    run(["unshare", "--pid", "--fork", "--kill-child", "--mount", "--net", f"--root={root}", "--mount-proc", *argv])


def _install_odoo(recipe: Recipe, root: Path, package: Path) -> None:
    """Unpack and configure Odoo's .deb, without the hundreds of addons the lab has no use for."""
    addons = f"/{_PYTHON}/odoo/addons"
    keep = [f"--path-include={addons}/{name}/*" for name in recipe.addons]
    keep += [f"--path-include={addons}/{name}" for name in (*recipe.addons, "__init__.py")]
    shutil.copy(package, root / "odoo.deb")
    refuse = root / "usr/sbin/policy-rc.d"
    refuse.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    refuse.chmod(0o755)
    compiler = root / "usr/bin/py3compile"
    aside = compiler.with_name("py3compile.aside")
    # The maintainer script would compile every file of the package, also those left out.
    compiler.rename(aside)
    compiler.symlink_to("true")
    try:
        _inside(
            root,
            "dpkg",
            "--force-depends",
            "--force-unsafe-io",
            f"--path-exclude={addons}/*",
            f"--path-exclude=/{_PYTHON}/addons/*",
            "--path-exclude=*/i18n/*",
            "--path-exclude=*/static/description/*",
            "--path-exclude=*/static/fonts/google/*",
            *keep,
            "--path-exclude=*.po",
            "--path-exclude=*.pot",
            "--install",
            "/odoo.deb",
        )
    finally:
        aside.replace(compiler)
        refuse.unlink()
        (root / "odoo.deb").unlink()


def _trim_odoo(recipe: Recipe, root: Path) -> None:
    base = root / _PYTHON / "odoo/addons/base"
    # The list of shop modules refers to categories of addons that are not here.
    (base / "data/ir_module_module.xml").write_text("<odoo/>\n", encoding="ascii")
    for addon in base.parent.iterdir():
        # dpkg leaves the empty directories whose names begin like one that is kept.
        if addon.is_dir() and addon.name not in recipe.addons:
            shutil.rmtree(addon)
    for waste in ("addons", "doc", "setup"):
        shutil.rmtree(root / _PYTHON / waste, ignore_errors=True)
    for name in recipe.addons:
        for waste in ("tests", "static/tests", "i18n"):
            shutil.rmtree(base.parent / name / waste, ignore_errors=True)
    _inside(root, "python3", "-m", "compileall", "-q", "-j2", f"/{_PYTHON}/odoo")


def _settle(root: Path) -> None:
    """Make the root fit for booting as a lab host: users, units, nothing that says which machine built it."""
    _inside(root, "useradd", "--create-home", "--shell", "/bin/bash", "ops")
    _settle_units(root)
    aside = root / "opt/lab/setproctitle"
    aside.mkdir(parents=True)
    for item in sorted((root / _PYTHON).glob("setproctitle*")):
        shutil.move(item, aside / item.name)
    (root / "etc/apt/sources.list").write_text("", encoding="ascii")
    for leftover in root.glob("etc/apt/apt.conf.d/99mmdebstrap"):
        leftover.unlink()
    for waste in ("var/cache/apt", "var/lib/apt/lists"):
        shutil.rmtree(root / waste, ignore_errors=True)
        (root / waste).mkdir(parents=True)
    shutil.rmtree(root / "var/lib/postgresql/15/main", ignore_errors=True)  # the template databases bring their own
    shutil.rmtree(root / "etc/cni", ignore_errors=True)  # a network that podman would complain about at every call
    (root / "etc/machine-id").write_text("", encoding="ascii")
    for machine_file in ("etc/fstab", "etc/resolv.conf", "etc/hostname"):
        (root / machine_file).unlink(missing_ok=True)
        (root / machine_file).write_text("", encoding="ascii")
    _inside(root, "chown", "odoo:odoo", "/var/lib/odoo", "/var/log/odoo")
    (root / "var/log/journal").mkdir(exist_ok=True)


def _settle_units(root: Path) -> None:
    system = root / "etc/systemd/system"
    for unit in MASKED_UNITS:
        (system / unit).unlink(missing_ok=True)
        (system / unit).symlink_to("/dev/null")
    for unit in UNWANTED_USER_UNITS:
        for wants in root.glob("etc/systemd/user/*.wants"):
            (wants / unit).unlink(missing_ok=True)
    for unit in DISABLED_UNITS:
        # The links are absolute, so on this machine they dangle and a glob for them finds nothing.
        for wants in system.glob("*.wants"):
            (wants / unit).unlink(missing_ok=True)
    for script in ("odoo", "postgresql", "haproxy", "nginx", "apache2", "apache-htcacheclean", "supervisor"):
        for level in root.glob("etc/rc?.d"):
            for link in level.iterdir():
                if link.name[3:] == script:
                    link.unlink()


def main() -> int:
    """Entry for the isolated child process; its stderr is the build log."""
    try:
        build(RECIPES[sys.argv[1]], Path(sys.argv[2]))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
