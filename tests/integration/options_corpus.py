# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Configurations and command lines for Odoo's own parser and for ours, and the program that asks Odoo's."""

from __future__ import annotations

import dataclasses
import json
import random
import typing as t

#: A folder that the program makes on a host. HOME is below it.
TOP = "/tmp/corpus"
HOME = TOP + "/home"
#: Folders of addons, and other folders.
ADDONS = tuple(TOP + "/" + name for name in ("home/addons", "a", "b b", "work/rel", "home/x/y", "$D"))
FOLDERS = (TOP, HOME, HOME + "/x", TOP + "/work", TOP + "/empty", TOP + "/up", *ADDONS)
LINK = (TOP + "/link", TOP + "/a")
SCRIPTS = (TOP + "/pre.py", HOME + "/pre.py")
UPGRADES = (TOP + "/up",)

#: What is compared, of those options that a version has.
COMPARED = [
    "addons_path",
    "config",
    "data_dir",
    "db_host",
    "db_maxconn",
    "db_name",
    "db_password",
    "db_port",
    "db_sslmode",
    "db_template",
    "db_user",
    "dbfilter",
    "gevent_port",
    "http_enable",
    "http_interface",
    "http_port",
    "limit_memory_hard",
    "limit_memory_soft",
    "limit_time_cpu",
    "limit_time_real",
    "limit_time_real_cron",
    "list_db",
    "log_handler",
    "log_level",
    "logfile",
    "max_cron_threads",
    "pg_path",
    "pidfile",
    "pre_upgrade_scripts",
    "proxy_mode",
    "screencasts",
    "server_wide_modules",
    "smtp_port",
    "smtp_server",
    "syslog",
    "upgrade_path",
    "workers",
]


@dataclasses.dataclass(frozen=True)
class Case:
    """One start: ``files`` are written before it, ``environ`` is all of its environment."""

    args: tuple[str, ...] = ()
    files: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    environ: t.Mapping[str, str] = dataclasses.field(default_factory=lambda: {"HOME": HOME})
    cwd: str = TOP + "/work"


#: Runs under a host's own Python, as the user of its server. One child for each case, since parsers keep things.
ORACLE = r"""
import json, os, sys
task = json.load(sys.stdin)
sys.path.insert(0, task["source"])
def put(path, text=""):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)
for folder in task["folders"]:
    os.makedirs(folder, exist_ok=True)
for folder in task["addons"]:
    put(folder + "/m/__init__.py")
    put(folder + "/m/__manifest__.py", "{}")
for path in task["scripts"]:
    put(path)
for path in task["upgrades"]:
    put(path + "/m/1.0/pre-x.py")
if not os.path.islink(task["link"][0]):
    os.symlink(task["link"][1], task["link"][0])
import odoo
import odoo.tools
import odoo.modules.module
module = sys.modules["odoo.tools.config"]
def answer(case):
    os.environ.clear()
    os.environ.update(case["environ"])
    os.chdir(case["cwd"])
    config = module.configmanager()
    args = list(case["args"])
    if len(args) > 1 and args[0].startswith("--addons-path=") and not args[1].startswith("-"):
        config._parse_config([args[0]])
        args = args[1:]
    if args and not args[0].startswith("-"):
        args = args[1:]
    config._parse_config(args)
    config._warn_deprecated_options()
    found = {name: config[name] for name in task["names"] if name in config.options}
    # Odoo 14 has gevent's port under its old name.
    if "gevent_port" not in getattr(config, "casts", {"gevent_port": 1}):
        found["gevent_port"] = config["longpolling_port"]
    found["config"] = config["config"] if hasattr(config, "options_index") else config.rcfile
    return found
for case in task["cases"]:
    for path, text in case["files"].items():
        put(path, text)
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        null = os.open("/dev/null", os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        try:
            told = answer(case)
        except BaseException as exc:
            told = {"died": type(exc).__name__}
        with os.fdopen(into, "w") as file:
            file.write(json.dumps(told, default=str))
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as file:
        text = file.read()
    os.waitpid(pid, 0)
    for path in case["files"]:
        os.unlink(path)
    print(text or '{"died": "silently"}')
"""


