# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every program that the Makefile's targets start comes with Debian, tests/packages.txt or the virtual environment.

A target that starts another program works if that is installed, and fails on a new machine. The test takes
the words where a shell expects a command, and the first words of lists that Python starts. Each of them that is a
program on this machine must be of a package that a new machine has. The test does not see a program that is not
installed here, nor a name that is put together while a script runs: `make fresh` does.
"""

from __future__ import annotations

import ast
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import typing as t

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

#: What `make fresh` gives its root besides Debian's required packages, and what python3-venv depends on.
GIVEN = {"apt", "make", "python3-minimal"}
#: Programs that a target installs by itself, or does without.
OTHERWISE = {
    "odoo": "tests/unit/test_redact.py has its arguments and does not start it",
    "java": "make ee leaves the rulebook out without it",
    "podman": "tests/ee/build installs it",
    "slirp4netns": "tests/fresh/fresh installs it",
    **dict.fromkeys(
        ("createdb", "initdb", "pg_dump", "pg_isready", "pg_restore", "postgres", "psql", "redis-server"),
        "tests/awx/build installs it",
    ),
}
_BEFORE = r"(?:(?:if|elif|then|else|do|while|until|exec|!|command -v|[A-Z_]+=\S*)\s+)*"
#: Where a shell expects a command.
_COMMAND = re.compile(rf"(?:^|[;&|(])\s*{_BEFORE}([a-z][\w.+-]*)(?=[\s;)|&]|$)", re.MULTILINE)
#: Functions of Python that start a program, whose words are their first argument.
_STARTERS = {"Popen", "_run", "call", "check_call", "check_output", "execv", "execvp", "run"}
#: Names of lists that are handed to one of these.
_LISTS = {"argv", "command", "enter"}


def _files() -> list[pathlib.Path]:
    """Return the files that git knows and that run on this machine, not on a host of the lab."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "Makefile", "noxfile.py", ".ci", "tests"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    # tests/fresh/clutter installs what it starts, in a root of its own.
    # What tests/signals starts by these two runs on a host of the lab.
    left_out = re.compile(r"/captures/|/addons/|^tests/fresh/clutter$|^tests/signals/(agent|capture)\.py$")
    names = [name for name in listed.split("\0") if name and not left_out.search(name)]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def in_python(text: str) -> set[str]:
    """Return the first words of the lists that a source in Python starts as programs."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        first: list[ast.expr] = []
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name == "which":
                first = node.args[:1]
            elif name in _STARTERS and node.args:
                first = _first(node.args[0])
        elif isinstance(node, ast.Assign) and any(getattr(goal, "id", "") in _LISTS for goal in node.targets):
            first = _first(node.value)
        found.update(str(word.value) for word in first if isinstance(word, ast.Constant))
    return found


def _first(words: ast.expr) -> list[ast.expr]:
    return words.elts[:1] if isinstance(words, (ast.List, ast.Tuple)) else []


def in_shell(text: str) -> set[str]:
    """Return the words of a script that stand where a shell expects a command, but not its own functions."""
    code = re.sub(r"(?:^|(?<=\s))#.*|\\\n", "", text)
    # Python is not looked into.
    code = re.sub(r"<<'PYTHON'\n.*?\nPYTHON\n|(?<=-c )'\n[^']*import[^']*'", "\n", code, flags=re.DOTALL)
    return set(_COMMAND.findall(code)) - set(re.findall(r"^(\w+)\(\)", code, re.MULTILINE)) - _builtin()


@functools.lru_cache
def _builtin() -> frozenset[str]:
    """Return the commands and keywords of bash itself."""
    argv = ["bash", "-c", "compgen -b; compgen -k"]
    return frozenset(subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split())


def test_words_where_python_starts_a_program_are_found() -> None:
    assert in_python("run(['ps', 'ax'])\nargv = ['free', x]\nshutil.which('top')\nfleet.run(host, 'w')\nrun([x])") == {
        "ps",
        "free",
        "top",
    }


def test_words_where_a_shell_expects_a_command_are_found() -> None:
    script = (
        "say() { printf x; }\nps ax | grep -q x && A=1 free # curl\nx=$(top -b)\nif pgrep x; then w; fi\n"
        "python3 - <<'PYTHON'\nuptime\nPYTHON\necho \\\nvmstat >uptime; say x\n"
    )
    assert in_shell(script) == {"ps", "grep", "free", "top", "pgrep", "w", "python3"}


def _started() -> dict[str, set[str]]:
    """Return the words that may be programs, and the files that have them."""
    found: dict[str, set[str]] = {}
    for path in _files():
        text = path.read_text(encoding="utf-8", errors="replace")
        first = text.partition("\n")[0]
        words: set[str] = set()
        if path.suffix == ".py" or (first.startswith("#!") and "python" in first):
            words = in_python(text)
        elif path.name == "Makefile":
            words = in_shell("\n".join(line.lstrip("\t@") for line in text.splitlines() if line.startswith("\t")))
        elif (first.startswith("#!") and first.endswith("sh")) or first.startswith("# shellcheck shell="):
            words = in_shell(text)
        if path.parent.name == "fresh" and path.name == "clutter":
            continue  # it installs what it starts
        for word in words:
            found.setdefault(word, set()).add(str(path.relative_to(ROOT)))
    return found


def _packages(places: t.Iterable[str]) -> dict[str, str]:
    """Return the Debian package of each file that has one."""
    # Debian 12 knows most programs by the path from before /usr was merged.
    asked = {variant: place for place in places for variant in (place, place.replace("/usr/", "/", 1))}
    done = subprocess.run(["dpkg-query", "-S", *asked], check=False, capture_output=True, text=True)
    found = {}
    for line in done.stdout.splitlines():
        package, _colon, path = line.partition(": ")
        if path in asked and not package.startswith("diversion "):
            found[asked[path]] = package.partition(":")[0]
    return found


def _available() -> set[str]:
    """Return the packages that a new machine has once tests/setup has run."""
    shown = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${Essential} ${Priority}\n"], check=True, capture_output=True, text=True
    ).stdout
    listed = (ROOT / "tests/packages.txt").read_text(encoding="utf-8").splitlines()
    base = {words[0] for words in map(str.split, shown.splitlines()) if "yes" in words or "required" in words}
    return base | GIVEN | {line for line in listed if line and not line.startswith("#")}


@pytest.mark.skipif(not shutil.which("dpkg-query"), reason="only Debian says which package a program is of")
def test_every_program_comes_with_debian_the_packages_or_the_environment() -> None:
    started = _started()
    assert {"git", "ip", "mmdebstrap", "systemd-nspawn"} <= set(started)
    environment = pathlib.Path(sys.executable).parent
    found = {word: shutil.which(word) for word in set(started) - set(OTHERWISE)}
    places = {word: place for word, place in found.items() if place and pathlib.Path(place).parent != environment}
    packages = _packages([*places.values(), *map(os.path.realpath, places.values())])
    available = _available()
    missing = []
    for word, place in sorted(places.items()):
        # An alternative, such as awk, is of no package, and what it leads to is.
        owners = {packages[each] for each in (place, os.path.realpath(place)) if each in packages}
        if not owners & available:
            missing.append(f"{word} of {' or '.join(owners) or place}, in {', '.join(sorted(started[word]))}")
    assert missing == []
