# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every message that a user can get has an entry in docs/troubleshooting.md, and every entry is of a message."""

from __future__ import annotations

import functools
import pathlib
import re
import textwrap

import pytest

from .messages import Entry, Message, covers, entries, of_python, of_yaml, pattern, uncovered
from .no_messages import FILES, TEXTS

ROOT = pathlib.Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "troubleshooting.md"


@functools.cache
def messages() -> tuple[Message, ...]:
    """All of the source."""
    found: list[Message] = []
    for folder in ("plugins", "extensions", "roles", "playbooks", "docs/awx-project"):
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            # What stands in meta and in the fragments is documentation.
            if path.suffix not in (".py", ".yml", ".yaml") or "/meta/" in name or "/doc_fragments/" in name:
                continue
            found += (of_python if path.suffix == ".py" else of_yaml)(path.read_text(encoding="utf-8"), name)
    return tuple(one for one in found if one.raised or one.path not in FILES)


@functools.cache
def documented() -> tuple[Entry, ...]:
    return tuple(entries(DOCUMENT.read_text(encoding="utf-8")))


def lines() -> list[str]:
    return [line for entry in documented() for line in entry.messages]


def exempt() -> list[str]:
    return [line for group in TEXTS.values() for line in group]


def shown(found: list[Message]) -> str:
    return "\n".join(f"{one.path}:{one.line}: {one.template}" for one in found)


def test_every_message_has_an_entry() -> None:
    missing = uncovered(messages(), [*lines(), *exempt()])
    assert not missing, (
        "give each of these an entry in docs/troubleshooting.md, or say in tests/unit/no_messages.py why it is no"
        " message:\n" + shown(missing)
    )


@pytest.mark.parametrize("where", ["docs/troubleshooting.md", "tests/unit/no_messages.py"])
def test_every_line_is_of_a_message(where: str) -> None:
    told = lines() if where.startswith("docs") else exempt()
    rotten = [line for line in told if not any(covers(line, one) for one in messages())]
    assert not rotten, f"no message reads like these lines of {where}:\n" + "\n".join(rotten)
    assert sorted(set(told)) == sorted(told)


def test_what_is_exempt_has_no_entry() -> None:
    assert not set(map(pattern, exempt())) & set(map(pattern, lines()))
    both = [one for one in messages() if not uncovered([one], lines()) and not uncovered([one], exempt())]
    assert not both, shown(both)


def test_files_without_messages_are_there() -> None:
    assert [name for name in FILES if not (ROOT / name).is_file()] == []


def test_no_line_stands_for_many_messages() -> None:
    """Such a line would swallow the next new message."""
    for line in [*lines(), *exempt()]:
        different = {one.template for one in messages() if covers(line, one)}
        assert len(different) <= 4, f"{line}:\n" + "\n".join(sorted(different))


def test_every_entry_has_cause_and_remedy() -> None:
    for entry in documented():
        why, do = entry.prose.find("**Why:**"), entry.prose.find("**Do:**")
        assert 0 <= why < do, f"{entry.heading}: it needs a **Why:** and a **Do:** behind it"


def test_links_lead_to_headings() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    anchors = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert len(set(anchors)) == len(anchors)
    assert set(re.findall(r"\]\(#([^)]*)\)", text)) <= set(anchors)
    for name in set(re.findall(r"\]\(([^)#]+\.md)", text)):
        assert (DOCUMENT.parent / name).is_file(), name


# -- the test itself ---------------------------------------------------------------------------------------------------


