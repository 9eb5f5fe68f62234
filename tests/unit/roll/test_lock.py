# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lock of a roll on a host: taken, renewed, taken over, expired and given back."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._roll import lock as roll_lock
from ansible_collections.fleetops.odoo.plugins.module_utils._roll.lock import (
    Held,
    RollLock,
    TakeOver,
    give_back,
    may_have,
    place,
    read,
    take,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._system.clock import boot_id, uptime
from ansible_collections.fleetops.odoo.plugins.module_utils._system.state_dir import StateDirectory
from hypothesis import given
from hypothesis import strategies as st


def lock(name: str, age: float = 0.0, **more: t.Any) -> RollLock:
    """Return a lock that another owner took so many seconds ago, for a minute."""
    values = {
        "owner": "ann on ctl",
        "reason": "",
        "holder": "",
        "taken": uptime() - age,
        "ttl": 60.0,
        "boot": boot_id(),
        **more,
    }
    return RollLock(name, **values)


@pytest.fixture
def store(tmp_path: pathlib.Path) -> StateDirectory:
    """A state directory of our own."""
    return StateDirectory(str(tmp_path / "state"))


def test_take_renew_and_give_back(store: StateDirectory) -> None:
    assert take(store, lock("one"), TakeOver(), check_mode=True) == (True, None)
    assert read(store) is None
    assert take(store, lock("one"), TakeOver(), check_mode=False) == (True, None)
    again, was = take(store, lock("one"), TakeOver(), check_mode=False)
    assert (again, was and was.id) == (False, "one")
    assert give_back(store, "one", TakeOver(), check_mode=True)[0]
    assert read(store)
    assert give_back(store, "one", TakeOver(), check_mode=False)[0]
    assert give_back(store, "one", TakeOver(), check_mode=False) == (False, None)


def test_another_roll_is_refused_with_the_owner_of_the_lock(store: StateDirectory) -> None:
    take(store, lock("one", age=30, reason="new modules"), TakeOver(), check_mode=False)
    with pytest.raises(Held) as caught:
        take(store, lock("two"), TakeOver(), check_mode=False)
    told = caught.value.problem.values
    assert (caught.value.code, caught.value.lock.id) == ("roll.locked", "one")
    assert (told["id"], told["owner"], told["reason"], told["age"]) == ("one", "ann on ctl", " (new modules)", "30 s")
    with pytest.raises(Held):
        give_back(store, "two", TakeOver(), check_mode=False)
    with pytest.raises(Held):
        take(store, lock("two"), TakeOver(("three",)), check_mode=False)
    found = read(store)
    assert found
    assert found.id == "one"


@pytest.mark.parametrize("take_over", [["one"], ["*"]])
def test_a_lock_can_be_taken_over(store: StateDirectory, take_over: list[str]) -> None:
    take(store, lock("one", out=True), TakeOver(), check_mode=False)
    changed, was = take(store, lock("two", out=None), TakeOver(tuple(take_over)), check_mode=False)
    assert (changed, was and was.id) == (True, "one")
    now = read(store)
    assert now
    # What the dead roll may have left out of its balancer must not be forgotten.
    assert (now.id, now.out) == ("two", True)


@pytest.mark.parametrize(
    ("kind", "code"), [("roll", "roll.locked"), ("drain", "roll.drained"), ("other", "roll.reserved")]
)
def test_a_refusal_says_what_holds_the_lock_and_that_the_host_is_out(
    store: StateDirectory, kind: str, code: str
) -> None:
    take(store, lock("one", kind=kind, age=7200, ttl=604800, out=True), TakeOver(), check_mode=False)
    with pytest.raises(Held) as caught:
        take(store, lock("two"), TakeOver(), check_mode=False)
    assert caught.value.code == code
    told = caught.value.problem.values
    assert (told["age"], told["left"]) == ("2 h", "6 days")
    assert "out of its load balancer" in caught.value.problem.text


@pytest.mark.parametrize(
    ("kind", "take_over", "allowed"),
    [
        ("roll", TakeOver(("*",)), True),
        # The servers of a drained host are down on purpose.
        ("drain", TakeOver(("*",)), False),
        ("other", TakeOver(("*",)), False),
        ("drain", TakeOver(("one",)), True),
        ("drain", TakeOver(("one",), ("roll",)), False),
        ("roll", TakeOver(("one",), ("roll",)), True),
    ],
)
def test_a_star_means_rolls_and_kinds_limit_what_is_taken(kind: str, take_over: TakeOver, allowed: bool) -> None:  # noqa: FBT001
    assert may_have(lock("one", kind=kind), "two", take_over, uptime()) == allowed


def test_a_lock_of_an_earlier_version_is_a_rolls(store: StateDirectory) -> None:
    take(store, lock("one"), TakeOver(), check_mode=False)
    path = pathlib.Path(store.path) / "roll.json"
    written = json.loads(path.read_text(encoding="utf-8"))
    del written["kind"]
    path.write_text(json.dumps(written), encoding="utf-8")
    found = read(store)
    assert found
    assert found.kind == "roll"


def test_an_expired_lock_can_be_taken(store: StateDirectory) -> None:
    take(store, lock("one", age=61), TakeOver(), check_mode=False)
    assert take(store, lock("two"), TakeOver(), check_mode=False)[0]


def test_a_lock_that_cannot_be_read_is_ignored(store: StateDirectory) -> None:
    store.open()
    (pathlib.Path(store.path) / "roll.json").write_text('{"id": 1}', encoding="utf-8")
    assert read(store) is None
    assert take(store, lock("two"), TakeOver(), check_mode=False)[0]


def test_no_half_lock_is_left_on_a_full_disk(store: StateDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: t.Any, **_keywords: t.Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("json.dump", full)
    with pytest.raises(OSError, match="No space left"):
        take(store, lock("one"), TakeOver(), check_mode=False)
    assert [path.name for path in pathlib.Path(store.path).iterdir()] == ["roll.guard"]


@given(st.sampled_from(["one", "two"]), st.floats(0, 200), st.lists(st.sampled_from(["one", "*", "x"])))
def test_only_ours_expired_or_given_up(wanted: str, age: float, take_over: list[str]) -> None:
    found = RollLock("one", "", "", "", 1000.0, 60.0, workflow="x", boot=boot_id())
    expected = wanted == "one" or age > 60 or bool({"one", "*", "x"} & set(take_over))
    assert may_have(found, wanted, TakeOver(tuple(take_over)), 1000.0 + age) == expected


def test_a_lock_of_an_earlier_boot_can_be_taken_and_tells_what_is_out(store: StateDirectory) -> None:
    take(store, lock("one", boot="another", out=True), TakeOver(), check_mode=False)
    found = read(store)
    assert found
    assert found.told(uptime())["expired"]
    taken, was = take(store, lock("two", out=None), TakeOver(), check_mode=False)
    assert (taken, was and was.id) == (True, "one")
    now = read(store)
    assert now
    assert (now.id, now.out) == ("two", True)


def test_what_is_out_is_known_until_a_later_call_changes_it(store: StateDirectory) -> None:
    for out, known in [(None, False), (True, True), (None, True), (False, False), (None, False)]:
        take(store, lock("one", out=out), TakeOver(), check_mode=False)
        found = read(store)
        assert found
        assert found.out is known


def test_a_user_heeds_the_lock_of_root(
    store: StateDirectory, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    roots = StateDirectory(str(tmp_path / "root"))
    monkeypatch.setattr(roll_lock, "heeded", lambda: [roots])
    take(store, lock("one"), TakeOver(), check_mode=False)
    take(roots, lock("two"), TakeOver(("one",)), check_mode=False)
    path = pathlib.Path(roots.path) / "roll.json"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o644, 0o711)
    with pytest.raises(Held) as caught:
        take(store, lock("one"), TakeOver(), check_mode=False)
    assert caught.value.lock.id == "two"
    with pytest.raises(Held) as caught:
        give_back(store, "one", TakeOver(), check_mode=False)
    assert caught.value.lock.id == "two"
    assert give_back(roots, "two", TakeOver(("one",)), check_mode=False)[0]
    assert give_back(store, "one", TakeOver(), check_mode=False)[0]


def test_each_instance_of_a_host_is_out_alone(store: StateDirectory) -> None:
    def takes(instance: str, *, out: bool | None = None, name: str = "one") -> None:
        take(store, lock(name, out=out), TakeOver(("*",)), check_mode=False, instance=instance)

    def known() -> tuple[bool | None, tuple[str, ...]]:
        found = read(store)
        assert found
        return found.out, found.instances

    takes("shop", out=True)
    takes("erp", out=True)
    takes("shop")
    assert known() == (False, ("shop", "erp"))
    takes("shop", out=False)
    assert known() == (False, ("erp",))
    # The roll has died, and the next one begins with the other instance.
    takes("shop", name="two")
    assert known() == (False, ("erp",))
    with pytest.raises(Held) as caught:
        take(store, lock("three"), TakeOver(), check_mode=False)
    assert "erp" in str(caught.value.problem.values["out"])
    # The instance that is back gives the lock back, and what it tells of the other one stays.
    assert give_back(store, "two", TakeOver(), check_mode=False, instance="shop")[0]
    found = read(store)
    assert found
    assert found.expired(uptime() + 1)
    assert (found.instances, found.told(uptime())["out"]) == (("erp",), True)
    assert (found.told(uptime(), "shop")["out"], found.told(uptime(), "erp")["out"]) == (False, True)
    again, was = give_back(store, "two", TakeOver(), check_mode=False, instance="shop")
    assert (again, was and was.instances) == (False, ("erp",))
    takes("erp", out=False, name="four")
    assert give_back(store, "four", TakeOver(), check_mode=False, instance="erp")[0]
    assert read(store) is None


def test_names_of_one_host_have_one_place(tmp_path: pathlib.Path) -> None:
    one, two = StateDirectory(str(tmp_path / "state")), StateDirectory(str(tmp_path / "state"))
    (tmp_path / "other").mkdir()
    assert place(one) == place(two) != place(StateDirectory(str(tmp_path / "other" / "state")))
