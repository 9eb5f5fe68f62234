# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The secrets of a host's servers: where they are found, which can be searched for, and hiding them."""

from __future__ import annotations

import json
import pathlib
import urllib.parse

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.known_secrets import (
    Secrets,
    hidden_in,
    known_secrets,
    sort_out,
)
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from hypothesis import given
from hypothesis import strategies as st

from ..conftest import captured


def test_sort_out_leaves_out_short_ordinary_and_empty_values() -> None:
    found = sort_out(
        [
            ("a", "long-enough"),
            ("b", "short"),
            ("c", "Odoo"),
            ("d", "production"),
            ("e", "False"),
            ("f", "long-enough"),
        ],
        ["production"],
    )
    assert found.values == (("long-enough", "a"),)
    assert found.unsearched == ("b", "c", "d")
    assert found.found("x long-enough y") == "a"
    assert found.found("nothing") is None
    assert "long-enough" not in repr(found)


def test_secrets_of_a_captured_server_come_from_odoo_conf_and_environment(tmp_path: pathlib.Path) -> None:
    proc = captured("19-prefork", "running")
    proc.root = str(tmp_path)
    seen = look(proc)
    (instance,) = seen.instances
    pid = instance.master.pid
    proc.files[f"{pid}/environ"] = b"PGPASSWORD=from-environ\0URL=amqp://me:in-address@host/\0PATH=/bin\0"
    conf = "[options]\ndb_password = from-conf\nadmin_passwd =\n  on-the-next-line\ndb_user = from_conf_user\n"
    folder = tmp_path / str(pid) / "root/etc/odoo"
    folder.mkdir(parents=True)
    (folder / "odoo.conf").write_text(conf)
    found = dict(known_secrets(proc, seen).values)
    assert set(found) == {"from-environ", "in-address", "from-conf", "on-the-next-line"}
    assert found["from-conf"] == "db_password of odoo.conf"


def test_a_server_with_thousands_of_secrets_does_not_make_a_module_search_for_all_of_them(
    tmp_path: pathlib.Path,
) -> None:
    proc = captured("19-prefork", "running")
    proc.root = str(tmp_path)
    pid = look(proc).instances[0].master.pid
    folder = tmp_path / str(pid) / "root/etc/odoo"
    folder.mkdir(parents=True)
    decoys = "".join(f"token_{number} = decoy-{number:06d}\n" for number in range(5000))
    (folder / "odoo.conf").write_text("[options]\ndb_password = first-of-all\n" + decoys)
    proc.files[f"{pid}/environ"] = b"URL=http://host/,amqp://me:in-address@host/"
    values = known_secrets(proc, look(proc)).values
    assert ("first-of-all", "db_password of odoo.conf") in values
    assert len(values) <= 100


def test_a_password_in_odoo_conf_that_is_a_user_name_as_well_is_not_searched_for(tmp_path: pathlib.Path) -> None:
    proc = captured("19-prefork", "running")
    proc.root = str(tmp_path)
    folder = tmp_path / str(look(proc).instances[0].master.pid) / "root/etc/odoo"
    folder.mkdir(parents=True)
    (folder / "odoo.conf").write_text("[options]\ndb_user = shop-service\ndb_password = Shop-Service\n")
    found = known_secrets(proc, look(proc))
    assert (found.values, found.unsearched) == ((), ("db_password of odoo.conf",))


def test_secrets_of_arguments_are_known_also_of_one_off_runs() -> None:
    proc = captured("19-prefork", "decoys")
    seen = look(proc)
    assert seen.one_off
    proc.files[f"{seen.one_off[0].pid}/cmdline"] += b"--db_password\0from-one-off\0"
    proc.files[f"{seen.instances[0].master.pid}/cmdline"] += b"--x=postgres://me:from%2Daddress@db/\0"
    found = dict(known_secrets(proc, look(proc)).values)
    assert found["from-one-off"] == "a secret of the arguments"
    assert found["from-address"] == found["from%2Daddress"] == "a password in the arguments"


def test_no_path_of_a_server_is_masked_in_its_messages(tmp_path: pathlib.Path) -> None:
    proc = captured("19-prefork", "running")
    proc.root = str(tmp_path)
    pid = look(proc).instances[0].master.pid
    folder = tmp_path / str(pid) / "root/etc/odoo"
    folder.mkdir(parents=True)
    names = ("PWD", "OLDPWD", "PGPASSFILE", "TOKEN_DIR", "MY_SECRET", "APP_PASSWORD")
    paths = ("/srv/shop/addons", "/srv/shop", "/etc/odoo/odoo.conf", "/var/lib/odoo")
    (folder / "odoo.conf").write_text("[options]\naddons_path = /srv/shop/addons\ndata_dir = /var/lib/odoo\n")
    proc.files[f"{pid}/environ"] = "".join(f"{n}{at}={path}\0" for n in names for at, path in enumerate(paths)).encode()
    secrets = known_secrets(proc, look(proc))
    assert [secrets.hide(f"{path}/x.py changed") for path in paths] == [f"{path}/x.py changed" for path in paths]


def test_without_odoo_conf_and_environment_no_secret_is_known() -> None:
    proc = captured("19-prefork", "running")
    for name in [name for name in proc.files if name.endswith("/environ")]:
        del proc.files[name]
    assert known_secrets(proc, look(proc)) == Secrets()


KNOWN = Secrets((("pa ss/w+rd'x", "db_password"), ("pa ss/w+rd'x and more", "admin_passwd")))


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("with pa ss/w+rd'x.", "with ********."),
        ("with pa ss/w+rd'x and more.", "with ********."),
        ("/x?pw=pa%20ss%2Fw%2Brd%27x&y", "/x?pw=********&y"),
        ("/x?pw=pa%20ss/w%2Brd%27x", "/x?pw=********"),
        ("pw=pa+ss%2Fw%2Brd%27x", "pw=********"),
        ("nothing", "nothing"),
    ],
)
def test_hide_replaces_a_secret_in_every_form_of_writing(text: str, hidden: str) -> None:
    assert KNOWN.hide(text) == hidden


@given(st.text(min_size=6), st.text(), st.sampled_from(["plain", "json", "url", "form"]))
def test_found_names_a_secret_in_every_form_of_writing(value: str, around: str, form: str) -> None:
    written = {
        "plain": value,
        "json": json.dumps(value)[1:-1],
        "url": urllib.parse.quote(value, safe=""),
        "form": urllib.parse.quote_plus(value),
    }[form]
    secrets = Secrets(((value, "db_password"),))
    assert secrets.found(around + written + around) == "db_password"
    assert written not in secrets.hide(written) or written in "********"


def test_hide_all_goes_into_lists_and_dictionaries_and_keeps_other_values() -> None:
    secrets = Secrets((("hunter2", "db_password"),))
    told = {"a": ["x hunter2", ("hunter2", 3)], "b": {"c": "hunter2"}, "d": None, "e": 1.5}
    assert secrets.hide_all(told) == {"a": ["x ********", ["********", 3]], "b": {"c": "********"}, "d": None, "e": 1.5}


def test_hidden_in_hides_only_what_others_have_written() -> None:
    secrets = Secrets((("hunter2", "db_password"),))
    told = {"reason": "hunter2", "log": ["hunter2"], "identity": "hunter2", "processes": [{"argv": "hunter2"}]}
    assert hidden_in(secrets, told) == {
        "reason": "********",
        "log": ["********"],
        "identity": "hunter2",
        "processes": [{"argv": "********"}],
    }
