# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The request that tells whether a server is well, against a server that answers what a test wants."""

from __future__ import annotations

import contextlib
import dataclasses
import http.server
import socket
import threading
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.options import Options
from ansible_collections.fleetops.odoo.plugins.module_utils._server import health as _health
from ansible_collections.fleetops.odoo.plugins.module_utils._server.health import (
    HealthCheck,
    check_health,
    is_not_accepted,
    target,
)

from .. import build
from ..dripping import dripping

Answers = t.Dict[str, int]
INSTANCE = build.instance(build.prefork())


def listening(*ends: tuple[str, int]) -> t.Any:
    """An instance that listens there."""
    return dataclasses.replace(INSTANCE, listening=ends)


@contextlib.contextmanager
def serving(answers: Answers, place: str = "") -> t.Iterator[tuple[int, list[tuple[str, str]]]]:
    """A server on a port of 127.0.0.1, and what it was asked: paths, and hosts in the headers."""
    asked: list[tuple[str, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Host"]))
            self.send_response(answers.get(self.path, 404))
            self.send_header("Location", place)
            self.end_headers()

        def log_message(self, *_arguments: t.Any) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1], asked
        finally:
            server.shutdown()
            thread.join()


WELL = {"/web/health": 200, "/web/login": 200}


@pytest.mark.parametrize(
    ("version", "answers", "paths"),
    [
        ("19.0", WELL, ["/web/health"]),
        ("15.0", WELL, ["/web/health"]),
        ("14.0", WELL, ["/web/login"]),
        (None, WELL, ["/web/health"]),
        # Of an unknown version that does not know the address: it may be an old one.
        (None, {"/web/login": 200}, ["/web/health", "/web/login"]),
    ],
)
def test_what_a_server_is_asked_for(version: str | None, answers: Answers, paths: list[str]) -> None:
    with serving(answers) as (port, asked):
        assert check_health(HealthCheck(), listening(("0.0.0.0", port)), build.options(http_port=port), version) is None
    assert asked == [(path, "localhost") for path in paths]


def test_as_told() -> None:
    with serving({"/up": 204}) as (port, asked):
        check = HealthCheck("/up", port, "127.0.0.1", "shop.example.com", (200, 204))
        assert check_health(check, INSTANCE, build.options(), "19.0") is None
    assert asked == [("/up", "shop.example.com")]


def test_what_is_not_well_is_told() -> None:
    with serving({"/web/health": 503}) as (port, _asked):
        here = listening(("127.0.0.1", port))
        url = f"http://127.0.0.1:{port}"
        assert check_health(HealthCheck(status=(200, 204)), here, build.options(), "19.0") == (
            f"{url}/web/health answers 503 instead of 200 or 204"
        )
        missing = check_health(HealthCheck("/none"), listening(("127.0.0.1", port)), build.options(), None)
        assert missing == f"{url}/none answers 404 instead of 200"


@pytest.mark.parametrize(
    ("place", "check", "well"),
    [
        ("/web/database/selector", HealthCheck(), True),
        ("https://odoo.example.com/web/database/selector?x=1", HealthCheck(), True),
        ("/web/database/selector", HealthCheck("/web/login"), False),
        ("/maintenance", HealthCheck(), False),
    ],
)
def test_a_server_that_asks_for_a_choice_of_databases_serves(place: str, check: HealthCheck, *, well: bool) -> None:
    with serving({"/web/login": 303}, place) as (port, _asked):
        answer = check_health(check, listening(("127.0.0.1", port)), build.options(http_port=port), "14.0")
    assert (answer is None) == well
    assert is_not_accepted(answer) != well


@pytest.mark.parametrize(
    ("answer", "hopeless"),
    [
        (None, False),
        ("ok", False),
        ("http://x/ answers 404 instead of 200", True),
        ("http://x/ answers 308 instead of 200 or 204", True),
        ("http://x/ answers 429 instead of 200", False),
        ("http://x/ answers 408 instead of 200", False),
        ("http://x/ answers 500 instead of 200", False),
        ("http://x/ does not answer (refused)", False),
    ],
)
def test_answers_that_no_reload_mends(answer: str | None, *, hopeless: bool) -> None:
    assert is_not_accepted(answer) == hopeless


def test_silence_is_told() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        said = check_health(HealthCheck(), listening(("127.0.0.1", port)), build.options(), "19.0")
    assert said is not None
    assert said.startswith(f"http://127.0.0.1:{port}/web/health does not answer (")
    assert "refused" in said


@pytest.mark.parametrize("begin", [b"", b"HTTP/1.1 "])
def test_an_answer_that_is_not_whole_in_time_is_a_timeout_and_not_the_servers_end(begin: bytes) -> None:
    with dripping(begin) as port:
        said = check_health(HealthCheck(timeout=0.5), listening(("127.0.0.1", port)), build.options(), "19.0")
    assert said is not None
    assert "timed out after 0.5 s" in said


@pytest.mark.parametrize(
    "check",
    [
        HealthCheck("/wéb", 1, "127.0.0.1"),
        HealthCheck("/web health", 1, "127.0.0.1"),
        HealthCheck(port=1, address="127.0.0.1", host="a\nb"),
        HealthCheck(port=1, address="a" * 64 + ".example"),
    ],
)
def test_a_request_that_cannot_be_made_is_unhealthy(check: HealthCheck) -> None:
    said = check_health(check, INSTANCE, build.options(), "19.0")
    assert said is not None
    assert " does not answer (" in said


def test_a_network_that_cannot_be_entered_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: t.Any) -> t.NoReturn:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(_health, "network_of", refuse)
    said = check_health(HealthCheck(), INSTANCE, build.options(), "19.0")
    assert said == "its network cannot be entered (Operation not permitted)"
    # With an address it is asked from where we are.
    with serving(WELL) as (port, _asked):
        assert check_health(HealthCheck(address="127.0.0.1", port=port), INSTANCE, build.options(), "19.0") is None


