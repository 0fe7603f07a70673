"""The receiver as a server in a thread of its own.

It listens as soon as `start` returns. `stop` and `start` keep the address, like a server that
restarts. `with Receiver() as receiver:` starts, stops and closes it.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn

from receiver import app
from receiver.agents import Agents
from receiver.front import FrontAnswer
from receiver.hosts import Hosts, HostState
from receiver.intake import Intake
from receiver.policy import Policy
from receiver.store import Store
from schemas import codec
from schemas.codec import SchemaError
from stages.patchmon.credentials import Credentials
from stages.patchmon.server_messages import MAX_MESSAGE_BYTES, ScanProgress

_DEADLINE_S = 10.0


class Receiver:
    """A PatchMon server, small. Raises StoreError where the database can't be used.

    `start` raises OSError where the address is taken.
    """

    def __init__(
        self,
        policy: Policy | None = None,
        *,
        database: Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        log: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`database` None is memory; `port` 0 is any free one; `log` gets one line per request."""
        self.policy = policy or Policy()
        self._store = Store(database)
        self.hosts = Hosts(self.policy.compliance_mode, self.policy.scanners_off)
        self.hosts.add_all(self.policy.hosts)
        self.front: dict[str, FrontAnswer] = {}
        """What is answered in the server's place, by path; may change at any time."""
        self._intake = Intake(self.policy, self.hosts, self._store)
        self._agents = Agents(self._intake, self._store, log)
        self._log = log
        self._host = host
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._server: uvicorn.Server | None = None

    @property
    def credentials(self) -> Credentials:
        """Those of the first host, as they are now."""
        return self.hosts.get(self._first).credentials

    @property
    def _first(self) -> str:
        return self.policy.hosts[0].id

    @property
    def database_is_down(self) -> bool:
        """While it is, every key is refused and a ping is answered with 500."""
        return self._intake.database_is_down

    @database_is_down.setter
    def database_is_down(self, is_down: bool) -> None:
        self._intake.database_is_down = is_down

    def host_state(self, api_id: str | None = None) -> HostState:
        """What an administrator sees of a host (the first one)."""
        host = self.hosts.get(api_id or self._first)
        return host.state(self.policy.update_interval_s, time.monotonic())

    @property
    def headers(self) -> dict[str, str]:
        """The first host's credentials as every request carries them."""
        return {"X-API-ID": self.credentials.id, "X-API-KEY": self.credentials.key}

    @property
    def url(self) -> str:
        """What an agent has as `server.url`."""
        host = self._host
        if ":" in host:
            host = f"[{host}]"
        return f"http://{host}:{self._port}"

    def start(self) -> None:
        on_event = self._listen()
        self._port = on_event.getsockname()[1]
        application = app.build(
            self.policy,
            self.hosts,
            self._intake,
            self._store,
            self._agents,
            self.front,
            self._log,
        )
        self._server = uvicorn.Server(_config(application, self.policy))
        self._loop = asyncio.new_event_loop()
        running = (self._loop, self._server, on_event)
        # A daemon: one that does not stop in time must not hold up the end of the program.
        self._thread = threading.Thread(target=_serve, args=running, name="receiver", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close every connection and the address; what was received can still be read."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._thread.join(_DEADLINE_S)
            self._server = self._thread = self._loop = None

    def close(self) -> None:
        self.stop()
        self._store.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def posts(self) -> list[dict[str, Any]]:
        """Every submission, whatever came of it: the columns of `posts` (see `store`)."""
        return self._store.posts()

    def scans(self) -> list[dict[str, Any]]:
        """The scans that the server holds now, each with its `results`."""
        return self._store.scans()

    def running(self) -> list[dict[str, Any]]:
        """The scans that an administrator sees as running."""
        return self._store.running()

    def messages(self) -> list[dict[str, Any]]:
        """All that came in over the WebSocket."""
        return self._store.messages("websocket")

    def progress(self) -> list[dict[str, Any]]:
        """The progress that came in over the WebSocket."""
        return [message for message in self.messages() if _is_progress(message)]

    def integration_statuses(self) -> list[dict[str, Any]]:
        return self._store.messages("integration-status")

    def status_message(self) -> str:
        """The message of the newest integration status; empty before the first."""
        statuses = self.integration_statuses()
        if not statuses:
            return ""
        return str(statuses[-1]["message"])

    def pings(self) -> list[dict[str, Any]]:
        return self._store.messages("ping")

    def host_updates(self) -> list[dict[str, Any]]:
        return self._store.messages("update")

    def online(self) -> set[str]:
        """The api ids whose agent is connected."""
        return self._agents.online()

    def send_command(self, message: Mapping[str, Any], api_id: str | None = None) -> bool:
        """Send a message to an agent (the first host's). False where none is connected."""
        if self._loop is None:
            return False
        sending = self._agents.command(api_id or self._first, message)
        return asyncio.run_coroutine_threadsafe(sending, self._loop).result(_DEADLINE_S)

    def _listen(self) -> socket.socket:
        family = socket.AF_INET
        if ":" in self._host:
            family = socket.AF_INET6
        return socket.create_server((self._host, self._port), family=family, backlog=128)


def _is_progress(message: Mapping[str, Any]) -> bool:
    try:
        codec.convert(message, ScanProgress)
    except SchemaError:
        return False
    return True


def _serve(
    loop: asyncio.AbstractEventLoop, server: uvicorn.Server, on_event: socket.socket
) -> None:
    with on_event, asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(server.serve(sockets=[on_event]))


def _config(application: Any, policy: Policy) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        lifespan="off",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=policy.ping_every_s,
        ws_ping_timeout=policy.silence_s - policy.ping_every_s,
        timeout_graceful_shutdown=1,
    )
