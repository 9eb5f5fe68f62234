# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bundle of real servers: all is in it, no secret is, and it gets where it is to go."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.server
import json
import os
import pathlib
import re
import subprocess
import tarfile
import threading
import time
import typing as t

import pytest
from ansible_collections.fleetops.odoo.tests.unit.dripping import dripping

from .conftest import SECRETS, Fleet, free, login, no_secrets, request

HOSTS = ("p19", "t14", "journal")
LOG = "/var/log/odoo/odoo-server.log"
DROP_IN = "/etc/systemd/system/odoo.service.d/secrets.conf"
PARTS = (
    "disks.json",
    "environment.txt",
    "limits.txt",
    "log.txt",
    "memory.json",
    "odoo.conf",
    "open_files.json",
    "processes.txt",
    "server.json",
    "sockets.json",
    "unit.txt",
)

#: Every place that a secret is known to stand in. The lab has its own in odoo.conf.
UNIT = f"""[Service]
Environment=PGPASSWORD=LAB-SECRET-db-password ODOO_X_TOKEN=LAB-SECRET-odoo-env "PLAIN=LAB-SECRET-plain-env" LANG=C.UTF-8
EnvironmentFile=/etc/odoo/environment
ExecStart=
ExecStart=/usr/bin/odoo --config /etc/odoo/odoo.conf --logfile {LOG} --db_password LAB-SECRET-db-password \\
    --smtp-password=LAB-SECRET-argv
"""
CONF = """
smtp_password = LAB-SECRET-smtp
    LAB-SECRET-smtp-goes-on
my_addon_key = LAB-SECRET-addon
; db_password = LAB-SECRET-comment
"""
LINES = """
2026-11-24 18:12:55,049 33 INFO p19 x: db_password = LAB-SECRET-log
2026-11-24 18:12:55,049 33 INFO p19 x: connecting to postgresql://odoo:LAB-SECRET-url@db/p19
2026-11-24 18:12:55,049 33 INFO p19 x: "GET /web?access_token=LAB-SECRET-token&x=1 HTTP/1.1" 200
2026-11-24 18:12:55,049 33 INFO p19 x: dsn host=db user=odoo password=LAB-SECRET-dsn sslmode=require
2026-11-24 18:12:55,049 33 INFO p19 x: {'Cookie': 'session_id=LAB-SECRET-cookie; lang=en'}
2026-11-24 18:12:55,049 33 INFO p19 x: said hello with LAB-SECRET-db-password and went on
2026-11-24 18:12:55,049 33 INFO p19 x: and with LAB-SECRET-plain-of-smtp-LAB-SECRET-argv
"""


@pytest.fixture(scope="module")
def planted(fleet: Fleet) -> t.Iterator[None]:
    """Secrets everywhere on p19, and the server restarted with them."""
    fleet.run("p19", "sh", "-c", "cp /etc/odoo/odoo.conf /root/odoo.conf; mkdir -p $(dirname " + DROP_IN + ")")
    put(fleet, "p19", DROP_IN, UNIT)
    put(fleet, "p19", "/etc/odoo/environment", "FILE_PASSWORD=LAB-SECRET-file\nOTHER=LAB-SECRET-file-plain\n")
    put(fleet, "p19", "/etc/odoo/odoo.conf", CONF, ">>")
    fleet.run("p19", "sh", "-c", "systemctl daemon-reload; systemctl restart odoo")
    fleet.settle("p19")
    put(fleet, "p19", LOG, LINES.replace("LAB-SECRET-plain-of-smtp-", ""), ">>")
    yield
    fleet.run("p19", "sh", "-c", f"cp /root/odoo.conf /etc/odoo/odoo.conf; rm {DROP_IN} /etc/odoo/environment")
    fleet.run("p19", "sh", "-c", f"systemctl daemon-reload; systemctl restart odoo; : > {LOG}")
    fleet.settle("p19")


def put(fleet: Fleet, host: str, path: str, text: str, how: str = ">") -> None:
    """Write a text to a file of a host, or behind what is there (``>>``)."""
    subprocess.run(
        [*login(fleet.inventory, host), f"cat {how} {path}"],
        input=text,
        text=True,
        check=True,
        timeout=60,
    )


