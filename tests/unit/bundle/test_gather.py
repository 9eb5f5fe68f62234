# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bundle: what is in it, what is not, and that no secret leaves the host."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import pathlib
import tarfile
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle import archive as _bundle
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle import gather as _gather
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle.archive import Bundle, LeftOut, SecretLeft, left_in
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle.gather import BundleOrder, make_bundle
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle.log_tail import joined
from ansible_collections.fleetops.odoo.plugins.module_utils._facts import known_secrets as _secrets
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.known_secrets import Secrets, known_secrets, sort_out
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.loaded import ServerRecords
from ansible_collections.fleetops.odoo.plugins.module_utils._log import follow as _follow
from ansible_collections.fleetops.odoo.plugins.module_utils._log.entries import docker_entry, k8s_entry
from ansible_collections.fleetops.odoo.plugins.module_utils._processes.look import look
from ansible_collections.fleetops.odoo.plugins.module_utils._server.host import Host
from ansible_collections.fleetops.odoo.plugins.module_utils._system.programs import end_of_output
from ansible_collections.fleetops.odoo.plugins.plugin_utils._runs.unpack import BadBundle, unpack
from hypothesis import given
from hypothesis import strategies as st

from ..build import FakeClock
from ..conftest import captured

SECRET = "Q7zX9w+hunter"
KNOWN = Secrets(((SECRET, "db_password"),))
ROOMY = 4 << 20


def opened(packed: bytes) -> dict[str, str]:
    """The files of an archive."""
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        return {m.name: t.cast("t.IO[bytes]", archive.extractfile(m)).read().decode() for m in archive}


def fails(exception: Exception) -> t.Callable[[], t.Any]:
    """What raises when a part is made."""

    def make() -> t.Any:
        raise exception

    return make


def test_a_part_that_fails_loses_no_other() -> None:
    bundle = Bundle(ROOMY, KNOWN)
    bundle.add("a.txt", lambda: "one")
    bundle.add("b.txt", fails(LeftOut("it is not there")))
    bundle.add("c.json", fails(RuntimeError(f"password={SECRET}")))
    bundle.add("d.json", lambda: {"x": [1, "two"]})
    bundle.add("e.txt", lambda: "")
    files = opened(bundle.finish({"host": "h"}))
    assert list(files) == ["a.txt", "d.json", "manifest.json"]
    manifest = json.loads(files["manifest.json"])
    assert (manifest["schema"], manifest["host"]) == (1, "h")
    assert [part["name"] for part in manifest["parts"]] == ["a.txt", "d.json"]
    assert manifest["parts"][0]["sha256"] == hashlib.sha256(b"one\n").hexdigest()
    assert manifest["left_out"] == [
        {"part": "b.txt", "reason": "it is not there"},
        {"part": "c.json", "reason": "password=********"},
    ]


def test_the_same_parts_make_the_same_archive() -> None:
    def made() -> bytes:
        bundle = Bundle(ROOMY, KNOWN)
        bundle.add("a.txt", lambda: "one")
        return bundle.finish({})

    assert made() == made()


def test_each_part_and_the_whole_have_a_limit() -> None:
    bundle = Bundle(200_000, KNOWN)
    bundle.add("log.txt", lambda: "".join(f"line {n:06}\n" for n in range(1000)), 100, end=True)
    bundle.add("head.txt", lambda: "".join(f"line {n:06}\n" for n in range(1000)), 100)
    bundle.add("data.json", lambda: ["x" * 100] * 100, 5000)
    bundle.add("large.txt", lambda: "line\n" * 30_000, 1 << 20)
    bundle.add("last.txt", lambda: "small")
    files = opened(bundle.finish({}))
    assert files["log.txt"].endswith("line 000999\n")
    assert len(files["log.txt"]) <= 100
    assert files["head.txt"].startswith("line 000000\n")
    reasons = {one["part"]: one["reason"] for one in json.loads(files["manifest.json"])["left_out"]}
    assert reasons["data.json"].endswith("a part of this kind may have 5000")
    assert reasons["large.txt"] == "all parts together would be larger than 200000 bytes (max_size)"
    assert "last.txt" in files
    assert [p["cut"] for p in json.loads(files["manifest.json"])["parts"]] == [True, True, False]


