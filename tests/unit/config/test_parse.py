# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options as Odoo reads them: against what real parsers of Odoo 14 to 19 answered, and never led astray."""

from __future__ import annotations

import json
import lzma
import pathlib
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._config.parse import (
    normalized,
    read_settings,
)
from ansible_collections.fleetops.odoo.tests.integration.options_corpus import Case
from hypothesis import given
from hypothesis import strategies as st

from .. import build
from .asked import answer_of, plain

SECRET = "Q7zX9w"
RECORDED = pathlib.Path(__file__).parents[1] / "captures/options"


def recorded_of(version: int) -> dict[str, t.Any]:
    """Return the answers of a version."""
    return t.cast("dict[str, t.Any]", json.loads(lzma.decompress((RECORDED / f"{version}.json.xz").read_bytes())))


@pytest.mark.parametrize("version", sorted(int(path.name.partition(".")[0]) for path in RECORDED.iterdir()))
def test_every_option_is_what_odoo_answered(version: int) -> None:
    recorded = recorded_of(version)
    cases = [Case(**{**one, "args": tuple(one["args"])}) for one in recorded["cases"]]
    assert len(cases) >= 300
    different = []
    assert len(cases) == len(recorded["answers"])
    for case, answer in zip(cases, recorded["answers"]):
        theirs = {name: plain(value, name, case.cwd) for name, value in {**recorded["usual"], **answer}.items()}
        ours = answer_of(case, version)
        # Without an odoo.conf Odoo still names the one that it looked for.
        ours["config"] = ours["config"] or theirs["config"]
        different += [
            (name, theirs[name], ours[name], case)
            for name in sorted(theirs)
            if name in ours and theirs[name] != ours[name]
        ]
    assert different == []


LINES = st.sampled_from(
    ["[options]", "[options", "[]", "workers = 1", "workers", " = 1", "=", ":", "  more", "\t", "", "%(x)s = %(y)s"]
) | st.text(max_size=10)


@given(st.lists(LINES, max_size=8).map("\n".join))
def test_no_configuration_raises_anything_else(text: str) -> None:
    read_settings(["-c", "/c"], build.Place(files={"/c": text}), 14)
    read_settings(["-c", "/c"], build.Place(files={"/c": text}), 19)


@given(st.sampled_from(["workers", "db_name", "syslog", "logfile", "addons_path", "log_handler"]), st.text(max_size=6))
def test_no_value_raises(name: str, value: str) -> None:
    for version in (None, 14, 16, 19):
        settings = build.settings({name: value.replace("\n", " ")}, version=version, **{"ODOO_" + name.upper(): value})
        assert settings.number("workers") is not None


#: What an old name in odoo.conf sets: http_port, gevent_port, http_enable.
OLD = {"xmlrpc_port": "8169", "longpolling_port": "8173", "xmlrpc": "False"}


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        (14, (8169, 8173, False)),
        (15, (8169, 8173, False)),
        (17, (8169, 8173, False)),
        (18, (8169, 8072, False)),
        (19, (8069, 8072, True)),
    ],
)
def test_old_names_count_where_that_version_takes_them(version: int, expected: tuple[int, int, bool]) -> None:
    found = build.settings(OLD, version=version)
    assert (found.number("http_port"), found.number("gevent_port"), found.flag("http_enable")) == expected


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        ("1", {None: 1, 14: 1, 15: 1, 16: 1, 17: 1, 18: 2, 19: 2}),
        # Without a number of its own the alias counts for nothing.
        ("0", {None: 2, 14: 0, 15: 0, 16: 2, 17: 2, 18: 2, 19: 2}),
    ],
)
def test_the_alias_of_gevent_port_wins_where_a_version_has_it(old: str, expected: dict[int | None, int]) -> None:
    both = {"longpolling_port": old, "gevent_port": "2"}
    assert {version: build.settings(both, version=version).number("gevent_port") for version in expected} == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("~", "/home/odoo"),
        ("~/x", "/home/odoo/x"),
        ("~other/x", "/srv/other/x"),
        ("~nobody/x", "/w/~nobody/x"),
        ("$A/x", "/a/x"),
        ("${A}x", "/ax"),
        ("$A$B", "/a$A"),
        ("$C/x", "/w/$C/x"),
        (" rel/../y ", "/w/y"),
        ("", ""),
        ("${A", "/w/${A"),
    ],
)
def test_paths_are_expanded_with_the_environment_and_the_homes_of_the_server(path: str, expected: str) -> None:
    place = build.Place({"HOME": "/home/odoo", "A": "/a", "B": "$A"}, "/w", homes={"other": "/srv/other"})
    assert normalized(path, place) == expected


def test_the_home_comes_from_the_database_of_users_where_the_environment_has_none() -> None:
    assert normalized("~/x", build.Place(homes={None: "/var/lib/odoo/"})) == "/var/lib/odoo/x"
    assert normalized("~/x", build.Place()) == "/~/x"


def test_a_value_that_odoo_would_not_start_with_is_named_without_it() -> None:
    for version, name, value in ((14, "workers", SECRET), (19, "syslog", SECRET), (19, "workers", "0b10")):
        found = build.settings({name: value}, version=version)
        assert found.error == "/odoo.conf: Odoo would not start with the value of " + name
    assert build.settings({"workers": "0b10"}, version=14).error is None


def test_nothing_shows_the_values() -> None:
    assert SECRET not in repr(build.settings({"db_password": SECRET}, "-w", SECRET))


def test_arguments_go_over_the_environment_and_the_environment_over_the_file() -> None:
    found = [
        build.settings({"workers": "1"}, *args, version=19, **environ).number("workers")
        for args, environ in (((), {}), ((), {"ODOO_WORKERS": "2"}), (("--workers=3",), {"ODOO_WORKERS": "2"}))
    ]
    assert found == [1, 2, 3]
    assert build.settings({"workers": "1"}, version=18, ODOO_WORKERS="2").number("workers") == 1
    given = build.settings({"workers": "1"}, "-p1", version=19, ODOO_WORKERS="2").given
    assert given == {"config", "http_port", "workers"}


def test_the_files_are_all_that_a_version_reads() -> None:
    place = build.Place({"HOME": "/home/odoo"}, files={"/home/odoo/.odoorc": "[options]\n", "/c": "[options]\n"})
    found = {version: read_settings(["-c", "/c"], place, version).files for version in (14, 18, 19)}
    assert found == {14: ("/home/odoo/.odoorc", "/c"), 18: ("/home/odoo/.odoorc", "/c"), 19: ("/c",)}
    assert read_settings([], build.Place(), 14).files == ()
    # One that is missing is still the one that Odoo is told to read.
    assert read_settings(["-c", "/none"], build.Place(), 19).files == ("/none",)
