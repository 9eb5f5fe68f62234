# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Folders of code that a server loads from, besides those that its configuration names.

``odoo.addons`` is a package in parts: Odoo takes ``odoo/addons`` of every folder on its interpreter's path, such as
those of pip, and of editable installs. Files with a path (``.pth``) are read, never run. (Seen on Odoo 14.0 and 19.0)
"""

from __future__ import annotations

import ast
import glob
import os
import re
import typing as t

from .._processes.limits import RELEASE
from .._system.files import reached, read_regular

_SITE = ("site-packages", "dist-packages")
#: What an editable install of setuptools writes into its finder.
_MAPPING = re.compile(r"^(?:MAPPING|NAMESPACES)\b[^=\n]*=\s*(\{.*\})\s*$", re.MULTILINE)


def site_folders(
    root: str, interpreter: t.Optional[str], executable: t.Optional[str], environ: t.Mapping[str, str], home: str
) -> t.List[str]:
    """Return folders that the interpreter of a server has on its path, those of PYTHONPATH first.

    :param root: what to put before a path to reach it from here.
    :param interpreter: path by which it was started; ``executable``: of the program that runs.
    :param home: of its user.
    """
    folders = [path for path in environ.get("PYTHONPATH", "").split(":") if path.startswith("/")]
    prefixes = [os.path.dirname(os.path.dirname(path)) for path in (interpreter, executable) if path]
    virtual = [prefix for prefix in prefixes if os.path.exists(reached(prefix + "/pyvenv.cfg", root))]
    alone = bool(virtual) and not _takes_system_packages(root, virtual[0])
    places = [(prefix, "/lib*/python3*/" + name) for prefix in (virtual if alone else prefixes) for name in _SITE]
    if not alone:
        places += [("/usr/local", "/lib/python3*/" + name) for name in _SITE]
        places += [("/usr/lib/python3/dist-packages", "")]
        if not environ.get("PYTHONNOUSERSITE"):
            places += [(home + "/.local", "/lib/python3*/site-packages")]
    for prefix, below in places:
        folders += _matching(root, prefix, below)
    folders = list(dict.fromkeys(folders))
    return [*folders, *(path for folder in folders for path in _path_files(root, folder))]


def addons_in(root: str, folders: t.Iterable[str]) -> t.List[str]:
    """Return folders of addons that lie in some folders of packages."""
    found = []
    for folder in folders:
        inner = folder + "/odoo/addons"
        if os.path.basename(folder) == "addons" and folder.endswith("/odoo/addons"):
            inner = folder
        if os.path.isdir(reached(inner, root)):
            found.append(inner)
        elif folder.startswith(_EDITED):
            found.append(folder[len(_EDITED) :])
    return list(dict.fromkeys(found))


#: Marks a package that an editable install names by itself.
_EDITED = "package:"


def _takes_system_packages(root: str, prefix: str) -> bool:
    try:
        text = read_regular(reached(prefix + "/pyvenv.cfg", root), RELEASE).decode("utf-8", "replace")
    except OSError:
        return True
    return re.search(r"(?im)^include-system-site-packages\s*=\s*true\s*$", text) is not None


def _matching(root: str, prefix: str, below: str) -> t.Iterator[str]:
    real = reached(prefix, root)
    for path in sorted(glob.glob(glob.escape(real) + below)):
        if os.path.isdir(path):
            yield prefix + path[len(real) :]


def _path_files(root: str, folder: str) -> t.Iterator[str]:
    real = reached(folder, root)
    for path in sorted(glob.glob(glob.escape(real) + "/*.pth")):
        for line in _lines(path):
            if line.startswith(("import ", "import\t", "#")) or not line.strip():
                continue
            named = os.path.normpath(os.path.join(folder, line.strip()))
            if os.path.isdir(reached(named, root)):
                yield named
    for path in sorted(glob.glob(glob.escape(real) + "/__editable__*.py")):
        for found in _MAPPING.findall("\n".join(_lines(path))):
            for name, places in _mapping(found).items():
                for place in places if isinstance(places, list) else [places]:
                    if str(name).startswith("odoo.addons.") and isinstance(place, str) and place.startswith("/"):
                        yield _EDITED + place
                    elif name in ("odoo", "odoo.addons") and isinstance(place, str) and place.startswith("/"):
                        yield os.path.dirname(place) if name == "odoo" else place


def _lines(path: str) -> t.List[str]:
    try:
        return read_regular(path, RELEASE).decode("utf-8", "replace").splitlines()
    except OSError:
        return []


def _mapping(text: str) -> t.Dict[str, t.Any]:
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
