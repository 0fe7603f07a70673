"""The doorbell: ZeroMQ messages that mean "check for work".

Each stage publishes on its own endpoint `STAGE.pub` and subscribes to the others'; commands of
operators publish to `STAGE.sub`. Promises: publishing never blocks and queues little; a message
that is lost, forged, garbled or too large does no harm, because it is only a hint. Where ZeroMQ
can't be used (not installed, no directory, something else at the socket's path), a stage logs that
once and works without it: by the timer.

Security: endpoints are Unix sockets in the runtime directory, mode 0660. Only a socket is ever
replaced.
"""

import os
import select
import stat
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from schemas import codec
from schemas.event import Event, EventName
from spool.errors import remedy
from spool.layout import STAGES, Stage

_MAX_MESSAGE_BYTES = 4096
_QUEUE = 1000
_MAX_PATH_BYTES = 107
_THREADS, _HANDLES = 2, 16
"""Which the library takes for one context and its first sockets, rounded up."""


class DoorbellError(Exception):
    """The doorbell can't be used; the text gives the reason and the remedy."""


class Doorbell(Protocol):
    """Where a stage publishes its events and waits for those of others."""

    def publish(self, event: Event) -> None: ...

    def wait(
        self, timeout_s: float, handles: Sequence[int], *, listen: bool = True
    ) -> tuple[list[Event], list[int]]:
        """The events that arrived within `timeout_s`, and the file handles that are readable.

        `listen` is false for a wait that no event ends; what arrives meanwhile stays queued.
        """

    def close(self) -> None: ...


class NoDoorbell:
    """Without ZeroMQ: waits for file handles alone."""

    def publish(self, event: Event) -> None:
        """The other stages find the work by their timers."""

    def wait(
        self,
        timeout_s: float,
        handles: Sequence[int],
        *,
        listen: bool = True,  # noqa: ARG002 - there is nothing to listen to
    ) -> tuple[list[Event], list[int]]:
        return [], _readable(timeout_s, handles)

    def close(self) -> None:
        """Nothing is open."""


class ZmqDoorbell:
    """A socket to publish, and one that is subscribed to the other stages."""

    def __init__(self, runtime: Path, me: Stage | None, subscriptions: Iterable[EventName]) -> None:
        """`me` is None for a command, which only subscribes. Raises DoorbellError."""
        self._zmq = _library()
        self._runtime, self._me = runtime, me
        self._context: Any = self._zmq.Context(io_threads=1)
        self._publisher: Any = None
        try:
            self._subscriber: Any = self._socket(self._zmq.SUB)
            for name in subscriptions:
                self._subscriber.setsockopt(self._zmq.SUBSCRIBE, name.encode())
            for stage in STAGES:
                if stage != me:
                    self._subscriber.connect(_endpoint(runtime / f"{stage}.pub"))
            if me:
                self._publisher = self._socket(self._zmq.PUB)
                self._bind(self._publisher, runtime / f"{me}.pub")
                self._bind(self._subscriber, runtime / f"{me}.sub")
        except (DoorbellError, self._zmq.ZMQError) as error:
            self.close()
            raise DoorbellError(str(error)) from error
        self._handle: int = self._subscriber.getsockopt(self._zmq.FD)
        self._may_hold_more = True

    def denied(self) -> list[Path]:
        """The sockets of other stages, as far as they run, to which this user may not connect."""
        paths = [self._runtime / f"{stage}.pub" for stage in STAGES if stage != self._me]
        return [path for path in paths if path.is_socket() and not os.access(path, os.W_OK)]

    def publish(self, event: Event) -> None:
        if self._publisher is not None:
            with suppress(self._zmq.ZMQError):
                self._publisher.send(_message(event), self._zmq.NOBLOCK)

    def wait(
        self, timeout_s: float, handles: Sequence[int], *, listen: bool = True
    ) -> tuple[list[Event], list[int]]:
        """As in `Doorbell`; may end early without anything.

        The socket's handle shows that something arrives, not that something is there (ZMQ_FD in
        zmq_getsockopt(3)). So the socket is emptied whenever the handle shows something, and before
        a wait while it may hold more. The library's own poll needs eight system calls for that.
        """
        if not listen:
            self._may_hold_more = True
            return [], _readable(timeout_s, handles)
        events: list[Event] = []
        if self._may_hold_more:
            events = self._drain()
        if events:
            timeout_s = 0.0
        ready = _readable(timeout_s, (self._handle, *handles))
        if self._handle in ready:
            events += self._drain()
        return events, [handle for handle in handles if handle in ready]

    def close(self) -> None:
        self._context.destroy(linger=0)

    def _drain(self) -> list[Event]:
        events: list[Event] = []
        self._may_hold_more = True
        # At most one queue: a sender that never pauses must not keep the stage from its work.
        for _ in range(_QUEUE):
            try:
                message = self._subscriber.recv(self._zmq.NOBLOCK)
            except self._zmq.ZMQError:
                self._may_hold_more = False
                break
            if self._subscriber.getsockopt(self._zmq.RCVMORE):
                # Ours have one part; the last part of another's does not decode.
                continue
            with suppress(codec.SchemaError):
                events.append(codec.decode(message.partition(b" ")[2], Event))
        return events

    def _socket(self, kind: int) -> Any:
        socket = self._context.socket(kind)
        socket.setsockopt(self._zmq.LINGER, 0)
        socket.setsockopt(self._zmq.MAXMSGSIZE, _MAX_MESSAGE_BYTES)
        socket.setsockopt(self._zmq.SNDHWM, _QUEUE)
        socket.setsockopt(self._zmq.RCVHWM, _QUEUE)
        socket.setsockopt(self._zmq.RECONNECT_IVL, 100)
        socket.setsockopt(self._zmq.RECONNECT_IVL_MAX, 5000)
        return socket

    def _bind(self, socket: Any, path: Path) -> None:
        _check_free(path)
        socket.bind(_endpoint(path))
        path.chmod(0o660)


