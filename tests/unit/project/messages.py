# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The messages that the collection can give, read from its source, and what docs/troubleshooting.md says of them. Pure.

Whatever looks like a clause in English counts as a message, since nothing in the code tells where a text that is
returned ends up. What is none has to be named as such (``no_messages.py``).
"""

from __future__ import annotations

import ast
import functools
import itertools
import re
import typing as t
from dataclasses import dataclass, replace

import yaml
from jinja2 import Environment, nodes

#: What stands in a template where the code puts in a value.
HOLE = "<>"
#: A text with more ways to be put together than that is cut short.
_MOST_WAYS = 64
#: What another interpreter runs.
_PROGRAM = re.compile(r"(?m)^import \w+$")
_WORD = re.compile(r"[A-Za-z]{2,}")
_CONVERSION = re.compile(r"%(?:\(\w+\))?[-#0 +]*[0-9.*]*[a-zA-Z]")
_FIELD = re.compile(r"\{[^{}]*\}")
_PLACEHOLDER = re.compile(r"<[^<>]+>")
_DOCUMENTATION = frozenset(["DOCUMENTATION", "EXAMPLES", "RETURN"])
#: Keys of a task whose value is shown as it is.
_SHOWN = frozenset(["msg", "fail_msg", "otherwise", "because", "reason"])
#: Keys below which a text may be on its way to a message. In others only texts within braces may be.
_HOLDING = frozenset(["vars", "set_fact", "ansible.builtin.set_fact", "loop", "with_items", "success_msg", "prompt"])
#: Modules whose message may stand behind their name, without a key.
_FREE = frozenset(["fail", "ansible.builtin.fail", "debug", "ansible.builtin.debug"])
#: Methods whose texts are told to Ansible.
_TELLING = frozenset(["fail_json", "warn", "warning", "deprecate", "deprecated", "error"])


@dataclass(frozen=True)
class Message:
    """One way in which a text may be put together; ``template`` has ``<>`` where a value comes in."""

    path: str
    line: int
    template: str
    #: it is raised, or told to Ansible, and not only a text that is on its way to somewhere
    raised: bool = False


@dataclass(frozen=True)
class Entry:
    """An entry of the document: its heading, its messages with ``<placeholders>``, and the prose below them."""

    heading: str
    messages: tuple[str, ...]
    prose: str


# -- the source --------------------------------------------------------------------------------------------------------


def of_python(source: str, path: str) -> list[Message]:
    """Messages in a Python file."""
    tree = ast.parse(source)
    return list(_python(tree, path, _no_messages(tree)))


def _no_messages(tree: ast.Module) -> set[ast.AST]:
    """Docstrings, the documentation for ansible-doc, patterns, and types that are written as texts."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant()):
                found.add(node)
            case ast.Assign(targets=[ast.Name(id=name)]) if name in _DOCUMENTATION:
                found.add(node)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="re")), args=[first, *_]):
                found.add(first)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="t"), attr="cast")):
                found.add(node.args[0])
    return found


def _python(node: ast.AST, path: str, without: set[ast.AST], *, raised: bool = False) -> t.Iterator[Message]:
    """Messages below a node; what is raised or told to Ansible counts from its first word on."""
    if node in without:
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _PROGRAM.search(node.value):
        for found in of_python(node.value, path):
            yield replace(found, line=node.lineno - 1 + found.line)
        return
    if isinstance(node, ast.expr):
        rest: list[ast.expr] = []
        ways = _ways(node, rest)
        if ways is not None:
            for way in dict.fromkeys(map(tidy, ways)):
                if _is_clause(way, 1 if raised else 2):
                    yield Message(path, node.lineno, way, raised)
            for one in rest:
                yield from _python(one, path, without)
            return
    raised = (
        isinstance(node, ast.Raise | ast.Assert)
        or _tells(node)
        or (raised and isinstance(node, ast.Call | ast.keyword))
    )
    for child in ast.iter_child_nodes(node):
        yield from _python(child, path, without, raised=raised)


