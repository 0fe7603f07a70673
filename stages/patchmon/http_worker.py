"""The HTTP client in a worker process: a request that hangs ends with the process, at its deadline.

The stage side (`HttpWorker`) imports no HTTP library. The worker side (`serve`) keeps the
connection for the next request to the same server while all goes well, and gives it up after any
trouble, so the next one resolves the server's name anew.

Security: address, credentials and body reach the process through its channel, never through its
command line.
"""

from typing import TYPE_CHECKING, Any

from schemas import codec
from schemas.records import Record
from stages.patchmon.outcome import Paused, Temporary
from stages.patchmon.reply import Reply
from stages.patchmon.server_access import HttpRequest, ServerAccess
from stages.runtime.worker import Host, Worker, WorkerError

if TYPE_CHECKING:
    from tenacity import RetryCallState

    from stages.patchmon.client import HttpClient

_ENTRY = f"{__name__}:serve"
_IDLE_S = 10.0
_GOOD = range(200, 300)
_ANSWER: Any = Reply | Paused | Temporary


class _Call(Record, frozen=True, kw_only=True):
    """What the worker gets: one line of JSON, then the body."""

    access: ServerAccess
    request: HttpRequest


class HttpWorker:
    """Requests to the server, one after another, in at most one worker process."""

    def __init__(self, host: Host) -> None:
        self._worker = Worker(host, _ENTRY, idle_s=_IDLE_S)

    def start(self) -> None:
        """Start the process now, ahead of a request: its imports take longer than a request."""
        self._worker.start()

    def send(
        self, access: ServerAccess, request: HttpRequest, body: bytes, limit_s: float
    ) -> Reply | Paused | Temporary:
        """Send one request. Raises WorkerStoppedError where the stage has to stop before there is a
        reply.
        """
        call = codec.encode(_Call(access=access, request=request))
        try:
            answer = self._worker.call(call + b"\n" + body, limit_s)
        except WorkerError as error:
            return Temporary(
                f"no complete reply within {limit_s:.0f} s: the sending process {error}"
            )
        result: Reply | Paused | Temporary = codec.decode(answer, _ANSWER)
        return result

    def stop(self) -> None:
        """End the process, and with it the connection."""
        self._worker.stop()


class _Connection:
    """The worker's client: that of the last request, while the server and the credentials are the
    same.
    """

    def __init__(self) -> None:
        self._access: ServerAccess | None = None
        self._client: HttpClient | None = None

    def client(self, access: ServerAccess) -> "HttpClient":
        if self._client is not None and self._access == access:
            return self._client
        # Imported here: a stage that imports this module must not load the HTTP library.
        from stages.patchmon.client import HttpClient

        self.close()
        self._access, self._client = access, HttpClient(access)
        return self._client

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


_connection = _Connection()


def serve(payload: bytes) -> bytes:
    """One request, in the worker process."""
    line, _, body = payload.partition(b"\n")
    call = codec.decode(line, _Call)
    client = _connection.client(call.access)
    if call.request.retry_for_s > 0:
        answer = _send_persistently(client, call.request, body)
    else:
        answer = client.send(call.request, body)
    if not isinstance(answer, Reply) or answer.status not in _GOOD:
        _connection.close()
    return codec.encode(answer)


def _send_persistently(
    client: "HttpClient", request: HttpRequest, body: bytes
) -> Reply | Paused | Temporary:
    # Imported here, in the worker process alone.
    from tenacity import Retrying, retry_if_result, stop_after_delay, wait_random_exponential

    retrying = Retrying(
        retry=retry_if_result(_may_pass_soon),
        wait=wait_random_exponential(multiplier=0.5, max=10),
        stop=stop_after_delay(request.retry_for_s),
        retry_error_callback=last_result,
    )
    return retrying(client.send, request, body)


def _may_pass_soon(answer: Reply | Paused | Temporary) -> bool:
    """Not a 429, nor an answer that names a time: that server wants to be left alone."""
    if isinstance(answer, Reply):
        return answer.status >= 500 and "retry-after" not in answer.headers
    return isinstance(answer, Temporary)


def last_result(state: "RetryCallState") -> Reply | Paused | Temporary:
    """What the last attempt came to, where there is no further one."""
    assert state.outcome is not None  # noqa: S101 - for the type checker: it is called after an attempt
    answer: Reply | Paused | Temporary = state.outcome.result()
    return answer
