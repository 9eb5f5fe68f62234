# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""Secrets never leave the host: what an argument vector, a log line or an error message shows of them."""

from __future__ import annotations

import re
import shlex
import typing as t

HIDDEN = "********"

#: Options of Odoo whose value is a secret, and how short they may be written: optparse and argparse take any
#: unambiguous beginning of a long option.
_SECRET_OPTIONS = {"--db_password": len("--db_pa"), "--smtp-password": len("--smtp-pa"), "--password": len("--pa")}

# A text of any length costs no more than its length: what may be repeated without an end is read once, because it is
# part of the match, or because a match can begin at no other place of it.
#: The first letter stands by itself, since Python finds a pattern of one set of letters five times as fast.
_NAMES = (
    r"[APSTCapstc](?i:(?<=p)(?:ass(?:wd|word|phrase|code)?|wd|rivate[_-]?key)|(?<=\bp)w\b"
    r"|(?<=s)(?:ecret|ession[_-]?id)|(?<=t)oken|(?<=a)(?:pi[_-]?key|uthorization)|(?<=c)ookie)"
)
_SMELL = re.compile(_NAMES)
#: What ends the name of a file: what stands behind that is a line number, or what is the matter with it.
_FILES = "".join(r"(?<!\.%s)" % end for end in ("py", "pyc", "xml", "csv", "js", "po", "conf", "log", "service"))
#: A name and a value, to the end of the line: the end of a value depends on the language of the text.
_ASSIGNED = re.compile(r"(?m)(%s[\w.-]*)%s(?:([\\'\"]{0,2}[ \t]{0,8}[=:][ \t]{0,8}).+$)?" % (_NAMES, _FILES))
#: A line that is quoted because it cannot be parsed.
_QUOTED = re.compile(r"(?m)(['\"](?=[\w-]*?%s)[\w.-]+(?:[ \t]|\\t){1,8}).+$" % _NAMES)
#: All that stands before the host, names too: a token may be one.
_IN_URL = re.compile(r"://\S+")
#: An option and a value with nothing but a blank in between.
_OPTION = re.compile(
    r"(?im)(--)(?:(?=[\w-]*?(?:db_pa|smtp-pa|passw|passphrase|secret|token))([\w-]+[ \t]{1,8}).+$|[\w-]*)"
)
#: What a signed address or one with a code in it hangs on.
_CODES = ("code", "key", "sig", "signature", "auth", "sid", "hash", "otp", "credential")
_IN_QUERY = re.compile(r"(?i)([?&;][\w-]+=(?:%s))[^&;\s'\"<>]+" % "|".join("(?<=%s=)" % name for name in _CODES))
#: Tokens that are known by their look, wherever they stand.
_BEARER = re.compile(r"(?i)(\bbearer[ \t]{1,8})[\w.~+/=-]{16,}")
_SHAPES = re.compile(r"\b(?:gh[opsru]_|github_pat_|glpat-|xox[abeprs]-|[sr]k_(?:live|test)_|SG\.|AKIA|ASIA)[\w.-]{12,}")
#: What a JSON Web Token may be in: words with dots between them. Its first word begins like this.
_DOTTED = re.compile(r"\beyJ[\w.-]{17,}")
_WEB_TOKEN = re.compile(r"\beyJ")
_PRIVATE_KEY = re.compile(r"(-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----)[^-]+")


def _after(found: t.Match[str]) -> str:
    return found.group(1) + HIDDEN


def _behind(found: t.Match[str]) -> str:
    """Return a name and what parts it from a value, without the value; a name that has none stays what it is."""
    name, between = found.groups()
    return found.group() if between is None else name + between + HIDDEN


def _whole(_found: t.Match[str]) -> str:
    return HIDDEN


def _address(found: t.Match[str]) -> str:
    """Return an address without what stands before its host."""
    end = found.group().rfind("@", len("://") + 1)
    return found.group() if end < 0 else "://" + HIDDEN + found.group()[end:]


