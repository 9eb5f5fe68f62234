# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One archive: its parts and their limits, the manifest, and the search for secrets before it is sent."""

from __future__ import annotations

import hashlib
import json
import typing as t

import pytest
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle import archive
from ansible_collections.fleetops.odoo.plugins.module_utils._bundle.archive import Bundle, LeftOut, SecretLeft, left_in
from ansible_collections.fleetops.odoo.plugins.module_utils._facts.known_secrets import Secrets
from ansible_collections.fleetops.odoo.plugins.module_utils._messages import bundle as codes
from hypothesis import given
from hypothesis import strategies as st

from .archives import ROOMY, SECRET, opened

KNOWN = Secrets(((SECRET, "db_password"),))


class Unhidden(Secrets):
    """Secrets that the redaction misses."""

    def hide(self, text: str) -> str:
        return text


def fails(exception: Exception) -> t.Callable[[], t.Any]:
    """Raise an error when a part is made."""

    def make() -> t.Any:
        raise exception

    return make


def test_a_part_that_fails_is_named_and_the_others_are_kept() -> None:
    bundle = Bundle(ROOMY, KNOWN)
    bundle.add("a.txt", lambda: "one")
    bundle.add("b.txt", fails(LeftOut(codes.NO_CONF())))
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
        {"part": "b.txt", "code": "bundle.no_conf", "reason": str(codes.NO_CONF())},
        {"part": "c.json", "code": "bundle.error", "reason": "password=********"},
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
    assert [(one["part"], one["code"]) for one in json.loads(files["manifest.json"])["left_out"]] == [
        ("data.json", "bundle.part_too_large"),
        ("large.txt", "bundle.parts_too_large"),
    ]
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
def test_finish_refuses_a_secret_that_the_redaction_missed(monkeypatch: pytest.MonkeyPatch, content: t.Any) -> None:
    monkeypatch.setattr(archive, "redact_text", lambda text: text)
    bundle = Bundle(ROOMY, Unhidden(KNOWN.values))
    bundle.add("server-33/x.json", lambda: content)
    with pytest.raises(SecretLeft) as caught:
        bundle.finish({})
    assert caught.value.code == "bundle.secret_left"
    assert caught.value.problem.values == {"part": "server-33/x.json", "kind": "db_password"}
    assert SECRET not in str(caught.value)


def test_finish_refuses_a_value_behind_the_name_of_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "redact_text", lambda text: text)
    bundle = Bundle(ROOMY, Secrets())
    bundle.add("log.txt", lambda: "Cookie: session_id=abc")
    with pytest.raises(SecretLeft) as caught:
        bundle.finish({})
    assert caught.value.problem.values["part"] == "log.txt"
    assert caught.value.problem.values["kind"].startswith("a value behind the name of a secret")


@given(st.lists(st.text(max_size=30)), st.text(max_size=200))
def test_any_parts_pass_the_check_of_finish(words: list[str], text: str) -> None:
    bundle = Bundle(ROOMY, KNOWN)
    bundle.add("a.json", lambda: {"words": words, "text": text, "password": text})
    bundle.add("b.txt", lambda: text + SECRET + text)
    bundle.finish({})


def test_left_in_reads_the_texts_of_json_one_by_one() -> None:
    data = json.dumps([{"source": "if token:", "line": 3}]).encode()
    assert left_in("dumps.json", data, Secrets()) is None
    assert left_in("dumps.json", json.dumps(["token: abc"]).encode(), Secrets())
