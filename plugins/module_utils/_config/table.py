# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the fleetops.odoo collection: do not import it from other collections.

"""The options of Odoo 14 to 19: their names, what kind of value each takes, and how they are written on a command line.

Seen in Odoo 14.0 and 19.0; 15 to 18 read their options as 14 does.
"""

from __future__ import annotations

import functools
import typing as t
from dataclasses import dataclass

from .._system.word import Word

#: From this version on Odoo takes options from its environment too, and takes no old names any more.
NEW = 19


class Kind(Word):
    """Type of a value. Commas separate the items of a list of names or paths."""

    INT = "int"
    FLOAT = "float"
    TEXT = "text"
    FLAG = "flag"
    PATH = "path"
    PATHS = "paths"
    NAMES = "names"
    HANDLERS = "handlers"
    CHOICE = "choice"


#: A line is a name, a kind, a default ("-" for an empty one) and flags. "@16-" are the versions that have a flag; "!"
#: is one without a value, "!0" one that turns its option off.
_TABLE = """
addons_path paths - --addons-path
admin_passwd text admin
bin_path path -
config path - -c --config
csv_internal_sep text ,
data_dir path - -D --data-dir
db_app_name text - --db_app_name@19-
db_host text - --db_host
db_maxconn int 64 --db_maxconn
db_maxconn_gevent int - --db_maxconn_gevent@17-
db_name names - -d --database
db_password text - -w --db_password
db_port int - --db_port
db_replica_host text - --db_replica_host@18-
db_replica_port int - --db_replica_port@18-
db_sslmode choice prefer --db_sslmode
db_template text template0 --db-template
db_user text - -r --db_user
dbfilter text - --db-filter
default_productivity_apps flag False
demo text -
dev_mode text - --dev
email_from text - --email-from
from_filter text - --from-filter@15-
geoip_city_db path - --geoip-city-db@17- --geoip-db@17-
geoip_country_db path - --geoip-country-db@17-
geoip_database path - --geoip-db@-16
gevent_port int 8072 --gevent-port@16- --longpolling-port@-15
http_enable flag True --no-http!0 --no-xmlrpc!0@-18
http_interface text - --http-interface --xmlrpc-interface@-18
http_port int 8069 -p --http-port --xmlrpc-port@-18
import_partial text - -P --import-partial
init text - -i --init
language text - -l --language@-18
limit_memory_hard int 2684354560 --limit-memory-hard
limit_memory_hard_gevent int - --limit-memory-hard-gevent@18-
limit_memory_soft int 2147483648 --limit-memory-soft
limit_memory_soft_gevent int - --limit-memory-soft-gevent@18-
limit_request int - --limit-request
limit_time_cpu int 60 --limit-time-cpu
limit_time_real int 120 --limit-time-real
limit_time_real_cron int -1 --limit-time-real-cron
limit_time_worker_cron int 0 --limit-time-worker-cron@17-
list_db flag True --no-database-list!0
load_language text - --load-language
log_db text - --log-db
log_db_level text warning --log-db-level
log_handler handlers - --log-handler
log_level choice info --log-level
logfile path - --logfile
longpolling_port int - --longpolling-port@16-17
max_cron_threads int 2 --max-cron-threads
osv_memory_age_limit text - --osv-memory-age-limit@-18
osv_memory_count_limit text - --osv-memory-count-limit
overwrite_existing_translations flag False --i18n-overwrite!
pg_path path - --pg_path
pidfile path - --pidfile
pre_upgrade_scripts paths - --pre-upgrade-scripts@16-
proxy_access_token text -
proxy_mode flag False --proxy-mode!
publisher_warranty_url text -
reinit text - --reinit@19-
reportgz flag False
save flag False -s! --save!
screencasts path - --screencasts
screenshots path - --screenshots
server_wide_modules names - --load
shell_file text - --shell-file@18-18
shell_interface text - --shell-interface@-18
skip_auto_install flag False --skip-auto-install!@18-
smtp_password text - --smtp-password
smtp_port int 25 --smtp-port
smtp_server text localhost --smtp
smtp_ssl flag False --smtp-ssl!
smtp_ssl_certificate_filename text - --smtp-ssl-certificate-filename@15-
smtp_ssl_private_key_filename text - --smtp-ssl-private-key-filename@15-
smtp_user text - --smtp-user
stop_after_init flag False --stop-after-init!
syslog flag False --syslog!
test_enable flag False --test-enable!
test_file path - --test-file
test_tags text - --test-tags
transient_age_limit float 1.0 --transient-age-limit
translate_in path - --i18n-import@-18
translate_modules text - --modules@-18
translate_out path - --i18n-export@-18
unaccent flag False --unaccent!
update text - -u --update
upgrade_path paths - --upgrade-path
websocket_keep_alive_timeout int 3600
websocket_rate_limit_burst int 10
websocket_rate_limit_delay float 0.2
with_demo flag False --with-demo!@19-
without_demo text - --without-demo
workers int 0 --workers
x_sendfile flag False --x-sendfile!@16-
"""
#: Flags that stand for a log handler.
_SHORTCUTS = """
--log-request@-18=odoo.http.rpc.request:DEBUG --log-response@-18=odoo.http.rpc.response:DEBUG
--log-web=odoo.http:DEBUG --log-sql=odoo.sql_db:DEBUG
"""
#: Names of the environment, where they are not ODOO_ and the option's own name. (Odoo 19)
VARIABLES = {
    "config": "ODOO_RC",
    "db_app_name": "PGAPPNAME",
    "db_host": "PGHOST",
    "db_name": "PGDATABASE",
    "db_password": "PGPASSWORD",
    "db_port": "PGPORT",
    "db_replica_host": "PGHOST_REPLICA",
    "db_replica_port": "PGPORT_REPLICA",
    "db_sslmode": "PGSSLMODE",
    "db_template": "PGDATABASE_TEMPLATE",
    "db_user": "PGUSER",
    "dev_mode": "ODOO_DEV",
    "pg_path": "PGPATH",
}
#: Options that neither odoo.conf nor the environment sets.
ARGUMENTS_ONLY = frozenset(
    ["import_partial", "init", "reinit", "save", "stop_after_init", "test_enable", "test_file", "test_tags", "update"]
)
CHOICES: t.Mapping[str, t.FrozenSet[str]] = {
    "db_sslmode": frozenset(["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
    "log_level": frozenset(
        [
            "info",
            "debug_rpc",
            "warn",
            "test",
            "critical",
            "runbot",
            "debug_sql",
            "error",
            "debug",
            "debug_rpc_answer",
            "notset",
        ]
    ),
}
#: Old names in odoo.conf, up to Odoo 18.
OLD_NAMES = {"xmlrpc": "http_enable", "xmlrpc_interface": "http_interface", "xmlrpc_port": "http_port"}


@dataclass(frozen=True)
class Flag:
    """One way to write an option on a command line. ``value``: what it stands for; None where a value follows it."""

    word: str
    value: t.Optional[str]
    since: int
    until: int


@dataclass(frozen=True)
class Option:
    """An option; ``default`` as it would be written."""

    name: str
    kind: Kind
    default: str
    flags: t.Tuple[Flag, ...]

    def known_to(self, version: t.Optional[int]) -> bool:
        """Return True if a version of Odoo has this option. One without flags is taken for one that each has."""
        return version is None or not self.flags or any(one.since <= version <= one.until for one in self.flags)


def _flag(text: str, value: t.Optional[str]) -> Flag:
    word, _at, span = text.partition("@")
    since, _dash, until = span.partition("-")
    word, mark, off = word.partition("!")
    return Flag(word, value or ({"": "True", "0": "False"}[off] if mark else None), int(since or 0), int(until or 99))


@functools.lru_cache(maxsize=1)
def all_options() -> t.Mapping[str, Option]:
    """Return every option of Odoo 14 to 19 by its name in odoo.conf."""
    found = {}
    for line in _TABLE.strip().splitlines():
        name, kind, default, *flags = line.split()
        each = [_flag(text, None) for text in flags]
        if name == "log_handler":
            each += [_flag(text, value) for text, _sign, value in (one.partition("=") for one in _SHORTCUTS.split())]
        found[name] = Option(name, Kind(kind), "" if default == "-" else default, tuple(each))
    return found


def own_names() -> t.FrozenSet[str]:
    """Return the names that Odoo's own options have in odoo.conf, or had."""
    flags = {flag.word.lstrip("-").replace("-", "_") for one in all_options().values() for flag in one.flags}
    more = ["translate_modules", "longpolling_port"]
    return frozenset({*all_options(), *OLD_NAMES, *more, *(name for name in flags if len(name) > 1)})


def words_of_options() -> t.Tuple[t.Dict[str, str], t.Dict[str, str]]:
    """Return how options that take a value are written, and flags, with the names of their options."""
    both: t.Tuple[t.Dict[str, str], t.Dict[str, str]] = ({}, {})
    for one in all_options().values():
        for flag in one.flags:
            both[flag.value is not None][flag.word] = one.name
    return both
