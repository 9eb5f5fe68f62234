# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find words that readers stumble over, and print what to write instead.

The check reads docstrings, comments, names of tests, texts of plugins, names and descriptions in YAML, guides and
templates. It does not read code: ``x is none`` in a Jinja expression is correct. ``tests/lint`` runs it. Call it with
paths to check these files only.

A name, a process, a server and a host are things, so ``it`` or their names stand for them, never ``him`` or ``who``.
"""

from __future__ import annotations

import bisect
import io
import pathlib
import re
import subprocess
import sys
import tokenize
import typing as t
from dataclasses import dataclass

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]

#: What to avoid, and what to write instead. A blank in a pattern also matches a line break with a comment sign.
PATTERNS: dict[str, tuple[str, str]] = {
    "right is": (r"\bright (is|are)\b", "'OPTION must be ..., got VALUE'"),
    "is no": (
        r"(?<!\bthere\s)\b(is|are|was|were) no(?! longer| more)\b(?=\s\w)",
        "'is not a ...', or say what it is",
    ),
    "is none": (r"(?<!\bthere\s)\b(is|are|was|were) (?-i:none)\b", "'does not exist', 'has no ...', or 'is not a ...'"),
    "person": (
        r"\b(whoever|whomever|whom|nobody|somebody|someone|anybody|no one|him|himself|his|he|she|her)\b",
        "the process, host, program or user by its name; 'they' for a person",
    ),
    "whatever": (r"\b(whatever|whichever)\b", "'every', 'any', or name the thing"),
    "who clause": (
        r"(^|[.;:]\s)who\b(?![^.]*\?)|\bwho is who\b|\bfor who\b|\bby who\b",
        "'Users that ...' or name the process: begin the sentence with its subject",
    ),
    "clause first": (
        r"(^|\.\s|^\S{1,3}\s)(So (is|are|does|do|has|have|can|was)|Nor (is|are|does|do|has|have|can|may)) ",
        "the usual order of words: '... also ...', '... does not ... either'",
    ),
    "said": (
        r"\b(it|which) (is|was) (said|told)\b|\bunless it is said\b|\bis said (why|what|that|of|so)\b",
        "say which program reports it, and where",
    ),
    "goes well": (r"\b(goes|go|went|going) well\b", "'succeeds', 'is healthy'"),
    "comes through": (r"\b(comes?|came|coming) through\b", "'survives', 'succeeds'"),
    "lets go": (r"\b(lets?|letting) go of\b", "'releases', 'closes'"),
    "speaks": (
        r"\b(speaks?|spoken?|speaking) (up|against|for|of)\b",
        "'prevents', 'reports', 'names'",
    ),
    "is lost": (
        r"\b(host|server|master|worker|process|roll|it)s? (is|are|was|were) lost\b",
        "'cannot be reached', 'has ended', 'failed'",
    ),
    "put right": (r"\b(is|are|was|were) (put|set) right\b", "'corrected'"),
    "without a word": (r"\bwithout a word\b|\bword by word\b|\bhas the last word\b", "'without a message'"),
    "bears": (r"\b(is|are) borne\b|\bbears? with\b|\bis at a loss\b", "'is ignored', 'is accepted'"),
    "need not": (r"\bneed not\b", "'does not have to', 'does not need'"),
    "is to": (r"\b(is|are) to be\b", "'must be', 'will be'"),
    "let it": (r"\bsee(s|ing)? to it\b|\bof no avail\b|\bto no avail\b|\bin vain\b", "'makes sure', 'without effect'"),
    "waited for": (
        r"\b(is|are|was|were|be|been)( not| also)? waited for\b",
        "'the module waits for ...': name the program that waits",
    ),
    "to its end": (r"\b(come|comes|came) to (its|an|their) end\b", "'has ended', 'is finished'"),
    "nevertheless": (r"\ball the same\b", "'nevertheless'"),
    "anew": (r"\banew\b", "'again'"),
    "takes away": (r"\b(take|takes|taken|took|taking) away\b", "'removes'"),
    "since": (r", since (it|they|a|no|nothing|there)\b", "'because'; 'since' is for times"),
    "and so": (
        r", (and so|nor) (is|are|does|do|has|have|can|was|did)\b",
        "the usual order of words: '... also ...', '... does not ... either'",
    ),
    "asked for": (r"\b(it|that|what) (is|was) asked for\b", "'was requested', 'was wanted'"),
    "docstring": (
        (
            r"^\s*[rRuU]?\"\"\"((What|Whether|Who|Whose|Whom|How|Why|Where|Which|When|That)\b(?![^.\n]*\?)"
            r"|(It|Its|They|Have|Go on)\b)"
        ),
        "the imperative: 'Return ...', 'Check whether ...', 'Test that ...'",
    ),
}

#: Of which files a pattern is accepted, and why. A pattern, a path, a part of the line.
EXCEPTIONS: tuple[tuple[str, str, str, str], ...] = (
    ("person", "tests/fresh/clutter", "nobody", "the user nobody in configurations"),
    ("person", "tests/unit/rehearsal/rehearsed.py", "the user nobody", "its name"),
    ("takes away", "tests/lab/labkit/source_builder.py", "Take away", "each change of the file builds all images anew"),
)

#: Generated, licences, and captures of programs that are not ours.
_NOT_OURS = re.compile(
    r"^(docs/(reference/|troubleshooting\.md)|LICENSES/|COPYING|CODE_OF_CONDUCT|CHANGELOG|changelogs/changelog\.yaml"
    r"|tests/unit/captures/|tests/words\.py|tests/unit/project/test_words\.py)"
)
_TEXTS = (".md", ".j2", ".js", ".css", ".sh", ".in", ".toml")
_YAML = (".yml", ".yaml")
#: Keys of YAML whose values are read by people.
_PROSE = frozenset(
    ["name", "description", "short_description", "long_description", "notes", "msg", "fail_msg", "success_msg"]
    + ["title", "requirements", "question_name", "question_description", "help", "why", "seealso", "author"]
)
#: Patterns that the name of a test may have: it is short, and the test itself names the program that waits or removes.
_SENTENCES_ONLY = frozenset(
    ["who clause", "waited for", "to its end", "nevertheless", "anew", "takes away", "asked for"],
)
_FLAGS = re.IGNORECASE | re.MULTILINE


def _spaced(pattern: str) -> str:
    """Return a pattern whose blanks also match a line break inside a comment or a text."""
    return pattern.replace(" ", r"(?: | ?\n *(?:#:? )?)")


COMPILED = {name: re.compile(_spaced(pattern), _FLAGS) for name, (pattern, _instead) in PATTERNS.items()}


@dataclass(frozen=True)
class Finding:
    """A pattern that was found at a line of a file."""

    path: str
    line: int
    pattern: str
    text: str

    def __str__(self) -> str:
        instead = PATTERNS[self.pattern][1]
        return f"{self.path}:{self.line}: [{self.pattern}] {self.text!r}: write {instead}"


Spans = list[tuple[int, int]]


def check(path: str, text: str) -> list[Finding]:
    """Return the findings in a file.

    :param path: path below the root of the collection; its ending and its folder say which parts of it are prose.
    """
    found: list[Finding] = []
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    spans: Spans | None = None
    for name, pattern in COMPILED.items():
        for match in pattern.finditer(text):
            spans = _prose(path, text) if spans is None else spans
            begin = match.end() - 1
            if not any(first <= begin < last for first, last in spans):
                continue
            line = bisect.bisect_right(starts, begin)
            whole = text[starts[line - 1] :].partition("\n")[0]
            if not any(
                name == one and path.startswith(where) and part in whole for one, where, part, _why in EXCEPTIONS
            ):
                found.append(Finding(path, line, name, " ".join(match.group().split())))
    if path.startswith("tests/") and path.endswith(".py"):
        found += _names_of_tests(path, text)
    return sorted(found, key=lambda one: one.line)


def _names_of_tests(path: str, text: str) -> list[Finding]:
    """Return the findings in the names of test functions."""
    found = []
    for match in re.finditer(r"^ *(?:async )?def test_(\w+)", text, re.MULTILINE):
        words = match.group(1).replace("_", " ")
        for name, pattern in COMPILED.items():
            hit = pattern.search(words)
            if hit and name not in _SENTENCES_ONLY:
                line = text.count("\n", 0, match.start()) + 1
                found.append(Finding(path, line, name, f"test_{match.group(1)}"))
    return found


def _prose(path: str, text: str) -> Spans:
    """Return the parts of a file that people read as sentences, as offsets of characters."""
    if path.endswith(".py") or (text.startswith("#!") and "python" in text[:40]):
        return _prose_of_python(text, texts=path.startswith(("plugins/", "extensions/")))
    if path.endswith(_YAML):
        return _prose_of_yaml(text)
    if path.endswith(".md"):
        return _outside(text, r"^ *```.*?^ *```|`[^`\n]+`|^    .*?$")
    if path.endswith(".j2"):
        return _outside(text, r"\{\{.*?\}\}|\{%.*?%\}")
    return [(0, len(text))]


def _outside(text: str, pattern: str) -> Spans:
    """Return the parts of a text that a pattern does not match."""
    spans, begin = [], 0
    for match in re.finditer(pattern, text, re.MULTILINE | re.DOTALL):
        spans.append((begin, match.start()))
        begin = match.end()
    return [*spans, (begin, len(text))]


def _prose_of_python(text: str, *, texts: bool) -> Spans:
    """Return docstrings and comments, and with ``texts`` every text that has a blank."""
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    spans, before = [], tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        stands_alone = before in (tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
        literal = token.type == tokenize.STRING or tokenize.tok_name[token.type] == "FSTRING_MIDDLE"
        if token.type == tokenize.COMMENT or (literal and (stands_alone or (texts and " " in token.string))):
            spans.append(
                (starts[token.start[0] - 1] + token.start[1], starts[token.end[0] - 1] + token.end[1]),
            )
        if token.type not in (tokenize.COMMENT, tokenize.NL):
            before = token.type
    return spans


def _prose_of_yaml(text: str) -> Spans:
    """Return comments, and the values of the keys that people read."""
    spans = [match.span() for match in re.finditer(r"(?:^|(?<=\s))#.*$", text, re.MULTILINE)]
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for document in yaml.compose_all(text, Loader=loader):
        spans += _values(document, read=False)
    expressions = [match.span() for match in re.finditer(r"\{\{.*?\}\}|\{%.*?%\}", text, re.DOTALL)]
    for first, last in expressions:
        spans = [
            part
            for begin, end in spans
            for part in ([(begin, first), (last, end)] if begin <= first and last <= end else [(begin, end)])
            if part[0] < part[1]
        ]
    return spans


def _values(node: yaml.Node | None, *, read: bool) -> Spans:
    """Return where the values stand that people read, below a node of YAML."""
    if isinstance(node, yaml.ScalarNode):
        return [(node.start_mark.index, node.end_mark.index)] if read else []
    if isinstance(node, yaml.SequenceNode):
        return [span for one in node.value for span in _values(one, read=read)]
    if isinstance(node, yaml.MappingNode):
        return [span for key, value in node.value for span in _values(value, read=str(key.value) in _PROSE)]
    return []


def files(root: pathlib.Path = ROOT) -> list[str]:
    """Return the files of the checkout that have prose of ours, as paths below its root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.split("\n")
    return [path for path in sorted(filter(None, listed)) if not _NOT_OURS.match(path) and (root / path).is_file()]


def _readable(path: str, raw: bytes) -> bool:
    """Return whether a file has prose: by its ending, or as a script or a Makefile."""
    name = path.rpartition("/")[2]
    return path.endswith((".py", *_TEXTS, *_YAML)) or name == "Makefile" or ("." not in name and raw.startswith(b"#!"))


def main(arguments: t.Sequence[str]) -> int:
    """Check the given files, or all of the checkout, and print the findings."""
    everything = list(arguments) or files()
    findings = []
    for path in everything:
        raw = (ROOT / path).read_bytes()
        if _readable(path, raw):
            findings += check(path, raw.decode("utf-8"))
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