def task_of(cases: t.Sequence[Case], source: str) -> str:
    """Return the input of the program.

    :param source: the folder of Odoo's package on the host.
    """
    return json.dumps(
        {
            "source": source,
            "cases": [dataclasses.asdict(case) for case in cases],
            "folders": FOLDERS,
            "addons": ADDONS,
            "scripts": SCRIPTS,
            "upgrades": UPGRADES,
            "link": LINK,
            "names": COMPARED,
        }
    )


CONF = TOP + "/odoo.conf"
#: Values that are tried for every option of a kind.
_NUMBERS = (
    "0",
    "4",
    "0b10",
    "0x10",
    "010",
    "0o17",
    "1_000",
    "08",
    "",
    "None",
    "False",
    "True",
    "-1",
    "4.0",
    " 7 ",
    "x",
    "3 ; three",
)
_FLAGS = ("True", "true", "TRUE", "1", "yes", "on", "False", "false", "FALSE", "0", "no", "off", "", "None", "x")
_PATHS = (
    *("~", "~/x", "$HOME/x", "${HOME}/x/../z", "$NOTHING/x", "~odoo/x", "~nobody-there/x", "rel", "./rel/", "../a"),
    *(
        "link",
        "/tmp/corpus/link/x",
        "/tmp/corpus/a//b/",
        "None",
        "False",
        "True",
        "",
        "~/$SUB/z",
        "$DOLLAR/x",
        "/x y/z",
    ),
    *("$X/y", "${X}y", "$X$X", "x~", "/a/$", "/a/${", "~/", "/tmp/corpus/$D"),
)
_LISTS = (
    *("~/addons", "$HOME/addons,/tmp/corpus/a", "/tmp/corpus/a, ~/x/y ,", "rel", "./rel,../a", "/tmp/corpus/link"),
    *("/tmp/corpus/b b", "/tmp/corpus/empty,/tmp/corpus/a", "/nowhere,/tmp/corpus/a", "None", "False", "", "$X/y"),
    *(
        "${HOME}/addons\n , /tmp/corpus/a",
        "~odoo",
        "/tmp/corpus/a,/tmp/corpus/a",
        "/tmp/corpus/$D",
        "True",
        "/tmp/corpus/work/../a",
    ),
)
_TEXTS = ("", "a", "a,b", " a , b ,", "None", "False", "True", "x = y", "%d", "${HOME}", "~")
_LINES: t.Mapping[str, t.Sequence[str]] = {
    **dict.fromkeys(("workers", "http_port", "max_cron_threads", "limit_time_real", "limit_memory_hard"), _NUMBERS),
    **dict.fromkeys(("db_port", "xmlrpc_port", "longpolling_port", "gevent_port"), _NUMBERS[:9]),
    **dict.fromkeys(("http_enable", "syslog", "proxy_mode", "list_db", "xmlrpc"), _FLAGS),
    **dict.fromkeys(("data_dir", "logfile", "pidfile"), _PATHS),
    **dict.fromkeys(("screencasts", "pg_path"), _PATHS[:8]),
    "addons_path": _LISTS,
    "upgrade_path": ("/tmp/corpus/up", "$TOP/up, ~/x", "", "None", "False"),
    "pre_upgrade_scripts": ("~/pre.py,/tmp/corpus/pre.py", "$TOP/pre.py", "/tmp/corpus/none.py", ""),
    **dict.fromkeys(("db_name", "server_wide_modules"), _TEXTS),
    **dict.fromkeys(("db_host", "http_interface", "xmlrpc_interface", "dbfilter", "db_password"), _TEXTS[:8]),
    "log_level": ("info", "debug", "notset", "INFO", "", "warn", "None"),
    "log_handler": (":WARNING", ":INFO,odoo.tools:DEBUG", "", "False", "a:DEBUG,a:INFO"),
    "db_sslmode": ("require", "nothing", "False"),
}
_ENVIRON = {
    "HOME": HOME,
    "X": TOP + "/home/x",
    "SUB": "x",
    "TOP": TOP,
    "DOLLAR": "$HOME",
}
_WORDS = (
    *(
        "-d a",
        "-d a,b",
        "--database=a , b",
        "-p 8070",
        "-p8071",
        "--http-port=0x1F90",
        "--http-p 8072",
        "--workers 0b11",
    ),
    *(
        "--work 3",
        "--wor=2",
        "--no-http",
        "--syslog",
        "--logfile=~/x/l.log",
        "--logfile $HOME/l",
        "--logfile ",
        "-D ~/x",
    ),
    *(
        "-D$HOME",
        "--data-dir=rel",
        "--addons-path=~/addons",
        "--addons-path=/tmp/corpus/a,~/x/y",
        "--addons-path=$HOME/addons",
    ),
    *("--addons-path /tmp/corpus/work/../a", "--log-level=debug", "--log-handler=:DEBUG", "--log-handler odoo:WARNING"),
    *(
        "--log-web",
        "--log-sql",
        "--db_host=h",
        "-r u",
        "-w p",
        "--db_port=5433",
        "--db_sslmode=require",
        "--load=web,x",
    ),
    *("--limit-time-real=9", "--limit-time-real-cron 8", "--max-cron-threads=0", "--proxy-mode", "--no-database-list"),
    *("--upgrade-path=/tmp/corpus/up", "--without-demo=all", "--without-demo", "-u base", "-i base", "--pidfile=~/p"),
    *(
        "--http-interface=127.0.0.1",
        "--http-interface=",
        "--db-filter=^%d$",
        "--smtp-port=26",
        "--pg_path=~/bin",
        "--dev all",
    ),
    *(
        "--longpolling-port=9",
        "--xmlrpc-port=9",
        "--xmlrpc-interface=i",
        "--no-xmlrpc",
        "--gevent-port=9",
        "--geoip-db=~/g",
    ),
    *(
        "--limit-memory-h 5",
        "--screenc=~/s",
        "--db_m=7",
        "--conf=/tmp/corpus/odoo.conf",
        "--stop-after-init",
        "--unaccent",
    ),
    *(
        "-pd",
        "-d None",
        "-d False",
        "--workers=010",
        "--db_maxconn=9",
        "--db-template=t",
        "--pre-upgrade-scripts=~/pre.py",
    ),
)


