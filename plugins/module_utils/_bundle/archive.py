# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""One packed archive of many small texts: bounded, without secrets, and looked through before it leaves the host."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import typing as t

from .._facts.known_secrets import Secrets
from .._facts.results import printable
from .._messages import bundle
from .._messages.code import Problem
from .._system.errors import Failure
from .._system.redact import redact_text

#: The version of the manifest. It becomes 2 when a key changes its meaning or goes.
SCHEMA = 1
MANIFEST = "manifest.json"
#: Bytes of one part, unless the caller sets another limit.
_PART = 1 << 18
#: Bytes of JSON that is parsed: JSON that was made for that takes fifty times as much memory.
_LARGEST_JSON = 1 << 20
#: Bytes that are kept free for the manifest.
_RESERVED = 1 << 16


class SecretLeft(Failure):
    """A secret is left in what was to be sent. The problem names the part and the kind, never the secret."""


class LeftOut(Failure):
    """A part cannot be had."""


class Bundle:
    """An archive that is made part by part. A part that fails is named with its reason, and loses no other.

    :param most: bytes of all parts together, before they are packed.
    """

    def __init__(self, most: int, secrets: Secrets) -> None:
        self._most, self._secrets = most, secrets
        self._room = most - _RESERVED
        self._packed = io.BytesIO()
        # No time and no name: the same parts make the same archive.
        self._gzip = gzip.GzipFile(filename="", mode="wb", fileobj=self._packed, mtime=0)
        self._tar = tarfile.TarFile(fileobj=self._gzip, mode="w", format=tarfile.USTAR_FORMAT)
        self.parts: t.List[t.Dict[str, t.Any]] = []
        self.left_out: t.List[t.Dict[str, str]] = []

    def add(self, name: str, make: t.Callable[[], t.Any], largest: int = _PART, *, end: bool = False) -> None:
        """Add a part: a text, or data that becomes JSON. None, an empty text and an empty list are left out.

        :param make: returns the part.
        :param largest: bytes; a longer text is cut, other parts are not added.
        :param end: keep the end of a long text and not its beginning.
        """
        try:
            content = make()
            data, cut = self._written(content, largest, end=end) if content else (b"", False)
        except Failure as exc:
            self.leave_out(name, exc.problem)
            return
        except Exception as exc:  # a fault of one part must not lose the other parts
            self.leave_out(name, bundle.ANY_ERROR(error=str(exc) or type(exc).__name__))
            return
        if not data:
            return
        if len(data) > self._room:
            self.leave_out(name, bundle.PARTS_TOO_LARGE(limit=self._most))
            return
        self._room -= len(data)
        self._write(name, data)
        self.parts.append({"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "cut": cut})

    def leave_out(self, name: str, problem: Problem) -> None:
        """Name a part that is missing."""
        reason = self._secrets.hide(redact_text(str(printable(str(problem)))))
        self.left_out.append({"part": name, "code": problem.code, "reason": reason})

    def finish(self, about: t.Mapping[str, t.Any]) -> bytes:
        """Return the packed archive with its manifest.

        :raises SecretLeft: the check has found one.
        """
        manifest = {
            "schema": SCHEMA,
            **about,
            "parts": self.parts,
            "left_out": self.left_out,
            "not_searched_for": list(self._secrets.unsearched),
        }
        self._write(MANIFEST, self._json(manifest))
        self._tar.close()
        self._gzip.close()
        packed = self._packed.getvalue()
        check(packed, self._secrets)
        return packed

    def _write(self, name: str, data: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(data), 0o600
        self._tar.addfile(member, io.BytesIO(data))

    def _written(self, content: t.Any, largest: int, *, end: bool) -> t.Tuple[bytes, bool]:
        """Return the bytes of a part, and whether it was cut."""
        if isinstance(content, str):
            text, cut = self._text(content, largest, end=end)
            return text.encode("utf-8", "backslashreplace"), cut
        data = self._json(content)
        if len(data) > largest:
            raise LeftOut(bundle.PART_TOO_LARGE(size=len(data), limit=largest))
        return data, False

    def _json(self, content: t.Any) -> bytes:
        text = json.dumps(self._clean(content), indent=1, ensure_ascii=False) + "\n"
        return self._secrets.hide(text).encode("utf-8", "backslashreplace")

    def _text(self, content: str, largest: int, *, end: bool) -> t.Tuple[str, bool]:
        text = self._secrets.hide(redact_text(str(printable(content))))
        cut = len(text) > largest
        if cut:
            # Whole lines: what a cut line begins with may be the end of a secret that nothing names any more.
            text = text[-largest:].partition("\n")[2] if end else text[:largest].rpartition("\n")[0]
        return text if text.endswith("\n") else text + "\n", cut

    def _clean(self, value: t.Any) -> t.Any:
        if isinstance(value, str):
            return redact_text(self._secrets.hide(str(printable(value))))
        if isinstance(value, t.Mapping):
            return {str(key): self._clean(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._clean(one) for one in value]
        return value


def check(packed: bytes, secrets: Secrets) -> None:
    """Look through an archive, as it would be sent, for secrets.

    :raises SecretLeft: there is one.
    """
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        for member in archive:
            file = archive.extractfile(member)
            found = left_in(member.name, file.read() if file else b"", secrets)
            if found:
                raise SecretLeft(bundle.SECRET_LEFT(part=member.name, kind=found))


def left_in(name: str, data: bytes, secrets: Secrets) -> t.Optional[str]:
    """Return the kind of the first secret that a file still shows, by name or kind; None without one.

    The texts in a JSON file are checked one by one, because the signs between them are not part of a sentence.
    """
    text = data.decode("utf-8", "replace")
    if not name.endswith(".json") or len(data) > _LARGEST_JSON:
        return secrets.found(text)
    try:
        return next((found for one in _texts(json.loads(text)) for found in [secrets.found(one)] if found), None)
    except (ValueError, RecursionError):
        return secrets.found(text)


def _texts(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
