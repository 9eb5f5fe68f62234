# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkout of Odoo's source: what of it the lab needs, and which Python and Debian it wants.

The checkout is read as data. Nothing of it is run on this machine: its Python runs in the image alone, as `odoo`.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

from .errors import LabError
from .paths import cache_dir
from .recipe import RECIPES
from .shell import last_lines, locked, write_file

Python = tuple[int, int]
#: Debian's releases that have an ordinary Odoo's Python, the oldest first.
SUITES: dict[str, Python] = {"bullseye": (3, 9), "bookworm": (3, 11), "trixie": (3, 13)}
_RELEASE = "odoo/release.py"
_WASTE = re.compile(
    r"(^|/)(__pycache__|i18n|\.git)/|\.(po|pot|pyc)$|/static/(description|tests|fonts/google)/|addons/[^/]+/tests/"
)
_ADDON = re.compile(r"^(?:odoo/)?addons/([^/]+)/")
# The list of shop modules refers to categories of addons that are not here.
_EMPTIED = re.compile(r"addons/base/data/ir_module_module\.xml$")


@dataclass(frozen=True)
class Tree:
    """A checkout that the lab has a copy of. `label` is what a fleet file calls it: 17, saas18_2, or 19source."""

    label: str
    version: str
    suite: str
    addons: tuple[str, ...]
    digest: str
    # The commit and its date, where it came from git.
    commit: str
    date: str

    @property
    def packed(self) -> Path:
        """The copy: a tar archive of odoo, addons, odoo-bin and requirements.txt."""
        return _place(self.label, "tar")


