# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Causes planted on real servers: the first finding names each one, with what PostgreSQL says beside the dumps.

One call of the playbook asks all hosts of a round at the same time. Each cause is judged by the log and the rows of its
own hosts. ``make planted`` (FLEETOPS_PLANTED=1) runs every round, else only the first is run.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import re
import subprocess
import time
import typing as t
from dataclasses import dataclass

import pytest
from ansible_collections.fleetops.odoo.plugins.filter.explain_logs import explain_logs
from ansible_collections.fleetops.odoo.tests.integration.conftest import (
    LAB,
    Fleet,
    address,
    lab,
    lab_up,
    no_secrets,
    request,
    run_of,
)

#: Seconds that the planted cause lasts at least, on every machine: it is cut off at the end of the round.
LONG = 90
#: The path of who wants another's lock.
WANTS = "/lab/lock/0"
LOG, BEGINS = "/var/log/odoo/odoo-server.log", "lab slow cron: begins"


@dataclass
class Cause:
    """The planted cause: requests as (host, path), one after the other, and the expected first finding."""

    requests: list[tuple[str, str]]
    first: str
    jobs: tuple[str, ...] = ()
    port: int = 8069

    @property
    def hosts(self) -> list[str]:
        return sorted({host for host, _path in self.requests} | set(self.jobs))


def sql(host: str) -> Cause:
    query = r"its query runs for [\d.]+ s: SELECT pg_sleep\("
    first = rf"1 request waits for PostgreSQL in lab_slow\.sql .* on {host} .*{query}"
    return Cause([(host, f"/lab/sql/{LONG}")], first)


def cpu(host: str) -> Cause:
    return Cause([(host, f"/lab/cpu/{LONG}")], rf"1 request runs Python in lab_slow\.cpu .* on {host} ")


def foreign(host: str) -> Cause:
    first = rf"1 request waits for another server \(requests\) in lab_slow\.foreign .* on {host} "
    return Cause([(host, f"/lab/foreign/{LONG}")], first)


def cron(host: str) -> Cause:
    return Cause([], rf"the cron job sleeps in lab_slow\.run_slow_cron .* on {host} ", (host,))


def gevent(host: str) -> Cause:
    cause = sql(host)
    cause.port = 8072
    return cause


def full(host: str) -> Cause:
    first = rf"{host} has no http worker left for new requests: the 2 http workers .*; 2 sleep in lab_slow\.sleep"
    return Cause([(host, f"/lab/sleep/{LONG}"), (host, f"/lab/sleep/{LONG}")], first)


def lock(holder: str, waiter: str) -> Cause:
    """Two requests on one row. Where both workers of a prefork server are at it, that is told with it."""
    if holder == waiter and holder.startswith("p"):
        first = (
            rf"{holder} has no http worker left .* waits for a lock in PostgreSQL in lab_slow\.hold_row .*held up by "
            rf"worker \d+ on {holder} with /lab/lock/{LONG}: SELECT id FROM lab_slow .* FOR UPDATE"
        )
    else:
        with_it = "" if holder == waiter else rf" with /lab/lock/{LONG}, which sleeps in lab_slow\.hold_row .*"
        first = (
            rf"worker \d+ on {waiter}( with /lab/lock/0)? waits \d+ s for worker \d+ on {holder}{with_it}.*: "
            r"SELECT id FROM lab_slow WHERE id = \d+ FOR UPDATE, blocked by idle in transaction SELECT"
        )
    return Cause([(holder, f"/lab/lock/{LONG}"), (waiter, WANTS)], first)


#: Causes that are there at the same time, at most two busy loops: there are two cores. The first round has
#: each cause once, and is that of `make thorough`.
ROUNDS = [
    [lock("p19", "q19"), full("p14"), sql("q14"), cron("t19"), foreign("t14"), cpu("u19")],
    [lock("q19", "p19"), lock("p14", "q14"), cron("t14"), sql("t19")],
    [foreign("p19"), lock("t14", "t14"), sql("t19"), cpu("p14")],
    [lock("p19", "p19"), lock("q14", "p14"), cpu("t19"), foreign("t14")],
    [full("p19"), cron("p14"), lock("t19", "t19"), cpu("t14")],
    [cron("p19"), lock("p14", "p14"), sql("q19")],
    [gevent("p19"), foreign("p14"), sql("u19")],
    [cpu("p19"), gevent("p14")],
    [sql("p19"), sql("p14")],
]
#: Whether all of them are judged.
ALL = bool(os.environ.get("FLEETOPS_PLANTED"))
#: Of hosts that have one database.
DATABASES = {"q19": "p19", "q14": "p14"}


