# SPDX-License-Identifier: GPL-3.0-or-later
"""Base images: built once per recipe, kept packed in the cache, unpacked once in the run directory."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from .errors import LabError
from .paths import LAB_DIR, bases_dir, cache_dir
from .shell import last_lines, locked, run, say
from .source import Tree

_BUILD_SECONDS = 1200


@dataclass(frozen=True)
class Image:
    """A tarball in the cache and its unpacked directory, both named by what they are made from."""

    name: str
    key: str
    # `python3 -m MODULE WORDS... TARBALL` makes it.
    module: str
    words: tuple[str, ...]
    # A build that needs no mirror gets a network of its own, so that its servers are not on this machine's.
    offline: bool = False

    @property
    def tarball(self) -> Path:
        """The packed image."""
        return cache_dir() / f"{self.name}-{self.key}.tar.zst"

    @property
    def tree(self) -> Path:
        """The unpacked image."""
        return bases_dir() / f"{self.name}-{self.key}"


def digest(files: Iterable[Path], *more: str) -> str:
    """A short hash over files (names and contents) and words."""
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    for word in more:
        total.update(word.encode() + b"\0")
    return total.hexdigest()[:12]


def base_image(name: str) -> Image:
    """odoo19 or odoo14."""
    kit = LAB_DIR / "labkit"
    return Image(name, digest([kit / "recipe.py", kit / "builder.py"], name), "labkit.builder", (name,))


def source_images(tree: Tree, base19: Image) -> tuple[Image, Image]:
    """Return the base image of a checkout and its template database; PostgreSQL is in the base of Odoo 19."""
    kit = LAB_DIR / "labkit"
    made_of = [kit / name for name in ("recipe.py", "builder.py", "source.py", "source_builder.py")]
    module = "labkit.source_builder"
    base = Image(f"odoo{tree.label}", digest(made_of, tree.digest, tree.suite), module, ("base", tree.label))
    trees = (os.fspath(base19.tree), os.fspath(base.tree))
    key = digest([kit / "templates.py", *_addon()], base19.key, base.key)
    return base, Image(f"template{tree.label}", key, module, ("template", tree.label, *trees), offline=True)


def ensure(images: Sequence[Image]) -> None:
    """Build and unpack the images that are missing, side by side."""
    missing = [image for image in images if not image.tree.is_dir()]
    if not missing:
        return
    names = ", ".join(image.name for image in missing)
    for directory in (cache_dir(), bases_dir()):
        directory.mkdir(parents=True, exist_ok=True)
    with held(f"it builds images ({names})"):
        _build([image for image in missing if not image.tarball.is_file() and not image.tree.is_dir()])
        for image in missing:
            if not image.tree.is_dir():
                _unpack(image)
        for image in images:
            _forget_older(image)


def held(waiting_for: str = "it builds images") -> AbstractContextManager[None]:
    """The lock over all images."""
    return locked(cache_dir() / "build.lock", waiting_for)


def remove_all() -> None:
    """Delete every image, packed and unpacked. The lock's file stays: others may wait for it."""
    shutil.rmtree(bases_dir(), ignore_errors=True)
    for path in cache_dir().iterdir():
        if path.name != "build.lock":
            path.unlink()


def _build(images: Sequence[Image]) -> None:
    if not images:
        return
    for leftover in [*cache_dir().glob("*.part"), *bases_dir().glob("*.part")]:
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
    started = time.monotonic()
    say(f"building {', '.join(image.name for image in images)} (once; log: {cache_dir()}/*.log)")
    children = [(image, _start_build(image)) for image in images]
    try:
        for image, child in children:
            _finish_build(image, child)
            say(f"{image.name} is built: {image.tarball.stat().st_size // 2**20} MB")
    finally:
        for _image, child in children:
            if child.poll() is None:
                child.kill()
                child.wait()
    say(f"built in {time.monotonic() - started:.0f} s")