def _dotted(found: t.Match[str]) -> str:
    """Return words with dots between them up to a JSON Web Token: two such words, at least 11 and 8 characters long."""
    text, place = found.group(), 0
    words = text.split(".")
    for word, following in zip(words, words[1:]):
        begin = _WEB_TOKEN.search(word)
        if begin and len(word) - begin.start() >= 11 and len(following) >= 8:
            return text[: place + begin.start()] + HIDDEN
        place += len(word) + 1
    return text


class _Rule(t.NamedTuple):
    """``sure``: what it hides can be nothing else than a secret, wherever it stands."""

    what: str
    pattern: t.Pattern[str]
    hide: t.Callable[[t.Match[str]], str]
    sure: bool = False


#: What is hidden in any text, in this order.
_RULES: t.Tuple[_Rule, ...] = (
    _Rule("a name or password in an address", _IN_URL, _address),
    _Rule("a value behind the name of a secret", _ASSIGNED, _behind),
    _Rule("a quoted value behind the name of a secret", _QUOTED, _after),
    _Rule("the value of a secret option", _OPTION, _behind),
    _Rule("a code in an address", _IN_QUERY, _after),
    _Rule("a bearer token", _BEARER, _after, sure=True),
    _Rule("a token", _DOTTED, _dotted, sure=True),
    _Rule("a token", _SHAPES, _whole, sure=True),
    _Rule("a private key", _PRIVATE_KEY, _after, sure=True),
)


#: -w, also behind -s, the one short option that takes no value.
_SHORT_PASSWORD = re.compile(r"^(-s*w)(.*)$", re.DOTALL)


def redact_text(text: str) -> str:
    """``text`` with secrets hidden: assignments (``db_password = x``), URLs (``//user:x@host``), tokens and keys."""
    for rule in _RULES:
        text = rule.pattern.sub(rule.hide, text)
    return text


def leak(text: str, *, sure: bool = False) -> t.Optional[str]:
    """Return the kind of the first secret in a text that :func:`redact_text` would hide; None without one.

    :param sure: look only for text that is certainly a secret.
    """
    rules = [rule for rule in _RULES if rule.sure or not sure]
    return next((rule.what for rule in rules if rule.pattern.sub(rule.hide, text) != text), None)


def smells(text: str) -> bool:
    """Return whether a text contains the name of a secret."""
    return _SMELL.search(text) is not None


def redact_argv(argv: t.Sequence[str]) -> t.List[str]:
    """``argv`` with the values of secret options hidden, whether they stand in the same word or in the next."""
    return [shown for shown, _secret in _words(argv)]


def secrets_of_argv(argv: t.Sequence[str]) -> t.List[str]:
    """Return the values that :func:`redact_argv` hides, without those within other words."""
    return [secret for _shown, secret in _words(argv) if secret]


def _words(argv: t.Sequence[str]) -> t.Iterator[t.Tuple[str, t.Optional[str]]]:
    """Return each word in a form that may be shown, and its hidden part."""
    hide_next = False
    for word in argv:
        if hide_next:
            yield HIDDEN, word
            hide_next = False
            continue
        name, equals, value = word.partition("=")
        if _is_secret(name):
            yield name + "=" + HIDDEN if equals else name, value
            hide_next = not equals
        elif _SHORT_PASSWORD.match(word):
            flags, password = t.cast("re.Match[str]", _SHORT_PASSWORD.match(word)).groups()
            yield flags + HIDDEN if password else word, password
            hide_next = not password
        else:
            yield redact_text(word), None


def _is_secret(name: str) -> bool:
    if not name.startswith("--"):
        return False
    if any(option.startswith(name) and len(name) >= shortest for option, shortest in _SECRET_OPTIONS.items()):
        return True
    return re.search(r"(?i)passw|secret|token", name) is not None