@pytest.fixture(scope="module")
def planted() -> t.Iterator[Fleet]:
    name = os.environ.get("FLEETOPS_TEST_LAB", "tests")[:7] + "p"
    yield from lab_up(name, str(pathlib.Path(__file__).parent / "planted.yml"))


def begin_jobs(fleet: Fleet, hosts: t.Sequence[str]) -> None:
    """Let the slow job of the lab begin on these hosts, and wait until it has begun."""
    ours = "id = (select res_id from ir_model_data where module = 'lab_slow' and name = 'cron')"
    sql = f"update ir_cron set active = ({ours}), nextcall = now() at time zone 'utc' - interval '1 minute'"
    lasting = f"update ir_config_parameter set value = '{LONG}' where key = 'lab_slow.cron_seconds'"
    in_postgres(fleet, hosts, f'psql -qXd $host -c "{lasting}" -c "{sql}"; psql -qXc "notify cron_trigger, \'$host\'"')
    for host in hosts:
        if host.endswith("14"):
            # It looks for jobs once a minute; a signal makes a worker look at once.
            fleet.module(host, "stack_dump", roles=["master", "cron"])
        has_begun = f"for n in $(seq 400); do grep -q '{BEGINS}' {LOG} && exit; sleep 0.2; done; exit 1"
        fleet.run(host, "sh", "-c", has_begun, seconds=100)


def in_postgres(fleet: Fleet, databases: t.Sequence[str], command: str) -> None:
    """Run a command of the shell for each database, as the superuser of PostgreSQL."""
    if databases:
        loop = f"for host in {' '.join(databases)}; do {command}; done"
        lab(fleet.name, "exec", "db", "runuser", "-u", "postgres", "--", "sh", "-c", loop)


def until(fleet: Fleet, number: int, condition: str) -> None:
    """Wait until as many sessions of PostgreSQL are so."""
    sql = f"select count(*) < {number} from pg_stat_activity where usename = 'odoo' and {condition}"
    loop = f'for n in $(seq 100); do [ "$(psql -qXAtc "{sql}")" = f ] && exit; sleep 0.2; done; exit 1'
    lab(fleet.name, "exec", "db", "runuser", "-u", "postgres", "--", "sh", "-c", loop)


@contextlib.contextmanager
def under_way(fleet: Fleet, causes: t.Sequence[Cause], *, last: bool) -> t.Iterator[None]:
    """All causes of a round. Where another one follows, the servers are killed, so that nothing of them is left."""
    connections: list[http.client.HTTPConnection] = []

    def ask(port: int, host: str, path: str) -> None:
        connections.append(http.client.HTTPConnection(address(fleet.inventory, host), port, timeout=LONG))
        connections[-1].request("GET", path)

    jobs = [host for cause in causes for host in cause.jobs]
    requests = [(cause.port, host, path) for cause in causes for host, path in cause.requests]
    waiters = [one for one in requests if one[2] == WANTS]
    try:
        begin_jobs(fleet, jobs)
        for one in requests:
            if one not in waiters:
                ask(*one)
        if waiters:
            until(fleet, len(waiters), "state = 'idle in transaction' and query like '%FOR UPDATE%'")
        for one in waiters:
            ask(*one)
        if waiters:
            until(fleet, len(waiters), "wait_event_type = 'Lock'")
        # Until all are in place, and for longer than any other wait takes.
        time.sleep(2)
        yield
    finally:
        for connection in connections:
            connection.close()
        hosts = [] if last else sorted({host for cause in causes for host in cause.hosts})
        everywhere(fleet, hosts, "ansible.builtin.shell", f"systemctl kill -s KILL odoo; truncate -s 0 {LOG}")
        # No session holds the rows of the jobs any more.
        in_postgres(fleet, [] if last else jobs, "psql -qXd $host -c 'update ir_cron set active = false'")
        everywhere(fleet, hosts, "ansible.builtin.command", "systemctl restart odoo")
        everywhere(fleet, hosts, "fleetops.odoo.wait_healthy", "")