def publish_to_stages(runtime: Path, event: Event, patience_s: float = 1.0) -> None:
    """Publish an event to every running stage, from a command.

    Where that fails, the stages find the work by their watch. `patience_s`: how long to wait for
    the stages to answer, of which one may have left its socket behind.
    """
    try:
        zmq = _library()
    except DoorbellError:
        return
    context = zmq.Context(io_threads=1)
    socket = context.socket(zmq.XPUB)
    try:
        with suppress(zmq.ZMQError, DoorbellError):
            _publish_once(zmq, socket, _subscriber_paths(runtime), event, patience_s)
    finally:
        # The message may still be on its way, and a socket that is closed without linger drops it.
        socket.close(linger=1000)
        context.term()


def _subscriber_paths(runtime: Path) -> list[Path]:
    """The sockets at which running stages wait for events of commands."""
    paths = [runtime / f"{stage}.sub" for stage in STAGES]
    return [path for path in paths if path.is_socket()]


def _publish_once(
    zmq: ModuleType, socket: Any, paths: Sequence[Path], event: Event, patience_s: float
) -> None:
    """Connect a new socket and publish one event. Raises ZMQError, DoorbellError.

    A message reaches only those whose subscription has arrived, so it waits for them. With
    XPUB_VERBOSE each subscription is a message, also of a name that is subscribed already.
    """
    socket.setsockopt(zmq.XPUB_VERBOSE, 1)
    for path in paths:
        socket.connect(_endpoint(path))
    name = event.name.encode()
    subscribed = 0
    # For all together: one that subscribes forever would hold up the command forever.
    end = time.monotonic() + patience_s
    while subscribed < len(paths) and (left_s := end - time.monotonic()) > 0:
        if socket.poll(round(left_s * 1000)) and name in socket.recv():
            subscribed += 1
    socket.send(_message(event), zmq.NOBLOCK)


def _readable(timeout_s: float, handles: Sequence[int]) -> list[int]:
    poller = select.poll()
    for handle in handles:
        poller.register(handle, select.POLLIN)
    return [handle for handle, _ in poller.poll(max(0, round(timeout_s * 1000)))]


def _library() -> ModuleType:
    try:
        import zmq
    except ImportError as error:
        raise DoorbellError(f"ZeroMQ can't be loaded ({error}): pip install pyzmq") from error
    _check_machine()
    return zmq


def _check_machine() -> None:
    """Raises DoorbellError where the machine is at one of its limits: the library would abort this
    process when it can't start its threads or open the handles that it needs for them.
    """
    end = threading.Event()
    threads: list[threading.Thread] = []
    handles: list[int] = []
    try:
        for _ in range(_THREADS):
            thread = threading.Thread(target=end.wait, daemon=True)
            thread.start()
            threads.append(thread)
        for _ in range(_HANDLES):
            handles.append(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except RuntimeError as error:
        raise DoorbellError(f"{error}: raise TasksMax or MemoryMax") from error
    except OSError as error:
        raise DoorbellError(f"{error.strerror}; {remedy(error)}") from error
    finally:
        end.set()
        for thread in threads:
            thread.join()
        for handle in handles:
            os.close(handle)


def _message(event: Event) -> bytes:
    return event.name.encode() + b" " + codec.encode(event)


def _endpoint(path: Path) -> str:
    if len(os.fsencode(path)) > _MAX_PATH_BYTES:
        raise DoorbellError(
            f"{path}: longer than {_MAX_PATH_BYTES} bytes: set a shorter runtime_dir"
        )
    return f"ipc://{path}"


def _check_free(path: Path) -> None:
    """Raises DoorbellError for anything but a socket: libzmq deletes what it finds at the path."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise DoorbellError(f"{path}: {error.strerror}") from error
    if not stat.S_ISSOCK(mode):
        raise DoorbellError(f"{path}: is not a socket; move it away")
