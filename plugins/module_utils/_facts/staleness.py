# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Is the running code older than what lies on the disk?

The kernel's change time (ctime) of a file is compared, not its modification time: packages and rsync bring old
modification times along, and a file's owner can set them at will.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t
from dataclasses import dataclass, field, replace

from .._code.git import commits_moved
from .._code.links import Link, Then, find_links, left_behind, switched
from .._code.tree import CodeTree
from .._messages.code import Problem
from .._system.files import changed_after, reached
from .differences import Difference, Need
from .loaded import Loaded

#: How many changed files are named, and how many links.
_NAMED, _NAMED_LINKS = 10, 3


@dataclass(frozen=True)
class Staleness:
    """``needs``: none, reload or restart; ``files`` are the first of ``count`` that have changed since."""

    needs: Need = Need.NONE
    reasons: t.Tuple[str, ...] = ()
    files: t.Tuple[str, ...] = ()
    count: int = 0
    #: all Python files among them, manifests included
    python: t.Tuple[str, ...] = ()
    #: something that a HUP reads again is among it
    hup_helps: bool = False

    @property
    def stale(self) -> bool:
        """Something that it was loaded from has changed since, or may have, or it does not run as configured."""
        return self.needs != Need.NONE


def with_configuration(
    found: Staleness, differences: t.Sequence[Difference], obstacle: t.Optional[Problem]
) -> Staleness:
    """Add to what has changed on the disk that a server does not run with what is configured. Pure.

    :param obstacle: why a HUP would end this server.
    """
    open_ones = [one for one in differences if one.needs != Need.NONE]
    needs = {found.needs, *(one.needs for one in open_ones)}
    reasons = [*found.reasons, *(one.text for one in open_ones)]
    worst = Need.RESTART if Need.RESTART in needs else Need.RELOAD if Need.RELOAD in needs else Need.NONE
    if worst == Need.RELOAD and obstacle is not None:
        worst = Need.RESTART
        reasons.append(obstacle.text)
    return dataclasses.replace(found, needs=worst, reasons=tuple(reasons))


@dataclass(frozen=True)
class Sources:
    """The files of a server, as paths that it sees itself.

    ``files`` yields the prefix for such a path, as :func:`files_of` does. Only a restart reads ``restart_files``, such
    as the interpreter. ``units`` has change time and path of changed files of the host, which no server
    names. ``uid`` is the user whose rights count.
    """

    files: t.Callable[[], t.ContextManager[str]]
    #: odoo.conf, and what older versions read before it
    config_files: t.Tuple[str, ...]
    code: t.Tuple[str, ...]
    restart_files: t.Tuple[str, ...]
    excluded: t.Optional[str] = None
    #: folders on the path of its interpreter, and packages
    libraries: t.Tuple[str, ...] = ()
    #: paths by which it reaches its code: each link on the way to one counts
    ways: t.Tuple[str, ...] = ()
    #: real paths of what it has loaded, besides those that its log names
    held: t.Tuple[str, ...] = ()
    #: major number of its Odoo
    version: t.Optional[int] = None
    units: t.Tuple[t.Tuple[float, str], ...] = ()
    uid: int = 0
    #: its working directory, if it reaches something by that
    cwd: t.Optional[str] = None
    #: the folder in which it was started, as its unit or its shell names it
    starts_in: t.Tuple[str, ...] = ()
    #: folders of addons that its log does not name for this load, and those that only its log names
    appeared: t.Tuple[str, ...] = ()
    gone: t.Tuple[str, ...] = ()


@dataclass
class State:
    """The sources of a server at a moment: change time and path of files by source, and what each is known by."""

    files: t.Dict[str, t.Tuple[t.Tuple[float, str], ...]] = field(default_factory=dict)
    known: t.Dict[str, str] = field(default_factory=dict)
    #: folders of code that could not be read, or not to their end
    incomplete: t.List[str] = field(default_factory=list)


def state_of(sources: Sources, tree: CodeTree, root: str) -> State:
    """Look at all that a reload reads.

    :param root: what to put before the paths to reach them from here.
    """
    state = State()
    for path in sources.config_files:
        try:
            status = os.stat(reached(path, root))
        except OSError:
            continue
        state.files[path] = ((status.st_ctime, path),)
        state.known[path] = "%d %d" % (status.st_ctime_ns, status.st_ino)
    for folder in sources.code:
        walked = tree.files(root, folder, sources.excluded, sources.uid, sources.version)
        state.files[folder] = walked.files
        state.incomplete += walked.incomplete
        if walked.digest:
            state.known[folder] = walked.digest
    for folder in sources.libraries:
        # A library that cannot be read to its end does not make a server stale: the code of Odoo counts more.
        walked = tree.libraries(root, folder, (*sources.code, sources.excluded), sources.uid)
        state.files[folder + LIBRARY] = walked.files
        if walked.digest:
            state.known[folder + LIBRARY] = walked.digest
    return state


#: What marks a folder of libraries, behind its path.
LIBRARY = "/*.py"


