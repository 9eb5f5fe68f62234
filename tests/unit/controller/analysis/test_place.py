# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Test the place of a stack, and what it waits for, from its frames."""

from __future__ import annotations

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.parse import parse_dumps
from ansible_collections.fleetops.odoo.plugins.module_utils._dumps.stack import Frame, Stack
from ansible_collections.fleetops.odoo.plugins.plugin_utils._analysis.place import module_of, place_of, short, shown

from ...conftest import KINDS
from ...dumps.dumped import lines

OWN = "/usr/lib/python3/dist-packages/odoo"


HEAD = [Frame(f"{OWN}/http.py", 1, "run_wsgi"), Frame("/srv/addons/shop/controllers/cart.py", 7, "pay", "x = call()")]


def at(*frames: tuple[str, str, str]) -> Stack:
    return Stack("<T>", frames=(*HEAD, *[Frame(file, 1, function, source) for file, function, source in frames]))


LIB = "/usr/lib/python3.11"


SITE = "/opt/venv/lib/python3.12/site-packages"


@pytest.mark.parametrize(
    ("frames", "wait", "through"),
    [
        ([(f"{OWN}/sql_db.py", "execute", "res = self._obj.execute(query, params)")], "postgresql", None),
        ([(f"{OWN}/sql_db.py", "commit", "result = self._cnx.commit()")], "postgresql", None),
        ([(f"{OWN}/sql_db.py", "borrow", "with self._lock:")], "python lock", None),
        ([(f"{SITE}/psycopg2/__init__.py", "connect", "conn = _connect(dsn)")], "postgresql", None),
        (
            [(f"{OWN}/models.py", "flush", "x"), (f"{OWN}/sql_db.py", "execute", "_obj.execute()")],
            "postgresql write",
            None,
        ),
        ([("/x/pool.py", "get", "with cls._lock:")], "python lock", None),
        ([(f"{OWN}/tools/func.py", "locked", "inst._lock.acquire()")], "python lock", None),
        ([(f"{LIB}/threading.py", "wait", "waiter.acquire()")], "python lock", None),
        ([(f"{LIB}/queue.py", "get", "self.not_empty.wait()")], "python lock", None),
        (
            [(f"{SITE}/urllib3/connection.py", "f", "x"), (f"{LIB}/socket.py", "readinto", "x")],
            "remote",
            "urllib3",
        ),
        ([(f"{LIB}/smtplib.py", "getreply", "x"), (f"{LIB}/socket.py", "readinto", "x")], "remote", "smtplib"),
        ([(f"{LIB}/http/client.py", "begin", "x"), (f"{LIB}/ssl.py", "read", "x")], "remote", "http.client"),
        ([(f"{LIB}/socket.py", "create_connection", "sock.connect(sa)")], "remote", None),
        ([(f"{SITE}/werkzeug/wsgi.py", "read", "x"), (f"{LIB}/socket.py", "readinto", "x")], "client", None),
        ([(f"{LIB}/subprocess.py", "communicate", "x")], "program", None),
        ([("/x.py", "f", "time.sleep(3)")], "sleep", None),
        ([("/x.py", "f", "return sum(x)")], "python", None),
        (
            [(f"{OWN}/addons/bus/websocket.py", "get_messages", "x"), (f"{LIB}/selectors.py", "select", "x")],
            "messages",
            None,
        ),
    ],
)
def test_the_innermost_frames_tell_what_is_waited_for(
    frames: list[tuple[str, str, str]], wait: str, through: str | None
) -> None:
    place = place_of(at(*frames))
    assert (place.wait, place.through) == (wait, through)


def test_a_worker_that_waits_for_a_request_to_come_waits_for_its_client() -> None:
    frames = [(f"{OWN}/service/server.py", "process_request"), (f"{LIB}/http/server.py", "handle_one_request")]
    stack = Stack(
        "<T>", frames=tuple(Frame(*one) for one in [(f, 1, n) for f, n in [*frames, (f"{LIB}/socket.py", "readinto")]])
    )
    assert (stack.work, place_of(stack).wait) == ("http", "client")


def test_the_place_is_the_innermost_frame_of_an_addon() -> None:
    place = place_of(at(("/srv/addons/sale/models/sale.py", "confirm", "x"), (f"{OWN}/models.py", "write", "y")))
    assert (place.module, place.frame and place.frame.function, place.entry) == ("sale", "confirm", "shop.pay")
    assert place.name == "sale.confirm (sale/models/sale.py:1)"


