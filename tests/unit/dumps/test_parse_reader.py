# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test how the reader goes through a log: whole threads at once, odd lines one by one, without dropping a line."""

from __future__ import annotations

import json
import time
import typing as t
from collections import Counter

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps import parse, stack
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.parse import DumpReader, parse_dumps
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Dump, Frame
from ansible_collections.fleetops.odoo.plugins.module_utils._forms.carrier import Unwrapper
from ansible_collections.fleetops.odoo.plugins.module_utils._forms.line import head_of
from hypothesis import example, given
from hypothesis import strategies as st

from ..conftest import KINDS
from .dumped import lines
from .odd_logs import LOGS


def by_lines(text: str) -> tuple[list[Dump], list[str]]:
    """Return the dumps of a log when no piece of it is taken as a whole."""
    outside: list[str] = []
    reader = DumpReader(outside.append)
    reader.read([])
    for line in text.split("\n"):
        reader._line(line)
    return reader.dumps(), outside


def written(dump: Dump) -> t.Iterator[str]:
    """The lines of a dump, but for its first."""
    yield from dump.other
    for thread in dump.threads:
        yield thread.header
        yield from thread.other
        for frame in thread.frames:
            yield f'File: "{frame.file}", line {frame.line}, in {frame.function}'
            if frame.source is not None:
                yield frame.source


@given(LOGS, st.integers(1, 40))
def test_every_text_is_read_without_dropping_a_line(text: str, size: int) -> None:
    outside: list[str] = []
    dumps = DumpReader(outside.append).read(text[at : at + size] for at in range(0, len(text), size))
    json.dumps([dump.told() for dump in dumps], allow_nan=False)
    unwrapper = Unwrapper()
    plain = [line for _carrier, line in unwrapper.each(text.split("\n"))]
    heads = [head for line in plain for head in [head_of(line)] if head]
    heads = [head for head in heads if head.logger.endswith(".tools.misc") and not head.text.strip()]
    # A dump without a head begins with a thread or a frame.
    assert [dump.time for dump in dumps if dump.time] == [head.time for head in heads if head.time]
    assert all(any(thread.frames for thread in dump.threads) for dump in dumps if not dump.time)
    given_ = Counter(line.strip() for line in plain)
    kept = Counter(line.strip() for dump in dumps for line in written(dump)) + Counter(line.strip() for line in outside)
    del given_[""], kept[""]
    assert sum(given_.values()) == sum(kept.values()) + len(heads)
    assert not kept - given_


MIXED = """\
2026-11-24 10:30:22,111 33 INFO p19 odoo.tools.misc:
Nov 24 10:30:22 h odoo[33]: # Thread: s
# Thread: <_MainThread(MainThread, started 139765676859456)> (db:p19) (uid:n/a) (url:n/a) (qc:n/a qt:n/a pt:n/a)
2026-11-24 10:30:16,444 46 INFO p19 odoo.http: something else"""


@example(MIXED)
@given(LOGS)
def test_taking_threads_as_a_whole_changes_nothing(text: str) -> None:
    outside: list[str] = []
    reader = DumpReader(outside.append)
    assert (reader.read([text]), outside) == by_lines(text)
    outside.clear()
    # What it remembers from before changes nothing either.
    assert (reader.read([text]), outside) == by_lines(text)


HEAD = "2026-11-24 10:30:21,608 34 INFO p19 odoo.tools.misc: "
RECORD = "2026-11-24 10:30:22,111 7 INFO ? odoo.http: something else"
USUAL = "# Thread: <T> (db:n/a) (uid:n/a) (url:n/a)"


def one_thread(*below: str) -> tuple[tuple[Frame, ...], tuple[str, ...]]:
    """Frames and other lines of the only thread of the only dump, which has these lines below its header."""
    # With its end the last line is not read apart from the others.
    found = [DumpReader().read(["\n".join([HEAD, USUAL, *below, ""])]), parse_dumps([HEAD, USUAL, *below])]
    assert found[0] == found[1]
    ((thread,),) = (dump.threads for dump in found[0])
    return thread.frames, thread.other


A, B, C = 'File: "a", line 1, in f', 'File: "b", line 2, in g ', 'File: "c", line 3, in h'