def _log(image: Image) -> Path:
    return cache_dir() / f"{image.name}.log"


def _start_build(image: Image) -> subprocess.Popen[bytes]:
    """Start a build in mount and PID namespaces of its own: killed with this process, nothing stays mounted."""
    part = image.tarball.with_suffix(".part")
    argv = ["setpriv", "--pdeathsig=KILL", "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    argv += ["--net"] if image.offline else []
    argv += [sys.executable, "-m", image.module, *image.words, os.fspath(part)]
    with _log(image).open("wb") as log:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": os.fspath(LAB_DIR), "PYTHONDONTWRITEBYTECODE": "1"},
        )


def _finish_build(image: Image, child: subprocess.Popen[bytes]) -> None:
    try:
        code = child.wait(timeout=_BUILD_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise LabError(f"Building {image.name} took over {_BUILD_SECONDS} s; see {_log(image)}.") from error
    part = image.tarball.with_suffix(".part")
    if code != 0 or not part.is_file():
        words = last_lines(_log(image).read_text(encoding="utf-8", errors="replace"), 1)
        raise LabError(f"Building {image.name} failed; see {_log(image)}: {words.removeprefix('lab: ')}")
    part.replace(image.tarball)


def _unpack(image: Image) -> None:
    say(f"unpacking {image.name}")
    part = image.tree.with_suffix(".part")
    if part.exists():
        shutil.rmtree(part)
    part.mkdir(parents=True)
    run(["tar", "-C", part, "--numeric-owner", "--xattrs", "-I", "zstd", "-xf", image.tarball])
    part.rename(image.tree)


def _forget_older(image: Image) -> None:
    """Remove images of the same name and another recipe, unless a lab still stands on them."""
    for tarball in cache_dir().glob(f"{image.name}-*.tar.zst"):
        if tarball != image.tarball:
            tarball.unlink()
    _forget_trees(image.name, image.tree)


def _forget_trees(name: str, kept: Path) -> None:
    mounted = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
    for tree in bases_dir().glob(f"{name}-*"):
        if tree != kept and os.fspath(tree) not in mounted:
            shutil.rmtree(tree)


def derived(name: str, key: str, base: Image, change: Callable[[Path], None]) -> Path:
    """A layer with what `change` changes in a base: quickly made, so it is kept only unpacked."""

    def make(part: Path) -> None:
        for directory in ("tree", "work", "root"):
            (part / directory).mkdir(parents=True)
        options = f"lowerdir={base.tree},upperdir={part / 'tree'},workdir={part / 'work'}"
        run(["mount", "-t", "overlay", "overlay", "-o", options, part / "root"])
        try:
            change(part / "root")
        finally:
            run(["umount", part / "root"])

    return once(name, key, make)


def once(name: str, key: str, make: Callable[[Path], None]) -> Path:
    """An unpacked tree that `make` makes as `tree` in a directory of its own, once for all labs."""
    tree = bases_dir() / f"{name}-{key}"
    with locked(bases_dir() / f"{name}.lock", f"it makes {name}"):
        if not tree.is_dir():
            say(f"making {name} (once)")
            part = bases_dir() / f"{name}.making"
            run(["umount", part / "root"], check=False)
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            make(part)
            (part / "tree").rename(tree)
            shutil.rmtree(part)
            _forget_trees(name, tree)
    return tree


def template_image(bases: Sequence[Image]) -> Image:
    """The layer with the template databases; it depends on both bases and on the lab's addon."""
    key = digest([LAB_DIR / "labkit" / "templates.py", *_addon()], *(base.key for base in bases))
    trees = tuple(os.fspath(base.tree) for base in bases)
    return Image("templates", key, "labkit.templates", trees, offline=True)


def _addon() -> list[Path]:
    return [path for path in (LAB_DIR / "addons").rglob("*") if path.is_file() and path.suffix != ".pyc"]
