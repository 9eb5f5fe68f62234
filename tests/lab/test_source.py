# SPDX-License-Identifier: GPL-3.0-or-later
"""Test what is read of a checkout of Odoo's source; no host is needed."""

from __future__ import annotations

import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from labkit import fleet, source
from labkit.errors import LabError

RELEASE = "FINAL = 'final'\nversion_info = (%s, FINAL, 0, '')\nversion = '.'.join(str(s) for s in version_info[:2])\n"
FILES = {
    "odoo-bin": "#!/usr/bin/env python3\n",
    "odoo/release.py": RELEASE % "17, 0, 0",
    "odoo/__init__.py": "",
    "odoo/addons/base/__manifest__.py": "{'name': 'Base', 'depends': []}",
    "odoo/addons/base/data/ir_module_module.xml": "<odoo><record/></odoo>",
    "odoo/addons/base/i18n/de.po": "",
    "odoo/addons/test_lint/__manifest__.py": "{'depends': ['base']}",
    "addons/web/__manifest__.py": "# a comment\n{'name': 'Web', 'depends': ['base']}",
    "addons/web/static/tests/a.js": "",
    "addons/web/views/a.xml": "<odoo/>",
    "addons/bus/__manifest__.py": "{'depends': ['base', 'web']}",
    "addons/sale/__manifest__.py": "{'depends': ['base', 'no_such']}",
    "doc/x.rst": "",
    "requirements.txt": "lxml==4.9.2 ; python_version > '3.10'\n",
    "setup.py": "setup(\n    python_requires='>=3.10',\n)\n",
}
KEPT = [
    *("odoo-bin", "odoo/__init__.py", "odoo/addons/base/__manifest__.py"),
    *("odoo/addons/base/data/ir_module_module.xml", "odoo/addons/bus/__manifest__.py"),
    *("odoo/addons/web/__manifest__.py", "odoo/addons/web/views/a.xml", "odoo/release.py", "requirements.txt"),
]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small Odoo, and a cache beside it."""
    monkeypatch.setenv("FLEETOPS_LAB_CACHE", str(tmp_path / "cache"))
    for name, text in FILES.items():
        path = tmp_path / "checkout" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    # A link may lead anywhere.
    (tmp_path / "checkout/odoo/passwd.py").symlink_to("/etc/passwd")
    return tmp_path / "checkout"


def _git(place: Path, *words: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", place, *identity, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_folder_an_archive_and_a_repository_give_the_same_copy(checkout: Path, tmp_path: Path) -> None:
    tree = source.take(str(checkout))
    assert (tree.label, tree.version, tree.suite, tree.addons) == ("17", "17", "bookworm", ("base", "web", "bus"))
    assert (tree.commit, tree.date) == ("", "")
    with tarfile.open(tree.packed) as archive:
        assert archive.getnames() == KEPT
        emptied = archive.extractfile("odoo/addons/base/data/ir_module_module.xml")
        assert emptied is not None
        assert emptied.read() == b"<odoo/>\n"
    packed = tmp_path / "odoo-17.tar.gz"
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(checkout, "odoo-17.0.post1")
    zipped = tmp_path / "odoo-17.zip"
    with zipfile.ZipFile(zipped, "w") as file:
        for name in FILES:
            file.write(checkout / name, f"odoo-17.0/{name}")
    _git(checkout, "init", "-q")
    _git(checkout, "add", "-A")
    _git(checkout, "commit", "-qm", "1")
    _git(checkout, "branch", "17.0")
    (checkout / "odoo/release.py").write_text(RELEASE % "'saas~17', 4, 0", encoding="utf-8")
    _git(checkout, "commit", "-qam", "2")
    bare = tmp_path / "bare@17.git"
    _git(tmp_path, "clone", "-q", "--bare", str(checkout), str(bare))
    for place in (packed, zipped, f"{checkout}@17.0", f"{bare}@17.0"):
        assert source.take(str(place)).digest == tree.digest, place
    assert source.known("17").commit == _git(checkout, "rev-parse", "17.0")
    later = source.take(str(bare))
    assert (later.label, later.version) == ("saas17_4", "17")
    # What was taken before stays.
    assert source.known("17").digest == tree.digest != later.digest


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("{0}/nonsuch", "--odoo must be a directory, a git repository or an archive"),
        ("{0}/checkout@17.0", "checkout is no git repository, so it has no reference 17.0"),
        ("{0}/checkout/odoo/addons", "holds no odoo/release.py"),
        ("{0}/checkout/setup.py", "is no archive that can be read"),
    ],
)
def test_a_folder_without_odoo_is_refused_in_one_sentence(checkout: Path, wanted: str, said: str) -> None:
    with pytest.raises(LabError) as caught:
        source.take(wanted.format(checkout.parent))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("checkout")
def test_a_version_without_a_checkout_names_the_command() -> None:
    with pytest.raises(LabError, match="There is no image of Odoo 16: make one by `lab build --odoo"):
        source.known("16")


@pytest.mark.parametrize(
    ("info", "label", "version"),
    [
        ("15, 0, 0", "15", "15"),
        ("'saas~18', 2, 0", "saas18_2", "18"),
        ('"saas~18", 2, 0', "saas18_2", "18"),
        # Those that come with the lab are Debian's.
        ("19, 0, 0", "19source", "19"),
        ("14, 0, 0", "14source", "14"),
    ],
)
def test_versions_and_what_fleets_call_them(info: str, label: str, version: str) -> None:
    assert source.release(RELEASE % info) == (label, version)
    assert fleet.parse({"hosts": [{"name": "h", "version": label}]}, "f", "f").hosts[0].version == label


@pytest.mark.parametrize("text", ["", "version_info = 17", "version_info = (", "version_info = (f(), 0)"])
def test_a_release_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(LabError, match=r"odoo/release\.py"):
        source.release(text)


@pytest.mark.parametrize(
    ("texts", "suite"),
    [
        # Odoo 15: from 3.7 on, and Jammy's 3.10 is the newest that it names.
        (
            {"setup.py": "python_requires='>=3.7',", "requirements.txt": "gevent==21.8.0 ; python_version > '3.9'"},
            "bullseye",
        ),
        ({"setup.py": "python_requires='>=3.10',", "requirements.txt": "a==1 ; python_version > '3.10'"}, "bookworm"),
        ({"odoo/__init__.py": "MIN_PY_VERSION = (3, 10)\nMAX_PY_VERSION = (3, 12)\n"}, "bookworm"),
        ({"odoo/init.py": "MIN_PY_VERSION = (3, 12)\nMAX_PY_VERSION = (3, 12)\n"}, "trixie"),
        ({"odoo/release.py": "MIN_PY_VERSION = (3, 10)\nMAX_PY_VERSION = (3, 13)\n"}, "trixie"),
        ({}, "bookworm"),
    ],
)
def test_the_debian_is_chosen_by_the_python(texts: dict[str, str], suite: str) -> None:
    assert source.suite_for(source.python_range(texts)) == suite


def test_a_python_that_no_debian_has_is_an_error() -> None:
    with pytest.raises(LabError, match=r"has the Python 3\.15 that"):
        source.suite_for(((3, 15), (3, 15)))


REQUIREMENTS = """\
# a comment
Babel==2.9.1  # min version = 2.6.0
gevent==21.12.0 ; python_version == '3.10' --only-binary=:all: # (Jammy)
gevent==22.10.2; python_version > '3.10'
psycopg2==2.8.6 ; sys_platform != 'win32' and python_version >= '3.8'and python_version <= '3.10'
psycopg2==2.9.5 ; python_version > '3.10' or (sys_platform == 'win32' and python_version == '3.10')
pypiwin32 ; sys_platform == 'win32'
pytz  # no version pinning
xlwt==1.3.*
-r other.txt
"""


@pytest.mark.parametrize(
    ("python", "found"),
    [
        ((3, 9), ["Babel==2.9.1", "psycopg2==2.8.6", "pytz", "xlwt==1.3.*"]),
        ((3, 11), ["Babel==2.9.1", "gevent==22.10.2", "psycopg2==2.9.5", "pytz", "xlwt==1.3.*"]),
        ((3, 13), ["Babel==2.9.1", "gevent==22.10.2", "psycopg2==2.9.5", "pytz", "xlwt==1.3.*", "legacy-cgi"]),
    ],
)
def test_requirements_are_those_of_the_python(python: tuple[int, int], found: list[str]) -> None:
    assert source.requirements(REQUIREMENTS, python) == found


def test_a_marker_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(LabError, match="the marker \"python_version in 'x'\" cannot be read"):
        source.requirements("a==1 ; python_version in 'x'", (3, 11))


@pytest.mark.parametrize(
    ("pinned", "looser"),
    [
        ("PyPDF2==1.26.0", ["PyPDF2>=1.26.0,<2", "PyPDF2>=1.26.0"]),
        ("xlwt==1.3.*", ["xlwt>=1.3,<2", "xlwt>=1.3"]),
        ("lxml[x]==5.2.1", ["lxml>=5.2.1,<6", "lxml>=5.2.1"]),
        ("a<3", ["a"]),
        ("pytz", []),
    ],
)
def test_what_is_asked_for_where_a_pin_has_no_wheel(pinned: str, looser: list[str]) -> None:
    assert source.looser(pinned) == looser


def test_the_place_of_a_checkout_may_hold_an_at_sign(checkout: Path) -> None:
    place = checkout.rename(checkout.parent / "odoo@17.0")
    assert source.take(os.fspath(place)).label == "17"
