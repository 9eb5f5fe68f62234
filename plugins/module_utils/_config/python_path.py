# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The folders in which the interpreter of a server finds packages: PYTHONPATH, those of pip, editable installs.

The interpreter is not run. Files with a path (``.pth``) are read, never run. (Seen on Odoo 14.0 and 19.0)
"""

from __future__ import annotations

import ast
import glob
import os
import re
import stat
import typing as t
from dataclasses import dataclass

from .._system.files import reached, read_regular

#: Bytes of a file that are read.
_LARGEST = 64 << 10
_SITE = ("site-packages", "dist-packages")
#: What an editable install of setuptools writes into its finder.
_MAPPING = re.compile(r"^(?:MAPPING|NAMESPACES)\b[^=\n]*=\s*(\{.*\})\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Interpreter:
    """The Python of a server.

    :ivar program: path by which it was started; None where that is not known.
    :ivar executable: path of the program that runs.
    :ivar home: of its user.
    :ivar cwd: its working directory.
    :ivar first: folder of its script, which is the first on its path.
    """

    program: t.Optional[str]
    executable: t.Optional[str]
    environ: t.Mapping[str, str]
    home: str
    cwd: str
    first: t.Optional[str] = None


@dataclass(frozen=True)
class PythonPath:
    """The places in which an interpreter finds packages.

    :ivar folders: those on its path, of PYTHONPATH first.
    :ivar addons: addons that editable installs name by themselves.
    :ivar packages: other packages that they name.
    """

    folders: t.Tuple[str, ...] = ()
    addons: t.Tuple[str, ...] = ()
    packages: t.Tuple[str, ...] = ()


def program_of(interpreter: str, cwd: str, environ: t.Mapping[str, str], root: str) -> t.Optional[str]:
    """Return the path by which an interpreter was started: a bare name, as after a HUP, is looked up in PATH.

    :param root: what to put before a path to reach it from here.
    """
    if "/" in interpreter:
        return os.path.join(cwd, interpreter)
    for folder in environ.get("PATH", "").split(":"):
        path = os.path.join(cwd, folder, interpreter)
        if interpreter and _is_program(reached(path, root)):
            return path
    return None


def _is_program(path: str) -> bool:
    try:
        status = os.stat(path)
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and bool(status.st_mode & 0o111)


def python_path(root: str, interpreter: Interpreter) -> PythonPath:
    """Return where the interpreter of a server finds packages.

    :param root: what to put before a path to reach it from here.
    """
    environ = interpreter.environ
    site: t.List[str] = []
    named = environ.get("PYTHONPATH", "")
    own = [os.path.normpath(os.path.join(interpreter.cwd, path)) for path in (named.split(":") if named else [])]
    prefixes = [
        os.path.dirname(os.path.dirname(path)) for path in (interpreter.program, interpreter.executable) if path
    ]
    virtual = [prefix for prefix in prefixes if os.path.exists(reached(prefix + "/pyvenv.cfg", root))]
    alone = bool(virtual) and not _takes_system_packages(root, virtual[0])
    places = [(prefix, "/lib*/python3*/" + name) for prefix in (virtual if alone else prefixes) for name in _SITE]
    if not alone:
        places += [("/usr/local", "/lib/python3*/" + name) for name in _SITE]
        places += [("/usr/lib/python3/dist-packages", "")]
        if not environ.get("PYTHONNOUSERSITE"):
            base = environ.get("PYTHONUSERBASE") or interpreter.home + "/.local"
            places += [(os.path.join(interpreter.cwd, base), "/lib/python3*/site-packages")]
    for prefix, below in places:
        site += _matching(root, prefix, below)
    site = list(dict.fromkeys(site))
    pointed = [path for folder in site for path in _path_files(root, folder)]
    edited = [one for folder in site for one in _edited(root, folder)]
    folders = [*([interpreter.first] if interpreter.first else []), *own, *site, *pointed]
    folders += [path for kind, path in edited if kind == "folder"]
    return PythonPath(
        tuple(dict.fromkeys(folders)),
        tuple(path for kind, path in edited if kind == "addon"),
        tuple(path for kind, path in edited if kind == "package"),
    )


def _takes_system_packages(root: str, prefix: str) -> bool:
    try:
        text = read_regular(reached(prefix + "/pyvenv.cfg", root), _LARGEST).decode("utf-8", "replace")
    except OSError:
        return True
    return re.search(r"(?im)^include-system-site-packages\s*=\s*true\s*$", text) is not None


def _matching(root: str, prefix: str, below: str) -> t.Iterator[str]:
    real = reached(prefix, root)
    for path in sorted(glob.glob(glob.escape(real) + below)):
        if os.path.isdir(path):
            yield prefix + path[len(real) :]


def _path_files(root: str, folder: str) -> t.Iterator[str]:
    """Yield the folders that files with a path add to the path of an interpreter."""
    for path in sorted(glob.glob(glob.escape(reached(folder, root)) + "/*.pth")):
        for line in _lines(path):
            if line.startswith(("import ", "import\t", "#")) or not line.strip():
                continue
            named = os.path.normpath(os.path.join(folder, line.strip()))
            if os.path.isdir(reached(named, root)):
                yield named


def _edited(root: str, folder: str) -> t.Iterator[t.Tuple[str, str]]:
    """Yield what editable installs of setuptools name: ``addon``, ``folder`` on the path or ``package``, and a path."""
    for path in sorted(glob.glob(glob.escape(reached(folder, root)) + "/__editable__*.py")):
        for found in _MAPPING.findall("\n".join(_lines(path))):
            for name, places in _mapping(found).items():
                for place in places if isinstance(places, list) else [places]:
                    if not isinstance(place, str) or not place.startswith("/"):
                        continue
                    if str(name).startswith("odoo.addons."):
                        yield "addon", place
                    elif name in ("odoo", "odoo.addons"):
                        yield "folder", os.path.dirname(place if name == "odoo" else os.path.dirname(place))
                    else:
                        yield "package", place


def _lines(path: str) -> t.List[str]:
    try:
        return read_regular(path, _LARGEST).decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def _mapping(text: str) -> t.Dict[str, t.Any]:
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
