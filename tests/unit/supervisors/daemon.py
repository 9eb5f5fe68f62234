# Copyright (c) 2026, fleetops.odoo contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A socket that answers as a supervisord does, with what supervisor 4.3.0 has answered."""

from __future__ import annotations

import os
import pathlib
import re
import socket
import threading
import typing as t
import xmlrpc.client

from ansible_collections.fleetops.odoo.plugins.module_utils._supervisors.rpc import Daemon

HEAD = "HTTP/1.0 {}\r\nServer: Medusa/1.12\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{}"
FAULT = (
    "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n"
    "<value><int>10</int></value>\n</member>\n<member>\n<name>faultString</name>\n"
    "<value><string>BAD_NAME: no:no</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n"
)
PAGE = "<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n<p>Error code 401.\r\n</body>\r\n"


def program(statename: str, pid: int = 0, group: str = "odoo", description: str = "") -> dict[str, object]:
    """The answer of supervisord about a program."""
    return {"name": "odoo", "group": group, "statename": statename, "pid": pid, "description": description}


def answer(value: t.Any, status: str = "200 OK") -> bytes:
    """An answer that holds a value, or this text."""
    body = value if isinstance(value, str) else xmlrpc.client.dumps((value,), methodresponse=True)
    return HEAD.format(status, len(body), body).encode()


class FakeSupervisord:
    """Answers each connection with the next of its answers, the last one again and again, and keeps the requests."""

    def __init__(self, folder: pathlib.Path, *answers: bytes, tcp: bool = False) -> None:
        self.answers = list(answers)
        self.requests: list[str] = []
        self._socket = socket.socket(socket.AF_INET if tcp else socket.AF_UNIX)
        self._socket.bind(("127.0.0.1", 0) if tcp else str(folder / "sock"))
        self._socket.listen()
        address = f"http://127.0.0.1:{self._socket.getsockname()[1]}" if tcp else f"unix://{folder}/sock"
        self.config = folder / "supervisord.conf"
        self.daemon = Daemon(address, os.geteuid(), os.getegid(), (), str(self.config))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _address = self._socket.accept()
            with connection:
                request = ""
                while not _is_whole(request):
                    request += connection.recv(65536).decode()
                self.requests.append(request)
                connection.sendall(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])

    @property
    def called(self) -> list[tuple[str, tuple[object, ...]]]:
        """Methods that were called, and their parameters."""
        bodies = [xmlrpc.client.loads(request.partition("\r\n\r\n")[2]) for request in self.requests]
        return [(str(method), params) for params, method in bodies]


def _is_whole(request: str) -> bool:
    head, blank, body = request.partition("\r\n\r\n")
    length = re.search(r"Content-Length: (\d+)", head)
    return bool(blank and length and len(body) >= int(length.group(1)))
