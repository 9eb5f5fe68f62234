# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commits of checkouts, as real git records them."""

from __future__ import annotations

import os
import pathlib
import subprocess

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._code.git import commits_moved


def git(folder: pathlib.Path, *words: str, at: int = 0) -> str:
    """Run git in a folder, as if at a moment."""
    who = {"NAME": "x > 5 +0000", "EMAIL": "x@y", "DATE": f"@{at} +0000"}
    environ = {f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER") for name, value in who.items()}
    done = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *words],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **environ, "GIT_CONFIG_GLOBAL": "/dev/null"},
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: pathlib.Path) -> pathlib.Path:
    """A checkout with a commit at 100 and one at 200, below a root."""
    folder = tmp_path / "srv/shop"
    (folder / "addons").mkdir(parents=True)
    git(folder, "init", "-q")
    for at in (100, 200):
        git(folder, "commit", "-q", "--allow-empty", "-m", f"at {at}\tx", at=at)
    return folder


def test_a_checkout_that_went_on_is_told_with_both_commits(checkout: pathlib.Path) -> None:
    root = str(checkout.parents[1])
    first, second = (git(checkout, "rev-parse", "--short=10", name) for name in ("HEAD~1", "HEAD"))
    (checkout.parent / "link").symlink_to("shop/addons")
    for folder in ("/srv/shop/addons", "/srv/link"):
        assert commits_moved([folder, "/srv/shop", "/srv"], root, 150) == [
            f"/srv/shop was at commit {first} when it was loaded and is at {second} now"
        ]
    assert commits_moved(["/srv/shop/addons"], root, 250) == []
    assert commits_moved(["/srv/shop/addons"], root, 50) == []
    git(checkout, "reset", "-q", "--hard", "HEAD~1", at=300)
    assert commits_moved(["/srv/shop/addons"], root, 150) == []
    assert f"was at commit {second}" in commits_moved(["/srv/shop/addons"], root, 250)[0]


def test_a_worktree_has_a_record_of_its_own(checkout: pathlib.Path) -> None:
    root = str(checkout.parents[1])
    git(checkout, "worktree", "add", "-q", "../other", "HEAD~1", at=210)
    git(checkout.parent / "other", "reset", "-q", "--hard", "main", at=300)
    place = checkout.parent / "other/.git"
    place.write_text(place.read_text().replace(root, ""))
    assert len(commits_moved(["/srv/other"], root, 250)) == 1


@pytest.mark.parametrize("text", ["", "x" * 99, "gitdir: \n", "gitdir: /proc/self/environ", "\0"])
def test_a_folder_without_git_gives_no_commit(tmp_path: pathlib.Path, text: str) -> None:
    (tmp_path / ".git").write_text(text)
    assert commits_moved(["/"], str(tmp_path), 1) == []