def run(fleet: Fleet, folder: pathlib.Path, hosts: str, *options: str, **values: t.Any) -> tuple[int, str, str]:
    """Run the playbook: its exit code, what it printed, and the events that a callback got."""
    events = folder / "events.jsonl"
    given = {"hosts": hosts, "report_dir": str(folder / "runs"), "interval": 0.2, "samples": 1, **values}
    done = subprocess.run(
        ["ansible-playbook", "-i", fleet.inventory, "fleetops.odoo.diagnostics", *options, "-e"]
        + [json.dumps({f"diagnostics_{key}": value for key, value in given.items()})],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        env={
            **os.environ,
            "ANSIBLE_CALLBACK_PLUGINS": str(pathlib.Path(__file__).parent / "callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "events",
            "FLEETOPS_TEST_EVENTS": str(events),
        },
    )
    return done.returncode, done.stdout, events.read_text(encoding="utf-8")


def only_run(folder: pathlib.Path) -> pathlib.Path:
    """The folder of the only run."""
    (found,) = [path for path in (folder / "runs").iterdir() if path.is_dir()]
    return found


@pytest.mark.usefixtures("planted")
def test_all_is_there_and_no_secret(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    fleet.run("lb", "rm", "-rf", "/srv/dumps")
    before = leftovers(fleet, "p19")
    with request(fleet, "p19", "/lab/hold/kept?access_token=LAB-SECRET-in-flight"):
        code, said, events = run(fleet, tmp_path, ",".join(HOSTS), "-vvv", deliver="lb:/srv/dumps/")
        free(fleet, "p19", "kept")
    assert code == 0, said
    no_secrets(said)
    no_secrets(events)
    assert "base64" not in said
    assert '"content": "' not in events
    folder = only_run(tmp_path)
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    for path in files.values():
        no_secrets(path.read_text(encoding="utf-8"))
        assert path.stat().st_mode & 0o777 == 0o600, path
    for host in HOSTS:
        assert {name.rpartition("/")[2] for name in files if name.startswith(f"{host}/server-")} == set(PARTS)
        assert {
            f"{host}.log",
            f"{host}/dumps.json",
            f"{host}/caches.json",
            f"{host}/host/load.json",
            f"{host}/manifest.json",
        } <= set(files)
        told = json.loads(files[f"{host}/manifest.json"].read_text())
        assert told["left_out"] == []
        assert told["servers"][0]["odoo"] == ("14.0" if host == "t14" else "19.0")
    text = {name: next(folder.glob(f"p19/server-*/{name}")).read_text() for name in PARTS}
    assert "db_password = ********" in text["odoo.conf"]
    assert "my_addon_key = ********" in text["odoo.conf"]
    assert "PGPASSWORD=********" in text["environment.txt"]
    assert "PLAIN=********" in text["environment.txt"]
    assert "--db_password ********" in text["processes.txt"]
    assert "Environment=ODOO_X_TOKEN=********" in text["unit.txt"]
    assert "said hello with ******** and went on" in text["log.txt"]
    assert "access_token=********" in files["p19.log"].read_text()
    assert json.loads(text["memory.json"])["cgroups"][0]["path"].endswith("odoo.service")
    assert {"port": 5432, "direction": "out", "state": "established"}.items() <= next(
        one for one in json.loads(text["sockets.json"])["tcp"] if one["owner"] == "server" and one["direction"] == "out"
    ).items()
    check_manifest(folder, files, events)
    delivered = f"/srv/dumps/{folder.name}.tar.gz"
    assert fleet.run("lb", "sha256sum", delivered).split()[0] == hashlib.sha256(archive_of(folder)).hexdigest()
    assert leftovers(fleet, "p19") == before


def leftovers(fleet: Fleet, host: str) -> set[str]:
    """Return the files where modules leave things, without those of the lab's own requests."""
    found = fleet.run(host, "sh", "-c", "ls -d /run/fleetops-odoo/* /tmp/* /var/tmp/* ~/.ansible/tmp/*; true").split()
    return {path for path in found if not path.startswith("/tmp/lab-")}


def archive_of(folder: pathlib.Path) -> bytes:
    """The archive of a run."""
    return folder.with_name(folder.name + ".tar.gz").read_bytes()


def check_manifest(folder: pathlib.Path, files: dict[str, pathlib.Path], events: str) -> None:
    """The manifest, the archive and what a workflow is told say the same."""
    manifest = json.loads(files["manifest.json"].read_text())
    assert {one["path"] for one in manifest["files"]} == set(files) - {"manifest.json"}
    for one in manifest["files"]:
        data = files[one["path"]].read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (one["bytes"], one["sha256"])
    assert manifest["hosts"]["p19"]["bundle"]["left_out"] == []
    assert re.fullmatch(r"\d+\.\d+\.\d+", manifest["versions"]["collection"])
    plain = gzip.decompress(archive_of(folder))
    assert not any(secret.encode() in plain for secret in SECRETS)
    with tarfile.open(folder.with_name(folder.name + ".tar.gz")) as tar:
        assert set(tar.getnames()) == {f"{folder.name}/{name}" for name in files}
    (stats,) = [one["stats"] for one in map(json.loads, events.splitlines()) if "stats" in one]
    told = stats["_run"]["diagnostics"]
    assert (told["run"], told["delivered"], told["without_bundle"]) == (folder.name, "lb:/srv/dumps", [])
    assert told["sha256"] == hashlib.sha256(archive_of(folder)).hexdigest()


class Server(http.server.BaseHTTPRequestHandler):
    """Takes what is sent, or does not."""

    status = 201
    got: t.ClassVar[list[tuple[str, dict[str, str], bytes]]] = []

    def do_PUT(self) -> None:
        """A file comes."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).got.append((self.path, dict(self.headers), body))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_arguments: t.Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(status: int) -> t.Iterator[int]:
    """A server on the loopback; its port."""
    Server.status, Server.got = status, []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.thorough
def test_it_is_sent_by_put_and_older_runs_go(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    headers = {"X-Token": "LAB-SECRET-header"}
    with serving(403) as port:
        place = f"http_put:http://me:LAB-SECRET-put@127.0.0.1:{port}/in/"
        code, said, events = run(fleet, tmp_path, "t14", deliver=place, deliver_headers=headers, bundle="false")
    assert code == 2
    no_secrets(said + events)
    assert f"http://127.0.0.1:{port}/in/ answered 403 [bundle.not_taken]" in re.sub(r"\s+", " ", said)
    first = only_run(tmp_path)
    with serving(201) as port:
        place = f"http_put:http://me:LAB-SECRET-put@127.0.0.1:{port}/in/"
        code, said, events = run(fleet, tmp_path, "t14", "-vvv", deliver=place, deliver_headers=headers, keep="1")
    assert code == 0, said
    no_secrets(said + events)
    ((path, got, body),) = Server.got
    folder = only_run(tmp_path)
    assert folder.name != first.name
    assert {entry.name for entry in (tmp_path / "runs").iterdir()} == {folder.name, folder.name + ".tar.gz"}
    assert (path, body) == (f"/in/{folder.name}.tar.gz", archive_of(folder))
    assert got["X-Token"] == "LAB-SECRET-header"
    assert got["Authorization"].startswith("Basic ")


@pytest.mark.thorough
def test_a_receiver_that_drips_its_answer_does_not_hold_the_run(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    with dripping(b"HTTP/1.1 201 Created\r\nX: ") as port:
        place = f"http_put:http://me:LAB-SECRET-put@127.0.0.1:{port}/in/"
        begun = time.monotonic()
        code, said, events = run(fleet, tmp_path, "t14", deliver=place, deliver_timeout="5", bundle="false")
        assert time.monotonic() - begun < 110
    assert code == 2
    no_secrets(said + events)
    answer = f"http://127.0.0.1:{port}/in/ answered nothing whole within 5 s [bundle.not_taken]"
    assert answer in re.sub(r"\s+", " ", said)


def test_who_may_see_less_is_told_what_is_missing(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    answer = fleet.module("t19", "bundle", "-e", "ansible_user=ops", dest=str(tmp_path / "b"))
    assert answer.code == 0
    missing = {one["part"].rpartition("/")[2]: one["code"] for one in answer.result["left_out"]}
    assert missing == {
        "odoo.conf": "bundle.not_read",
        "environment.txt": "bundle.not_permitted",
        "open_files.json": "bundle.not_permitted",
        "log.txt": "dump.log_unreadable",
    }
    assert (tmp_path / "b" / "host" / "load.json").exists()
    assert "content" not in answer.result
    checked = fleet.module("t19", "bundle", "--check", dest=str(tmp_path / "c"))
    assert (checked.code, checked.result["dest"]) == (0, None)
    assert not (tmp_path / "c").exists()


def test_what_is_too_large_is_left_out_and_a_secret_that_is_short_is_named(
    fleet: Fleet, tmp_path: pathlib.Path
) -> None:
    fill = f"seq -f %0400.f 6000 >> {LOG}"
    fleet.run("t14", "sh", "-c", f"cp -p {LOG} /root/log; cp -p /etc/odoo/odoo.conf /root/odoo.conf; {fill}")
    fleet.run("t14", "sh", "-c", "echo 'smtp_password = t14' >> /etc/odoo/odoo.conf")
    try:
        answer = fleet.module("t14", "bundle", dest=str(tmp_path), lines=10000, max_size=1)
        large = fleet.module("t14", "bundle", dest=str(tmp_path), lines=10000)
    finally:
        fleet.run("t14", "sh", "-c", f"cat /root/log > {LOG}; cp /root/odoo.conf /etc/odoo/odoo.conf")
    assert answer.code == 0
    (left,) = answer.result["left_out"]
    assert left["part"].endswith("log.txt")
    assert left["code"] == "bundle.parts_too_large"
    (log,) = [part for part in large.result["parts"] if part["name"].endswith("log.txt")]
    assert log["cut"]
    assert (1 << 20) - 1000 < log["bytes"] <= 1 << 20
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["not_searched_for"] == ["smtp_password of odoo.conf"]


def test_a_host_without_a_server_has_a_bundle_of_its_own(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    answer = fleet.module("lb", "bundle", dest=str(tmp_path), allow_none=True)
    assert (answer.code, answer.result["servers"]) == (0, [])
    assert (tmp_path / "host" / "memory.json").exists()
    none = fleet.module("lb", "bundle", dest=str(tmp_path))
    assert (none.code, none.result["code"]) == (2, "host.no_master")
    wrong = fleet.module("lb", "bundle", dest=str(tmp_path), max_size=5)
    assert (wrong.code, wrong.result["code"]) == (2, "option.out_of_range")