def changed_in(state: State, load: Loaded) -> t.Tuple[t.List[t.Tuple[float, str]], t.List[str]]:
    """Return what has changed since a load: times and paths of files, and the sources that differ for no such time.

    The record of the load, where there is one, knows each source by its names and change times. So it tells what no
    time tells, such as a folder that was put in the place of another one, and what has not changed although its time
    is later. Pure.
    """
    changed: t.List[t.Tuple[float, str]] = []
    others: t.List[str] = []
    for source, files in state.files.items():
        then, now = load.state.get(source), state.known.get(source)
        same = now is not None and then == now
        late = [one for one in files if one[0] > load.not_before and not (same and one[0] > load.seen_at)]
        changed += late
        if load.state and not (same or late or now is None):
            others.append(source if files and files[0][1] == source else source.replace(LIBRARY, "") + "/")
    others += [source for source in load.state if source not in state.files]
    # A folder in which a file is new says nothing more.
    names = [path for _time, path in changed if not path.endswith("/")]
    return [one for one in changed if one[1][-1] != "/" or not any(name.startswith(one[1]) for name in names)], others


def find_staleness(
    sources: Sources, load: Loaded, started: float, tree: CodeTree, *, need_daemon_reload: bool
) -> Staleness:
    """Compare a server's load with the files that it was loaded from.

    :param started: when the process was started, in seconds since the epoch: a HUP keeps unit and environment.
    """
    state = State()
    restart = list(sources.units)
    links: t.Dict[str, Link] = {}
    elsewhere: t.List[t.Tuple[str, str]] = []
    try:
        with sources.files() as root:
            links = find_links(sources.ways, root)
            if sources.cwd:
                elsewhere = left_behind(sources.cwd, sources.starts_in, root)
            state = state_of(sources, tree, root)
            restart += changed_after(sources.restart_files, started, root)
    except OSError:
        state.incomplete += sources.code
        load = replace(load, state={})
    changed, others = changed_in(state, load)
    others += [folder + "/" for folder in sources.appeared]
    libraries = {path for source, files in state.files.items() if source.endswith(LIBRARY) for _time, path in files}
    moved = switched(links, Then(load.links, (*load.addons, *sources.held)), load.not_before)
    found = judge(
        load,
        sorted(changed),
        sorted(restart),
        state.incomplete,
        Moved(moved, elsewhere, [] if moved else others),
        need_daemon_reload=need_daemon_reload,
    )
    if not found.stale:
        return found
    try:
        with sources.files() as root:
            commits = commits_moved(sources.code, root, load.not_after)
    except OSError:
        commits = []
    gone = ["%s was a folder of addons at the load, and is not one any more" % path for path in sources.gone]
    return replace(
        found,
        reasons=(*found.reasons, *([] if moved else gone[:_NAMED_LINKS]), *commits[:_NAMED_LINKS]),
        # Packages bring files along that no Python can compile.
        python=tuple(path for path in found.python if path not in libraries),
    )


def not_looked_at(load: Loaded, folders: t.Sequence[str]) -> Staleness:
    """Return the staleness of a server whose files did not answer in time: it may be stale. Pure.

    :param folders: of its code.
    """
    return judge(load, [], [], folders or ["its code"], need_daemon_reload=False)


@dataclass(frozen=True)
class Moved:
    """Changes that no time of a file tells.

    :ivar links: path and sentence of links that lead elsewhere than when it was loaded, or may do so.
    :ivar elsewhere: the same of the folder that it was started in.
    :ivar others: sources that are not those of the load.
    """

    links: t.Sequence[t.Tuple[str, str]] = ()
    elsewhere: t.Sequence[t.Tuple[str, str]] = ()
    others: t.Sequence[str] = ()


def judge(
    load: Loaded,
    changed: t.Sequence[t.Tuple[float, str]],
    restart: t.Sequence[t.Tuple[float, str]],
    incomplete: t.Sequence[str],
    moved: t.Optional[Moved] = None,
    *,
    need_daemon_reload: bool,
) -> Staleness:
    """From files that changed after the lower bound of the load to what the server needs. Pure.

    :param changed: (change time, path) of code and configuration.
    :param restart: the same of what only a restart reads, changed after the start of the process.
    :param incomplete: folders of code that could not be read.
    """
    moved = moved or Moved()
    elsewhere, others = moved.elsewhere, moved.others
    reasons = [sentence for _path, sentence in elsewhere[:_NAMED_LINKS]]
    if restart or need_daemon_reload:
        names = ", ".join(path for _time, path in restart[:3]) or "the unit"
        reasons.append("changed since the process was started, and a HUP does not read it again: %s" % names)
    reasons += [sentence for _path, sentence in moved.links[:_NAMED_LINKS]]
    certain = [path for changed_at, path in changed if changed_at > load.not_after]
    doubtful = len(changed) - len(certain)
    if certain:
        reasons.append("%d file%s changed since it was loaded" % (len(certain), "" if len(certain) == 1 else "s"))
    if doubtful:
        reasons.append(
            "%d file%s changed at about the time of the load, and may not be loaded (evidence: %s)"
            % (doubtful, "" if doubtful == 1 else "s", load.evidence)
        )
    if others:
        reasons.append("the files of %s are not the files that the server has loaded" % ", ".join(others[:3]))
    if incomplete:
        reasons.append("%s could not be read completely" % ", ".join(incomplete[:3]))
    needs = Need.NONE
    hup_helps = bool(changed or incomplete or moved.links or others)
    if hup_helps:
        needs = Need.RELOAD
    if restart or need_daemon_reload or elsewhere:
        needs = Need.RESTART
    files = [path for path, _sentence in [*elsewhere, *moved.links]]
    files += [path for _time, path in [*restart, *changed]]
    files += others
    files = list(dict.fromkeys(files))
    python = tuple(path for _time, path in changed if path.endswith(".py"))
    return Staleness(needs, tuple(reasons), tuple(files[:_NAMED]), len(files), python, hup_helps)