@pytest.mark.parametrize(
    "content",
    [
        f"connected with {SECRET}",
        f"db_password = {SECRET}",
        {"deep": [{"argv": ["x", f"postgres://odoo:{SECRET}@db/x"]}]},
        {"url": "/x?" + SECRET.replace("+", "%2B")},
        f"GET /?access_token={SECRET}",
    ],
)
def test_a_secret_is_hidden_wherever_it_stands(content: t.Any) -> None:
    bundle = Bundle(ROOMY, KNOWN)
    bundle.add("x.json", lambda: content)
    assert "hunter" not in str(opened(bundle.finish({})))


@pytest.mark.parametrize("content", [f"connected with {SECRET}", {"deep": [SECRET]}])
def test_the_check_finds_what_the_redaction_has_missed(monkeypatch: pytest.MonkeyPatch, content: t.Any) -> None:
    monkeypatch.setattr(_bundle, "redact_text", lambda text: text)
    monkeypatch.setattr(Secrets, "hide", lambda _self, text: text)
    bundle = Bundle(ROOMY, KNOWN)
    bundle.add("server-33/x.json", lambda: content)
    with pytest.raises(SecretLeft) as caught:
        bundle.finish({})
    assert str(caught.value) == "server-33/x.json would have shown db_password, so nothing was sent"


def test_the_check_finds_what_nobody_knew_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_bundle, "redact_text", lambda text: text)
    bundle = Bundle(ROOMY, Secrets())
    bundle.add("log.txt", lambda: "Cookie: session_id=abc")
    with pytest.raises(SecretLeft, match=r"log.txt would have shown a value behind the name of a secret"):
        bundle.finish({})


@given(st.lists(st.text(max_size=30)), st.text(max_size=200))
def test_what_was_made_passes_the_check(words: list[str], text: str) -> None:
    bundle = Bundle(ROOMY, KNOWN)
    bundle.add("a.json", lambda: {"words": words, "text": text, "password": text})
    bundle.add("b.txt", lambda: text + SECRET + text)
    bundle.finish({})


def test_signs_between_texts_of_json_make_no_secret() -> None:
    data = json.dumps([{"source": "if token:", "line": 3}]).encode()
    assert left_in("dumps.json", data, Secrets()) is None
    assert left_in("dumps.json", json.dumps(["token: abc"]).encode(), Secrets())


def test_which_secrets_can_be_looked_for() -> None:
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


def test_secrets_of_a_captured_server(monkeypatch: pytest.MonkeyPatch) -> None:
    proc = captured("19-prefork", "running")
    seen = look(proc)
    (instance,) = seen.instances
    pid = instance.master.pid
    proc.files[f"{pid}/environ"] = b"PGPASSWORD=from-environ\0URL=amqp://me:in-address@host/\0PATH=/bin\0"
    conf = "[options]\ndb_password = from-conf\nadmin_passwd =\n  on-the-next-line\ndb_user = from_conf_user\n"
    monkeypatch.setattr(_secrets, "read_conf", lambda *_arguments: conf)
    found = dict(known_secrets(proc, seen).values)
    assert set(found) == {"from-environ", "in-address", "from-conf", "on-the-next-line"}
    assert found["from-conf"] == "db_password of odoo.conf"