#: Names that only look like those of secrets: their values are paths or public.
_NO_SECRETS = frozenset(["PWD", "OLDPWD", "INIT_CWD", "PASSWD_FILE", "PGPASSFILE", "NSS_WRAPPER_PASSWD"])
#: The last word of a name whose value is a path to a secret, and no secret.
_OF_PATHS = frozenset(["cache", "dir", "directory", "file", "folder", "home", "path", "root", "store"])


def holds_secret(name: str, value: str) -> bool:
    """Return True if this is the name of a secret. The path of a file with a secret does not count."""
    if not smells(name) or name.upper() in _NO_SECRETS:
        return False
    last = re.split(r"[_.-]", name.lower())[-1]
    return last not in _OF_PATHS or not value.lstrip("'\"").startswith(("/", "~/", "./", "../"))


#: Variables of an environment whose value is useful and not secret. For all others only the name is shown.
_HARMLESS_VARIABLES = """
HOME HOSTNAME INVOCATION_ID JOURNAL_STREAM LANG LANGUAGE LD_PRELOAD LOGNAME MALLOC_ARENA_MAX
MALLOC_TRIM_THRESHOLD_ MALLOC_MMAP_THRESHOLD_ ODOO_HTTP_SOCKET_FD ODOO_RC ODOO_READY_SIGHUP_PID ODOO_STAGE
OPENERP_SERVER PATH PGDATABASE PGHOST PGPORT PGSSLMODE PGUSER PWD PYTHONHASHSEED PYTHONPATH PYTHONUNBUFFERED
SHELL SUPERVISOR_ENABLED SUPERVISOR_GROUP_NAME SUPERVISOR_PROCESS_NAME SYSTEMD_EXEC_PID TERM TMPDIR TZ USER
VIRTUAL_ENV container
"""
#: A value that is too plain to be a secret.
_PLAIN = re.compile(r"(?i)^(?:true|false|none|yes|no|on|off|\d{1,5}(?:\.\d{1,3})?)?$")


def is_plain(value: str) -> bool:
    """Return True if a value is too plain to be a secret, such as a number or a boolean."""
    return _PLAIN.match(value) is not None


def redact_environ(environ: t.Mapping[str, str]) -> t.List[str]:
    """Return an environment, ``NAME=value`` a line by name. A value that is not known to be harmless is hidden."""
    return ["%s=%s" % (name, _variable(name, value)) for name, value in sorted(environ.items())]


def _variable(name: str, value: str) -> str:
    known = name in _HARMLESS_VARIABLES.split() or name.startswith("LC_") or _PLAIN.match(value)
    shown = known or (smells(name) and not holds_secret(name, value))
    return redact_text(value) if shown and not holds_secret(name, value) else HIDDEN


def redact_unit(text: str) -> str:
    """Return a file of systemd without comments and secrets."""
    return "\n".join(
        _setting(line)
        for line in re.sub(r"\\\n[ \t]*", " ", text).splitlines()
        if line.strip() and not line.lstrip().startswith(("#", ";"))
    )


def _setting(line: str) -> str:
    key, equals, value = line.partition("=")
    name = key.strip()
    if not equals or not value.strip():
        return redact_text(line)
    if name.startswith("SetCredential"):
        return key + equals + HIDDEN
    if name == "Environment" or name.startswith("Exec"):
        words = _split(value)
        if name == "Environment":
            # A word without a name goes on with a value that was cut at a blank.
            pairs = [word.partition("=") for word in words]
            shown = ["%s=%s" % (n, _variable(n, v)) if sign else HIDDEN for n, sign, v in pairs]
            # One a line, since what follows a secret in a line is hidden with it.
            return "\n".join(key + equals + one for one in shown)
        return redact_text(key + equals + " ".join(redact_argv(words)))
    return redact_text(line)


def _split(value: str) -> t.List[str]:
    try:
        return shlex.split(value)
    except ValueError:
        return value.split()