TWO = (("10.0.0.1", 8069), ("10.0.0.2", 8069))


@pytest.mark.parametrize(
    ("check", "heard", "options", "expected"),
    [
        (HealthCheck(), (("0.0.0.0", 8069),), build.options(), ("127.0.0.1", 8069)),
        (HealthCheck(), (("::", 8069),), build.options(), ("::1", 8069)),
        (HealthCheck(), (("10.0.0.1", 8069), ("10.0.0.2", 8070)), build.options(http_port=8070), ("10.0.0.2", 8070)),
        # It listens elsewhere than odoo.conf says by now: what is, counts.
        (HealthCheck(), (("127.0.0.1", 9001), ("127.0.0.1", 9000)), build.options(http_port=8069), ("127.0.0.1", 9000)),
        (HealthCheck(), TWO, build.options(http_interface="10.0.0.1"), ("10.0.0.1", 8069)),
        (HealthCheck(), None, build.options(http_port=8070, http_interface="10.0.0.3"), ("10.0.0.3", 8070)),
        (HealthCheck(), None, build.options(), ("127.0.0.1", 8069)),
        (HealthCheck(port=80, address="10.0.0.4"), (("0.0.0.0", 8069),), build.options(), ("10.0.0.4", 80)),
    ],
)
def test_the_address_and_port_of_the_health_check(
    check: HealthCheck, heard: t.Any, options: Options, expected: tuple[str, int]
) -> None:
    assert target(check, dataclasses.replace(INSTANCE, listening=heard), options) == expected


@pytest.mark.parametrize("begin", [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 "])
def test_an_answer_that_drips_ends_with_its_time(begin: bytes) -> None:
    with dripping(begin) as port:
        begun = time.monotonic()
        answer = check_health(
            HealthCheck(timeout=0.5), listening(("127.0.0.1", port)), build.options(http_port=port), "19.0"
        )
        assert 0.4 < time.monotonic() - begun < 3
    assert answer is not None
    assert "does not answer" in answer