@pytest.mark.parametrize(
    ("below", "frames", "other"),
    [
        ([A, "  code ", B], (Frame("a", 1, "f", "code"), Frame("b", 2, "g")), ()),
        (["  code", A], (Frame("a", 1, "f"),), ("  code",)),
        ([A, "  code", "  more"], (Frame("a", 1, "f", "code"),), ("  more",)),
        ([A, "code "], (Frame("a", 1, "f"),), ("code ",)),
        # A paste that has lost its blanks.
        ([A, "code ", B, "more"], (Frame("a", 1, "f", "code"), Frame("b", 2, "g", "more")), ()),
        ([A + "\r", "  code\r", "~ odd\r"], (Frame("a", 1, "f", "code"),), ("~ odd",)),
        ([A, "  code\x1b[0m"], (Frame("a", 1, "f", "code"),), ()),
        (["  odd\r", A], (Frame("a", 1, "f"),), ("  odd",)),
        ([A, "# remark"], (Frame("a", 1, "f"),), ("# remark",)),
        ([A, "  call(X"], (Frame("a", 1, "f", "call(X"),), ()),
        # Another record, and after it what can be of nothing but a dump.
        (
            [A, RECORD, B, C, "  code", "  not ours"],
            (Frame("a", 1, "f"), Frame("b", 2, "g"), Frame("c", 3, "h", "code")),
            (),
        ),
        # The next record as something else carries it.
        ([A, f"Nov 24 10:30:22 h odoo[7]: {RECORD}"], (Frame("a", 1, "f"),), ()),
    ],
)
def test_lines_below_a_thread(below: list[str], frames: tuple[Frame, ...], other: tuple[str, ...]) -> None:
    assert one_thread(*below) == (frames, other)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[t.Any]]:
    """Count the work of a reader: lines read one by one, stacks made, texts parsed."""
    done: dict[str, list[t.Any]] = {"lines": [], "stacks": [], "texts": []}

    def noting(kind: str, made: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
        def noted(*arguments: t.Any) -> t.Any:
            done[kind].append(arguments[-1])
            return made(*arguments)

        return noted

    monkeypatch.setattr(DumpReader, "_line", noting("lines", DumpReader._line))
    monkeypatch.setattr(DumpReader, "_parsed", noting("texts", DumpReader._parsed))
    monkeypatch.setattr(parse, "stack_of", noting("stacks", stack.stack_of))
    return done


@pytest.mark.parametrize("kind", KINDS)
def test_a_thread_is_taken_as_a_whole_and_read_once(kind: str, read: dict[str, list[t.Any]]) -> None:
    reader, text = DumpReader(), "".join(f"{line}\n" for line in lines(kind))
    found = reader.read([text])
    assert [line for line in read["lines"] if line.startswith(("# ", 'File: "', "  "))] == []
    assert len(read["texts"]) == len(set(read["texts"]))
    for kept in read.values():
        kept.clear()
    assert reader.read([text]) == found
    assert (read["stacks"], read["texts"]) == ([], [])


def test_the_same_stack_of_several_threads_is_parsed_once(read: dict[str, list[t.Any]]) -> None:
    (dump,) = DumpReader().read([f"{HEAD}\n{USUAL}\n{A}\n{USUAL.replace('<T>', '<U>')}\n{A}\n{RECORD}\n"])
    assert [(thread.name, thread.frames) for thread in dump.threads] == [
        (n, (Frame("a", 1, "f"),)) for n in ("<T>", "<U>")
    ]
    assert read["texts"] == [A]


def test_a_header_as_it_mostly_is_takes_one_pattern(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "_unusual", pytest.fail)
    assert [dump.threads[0].name for dump in parse_dumps([HEAD, USUAL])] == ["<T>"]


@pytest.mark.parametrize("whole", [True, False])
def test_a_thread_behind_another_record_is_of_the_dump(*, whole: bool) -> None:
    outside: list[str] = []
    text = f"{HEAD}\n{USUAL}\n{A}\n{RECORD}\n  not below a frame\n{USUAL}\n  nor this\n{B}\n"
    (dump,) = DumpReader(outside.append).read([text] if whole else text.splitlines(keepends=True))
    assert [thread.frames for thread in dump.threads] == [(Frame("a", 1, "f"),), (Frame("b", 2, "g"),)]
    assert [thread.other for thread in dump.threads] == [(), ()]
    assert outside == [RECORD, "  not below a frame", "  nor this"]


@pytest.mark.parametrize("odd", [["# remark"], [USUAL, "~ odd"]])
def test_what_is_read_line_by_line_is_only_what_is_odd(odd: list[str], read: dict[str, list[t.Any]]) -> None:
    text = "\n".join([HEAD, *odd, USUAL, A, "  code", ""])
    (dump,) = DumpReader().read([text])
    assert dump.threads[-1].frames == (Frame("a", 1, "f", "code"),)
    assert read["lines"] == [HEAD, *odd, ""]


def test_an_odd_thread_that_was_read_before_is_taken_as_a_whole(read: dict[str, list[t.Any]]) -> None:
    odd = [USUAL, A, "~ odd"]
    (dump,) = DumpReader().read(["\n".join([HEAD, *odd * 4, USUAL, ""])])
    assert [thread.other for thread in dump.threads] == [("~ odd",)] * 4 + [()]
    # It is known as soon as the next one has begun.
    assert read["lines"] == [HEAD, *odd * 2, ""]


def test_a_coloured_header() -> None:
    (dump,) = DumpReader().read([f"{HEAD}\n# Thread: \x1b[1m<T>\x1b[0m (db:x) (uid:1) (url:/)\n{A}\n{USUAL}\n"])
    assert [(thread.name, thread.db) for thread in dump.threads] == [("<T>", "x"), ("<T>", None)]


def test_a_greenlet_and_a_thread_without_a_stack_are_taken_as_a_whole(read: dict[str, list[t.Any]]) -> None:
    text = f"{HEAD}\n# Greenlet: <Hub>\n{A}\n  code\n{USUAL}\n# Greenlet: <G>\n"
    (dump,) = DumpReader().read([text])
    assert [(thread.name, len(thread.frames)) for thread in dump.threads] == [("<Hub>", 1), ("<T>", 0), ("<G>", 0)]
    assert read["lines"] == [HEAD, ""]


def test_hours_without_a_dump_are_passed_over(read: dict[str, list[t.Any]]) -> None:
    outside: list[str] = []
    quiet = [f"{RECORD} {n}" for n in range(100)]
    reader = DumpReader(outside.append)
    assert reader.read(["\n".join([*quiet, ""])]) == []
    assert outside == quiet
    assert read["lines"] == [quiet[0], ""]
    outside.clear()
    read["lines"].clear()
    log = [*quiet, HEAD, USUAL, A, *quiet, HEAD, ""]
    first, second = reader.read(["\n".join(log)])
    assert ([len(thread.frames) for thread in first.threads], second.threads) == ([1], ())
    assert outside == [*quiet, *quiet]
    # The first of a piece, and what may belong to a dump.
    assert read["lines"] == [quiet[0], HEAD, quiet[0], HEAD, ""]


def test_what_is_remembered_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "_REMEMBERED", 2)
    log = [HEAD]
    for n in range(5):
        log += [f"# Thread: <T{n}> (db:x) (uid:1) (url:/)", f'File: "a{n}", line 1, in f']
    reader = DumpReader()
    (dump,) = reader.read(["\n".join(log)])
    assert [(thread.name, thread.frames[0].file) for thread in dump.threads] == [(f"<T{n}>", f"a{n}") for n in range(5)]
    assert max(len(reader._stacks), len(reader._bodies), len(reader._frames)) <= 2


