# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server leaves upstreams and comes back: files of our own, and an nginx that does what a test says."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer import nginx as operation
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.nginx import Balancer, NginxOrder, told
from ansible_collections.fleetops.odoo.plugins.module_utils._balancer.nginx_host import Worker
from ansible_collections.fleetops.odoo.plugins.module_utils._system.errors import Refused, TimedOut
from ansible_collections.fleetops.odoo.plugins.module_utils._system.state_dir import StateDirectory

from .. import build

TEXT = """upstream odoo {
    server 192.0.2.11:8069; # one
    server 192.0.2.12:8069;
}
upstream odoo_gevent { server 192.0.2.11:8072; server 192.0.2.12:8072; }
upstream alone { server 192.0.2.13:8069; server 192.0.2.14:8069 down; }
"""
OLD = Worker(42, 1, leaving=False)


class FakeNginx:
    """nginx: a reload makes a new worker, and the old one goes on with its connections."""

    def __init__(self, config: pathlib.Path, clock: build.FakeClock) -> None:
        self.config, self.clock = str(config), clock
        self.file = config
        self.now = [OLD]
        self.loaded = config.read_text()
        self.wrong: str | None = None
        self.reload_fails: str | None = None
        self.ignores = False
        self.reloads = 0
        #: seconds for which the old worker has a connection to these ends
        self.busy: dict[tuple[str, int], float] = {}

    def master(self, _pid_file: str | None) -> int:
        """Return a pid."""
        return 41

    def test(self) -> str | None:
        """Say what is wrong with the configuration."""
        return self.wrong

    def reload(self, _master: int) -> str | None:
        """Take in what the file says."""
        self.reloads += 1
        if self.reload_fails or self.ignores:
            return self.reload_fails
        self.loaded = self.file.read_text()
        self.now = [Worker(one.pid, one.start, leaving=True) for one in self.now] + [
            Worker(50 + self.reloads, 2, leaving=False)
        ]
        return None

    def workers(self, _master: int) -> list[Worker]:
        """Return the workers."""
        return self.now

    def connections(self, worker: Worker, ends: t.Container[tuple[str, int]]) -> int:
        """Count the connections of an old worker."""
        assert worker.leaving
        return sum(end in ends and self.clock.monotonic() < until for end, until in self.busy.items())


@pytest.fixture
def clock() -> build.FakeClock:
    """A clock that costs no time."""
    return build.FakeClock()


@pytest.fixture
def nginx(tmp_path: pathlib.Path, clock: build.FakeClock, monkeypatch: pytest.MonkeyPatch) -> FakeNginx:
    """An nginx with a configuration of our own."""
    config = tmp_path / "nginx.conf"
    config.write_text(TEXT)
    monkeypatch.setattr(operation, "StateDirectory", lambda: StateDirectory(str(tmp_path / "state")))
    monkeypatch.setattr(operation, "write_file", lambda path, text: pathlib.Path(path).write_text(text))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    return FakeNginx(config, clock)


def order(down: str = "down", **more: t.Any) -> NginxOrder:
    """An order for the first host."""
    values: dict[str, t.Any] = {
        "upstreams": ("odoo",),
        "websocket_upstreams": ("odoo_gevent",),
        "servers": ("192.0.2.11",),
        "timeout": 60.0,
        "owner": "anna",
        **more,
    }
    return NginxOrder(down == "down", **values)


def act(nginx: FakeNginx, wanted: NginxOrder) -> Balancer:
    """Carry an order out."""
    balancer = Balancer(t.cast("t.Any", nginx), nginx.clock)
    balancer.act(wanted)
    return balancer


def pending(tmp_path: pathlib.Path) -> bool:
    """Return whether files are noted that nginx may not know yet."""
    return (tmp_path / "state/nginx.json").exists()


def test_out_and_in(nginx: FakeNginx, tmp_path: pathlib.Path) -> None:
    done = act(nginx, order()).done
    assert (done.changed, done.reloaded) == (True, True)
    assert nginx.loaded.count(" down; # [fleetops.odoo") == 2
    assert [(one.upstream, one.is_down) for one in done.servers] == [("odoo", True), ("odoo_gevent", True)]
    assert done.before == {nginx.config: ["server 192.0.2.11:8069; # one", TEXT.splitlines()[4]]}
    assert done.after[nginx.config][0].startswith("server 192.0.2.11:8069 down; # [fleetops.odoo: anna; since ")
    again = act(nginx, order()).done
    assert (again.changed, again.reloaded, nginx.reloads) == (False, False, 1)
    back = act(nginx, order("up")).done
    assert (back.changed, back.reloaded) == (True, True)
    assert nginx.loaded == nginx.file.read_text() == TEXT
    assert not act(nginx, order("up")).done.changed
    assert nginx.reloads == 2
    assert not pending(tmp_path)


def test_check_mode_tells_and_does_nothing(nginx: FakeNginx) -> None:
    balancer = Balancer(t.cast("t.Any", nginx), nginx.clock)
    balancer.predict(order())
    assert (balancer.done.changed, balancer.done.reloaded) == (True, False)
    assert all(one.is_down for one in balancer.done.servers)
    assert nginx.file.read_text() == TEXT
    assert nginx.reloads == 0
    act(nginx, order())
    balancer.predict(order())
    assert not balancer.done.changed


def test_old_workers_with_a_connection_are_waited_for(nginx: FakeNginx) -> None:
    begun = nginx.clock.monotonic()
    nginx.busy["192.0.2.11", 8069] = begun + 20
    nginx.busy["192.0.2.12", 8069] = begun + 99
    done = act(nginx, order()).done
    assert 20 <= nginx.clock.monotonic() - begun < 22
    assert (done.connections, done.under_way) == (0, 1)