@pytest.mark.parametrize(
    ("file", "module"),
    [
        ("/srv/addons/shop/models/a.py", "shop"),
        (f"{OWN}/addons/base/models/ir_http.py", "base"),
        ("/opt/custom/shop/models/a.py", "shop"),
        ("/opt/custom/shop/lib/a.py", None),
        (f"{SITE}/thing/models/a.py", None),
        (f"{LIB}/socket.py", None),
    ],
)
def test_module_of_a_file(file: str, module: str | None) -> None:
    assert module_of(file) == module
    assert module_of("/opt/custom/shop/lib/a.py", ("/opt/custom/",)) == "shop"


def test_paths_are_shown_from_their_module_or_library_on() -> None:
    assert short(f"{OWN}/sql_db.py") == "odoo/sql_db.py"
    assert short("/srv/addons/shop/models/a.py") == "shop/models/a.py"
    assert short(f"{LIB}/socket.py") == "socket.py"
    assert short("/x.py") == "/x.py"


def test_a_frame_is_shown_in_one_line_without_secrets() -> None:
    assert shown(Frame("/srv/addons/shop/models/a.py", 7, "pay")) == "shop/models/a.py:7 pay"
    line = shown(Frame("/srv/addons/shop/models/a.py", 7, "pay", "password = 'S3cret'"))
    assert line.startswith("shop/models/a.py:7 pay: password = ")
    assert "S3cret" not in line


def test_an_empty_stack_is_at_no_place_and_runs_python() -> None:
    place = place_of(Stack("<T>"))
    assert (place.name, place.key, place.wait) == ("an empty stack", ("python", "", ""), "python")


def test_without_an_addon_the_place_is_the_innermost_frame_of_odoo() -> None:
    place = place_of(Stack("<T>", frames=(Frame(f"{OWN}/models.py", 3, "read"), Frame(f"{LIB}/socket.py", 4, "recv"))))
    assert (place.module, place.name) == (None, "read (odoo/models.py:3)")
    only = place_of(Stack("<T>", frames=(Frame(f"{LIB}/socket.py", 4, "recv"),)))
    assert only.name == "recv (socket.py:4)"


def test_frames_of_the_server_and_of_the_dump_itself_are_left_out() -> None:
    stack = at(("/srv/addons/sale/models/sale.py", "confirm", "x"), (f"{OWN}/tools/misc.py", "dumpstacks", "y"))
    assert [frame.function for frame in place_of(stack).frames] == ["pay", "confirm"]


def test_a_cron_job_begins_in_ir_cron() -> None:
    cron = Frame(f"{OWN}/addons/base/models/ir_cron.py", 5, "_process_job")
    stack = Stack(
        "<T>", frames=(Frame(f"{OWN}/service/server.py", 1, "run"), cron, Frame("/x/addons/a/models/b.py", 2, "f"))
    )
    place = place_of(stack)
    assert [frame.function for frame in place.frames] == ["_process_job", "f"]
    # ir_cron.py is the dispatcher of every job, so it is not an entry.
    assert (place.module, place.entry) == ("a", None)


@pytest.mark.parametrize(
    ("source", "wait"),
    [
        ("cr.execute('SELECT 1 FOR UPDATE')", "postgresql write"),
        ("cr.execute('select 1 for no key update')", "postgresql write"),
        ("cr.execute('UPDATE \"sale_order\" SET x = 1')", "postgresql write"),
        ("cr.execute('INSERT INTO a VALUES (1)')", "postgresql write"),
        ("cr.execute('LOCK TABLE a')", "postgresql write"),
        ("cr.execute('SELECT updated FROM a')", "postgresql"),
    ],
)
def test_a_statement_in_the_code_tells_a_write(source: str, wait: str) -> None:
    stack = at(
        ("/srv/addons/sale/models/sale.py", "confirm", source),
        (f"{OWN}/sql_db.py", "execute", "res = self._obj.execute(query, params)"),
    )
    assert place_of(stack).wait == wait


@pytest.mark.parametrize("kind", KINDS)
def test_every_captured_thread_at_work_has_a_known_wait(kind: str) -> None:
    for dump in parse_dumps(lines(kind)):
        for thread in dump.threads:
            place = place_of(thread)
            assert place.name
            if thread.work:
                assert (place.wait, place.module) == ("sleep", "lab_slow")