def _file(*lines: str) -> str:
    return "[options]\n" + "".join(line + "\n" for line in lines)


def _with(*lines: str, args: t.Sequence[str] = (), **environ: str) -> Case:
    return Case(("-c", CONF, *args), {CONF: _file(*lines)}, {**_ENVIRON, **environ})


def _by_hand() -> t.Iterator[Case]:
    """Yield what no list has: where odoo.conf is, several of them, what wins over what."""
    rc, other, old = HOME + "/rc", HOME + "/.odoorc", HOME + "/.openerp_serverrc"
    four, five = _file("workers = 4", "http_port = 44"), _file("workers = 5")
    yield Case()
    yield Case(environ={})
    yield Case(environ={}, args=("-D", "~"))
    yield Case(environ={"HOME": "/nowhere"})
    yield Case(environ={"HOME": HOME, "XDG_DATA_HOME": HOME + "/share"})
    yield Case(environ={"HOME": HOME, "XDG_DATA_HOME": "~/share"})
    yield Case(environ={"HOME": HOME + "/"})
    yield Case(files={other: four})
    yield Case(files={old: four})
    yield Case(files={other: four, old: five})
    yield Case(files={rc: four}, environ={"HOME": HOME, "ODOO_RC": rc})
    yield Case(files={rc: four}, environ={"HOME": HOME, "ODOO_RC": "~/rc"})
    yield Case(files={rc: four}, environ={"HOME": HOME, "ODOO_RC": "$HOME/rc"})
    yield Case(files={rc: four}, environ={"HOME": HOME, "ODOO_RC": "../home/rc"})
    yield Case(files={rc: four}, environ={"HOME": HOME, "OPENERP_SERVER": rc})
    yield Case(files={rc: four, other: five}, environ={"HOME": HOME, "ODOO_RC": ""})
    yield Case(files={other: five}, environ={"HOME": HOME, "ODOO_RC": "/nowhere"})
    yield Case(files={rc: four, CONF: five}, environ={"HOME": HOME, "ODOO_RC": rc}, args=("-c", CONF))
    yield Case(files={other: four, CONF: five}, args=("-c", CONF))
    yield Case(files={CONF: four, rc: five}, args=("-c", CONF, "--config", rc))
    yield Case(files={CONF: four, rc: five}, args=("-c", rc, "-c" + CONF))
    for args in (
        ("-c", "~/rc"),
        ("-c$HOME/rc",),
        ("--config=../home/rc",),
        ("-c", "../home/./rc"),
        ("-sc", rc),
        ("-sc" + rc,),
    ):
        yield Case(files={rc: four}, args=args)
    yield Case(files={TOP + "/work/~/rc": four}, args=("-c", "~/rc"))
    yield Case(args=("-c", "/nowhere"))
    for words in (
        ("server",),
        ("--addons-path=/tmp/corpus/a", "server"),
        ("--addons-path=~/addons", "server", "-p", "1"),
    ):
        yield Case(args=words)
        yield Case(args=(*words, "-c", CONF), files={CONF: five})
        yield Case(args=(*words, "-c", CONF), files={CONF: _file("addons_path = ~/x/y")})
        yield Case(
            args=(*words, "-c", CONF, "--addons-path=~/x/y"), files={CONF: _file("addons_path = /tmp/corpus/b b")}
        )
    yield from _in_file()