def test_a_connection_that_stays_is_a_timeout_and_the_server_stays_down(nginx: FakeNginx) -> None:
    nginx.busy["192.0.2.11", 8069] = nginx.clock.monotonic() + 1e6
    balancer = Balancer(t.cast("t.Any", nginx), nginx.clock)
    with build.failing("timeout.connections", TimedOut):
        balancer.act(order(websocket_timeout=500.0))
    assert balancer.done.connections == 1
    assert " down;" in nginx.file.read_text()
    # The next call has nothing to change, and waits nevertheless.
    with build.failing("timeout.connections", TimedOut):
        act(nginx, order())
    assert nginx.reloads == 1
    at_once = act(nginx, order(wait=False)).done
    assert (at_once.changed, at_once.under_way) == (False, None)


def test_websockets_have_their_own_timeout_and_do_not_fail(nginx: FakeNginx) -> None:
    begun = nginx.clock.monotonic()
    nginx.busy["192.0.2.11", 8072] = begun + 1e6
    done = act(nginx, order(websocket_timeout=90.0)).done
    assert 90 <= nginx.clock.monotonic() - begun < 92
    assert (done.connections, done.websockets) == (0, 1)


def test_a_configuration_that_nginx_refuses_is_undone(nginx: FakeNginx, tmp_path: pathlib.Path) -> None:
    nginx.wrong = "[emerg] host not found in upstream"
    with build.failing("nginx.test_failed", Refused) as raised:
        act(nginx, order())
    assert "host not found in upstream" in str(raised.value)
    assert nginx.file.read_text() == TEXT
    assert nginx.reloads == 0
    assert not pending(tmp_path)


@pytest.mark.parametrize("code", ["nginx.reload_failed", "timeout.nginx_reloaded"])
def test_a_reload_that_does_not_happen_is_undone_and_made_up_for(
    nginx: FakeNginx, tmp_path: pathlib.Path, code: str
) -> None:
    nginx.reload_fails = "Job for nginx.service failed" if code == "nginx.reload_failed" else None
    nginx.ignores = True
    with build.failing(code):
        act(nginx, order())
    assert nginx.file.read_text() == TEXT
    # It may have read the files nevertheless, so the next call reloads for every change.
    assert pending(tmp_path)
    nginx.reload_fails, nginx.ignores = None, False
    done = act(nginx, order("up")).done
    assert (done.changed, done.reloaded) == (False, True)
    assert not pending(tmp_path)


def test_a_call_that_was_killed_before_the_reload_is_finished(nginx: FakeNginx) -> None:
    def killed(_master: int) -> t.NoReturn:
        raise KeyboardInterrupt

    reload, nginx.reload = nginx.reload, killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        act(nginx, order())
    assert nginx.loaded == TEXT
    nginx.reload = reload  # type: ignore[method-assign]
    done = act(nginx, order()).done
    assert (done.changed, done.reloaded) == (False, True)
    assert nginx.loaded.count(" down; #") == 2


def test_another_call_is_waited_for(nginx: FakeNginx, tmp_path: pathlib.Path) -> None:
    store = StateDirectory(str(tmp_path / "state"))
    store.open()
    store.lock("nginx.guard", wait=True)
    with build.failing("timeout.nginx_lock", TimedOut):
        act(nginx, order())
    assert nginx.file.read_text() == TEXT


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"upstreams": ("odo",)}, "nginx.no_upstream"),
        ({"websocket_upstreams": ("odo",)}, "nginx.no_upstream"),
        ({"servers": ("192.0.2.11", "192.0.2.99")}, "nginx.no_server"),
        ({"servers": ("192.0.2.11:80",)}, "nginx.no_server"),
        ({"servers": ("192.0.2.11", "192.0.2.12")}, "nginx.last_server"),
        ({"upstreams": ("alone",), "servers": ("192.0.2.13",)}, "nginx.last_server"),
    ],
)
def test_refusals(nginx: FakeNginx, more: dict[str, t.Any], code: str) -> None:
    for call in (
        lambda: act(nginx, order(**more)),
        lambda: Balancer(t.cast("t.Any", nginx), nginx.clock).predict(order(**more)),
    ):
        with build.failing(code, Refused):
            call()
    assert nginx.file.read_text() == TEXT
    assert nginx.reloads == 0


def test_the_last_server_goes_where_that_is_wished_for(nginx: FakeNginx) -> None:
    alone: dict[str, t.Any] = {"upstreams": ("alone",), "websocket_upstreams": (), "servers": ("192.0.2.13",)}
    assert act(nginx, order(allow_last=True, **alone)).done.changed
    assert act(nginx, order("up", **alone)).done.changed
    assert nginx.loaded == TEXT


def test_a_server_that_an_administrator_marked_down_stays_down(nginx: FakeNginx) -> None:
    hand: dict[str, t.Any] = {"upstreams": ("alone",), "websocket_upstreams": (), "servers": ("192.0.2.14",)}
    assert not act(nginx, order(**hand)).done.changed
    with build.failing("nginx.down_by_hand", Refused):
        act(nginx, order("up", **hand))


def test_only_root_changes_nginx(nginx: FakeNginx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with build.failing("nginx.not_root", Refused):
        act(nginx, order())


def test_told(nginx: FakeNginx) -> None:
    assert told(act(nginx, order()).done.servers[0]) == {
        "upstream": "odoo",
        "server": "192.0.2.11:8069",
        "state": "down",
        "backup": False,
        "weight": 1,
        "marked": {"owner": "anna", "since": told(act(nginx, order()).done.servers[0])["marked"]["since"]},
        "file": nginx.config,
        "line": 2,
    }
