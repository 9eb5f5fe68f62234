# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the sources of Debian in the machine's own apt sources, which are never changed."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import LabError
from .shell import run

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Suites of the main archive; the security and updates suites do not carry a whole distribution.
_MAIN_SUITE = re.compile(
    r"^(oldoldstable|oldstable|stable|testing|unstable|sid|buster|bullseye|bookworm|trixie|forky|duke)$"
)
_ONE_LINE = re.compile(r"^deb\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>.*)$")
_FORWARDED = re.compile(r'^(Acquire::(?:http|https|ftp)(?:::[^ ]*)?::(?:Proxy|CaInfo)[^ ]*) "(.+)";$', re.IGNORECASE)


@dataclass(frozen=True)
class Mirror:
    """A Debian archive: its URL, the keyring that signs it, and what else apt needs to reach it."""

    url: str
    keyring: str
    options: tuple[str, ...] = ()

    def source(self, suite: str) -> str:
        """The line of a sources.list for one suite."""
        return f"deb [signed-by={self.keyring}] {self.url} {suite} main"


@dataclass(frozen=True)
class _Entry:
    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str


def find_mirror(etc: Path = Path("/etc/apt")) -> Mirror:
    """The first configured source that carries Debian's main archive."""
    for entry in _entries(etc):
        if not _MAIN_SUITE.match(entry.suite) or "main" not in entry.components:
            continue
        if not re.match(r"^https?://", entry.uri) or "debian" not in entry.uri.rsplit("//", 1)[-1]:
            continue
        keyring = entry.signed_by if entry.signed_by.startswith("/") else KEYRING
        if not Path(keyring).is_file():
            raise LabError(f"The keyring {keyring} is missing: apt-get install debian-archive-keyring.")
        return Mirror(entry.uri.rstrip("/"), keyring, tuple(_network_options()))
    raise LabError(f"No Debian mirror found: none of the sources under {etc} is Debian's main archive over http(s).")


def _entries(etc: Path) -> Iterator[_Entry]:
    for name in [str(etc / "sources.list"), *sorted(glob.glob(str(etc / "sources.list.d" / "*.list")))]:
        if Path(name).is_file():
            yield from _one_line_entries(Path(name).read_text(encoding="utf-8", errors="replace"))
    for name in sorted(glob.glob(str(etc / "sources.list.d" / "*.sources"))):
        yield from _deb822_entries(Path(name).read_text(encoding="utf-8", errors="replace"))


def _one_line_entries(text: str) -> Iterator[_Entry]:
    for line in text.splitlines():
        found = _ONE_LINE.match(line.split("#", 1)[0].strip())
        if found:
            signed = re.search(r"signed-by=(\S+)", found["options"] or "", re.IGNORECASE)
            yield _Entry(found["uri"], found["suite"], tuple(found["components"].split()), signed[1] if signed else "")


def _deb822_entries(text: str) -> Iterator[_Entry]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields: dict[str, str] = {}
        for name, value in re.findall(r"^([A-Za-z-]+):((?:.*)(?:\n[ \t].*)*)", stanza, re.MULTILINE):
            fields[name.lower()] = value.strip()
        if fields.get("enabled", "yes").lower() in ("no", "false", "0") or "deb" not in fields.get("types", "").split():
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield _Entry(uri, suite, tuple(fields.get("components", "").split()), fields.get("signed-by", ""))


def _network_options() -> Iterator[str]:
    """A proxy or a certificate authority of the machine's apt, as `Name "value"` lines."""
    for line in run(["apt-config", "dump", "Acquire"]).stdout.splitlines():
        found = _FORWARDED.match(line)
        if found:
            yield f'{found[1]} "{found[2]}"'