def _in_file() -> t.Iterator[Case]:
    """Yield what one file says, and what wins over it."""
    yield Case(("-c", CONF), {CONF: "[DEFAULT]\nworkers = 3\n[options]\nhttp_port = 1\n"})
    yield Case(("-c", CONF), {CONF: "[queue_job]\nworkers = 3\n"})
    yield Case(("-c", CONF), {CONF: "[options]\nWorkers: 3\n[other]\nworkers = 9\n"})
    yield Case(("-c", CONF), {CONF: ""})
    yield _with("http_port = 1", "xmlrpc_port = 2")
    yield _with("xmlrpc_port = 2", "http_port = 1")
    yield _with("gevent_port = 1", "longpolling_port = 2")
    yield _with("xmlrpc = False", "http_enable = True")
    yield _with("syslog = True", "logfile = /x")
    yield _with("workers = 2", args=("--workers", "3"))
    yield _with("config = /x")
    yield _with("init = base", "update = all", "stop_after_init = True")
    yield _with("http_interface =", "http_enable = False")
    yield _with("http_interface =", args=("--http-interface=",))
    yield _with(
        "db_name = x", PGDATABASE="y,z", PGHOST="h", PGPORT="7", PGUSER="u", PGPASSWORD="p", PGSSLMODE="require"
    )
    yield _with("workers = 2", ODOO_WORKERS="3", ODOO_HTTP_PORT="0x10")
    yield _with("workers = 2", ODOO_WORKERS="3", args=("--workers=4",))
    yield _with("workers = 2", ODOO_WORKERS="None", ODOO_LOGFILE="~/l", ODOO_SYSLOG="no", ODOO_ADDONS_PATH="$X/y")
    yield _with(
        "log_handler = :WARNING", ODOO_LOG_HANDLER="odoo:DEBUG", args=("--log-handler=:ERROR,x:INFO", "--log-web")
    )
    yield _with(ODOO_DATA_DIR="", ODOO_HTTP_INTERFACE="", ODOO_LIST_DB="0", ODOO_DB_NAME="no")
    yield _with(
        ODOO_INIT="base", ODOO_STOP_AFTER_INIT="1", ODOO_CONFIG="/x", ODOO_XMLRPC_PORT="9", ODOO_LOG_LEVEL="debug"
    )


def corpus(seed: int = 20) -> list[Case]:
    """All cases: each value of each option alone, each word alone, and some hundred mixtures."""
    cases = list(_by_hand())
    cases += [_with("%s = %s" % (name, value)) for name, values in _LINES.items() for value in values]
    cases += [Case(tuple(words.split(" ", 1)) if words.startswith("-") else (words,), {}, _ENVIRON) for words in _WORDS]
    # The tests have one seed, so that a recorded answer stays one.
    dice = random.Random(seed)
    for _number in range(250):
        names = dice.sample(sorted(_LINES), dice.randint(0, 5))
        lines = ["%s %s %s" % (name, dice.choice("=:"), dice.choice(_LINES[name])) for name in names]
        args = [part for words in dice.sample(_WORDS, dice.randint(0, 3)) for part in words.split(" ", 1)]
        cases.append(_with(*lines, args=args, **({"ODOO_WORKERS": "6"} if dice.random() < 0.2 else {})))
    return cases