def _tells(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Attribute(attr=name)) if name in _TELLING:
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="sys"), attr="exit")):
            return True
    return False


def _ways(node: ast.expr, rest: list[ast.expr]) -> list[str] | None:
    """How the text of an expression may read; None if it is none. ``rest`` gets what stands for a value."""
    match node:
        case ast.Constant(value=str() as text):
            return [text]
        case ast.JoinedStr(values=values):
            return _joined([_way_of_value(one, rest) for one in values])
        case ast.BinOp(left=left, op=ast.Mod(), right=right):
            return _formatted(left, right, rest)
        case ast.Call(func=ast.Attribute(value=text, attr="format"), args=args, keywords=keywords):
            rest.extend([*args, *(one.value for one in keywords)])
            return [_FIELD.sub(HOLE, way) for way in _ways(text, rest) or []] or None
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            sides = [_ways(left, rest), _ways(right, rest)]
        case ast.IfExp(test=test, body=body, orelse=orelse):
            rest.append(test)
            sides = [_ways(body, rest), _ways(orelse, rest)]
        case ast.BoolOp(op=ast.Or(), values=values):
            sides = [_ways(one, rest) for one in values]
        case _:
            return None
    if all(side is None for side in sides):
        return None
    filled = [[HOLE] if side is None else side for side in sides]
    return _joined(filled) if isinstance(node, ast.BinOp) else list(itertools.chain(*filled))


def _way_of_value(node: ast.expr, rest: list[ast.expr]) -> list[str]:
    if isinstance(node, ast.FormattedValue):
        return _way_of_value(node.value, rest)
    ways = _ways(node, rest)
    if ways is None:
        rest.append(node)
        return [HOLE]
    return ways


def _formatted(left: ast.expr, right: ast.expr, rest: list[ast.expr]) -> list[str] | None:
    """``left % right``."""
    lefts = _ways(left, rest)
    if lefts is None:
        return None
    values = right.elts if isinstance(right, ast.Tuple) else [right]
    fillings = [_way_of_value(one, rest) for one in values]
    found = []
    for text in lefts:
        pieces = _CONVERSION.split(text.replace("%%", "\0"))
        holes = (fillings + [[HOLE]] * len(pieces))[: len(pieces) - 1]
        parts = [[pieces[0]]]
        for hole, piece in zip(holes, pieces[1:], strict=True):
            parts += [hole, [piece]]
        found += [way.replace("\0", "%") for way in _joined(parts)]
    return found


def _joined(parts: t.Sequence[t.Sequence[str]]) -> list[str]:
    return ["".join(way) for way in itertools.islice(itertools.product(*parts), _MOST_WAYS)]


# -- roles and playbooks -----------------------------------------------------------------------------------------------


def of_yaml(source: str, path: str) -> list[Message]:
    """Messages in a file of tasks or plays, with the lines on which their texts begin."""
    variables = "/defaults/" in path or "/vars/" in path
    return list(_yaml(yaml.compose(source, Loader=yaml.SafeLoader), path, "", held=variables))


def _yaml(node: yaml.Node | None, path: str, key: str, *, held: bool = False) -> t.Iterator[Message]:
    """Messages below a node; ``held``: a text there may be on its way to a message."""
    held = held or key in _HOLDING
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            yield from _yaml(value, path, name.value, held=held)
    elif isinstance(node, yaml.SequenceNode):
        for one in node.value:
            yield from _yaml(one, path, key, held=held)
    elif isinstance(node, yaml.ScalarNode):
        words = 1 if key in _SHOWN or key in _FREE else 2 if held else 0
        if words or "{{" in node.value or "{%" in node.value:
            tree = Environment(autoescape=False).parse(_bare(node.value) if key in _FREE else node.value)
            for output in tree.find_all(nodes.Output):
                yield from _output(output, path, node.start_mark.line + 1, words)


def _bare(text: str) -> str:
    """The message of ``fail: msg="…"``."""
    return re.sub(r"^msg=([\"']?)(.*)\1$", r"\2", text, flags=re.DOTALL)