def test_a_thread_has_so_many_lines_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "_LONGEST", 3)
    outside: list[str] = []
    (dump,) = DumpReader(outside.append).read([f"{HEAD}\n{USUAL}\na\nb\nc\nd\ne"])
    assert (dump.threads[0].other, outside) == (("a", "b", "c"), ["d", "e"])


@pytest.mark.parametrize(
    ("behind", "code", "left"),
    [
        # What stands below a frame behind another record is its source, but for what cannot be.
        (["  code"], "code", []),
        (["code"], None, ["code"]),
        ([" code"], None, [" code"]),
        (["  ", "  code"], None, ["  code"]),
    ],
)
def test_the_source_of_a_frame_behind_another_record(behind: list[str], code: str | None, left: list[str]) -> None:
    outside: list[str] = []
    (dump,) = DumpReader(outside.append).read(["\n".join([HEAD, USUAL, A, RECORD, "  no code", B, *behind])])
    assert dump.threads[0].frames == (Frame("a", 1, "f"), Frame("b", 2, "g", code))
    assert (dump.threads[0].other, outside) == ((), [RECORD, "  no code", *left])


def test_a_frame_without_a_thread_before_it_belongs_to_no_dump() -> None:
    outside: list[str] = []
    (dump,) = DumpReader(outside.append).read([f"{HEAD}\n{RECORD}\n{A}\n  code"])
    assert (dump.threads, dump.other, outside) == ((), (), [RECORD, A, "  code"])


def test_a_dump_names_the_database_of_its_record() -> None:
    (dump,) = parse_dumps([HEAD, USUAL])
    assert (dump.pid, dump.database) == (34, "p19")


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_lines_in_a_dump_are_kept(kind: str) -> None:
    plain = lines(kind)
    at = plain.index(next(line for line in plain if line.startswith("# ")))
    dump = parse_dumps([*plain[:at], "above", *plain[at : at + 3], "~ below", *plain[at + 3 :]])[0]
    assert (dump.other, dump.threads[0].other) == (("above",), ("~ below",))
    assert dump.threads[0].frames == parse_dumps(plain)[0].threads[0].frames


def cpu(text: str) -> float:
    """Seconds that reading takes, the best of three."""
    spent = []
    for _try in range(3):
        begin = time.process_time()
        DumpReader().read([text])
        spent.append(time.process_time() - begin)
    return min(spent)


@pytest.mark.parametrize(
    "piece",
    [
        "\n".join(lines("19-prefork")),
        "\n".join("Nov 24 10:30:22 p19 odoo[7]: " + line for line in lines("14-prefork")),
        "# Thread: <T> (db:x" * 50,
        " (qc:1 qt:2" * 50,
        'File: "a", line ' * 50,
        "a" * 500,
        "\n# ",
        "2026-11-24 10:30:21,608 34 INFO ? odoo.tools.misc: \n# \nFile: \n",
        '{"MESSAGE": [',
    ],
)
@pytest.mark.parametrize("end", ["\n", ""])
def test_time_grows_with_the_log_and_no_faster(piece: str, end: str) -> None:
    piece, head = piece + end, "2026-11-24 10:30:21,608 34 INFO ? odoo.tools.misc: \n# Thread: "
    few = max(1, 200_000 // len(piece))
    assert cpu(head + piece * few * 8) < 30 * cpu(head + piece * few) + 0.05
