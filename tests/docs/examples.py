# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The examples of the documentation, as the tests take them: links, blocks, commands, tasks. Nothing is run here."""

from __future__ import annotations

import json
import pathlib
import re
import shlex
import typing as t
from dataclasses import dataclass

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
#: What people read. docs/reference is made from the plugins, whose examples are taken from there.
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))


@dataclass(frozen=True)
class Block:
    """A piece of a page that is set apart. ``language``: what stands behind the fence; None where it is indented."""

    where: str
    language: str | None
    text: str


@dataclass(frozen=True)
class AdHoc:
    """``ansible HOSTS -m MODULE -a ARGUMENTS``, ``arguments`` as they are typed."""

    where: str
    hosts: str
    module: str
    arguments: str

    @property
    def given(self) -> dict[str, t.Any]:
        """The options; texts where they are typed as ``key=value``."""
        if self.arguments.startswith("{"):
            return t.cast("dict[str, t.Any]", json.loads(self.arguments))
        return dict(word.split("=", 1) for word in shlex.split(self.arguments))


@dataclass(frozen=True)
class Playbook:
    """``ansible-playbook NAME`` with its extra variables."""

    where: str
    name: str
    variables: dict[str, t.Any]
    #: What is left of the command.
    options: tuple[str, ...]


def blocks(path: pathlib.Path) -> list[Block]:
    """All blocks of a page in Markdown."""
    found: list[Block] = []
    language: str | None = None
    taken: list[str] = []
    inside, margin = False, 0
    lines = path.read_text(encoding="utf-8").splitlines()

    def end(number: int) -> None:
        if taken:
            found.append(
                Block(f"{path.relative_to(ROOT)}:{number - len(taken)}", language, "\n".join(taken).strip("\n"))
            )
        taken.clear()

    for number, line in enumerate([*lines, ""], 1):
        fence = re.match(r"\s*```(\w*)", line)
        if fence:
            end(number)
            inside = not inside
            language = fence[1] if inside else None
            margin = len(line) - len(line.lstrip())
        elif inside:
            # In an item of a list the whole block is indented.
            taken.append(line[margin:])
        elif line.startswith("    ") and (taken or not lines[number - 2].strip()):
            taken.append(line)
        elif taken and line.strip():
            end(number)
    end(len(lines))
    return found


def typed(text: str) -> list[str]:
    """The commands in a block, continued lines put together, without comments."""
    joined = re.sub(r"\\\n\s*", " ", text)
    return [shown for line in joined.splitlines() if (shown := re.sub(r"\s+# .*", "", line).strip())]


def adhoc(where: str, command: str) -> AdHoc:
    """An ``ansible`` command, taken apart.

    :raises ValueError: if it has an option that no test knows.
    """
    words = shlex.split(command)[1:]
    given = {"-a": "", "-i": "inventory"}
    hosts = []
    while words:
        word = words.pop(0)
        if word in ("-i", "-m", "-a"):
            given[word] = words.pop(0)
        elif word.startswith("-"):
            raise ValueError(f"{where}: {word} in {command}")
        else:
            hosts.append(word)
    (host,) = hosts
    return AdHoc(where, host, given["-m"], given["-a"])


def playbook(where: str, command: str) -> Playbook:
    """An ``ansible-playbook`` command, taken apart."""
    words = shlex.split(command)[1:]
    variables: dict[str, t.Any] = {}
    names, options = [], []
    while words:
        word = words.pop(0)
        if word == "-e":
            value = words.pop(0)
            if value.startswith("{"):
                variables.update(json.loads(value))
            elif value.startswith("@"):
                options += [word, value]
            else:
                # As Ansible takes them: several in one text, with quotes of its own.
                variables.update(dict(one.split("=", 1) for one in shlex.split(value)))
        elif word in ("-i", "--limit"):
            options += [word, words.pop(0)]
        elif word.startswith("-"):
            options.append(word)
        else:
            names.append(word)
    (name,) = names
    return Playbook(where, name, variables, tuple(options))


def comment(path: pathlib.Path) -> list[str]:
    """Commands in the first comment of a playbook."""
    lines = path.read_text(encoding="utf-8").splitlines()
    text = "\n".join(line[4:] if line.startswith("#   ") else "" for line in lines if line.startswith("#"))
    return typed(text)


def commands() -> list[tuple[str, str]]:
    """Everything that a page or a playbook tells one to type, with its place."""
    found = [
        (block.where, command)
        for path in GUIDES
        for block in blocks(path)
        if block.language is None
        for command in typed(block.text)
    ]
    return found + [(f"playbooks/{path.name}", command) for path in PLAYBOOKS for command in comment(path)]


def listed(text: str) -> list[dict[str, t.Any]]:
    """A list of tasks or plays.

    :raises TypeError: it is not one.
    """
    loaded = yaml.safe_load(text)
    if not isinstance(loaded, list):
        raise TypeError("this is no list of tasks or plays")
    return loaded


def slug(heading: str) -> str:
    """Return the anchor that forges make of a heading."""
    plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")


def headings(path: pathlib.Path) -> set[str]:
    """Return the anchors of a page."""
    text = re.sub(r"(?ms)^```.*?^```", "", path.read_text(encoding="utf-8"))
    return {slug(found) for found in re.findall(r"(?m)^#+ (.*)$", text)}


def broken_links(path: pathlib.Path) -> list[str]:
    """Links of a page that lead nowhere within the checkout."""
    text = re.sub(r"(?ms)^```.*?^```|`[^`\n]*`", "", path.read_text(encoding="utf-8"))
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", target):
            continue
        name, _hash, heading = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists():
            wrong.append(f"{target}: there is no such file")
        elif heading and heading not in headings(file):
            wrong.append(f"{target}: there is no such heading")
    return wrong