@pytest.mark.parametrize("kind", ["19-prefork", "19-threaded", "14-prefork", "14-threaded"])
def test_a_captured_host(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    proc = captured(kind, "running")
    monkeypatch.setattr(_gather, "end_of_log", lambda *_arguments: ("/odoo.log", ["a", f"password: {SECRET}"]))
    seen = look(proc)
    (instance,) = seen.instances
    proc.files[f"{instance.master.pid}/environ"] = f"PGPASSWORD={SECRET}\0LANG=C\0".encode()
    host = Host(proc, FakeClock(), ServerRecords("/nonexistent"))
    made = make_bundle(host, seen, [instance.identity], BundleOrder(10, ROOMY), {"ansible": "2.19"})
    files = opened(made.packed)
    folder = made.servers[0]["folder"]
    assert folder == f"server-{instance.master.pid}"
    assert files[f"{folder}/log.txt"] == "# the last 2 lines of /odoo.log\na\npassword: ********\n"
    assert files[f"{folder}/environment.txt"] == "LANG=C\nPGPASSWORD=********\n"
    assert f"{instance.master.pid} master" in files["processes.txt"]
    assert json.loads(files[f"{folder}/server.json"])["pid"] == instance.master.pid
    assert SECRET not in str(files)
    # The capture has no /proc to list descriptors of, and that is said.
    named = {one["part"] for one in made.left_out} | {part["name"] for part in made.parts}
    assert {
        f"{folder}/{name}" for name in ("odoo.conf", "unit.txt", "limits.txt", "memory.json", "disks.json")
    } <= named
    unpack(base64.b64encode(made.packed).decode(), hashlib.sha256(made.packed).hexdigest(), str(tmp_path / "x"))
    assert (tmp_path / "x" / folder / "log.txt").read_text() == files[f"{folder}/log.txt"]
    assert (tmp_path / "x" / folder / "log.txt").stat().st_mode & 0o777 == 0o600


def test_literals_of_queries_are_hidden_where_they_may_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    proc = captured("19-threaded", "running")
    lines = [
        "2026-11-24 08:17:03,692 6 INFO p19 werkzeug: GET /web 200 'x'",
        "2026-11-24 08:17:03,692 6 ERROR p19 odoo.sql_db: bad query: UPDATE res_partner SET name = 'Jane'",
        "  WHERE phone = '555' AND id = 17",
    ]
    monkeypatch.setattr(_gather, "end_of_log", lambda *_arguments: ("/odoo.log", lines))
    seen = look(proc)
    host = Host(proc, FakeClock(), ServerRecords("/nonexistent"))
    made = make_bundle(host, seen, [seen.instances[0].identity], BundleOrder(10, ROOMY, hide_literals=True), {})
    log = next(text for name, text in opened(made.packed).items() if name.endswith("log.txt")).splitlines()
    assert log[1] == lines[0]
    assert log[2].endswith("SET name = ?")
    assert log[3] == "  WHERE phone = ? AND id = ?"


@pytest.mark.parametrize(
    ("entry", "lines", "texts"),
    [
        (k8s_entry, [b"T stdout F one", b"T stdout P tw", b"T stderr F err", b"T stdout F o"], ["one", "err", "two"]),
        (docker_entry, [b'{"log":"one\\n","stream":"stdout"}', b"broken"], ["one", ""]),
    ],
)
def test_lines_within_a_containers_log(entry: t.Any, lines: list[bytes], texts: list[str]) -> None:
    assert joined(lines, entry) == texts


def test_a_containers_log_that_is_kept_in_another_way() -> None:
    with pytest.raises(_follow.Unreachable, match=r"podman keeps the log of its container in a way \(none\)"):
        _follow.entry_of("podman", "none", "")


def test_of_a_programs_output_only_the_end_is_held() -> None:
    text = end_of_output(1000, "/bin/sh", "-c", "for i in $(seq 20000); do echo line $i; done")
    assert len(text) <= 1000
    assert text.startswith("line ")
    assert text.endswith("line 20000\n")
    assert end_of_output(1000, "/nonexistent") == ""


def packed_of(*members: tarfile.TarInfo, data: bytes = b"x") -> tuple[str, str]:
    """An archive as somebody else might make it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member in members:
            member.size = len(data) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(data))
    packed = buffer.getvalue()
    return base64.b64encode(packed).decode(), hashlib.sha256(packed).hexdigest()


def link(name: str) -> tarfile.TarInfo:
    """A link in an archive."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return member


@pytest.mark.parametrize(
    "member",
    [tarfile.TarInfo(name) for name in ("../x", "/etc/x", "a/../b", "a/b/c", ".hidden", "a//b", "")] + [link("a")],
)
def test_nothing_that_a_host_sends_is_trusted(member: tarfile.TarInfo, tmp_path: pathlib.Path) -> None:
    with pytest.raises(BadBundle):
        unpack(*packed_of(member), str(tmp_path / "to"))
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_that_was_changed_or_is_too_large(tmp_path: pathlib.Path) -> None:
    content, digest = packed_of(tarfile.TarInfo("a"))
    with pytest.raises(BadBundle, match="checksum"):
        unpack(content, "0" * 64, str(tmp_path))
    with pytest.raises(BadBundle, match="base64"):
        unpack("?", digest, str(tmp_path))
    with pytest.raises(BadBundle, match="more than"):
        unpack(*packed_of(tarfile.TarInfo("a"), data=b"\0" * (17 << 20)), str(tmp_path))
    nothing = base64.b64encode(b"abc").decode()
    with pytest.raises(BadBundle, match="cannot be unpacked"):
        unpack(nothing, hashlib.sha256(b"abc").hexdigest(), str(tmp_path))
    unpack(content, digest, str(tmp_path))
    assert (tmp_path / "a").read_text() == "x"