def everywhere(fleet: Fleet, hosts: t.Sequence[str], module: str, arguments: str) -> None:
    """Run a module on several hosts at the same time."""
    if not hosts:
        return
    command = ["ansible", "-i", fleet.inventory, ",".join(hosts), "-f", str(len(hosts)), "-m", module, "-a", arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def diagnosed(fleet: Fleet, folder: pathlib.Path, hosts: t.Sequence[str], **values: t.Any) -> pathlib.Path:
    """Run the playbook over these hosts; the folder of the run."""
    given = {"hosts": ",".join(hosts), "report_dir": str(folder), "interval": 0.5, "samples": 2, **values}
    options = json.dumps({f"diagnostics_{key}": value for key, value in given.items()})
    done = fleet.playbook("diagnostics", "-e", options, "-f", str(len(hosts)), "-vvv")
    assert done.returncode == 0, done.stdout
    run = run_of(folder)
    for path in run.rglob("*"):
        if path.is_file():
            no_secrets(path.read_text(encoding="utf-8"))
    return run


#: The session of a client that is not a server of ours, and its end.
STRANGER = "application_name like 'tool %'"
END_STRANGERS = f'psql -qXc "select pg_terminate_backend(pid) from pg_stat_activity where {STRANGER}" >/dev/null'


@contextlib.contextmanager
def stranger(fleet: Fleet, database: str) -> t.Iterator[None]:
    """A session of psql that holds the row, and writes secrets wherever it can."""
    sql = "begin; select id from lab_slow for update; select pg_sleep(60) -- password=LAB-SECRET-in-a-query"
    words = ["env", "PGAPPNAME=tool token=LAB-SECRET-in-a-name", "psql", "-qXU", "odoo", "-d", database, "-c", sql]
    command = [str(LAB), "--lab", fleet.name, "exec", "db", "runuser", "-u", "postgres", "--", *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until(fleet, 1, f"{STRANGER} and wait_event = 'PgSleep'")
            yield
        finally:
            in_postgres(fleet, [database], END_STRANGERS)
            process.wait(30)


@pytest.mark.thorough
def test_a_stranger_who_holds_a_lock_is_named_and_no_secret_is(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    """Test that a psql that cannot be run gives a reason, and the dumps are complete."""
    psql = "/usr/lib/postgresql/15/bin/psql"
    with stranger(fleet, "p19"), request(fleet, "p19", WANTS) as sent:
        until(fleet, 1, "wait_event_type = 'Lock'")
        fleet.run("t19", "chmod", "700", psql)
        try:
            run = diagnosed(fleet, tmp_path, ["p19", "t19"])
        finally:
            fleet.run("t19", "chmod", "755", psql)
        in_postgres(fleet, ["p19"], END_STRANGERS)
    assert sent.status == 200
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    sentence = report["findings"][0]["sentence"]
    assert re.match(
        r"worker \d+ on p19 with /lab/lock/0 waits \d+ s for backend \d+ \(tool token=\*{8}( of user odoo)?\): "
        r"SELECT id FROM lab_slow WHERE id = \d+ FOR UPDATE, blocked by active ",
        sentence,
    ), sentence
    assert "pg_sleep" in sentence
    assert list(report["postgres"]["unsaid"]) == ["t19"]
    said = report["postgres"]["unsaid"]["t19"]
    assert [part for part in ("psql cannot be run", "Permission denied", psql) if part not in said] == []
    assert (run / "t19.log").stat().st_size > 1000
    assert json.loads((run / "p19.postgres.json").read_text(encoding="utf-8"))["unsaid"] == []


@pytest.mark.thorough
@pytest.mark.parametrize("number", range(len(ROUNDS) if ALL else 1))
def test_the_first_finding_names_what_was_planted(planted: Fleet, tmp_path: pathlib.Path, number: int) -> None:
    causes = ROUNDS[number]
    with under_way(planted, causes, last=not ALL or number == len(ROUNDS) - 1):
        run = diagnosed(planted, tmp_path, sorted({host for cause in causes for host in cause.hosts}))
    wrong = {}
    for cause in causes:
        report = explain_logs([{"path": str(run / f"{host}.log"), "host": host} for host in cause.hosts])
        assert report["postgres"]["unsaid"] == {}
        sentence = report["findings"][0]["sentence"] if report["findings"] else "nothing"
        print(f"planted: {'named' if re.match(cause.first, sentence) else 'MISSED'}: {sentence}")
        if not re.match(cause.first, sentence):
            wrong[cause.first] = report["lines"]
    assert not wrong, json.dumps(wrong, indent=1)


def test_there_are_twenty_of_them() -> None:
    assert sum(map(len, ROUNDS)) >= 20