class _Shelf(ABC):
    """Yield the files of a checkout. Links are left out, so no name leads out of it."""

    #: The commit and its date, of a git repository.
    commit = ""
    date = ""

    @abstractmethod
    def names(self) -> list[str]:
        """Return the paths of all regular files."""

    @abstractmethod
    def read(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Read some of these files, in the order of `names`."""


class _Folder(_Shelf):
    def __init__(self, place: Path) -> None:
        self._place = place

    def names(self) -> list[str]:
        found = []
        for directory, folders, files in os.walk(self._place):
            folders[:] = [name for name in folders if name not in (".git", "node_modules", "__pycache__")]
            paths = (Path(directory) / name for name in files)
            found += [os.fspath(path.relative_to(self._place)) for path in paths if _is_plain(path)]
        return found

    def read(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        for name in names:
            yield name, (self._place / name).read_bytes()


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


class _Git(_Shelf):
    """A repository at a reference. git runs as the repository's owner, whose settings it follows."""

    def __init__(self, place: Path, reference: str) -> None:
        self._place = place
        owner = place.stat()
        self._as = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        shown = self._git("log", "-1", "--format=%H %cs", f"{reference or 'HEAD'}^{{commit}}", "--").decode().split()
        self.commit, self.date = shown
        self._blobs: dict[str, str] = {}

    def _git(self, *words: str, feed: bytes = b"") -> bytes:
        # What is not in the checkout is not fetched: the lab needs no network but the package registries.
        clean = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "GIT_NO_LAZY_FETCH": "1", "HOME": "/nonexistent"}
        try:
            done = subprocess.run(
                ["git", "-C", os.fspath(self._place), *words],
                input=feed,
                capture_output=True,
                check=False,
                env=clean,
                cwd="/",
                **self._as,  # type: ignore[call-overload]
            )
        except FileNotFoundError as error:
            raise LabError("The program git is not installed: apt-get install git.") from error
        if done.returncode:
            raise LabError(f"git cannot read {self._place}: {last_lines(done.stderr.decode(errors='replace'), 2)}.")
        return bytes(done.stdout)

    def names(self) -> list[str]:
        for row in self._git("ls-tree", "-r", "-z", self.commit).decode(errors="surrogateescape").split("\0"):
            facts, _tab, name = row.partition("\t")
            # Regular files alone: no links, no submodules.
            if facts.startswith("100"):
                self._blobs[name] = facts.split()[2]
        return list(self._blobs)

    def read(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        wanted = list(names)
        feed = "".join(f"{self._blobs[name]}\n" for name in wanted).encode()
        text, at = self._git("cat-file", "--batch", feed=feed), 0
        for name in wanted:
            end = text.index(b"\n", at)
            head = text[at:end].split()
            if len(head) != 3:
                raise LabError(f"The repository {self._place} lacks the content of {name}: is it a partial clone?")
            size = int(head[2])
            yield name, text[end + 1 : end + 1 + size]
            at = end + size + 2


class _Archive(_Shelf):
    def __init__(self, place: Path) -> None:
        self._tar: tarfile.TarFile | None = None
        self._zip: zipfile.ZipFile | None = None
        try:
            if zipfile.is_zipfile(place):
                self._zip = zipfile.ZipFile(place)
            else:
                self._tar = tarfile.open(place)  # noqa: SIM115 (read from until the end)
        except (tarfile.TarError, OSError) as error:
            raise LabError(f"{place} is no archive that can be read: tar (gz, bz2, xz) or zip is.") from error

    def names(self) -> list[str]:
        if self._zip:
            return [item.filename for item in self._zip.infolist() if not item.is_dir()]
        assert self._tar
        return [item.name for item in self._tar.getmembers() if item.isfile()]

    def read(self, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        for name in names:
            if self._zip:
                yield name, self._zip.read(name)
            else:
                assert self._tar
                file = self._tar.extractfile(name)
                assert file
                yield name, file.read()


def _shelf(wanted: str) -> _Shelf:
    """Open DIR[@REF]: a clone, a bare repository, a folder without git, or an archive."""
    if not wanted:
        raise LabError("--odoo must be a directory, a git repository or an archive of Odoo's source, got ''.")
    place, reference = Path(wanted).expanduser(), ""
    if not place.exists() and "@" in wanted:
        name, _at, reference = wanted.rpartition("@")
        place = Path(name).expanduser()
    if place.is_dir() and ((place / ".git").exists() or (place / "objects").is_dir()):
        return _Git(place.resolve(), reference)
    if reference:
        raise LabError(f"--odoo: {place} is no git repository, so it has no reference {reference}.")
    if place.is_dir():
        return _Folder(place)
    if place.is_file():
        return _Archive(place)
    raise LabError(f"--odoo must be a directory, a git repository or an archive of Odoo's source, got {wanted!r}.")


def take(wanted: str, suite: str = "") -> Tree:
    """Copy what the lab needs of a checkout into the cache, and remember it under its label."""
    shelf = _shelf(wanted)
    names = shelf.names()
    top = top_folder(names)
    if top is None:
        raise LabError(f"--odoo: {wanted} holds no {_RELEASE}, so it is no source of Odoo.")
    known = {name.removeprefix(top): name for name in names if name.startswith(top)}
    texts = [_RELEASE, "odoo/__init__.py", "odoo/init.py", "setup.py", "requirements.txt"]
    inside = [name for name in known if re.search(r"addons/[^/]+/__manifest__\.py$", name) or name in texts]
    read = dict(zip(inside, (content for _name, content in shelf.read(known[name] for name in inside)), strict=True))
    text = {name: content.decode("utf-8", "replace") for name, content in read.items()}
    label, version = release(text[_RELEASE])
    addons = wanted_addons({PurePosixPath(name).parts[-2]: text[name] for name in text if name not in texts})
    chosen = suite or suite_for(python_range({name: text[name] for name in texts if name in text}))
    # All addons in one folder, which every addons_path has by itself.
    kept = {_ADDON.sub(r"odoo/addons/\1/", name): known[name] for name in sorted(known) if is_wanted(name, addons)}
    content = zip(sorted(kept), (data for _path, data in shelf.read(kept[name] for name in sorted(kept))), strict=True)
    with locked(cache_dir() / f"source-{label}.lock", f"it reads the source of Odoo {label}"):
        part = _place(label, "new")
        digest = pack(content, part)
        tree = Tree(label, version, chosen, addons, digest, shelf.commit, shelf.date)
        part.replace(tree.packed)
        write_file(_place(label, "json"), json.dumps(asdict(tree), indent=1) + "\n")
    return tree


def known(label: str) -> Tree:
    """Return the checkout that was taken under this label."""
    try:
        data = json.loads(_place(label, "json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise LabError(f"There is no image of Odoo {label}: make one by `lab build --odoo DIR[@REF]`.") from error
    return Tree(**{**data, "addons": tuple(data["addons"])})


def _place(label: str, ending: str) -> Path:
    return cache_dir() / f"source-{label}.{ending}"


def top_folder(names: Iterable[str]) -> str | None:
    """Return the folder of an archive in which Odoo is, "" or with a slash at its end; None where none is."""
    found = [name.removesuffix(_RELEASE) for name in names if name == _RELEASE or name.endswith(f"/{_RELEASE}")]
    return min(found, key=lambda top: (top.count("/"), top), default=None)


def release(text: str) -> tuple[str, str]:
    """Return a fleet file's name for a version, and its major number, out of the text of odoo/release.py."""
    try:
        rows = [node for node in ast.parse(text).body if isinstance(node, ast.Assign)]
    except SyntaxError as error:
        raise LabError(f"{_RELEASE} is no Python that can be read: {error}.") from error
    for row in rows:
        if any(isinstance(target, ast.Name) and target.id == "version_info" for target in row.targets):
            numbers = [item.value for item in getattr(row.value, "elts", [])[:2] if isinstance(item, ast.Constant)]
            found = re.fullmatch(r"(saas~)?(\d+) (\d+)", " ".join(map(str, numbers)))
            if found:
                saas, major, minor = found.groups()
                label = f"saas{major}_{minor}" if saas else major
                return f"{label}source" if label in {recipe.version for recipe in RECIPES.values()} else label, major
    raise LabError(f"{_RELEASE} has no version_info that can be read, such as (17, 0, ...).")


def wanted_addons(manifests: dict[str, str]) -> tuple[str, ...]:
    """Return the few addons of a small server, with what they depend on: base, web, and rpc, or bus before it."""
    queue = ["base", "web", "rpc" if "rpc" in manifests else "bus"]
    found: list[str] = []
    while queue:
        name = queue.pop(0)
        if name in found:
            continue
        if name not in manifests:
            raise LabError(f"The checkout has no addon {name}.")
        found.append(name)
        try:
            queue += ast.literal_eval(manifests[name].strip()).get("depends", [])
        except (ValueError, SyntaxError, AttributeError) as error:
            raise LabError(f"The manifest of the addon {name} cannot be read: {error}.") from error
    return tuple(found)


def is_wanted(name: str, addons: Iterable[str]) -> bool:
    """Tell whether a file of a checkout goes into the image."""
    if name in ("odoo-bin", "requirements.txt"):
        return True
    if not name.startswith(("odoo/", "addons/")) or _WASTE.search(name) or ".." in PurePosixPath(name).parts:
        return False
    addon = _ADDON.match(name)
    return addon[1] in addons if addon else name.startswith("odoo/")


def pack(content: Iterable[tuple[str, bytes]], tarball: Path) -> str:
    """Write files into a tar archive that is the same for the same files; return its digest."""
    tarball.parent.mkdir(parents=True, exist_ok=True)
    total = hashlib.sha256()
    with tarfile.open(tarball, "w") as archive:
        for name, data in content:
            text = b"<odoo/>\n" if _EMPTIED.search(name) else data
            item = tarfile.TarInfo(name)
            item.size, item.mode = len(text), 0o755 if name == "odoo-bin" else 0o644
            archive.addfile(item, io.BytesIO(text))
            total.update(name.encode(errors="surrogateescape") + b"\0" + hashlib.sha256(text).digest())
    return total.hexdigest()[:12]


def python_range(texts: dict[str, str]) -> tuple[Python, Python]:
    """Return the oldest Python of a checkout, and the newest one that it was written for.

    What it says itself comes first: setup.py, and since 18 MIN_PY_VERSION and MAX_PY_VERSION. Else the newest Python is
    the newest one that a marker of requirements.txt names.
    """
    code = "\n".join(text for name, text in texts.items() if name != "requirements.txt")
    oldest = [_python(found) for found in re.findall(r"python_requires\s*=\s*['\"]>=?\s*(\d+\.\d+)", code)]
    oldest += [(int(a), int(b)) for a, b in re.findall(r"^MIN_PY_VERSION\s*=\s*\((\d+),\s*(\d+)", code, re.MULTILINE)]
    newest = [(int(a), int(b)) for a, b in re.findall(r"^MAX_PY_VERSION\s*=\s*\((\d+),\s*(\d+)", code, re.MULTILINE)]
    markers = re.findall(r"python_version\s*(>=|>|==|<=)\s*['\"](\d+\.\d+)", texts.get("requirements.txt", ""))
    named = [(major, minor + (sign == ">")) for sign, (major, minor) in ((s, _python(v)) for s, v in markers)]
    first = max(oldest, default=(3, 0))
    return first, max([first, *(newest or named or [(3, 11)])])


def _python(text: str) -> Python:
    major, minor = text.split(".")
    return int(major), int(minor)


def suite_for(wanted: tuple[Python, Python]) -> str:
    """Return the Debian with the newest Python that a checkout was written for, else the oldest that it may have."""
    oldest, newest = wanted
    able = {suite: python for suite, python in SUITES.items() if python >= oldest}
    if not able:
        raise LabError(f"No Debian of the lab has the Python {oldest[0]}.{oldest[1]} that this checkout wants.")
    fitting = [suite for suite, python in able.items() if python <= newest]
    return fitting[-1] if fitting else next(iter(able))


#: The first Python without the module cgi.
_WITHOUT_CGI = (3, 13)


def requirements(text: str, python: Python) -> list[str]:
    """Return the lines of a requirements.txt that hold for a Linux with this Python, without marker and comment.

    Python 3.13 has no module cgi, and releases of Babel that Odoo pins import it: legacy-cgi is added there.
    """
    found = []
    for line in text.splitlines():
        words = re.sub(r"(^|\s)#.*| --\S.*", "", line).strip()
        name, _semicolon, marker = words.partition(";")
        if re.match(r"[A-Za-z0-9]", name) and (not marker.strip() or _holds(marker, python)):
            found.append(re.sub(r"\s+", "", name))
    if found and python >= _WITHOUT_CGI and not any(line.startswith("legacy-cgi") for line in found):
        found.append("legacy-cgi")
    return found


def _holds(marker: str, python: Python) -> bool:
    facts = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}

    def value(node: ast.expr) -> object:
        if isinstance(node, ast.Name) and node.id == "python_version":
            return python
        if isinstance(node, ast.Name):
            return facts.get(node.id, "")
        text = str(ast.literal_eval(node))
        return _python(text) if re.fullmatch(r"\d+\.\d+", text) else text

    def holds(node: ast.expr) -> bool:
        if isinstance(node, ast.BoolOp):
            parts = [holds(part) for part in node.values]
            return all(parts) if isinstance(node.op, ast.And) else any(parts)
        if not isinstance(node, ast.Compare) or len(node.ops) != 1:
            raise ValueError(ast.dump(node))
        left, right = value(node.left), value(node.comparators[0])
        order = (left > right) - (left < right)  # type: ignore[operator]
        signs = {ast.Gt: (1,), ast.GtE: (0, 1), ast.Lt: (-1,), ast.LtE: (-1, 0), ast.Eq: (0,), ast.NotEq: (-1, 1)}
        return order in signs[type(node.ops[0])]

    try:
        return holds(ast.parse(marker.strip(), mode="eval").body)
    except (SyntaxError, ValueError, TypeError, KeyError) as error:
        raise LabError(f"requirements.txt: the marker {marker.strip()!r} cannot be read.") from error


def looser(requirement: str) -> list[str]:
    """Return what to ask for where a pinned version has no wheel: up to the next major version, then anything newer."""
    found = re.fullmatch(r"([\w.-]+)(?:\[.*\])?==(\d+)([\w.]*?)(?:\.\*)?", requirement)
    if not found:
        name = re.split(r"[=<>!~\[]", requirement)[0]
        return [name] if name != requirement else []
    name, major, rest = found.groups()
    return [f"{name}>={major}{rest},<{int(major) + 1}", f"{name}>={major}{rest}"]
