# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Links on the way to what a server was loaded from: a switched one makes other code of the same path.

A switch to a release that was prepared earlier, or back to an older one, leaves no newer file anywhere. What a link led
to when the server was loaded is known from our own record, from the addons folders in the log of that load, or from
what the process has mapped. If none of these shows it, the time at which the link was made counts.
"""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from .._system.files import links_of, reached


@dataclass(frozen=True)
class Link:
    """A link as its server sees it. ``real``: where it leads, all links followed; ``changed``: when it was made."""

    path: str
    real: str
    changed: float


@dataclass(frozen=True)
class Then:
    """The known facts of a load: the targets of links in our record, and real paths of loaded files."""

    links: t.Mapping[str, str]
    files: t.Tuple[str, ...] = ()


def find_links(paths: t.Iterable[str], root: str) -> t.Dict[str, Link]:
    """Find the links on the way to some paths of a server.

    :param root: what to put before the paths to reach them from here.
    """
    found: t.Dict[str, Link] = {}
    for path in paths:
        for link in links_of(path, root):
            if link in found:
                continue
            try:
                changed = os.lstat(root + link).st_ctime
            except OSError:
                continue
            # Without a root, links lead from here to where they lead for the server.
            real = reached(link, root)[len(root) :] if root else os.path.realpath(link)
            found[link] = Link(link, real, changed)
    return found


def switched(links: t.Mapping[str, Link], then: Then, not_before: float) -> t.List[t.Tuple[str, str]]:
    """Return path and sentence of the links that lead elsewhere than when the server was loaded, or may do so. Pure.

    :param not_before: of the load, in seconds since the epoch.
    """
    moved: t.Dict[str, t.Tuple[Link, t.Optional[str]]] = {}
    for link in links.values():
        before = then.links.get(link.path)
        if before is None and link.changed > not_before:
            before = _seen_inside(link.real, then.files)
        elif before is None:
            continue
        if before != link.real:
            moved[link.path] = (link, before)
    return [
        (path, _sentence(link, before))
        for path, (link, before) in moved.items()
        if not any(_follows(link, before, *other) for other in moved.values())
    ]


def left_behind(cwd: str, starts_in: t.Iterable[str], root: str) -> t.List[t.Tuple[str, str]]:
    """Return path and sentence of each name of the folder that a server was started in, if it leads elsewhere now.

    A HUP keeps the working directory, so relative paths lead into the old folder until a restart.

    :param cwd: its working directory, as a real path.
    :param starts_in: names of the folder in which it was started. A launcher may have changed to another one, so only
        a folder that differs in one name of its path counts, as another release does.
    """
    found = {}
    for path in starts_in:
        links = links_of(path, root)
        real = reached(path, root)[len(root) :] if root else os.path.realpath(path)
        there, here = real.strip("/").split("/"), cwd.strip("/").split("/")
        other = [1 for one, another in zip(there, here) if one != another]
        if links and len(there) == len(here) > 1 and len(other) == 1:
            found[path] = "%s leads to %s now; the server was started in %s, and a HUP keeps that working directory" % (
                path,
                real,
                cwd,
            )
    return list(found.items())


def _follows(link: Link, before: t.Optional[str], other: Link, others_before: t.Optional[str]) -> bool:
    """Return True if a link leads elsewhere only because another one, on the way to its end, does."""
    rest = link.real[len(other.real) :]
    return bool(before) and rest[:1] == "/" and (link.real, before) == (other.real + rest, str(others_before) + rest)


def _sentence(link: Link, before: t.Optional[str]) -> str:
    now = "%s leads to %s now and " % (link.path, _shown(link.real, link.path))
    if before:
        return now + "to %s when it was loaded" % _shown(before, link.path)
    return now + "was created after the load; its earlier target is not known"


def _seen_inside(real: str, files: t.Iterable[str]) -> t.Optional[str]:
    """Return this path if a file lies in it; else the only path beside it in which files lie, as in another release."""
    beside = os.path.dirname(real).rstrip("/") + "/"
    found = {beside + one[len(beside) :].split("/", 1)[0] for one in files if one.startswith(beside)}
    if real in found:
        return real
    return found.pop() if len(found) == 1 else None


def _shown(real: str, link: str) -> str:
    folder = os.path.dirname(link).rstrip("/") + "/"
    return real[len(folder) :] if real.startswith(folder) else real
