# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the build context that ansible-builder makes. `make ee` builds the image and rolls in it."""

from __future__ import annotations

import pathlib
import shutil
import subprocess

import yaml
from ansible_collections.fleetops.odoo.tests.integration.conftest import ROOT


def test_the_context_has_the_archive_and_what_it_needs(tmp_path: pathlib.Path) -> None:
    shutil.copy2(ROOT / "execution-environment.yml", tmp_path)
    (tmp_path / "fleetops-odoo-1.2.3.tar.gz").touch()
    # Without a name ansible-builder calls the file after the runtime that is installed.
    argv = ["ansible-builder", "create", "--output-filename", "Containerfile", "--context", "context"]
    subprocess.run(argv, cwd=tmp_path, check=True, capture_output=True)
    context = tmp_path / "context"
    assert (context / "_build/archive/fleetops-odoo-1.2.3.tar.gz").is_file()
    text = (context / "Containerfile").read_text(encoding="utf-8")
    assert 'ANSIBLE_INSTALL_REFS="ansible-core~=2.16.0 ansible-runner~=2.4"' in text
    copied = text.index("COPY _build/archive/fleetops-odoo-*.tar.gz /build/fleetops-odoo.tar.gz")
    assert copied < text.index("ansible-galaxy collection install")
    wanted = yaml.safe_load((context / "_build/requirements.yml").read_text(encoding="utf-8"))["collections"]
    assert wanted[0] == {"name": "fleetops-odoo.tar.gz", "type": "file"}
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    assert {one["name"]: one["version"] for one in wanted[1:]} == galaxy["dependencies"]


def test_what_the_collection_needs_is_found_by_introspection(tmp_path: pathlib.Path) -> None:
    home = tmp_path / "ansible_collections/fleetops/odoo"
    (home / "meta").mkdir(parents=True)
    for name in ("galaxy.yml", "requirements.txt", "bindep.txt", "meta/execution-environment.yml"):
        shutil.copy2(ROOT / name, home / name)
    (home / "MANIFEST.json").write_text('{"collection_info": {"version": "1.0.0"}}', encoding="utf-8")
    done = subprocess.run(["ansible-builder", "introspect", str(tmp_path)], check=True, capture_output=True, text=True)
    found = yaml.safe_load(done.stdout)
    assert any("jmespath" in line for line in str(found["python"]).splitlines()), found
    assert "openssh-client" in str(found["system"]), found
