# SPDX-License-Identifier: GPL-3.0-or-later
"""Odoo from a virtualenv, as one installs it by hand. This file is what the layer's key is made of."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .shell import write_file

_DIST = "usr/lib/python3/dist-packages"
VENV = "/opt/odoo/venv"
SOURCE = "/opt/odoo/src"


def venv_packages(root: Path, version: str) -> Path:
    """The site-packages of the host's virtualenv."""
    python = {"19": "python3.11", "14": "python3.9"}[version]
    return root / VENV.lstrip("/") / "lib" / python / "site-packages"


def move_into_venv(root: Path, version: str) -> None:
    """Turn a Debian installation into a hand-made one: source in /opt/odoo/src, dependencies in a virtualenv.

    Afterwards the system's Python can import neither Odoo nor psycopg2; psutil it keeps, as Ansible's modules need it.
    """
    packages = venv_packages(root, version)
    packages.mkdir(parents=True)
    binaries = root / VENV.lstrip("/") / "bin"
    binaries.mkdir()
    for name in ("python3", "python"):
        (binaries / name).symlink_to("/usr/bin/python3" if name == "python3" else "python3")
    write_file(root / VENV.lstrip("/") / "pyvenv.cfg", "home = /usr/bin\ninclude-system-site-packages = false\n")
    source = root / SOURCE.lstrip("/")
    source.mkdir()
    for item in sorted((root / _DIST).iterdir()):
        if item.name.startswith("psutil"):
            copy = shutil.copytree if item.is_dir() else shutil.copy2
            copy(item, packages / item.name)
        elif item.name == "odoo":
            _make_links_absolute(root, item)
            shutil.move(item, source / "odoo")
        elif not item.name.startswith(("odoo-", "__pycache__")):
            shutil.move(item, packages / item.name)
        else:
            shutil.rmtree(item)
    script = source / "odoo-bin"
    shutil.move(root / "usr/bin/odoo", script)
    text = script.read_text(encoding="utf-8").split("\n", 1)[1]
    script.write_text(f"#!/usr/bin/env python3\n{text}", encoding="utf-8")


def _make_links_absolute(root: Path, tree: Path) -> None:
    """Debian links from Odoo's tree to its libraries by relative paths, which would not survive a move."""
    for directory, names, files in os.walk(tree):
        for link in (Path(directory) / name for name in names + files):
            if link.is_symlink() and not os.readlink(link).startswith("/"):
                target = os.path.normpath(link.parent / os.readlink(link))
                if not target.startswith(f"{tree}/"):
                    link.unlink()
                    link.symlink_to(f"/{os.path.relpath(target, root)}")