def templates(source: str) -> list[str]:
    return [one.template for one in of_python(textwrap.dedent(source), "x.py")]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('raise WouldFail("the moon is %s" % phase)', ["the moon is <>"]),
        ('raise WouldFail("%s failed" % what)', ["<> failed"]),
        ('raise WouldFail(f"{what} failed")', ["<> failed"]),
        (
            'raise WouldFail("it is %d %% full; %s" % (a, "stop" if b else "go on"))',
            ["it is <> % full; stop"] * 0 + ["it is <> % full; stop", "it is <> % full; go on"],
        ),
        ("module.fail_json(msg=str(exc) + ': wrong')", ["<>: wrong"]),
        ("module.warn('late')", ["late"]),
        ("return 'the moon is down'", ["the moon is down"]),
        ("what += '; the moon is %s' % (x or 'not known')", ["the moon is <>", "the moon is not known"]),
        ("reason = ', '.join(f'{a} has moved' for a in b)", ["<> has moved"]),
        ('Pending("it" if a else "the moon to rise")', ["the moon to rise"]),
        ("display.warning('late')", ["late"]),
        ("sys.exit('late')", ["late"]),
        ("assert x, 'late'", ["late"]),
        ('raise WouldFail("late: {0}".format(x))', ["late: <>"]),
        ('x = re.sub(r"the moon", "no moon today", y)', ["no moon today"]),
        # What another interpreter runs.
        ("CODE = 'import sys\\nraise SystemExit(\"late\")'", ["late"]),
        ('x = {"msg": f"{name}: {say(\'no moon today\')}"}', ["no moon today"]),
        ('f"{a} has {b}" "moved"', ["<> has <>moved"]),
        # No messages: documentation, patterns, types, single words, what is no text.
        ('"""The moon is down."""', []),
        ('def f():\n    """The moon is down."""', []),
        ('DOCUMENTATION = "the moon is down"', []),
        ('re.compile("the moon is down")', []),
        ('t.cast("t.Dict[str, t.Any]", x)', []),
        ('mode = "threaded"', []),
        ("raise Gone(str(pid))", []),
    ],
)
def test_python_is_read(source: str, expected: list[str]) -> None:
    assert templates(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("- fail: {msg: 'no moon'}", ["no moon"]),
        ("- fail: {msg: 'late: {{ x }}'}", ["late: <>"]),
        (
            "- assert: {that: a is b, fail_msg: \"{{ 'no moon' if a else x ~ ' is late' }}; stop\"}",
            ["no moon; stop", "<> is late; stop"],
        ),
        ("- set_fact: {x: \"{{ y | default('the moon is down') }}\"}", ["the moon is down"]),
        ("- set_fact: {x: the moon is down}", ["the moon is down"]),
        ("- {fail: {msg: '{{ x }}'}, vars: {x: 'the moon is {{ y }}'}}", ["the moon is <>"]),
        ("- {fail: {msg: '{{ item.why }}'}, loop: [{why: no moon}]}", ["no moon"]),
        ("- set_fact: {x: '{% if y %}the moon is down{% endif %}'}", ["the moon is down"]),
        ('- fail: msg="late {{ x }}"', ["late <>"]),
        ("- pause: {prompt: Is the moon up}", ["Is the moon up"]),
        ("- command: echo the moon is {{ x }}", []),
        ("- {name: Look at the moon, debug: {var: x}, when: x == 'a b c'}", []),
    ],
)
def test_tasks_are_read(source: str, expected: list[str]) -> None:
    assert [one.template for one in of_yaml(source, "x.yml")] == expected


@pytest.mark.parametrize(
    ("line", "template", "expected"),
    [
        ("the moon is <phase>", "the moon is <>", True),
        ("the moon is <phase>", "the moon is full", True),
        ("the moon is <phase>", "the moon is down at last", False),
        ("the moon is <phase …>", "the moon is down at last", True),
        ("the moon is <phase>", "the moon was <>", False),
        ("the moon is <phase>; wait", "the moon is <>", False),
        ("The moon is down.", "The moon is down", True),
        ("the (moon) is a+b", "the (moon) is a+b", True),
    ],
)
def test_lines_are_compared(line: str, template: str, expected: bool) -> None:  # noqa: FBT001
    assert covers(line, Message("x.py", 1, template)) is expected


def test_a_line_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="would stand for nearly everything"):
        pattern("<what …>: <why …>")


def test_a_new_message_without_an_entry_is_found() -> None:
    source = 'def f(x):\n    """No message."""\n    raise WouldFail("the moon is %s" % x, "wait until it is up")\n'
    new = of_python(source, "plugins/module_utils/_moon.py")
    assert [(one.line, one.template, one.raised) for one in new] == [
        (3, "the moon is <>", True),
        (3, "wait until it is up", True),
    ]
    assert uncovered(new, [*lines(), *exempt()]) == new
    assert uncovered(new, ["the moon is <phase>"]) == new[1:]


def test_entries_are_read() -> None:
    document = textwrap.dedent(
        """
        # Title
        ## Moon
        ### It is down
        ```text
        the moon is <phase>

        no moon
        ```

        **Why:** It sets.

        **Do:** Wait.
        ## Without messages
        Prose.
        """
    )
    assert entries(document) == [
        Entry("It is down", ("the moon is <phase>", "no moon"), "**Why:** It sets.\n\n**Do:** Wait.")
    ]