def _output(output: nodes.Output, path: str, line: int, shown: int) -> t.Iterator[Message]:
    """Messages in a text; ``shown``: how many words of the whole of it make a message, 0 if it is never one."""
    rest: list[nodes.Node] = []
    whole = _joined([_jinja_ways(one, rest) for one in output.nodes])
    found = [(way, shown) for way in whole if shown]
    if shown != 1:
        # What stands around the braces is a path or a command; within them a text may be on its way to a message.
        rest = list(output.nodes)
    while rest:
        node = rest.pop()
        if isinstance(node, nodes.TemplateData):
            continue
        ways = _jinja_ways(node, rest) if isinstance(node, nodes.Const | nodes.CondExpr | nodes.Concat) else []
        found += [(way, 2) for way in ways]
        if not ways:
            rest += node.iter_child_nodes()
    for way, words in dict.fromkeys((tidy(way), words) for way, words in found):
        if _is_clause(way, words):
            yield Message(path, line, way, words < 2)


def _jinja_ways(node: nodes.Node, rest: list[nodes.Node]) -> list[str]:
    match node:
        case nodes.TemplateData():
            return [node.data]
        case nodes.Const() if isinstance(node.value, str):
            return [node.value]
        case nodes.Concat():
            return _joined([_jinja_ways(one, rest) for one in node.nodes])
        case nodes.CondExpr():
            rest.append(node.test)
            return [way for one in (node.expr1, node.expr2) if one for way in _jinja_ways(one, rest)]
    rest += node.iter_child_nodes()
    return [HOLE]


# -- what they have in common ------------------------------------------------------------------------------------------


def tidy(text: str) -> str:
    """A text on one line, without what ties it to others before and after it."""
    return " ".join(text.split()).strip(" ;:,.")


def _is_clause(text: str, words: int) -> bool:
    bare = text.replace(HOLE, " ")
    if words < 2:
        return bool(_WORD.search(bare))
    return len(_WORD.findall(bare)) >= words and " " in text


# -- the document ------------------------------------------------------------------------------------------------------


def entries(document: str) -> list[Entry]:
    """Entries of the document: what stands below a heading that has a block of messages (a fence of ``text``)."""
    found = []
    for section in re.split(r"^#{2,} ", document, flags=re.MULTILINE)[1:]:
        heading, _newline, body = section.partition("\n")
        blocks = re.findall(r"^```text\n(.*?)^```$", body, flags=re.MULTILINE | re.DOTALL)
        if blocks:
            lines = tuple(line for block in blocks for line in block.splitlines() if line.strip())
            prose = re.sub(r"^```.*?^```$", "", body, flags=re.MULTILINE | re.DOTALL)
            found.append(Entry(heading.strip(), lines, prose.strip()))
    return found


@functools.cache
def pattern(message: str) -> re.Pattern[str]:
    """What a message of the document stands for.

    ``<name>`` is one value, or one word; ``<name …>``, with dots, is anything. A line that says little besides such
    dots would stand for everything and is refused.

    :raises ValueError: it says too little.
    """
    message = tidy(message)
    if len(_WORD.findall(_PLACEHOLDER.sub(" ", message))) < (2 if "…" in message else 1):
        raise ValueError(f"{message!r} would stand for nearly everything")
    found = ""
    end = 0
    for hole in _PLACEHOLDER.finditer(message):
        found += re.escape(message[end : hole.start()]) + (".+" if "…" in hole.group() else r"\S+")
        end = hole.end()
    return re.compile(found + re.escape(message[end:]))


def uncovered(messages: t.Iterable[Message], lines: t.Sequence[str]) -> list[Message]:
    """Messages that no line stands for."""
    return [one for one in messages if not any(covers(line, one) for line in lines)]


def covers(line: str, message: Message) -> bool:
    """Whether a line of the document stands for a message."""
    return pattern(line).fullmatch(message.template) is not None
