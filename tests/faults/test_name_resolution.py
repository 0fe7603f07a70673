"""The server's name: not resolved, resolved slowly, resolved to another address than before."""

import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from receiver import Receiver
from tests.faults.quick_agent import QuickAgent
from tests.pipeline.agent import until

NAME = "patchmon.example"
_SUCCESS, _SERVER_FAILURE = 0x8180, 0x8182
_IPV4 = 1
_IN_ITS_NAMESPACE = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"'


class NameServer:
    """Answers every question for an IPv4 address with `address`."""

    def __init__(self) -> None:
        chance = random.SystemRandom()
        # Other tests may have one, too.
        self.host = (
            f"127.{chance.randrange(1, 255)}.{chance.randrange(256)}.{chance.randrange(256)}"
        )
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self.host, 53))
        self.address: str | None = None
        """None: a failure of the name server."""
        self.silent = False
        self.questions = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                question, client = self._socket.recvfrom(4096)
                self.questions += 1
                if not self.silent:
                    self._socket.sendto(self._answer(question), client)
            except OSError:
                return

    def _answer(self, question: bytes) -> bytes:
        end = question.index(b"\0", 12) + 5
        (kind,) = struct.unpack("!H", question[end - 4 : end - 2])
        flags, records = _SUCCESS, b""
        if self.address is None:
            flags = _SERVER_FAILURE
        elif kind == _IPV4:
            records = struct.pack("!HHHIH", 0xC00C, _IPV4, 1, 0, 4)
            records += socket.inet_aton(self.address)
        head = question[:2] + struct.pack("!HHHHH", flags, 1, bool(records), 0, 0)
        return head + question[12:end] + records


@pytest.fixture
def names() -> Iterator[NameServer]:
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare for a name server of its own")
    names = NameServer()
    yield names
    names.close()


def start_ship(agent: QuickAgent, names: NameServer) -> None:
    resolver = agent.home / "resolv.conf"
    resolver.write_text(f"nameserver {names.host}\noptions timeout:1 attempts:1\n")
    command = ["unshare", "--mount", "sh", "-c", _IN_ITS_NAMESPACE, "sh", str(resolver)]
    command += [sys.executable, "-m", agent.module, "stage", "ship", "--config", str(agent.config)]
    with (agent.home / "ship.log").open("ab") as log:
        agent.processes["ship"] = subprocess.Popen(
            command, stdout=log, stderr=log, start_new_session=True
        )


def test_a_name_that_is_not_resolved_is_temporary_and_one_that_moves_is_followed(
    agent: QuickAgent, server: Receiver, names: NameServer
) -> None:
    if "dns" not in Path("/etc/nsswitch.conf").read_text():
        pytest.skip("this host does not resolve names by DNS")
    port = urlsplit(server.url).port
    agent.configure(server={"url": f"http://{NAME}:{port}"})
    agent.start("trigger", "scan", "parse")
    scan_id = agent.request()
    until(lambda: agent.reported(scan_id), "a report")

    names.silent = True
    start_ship(agent, names)
    until(lambda: "resolved" in agent.run("list", "--wide"), "no answer is a reason to wait")
    names.silent = False
    agent.run("retry")
    queries = names.questions
    until(lambda: names.questions > queries, "another query")

    names.address = "127.0.0.9"
    agent.run("retry")
    until(lambda: "refused" in agent.run("list", "--wide").lower(), "the refused connection")
    assert not agent.received(scan_id)

    names.address = "127.0.0.1"
    agent.run("retry")
    until(lambda: agent.received(scan_id), "the new address is used")
    assert agent.processes["ship"].poll() is None
