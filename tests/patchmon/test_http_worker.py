"""Requests in the worker process: its deadline is their end, whatever the server does."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.settings import ServerSettings
from stages.patchmon.credentials import Credentials
from stages.patchmon.http_worker import HttpWorker
from stages.patchmon.outcome import Temporary
from stages.patchmon.reply import Reply
from stages.patchmon.server_access import HttpRequest, ServerAccess
from stages.runtime.standalone_host import StandaloneHost
from stages.runtime.worker import WorkerStoppedError
from tests.patchmon.posting import KEY, SCAN
from tests.patchmon.scripted_server import (
    Answer,
    ScriptedServer,
    accepted,
    reply,
    silence,
    trickle,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def host() -> StandaloneHost:
    return StandaloneHost()


@pytest.fixture
def worker(host: StandaloneHost) -> Iterator[HttpWorker]:
    one = HttpWorker(host)
    yield one
    one.stop()


def access(url: str) -> ServerAccess:
    return ServerAccess(ServerSettings(url=url), Credentials("patchmon_1", KEY))


def children() -> set[str]:
    return set(Path("/proc/self/task").joinpath(str(_pid()), "children").read_text().split())


def _pid() -> int:
    return int(Path("/proc/self").readlink().name)


def test_a_reply_comes_back_whole(worker: HttpWorker, server: ScriptedServer) -> None:
    answer = worker.send(access(server.url), SCAN, b'{"a": "\n"}', 20)
    assert isinstance(answer, Reply)
    assert answer.status == 200
    assert server.requests[0].body == b'{"a": "\n"}'
    assert server.requests[0].headers["x-api-key"] == KEY


def test_many_requests_share_one_connection(worker: HttpWorker, server: ScriptedServer) -> None:
    for _ in range(5):
        worker.send(access(server.url), SCAN, b"{}", 20)
    assert (server.connections, len(server.requests)) == (1, 5)


def test_after_an_error_the_connection_is_made_anew(
    worker: HttpWorker, server: ScriptedServer
) -> None:
    server.answer(reply(503))
    for _ in range(2):
        worker.send(access(server.url), SCAN, b"{}", 20)
    assert (server.connections, len(server.requests)) == (2, 2)


@pytest.mark.parametrize("trouble", [trickle, silence])
def test_the_deadline_ends_a_server_that_trickles_or_stays_silent(
    worker: HttpWorker, server: ScriptedServer, trouble: Answer
) -> None:
    worker.send(access(server.url), SCAN, b"{}", 20)
    server.answer(trouble)
    began = time.monotonic()
    answer = worker.send(access(server.url), SCAN, b"{}", 0.5)
    assert isinstance(answer, Temporary)
    assert "no complete reply within" in answer.message
    assert not answer.unsent
    assert 0.5 <= time.monotonic() - began < 10
    assert isinstance(worker.send(access(server.url), SCAN, b"{}", 20), Reply)


def test_a_stage_that_stops_ends_the_request(
    worker: HttpWorker, host: StandaloneHost, server: ScriptedServer
) -> None:
    def stop(connection: object) -> bool:
        host.stopping = True
        return silence(connection)  # type: ignore[arg-type]

    server.answer(stop)
    with pytest.raises(WorkerStoppedError):
        worker.send(access(server.url), SCAN, b"{}", 60)


def test_temporary_trouble_is_tried_again_where_the_request_says_so(
    worker: HttpWorker, server: ScriptedServer
) -> None:
    server.answer(reply(503), reply(502), accepted)
    persistent = HttpRequest(path="/api/v1/hosts/integration-status", retry_for_s=30)
    answer = worker.send(access(server.url), persistent, b"{}", 60)
    assert isinstance(answer, Reply)
    assert (answer.status, len(server.requests)) == (200, 3)


@pytest.mark.parametrize("status", [401, 404, 429])
def test_what_does_not_pass_soon_is_not_tried_again(
    worker: HttpWorker, server: ScriptedServer, status: int
) -> None:
    server.answer(reply(status))
    persistent = HttpRequest(path="/api/v1/hosts/integration-status", retry_for_s=30)
    answer = worker.send(access(server.url), persistent, b"{}", 60)
    assert isinstance(answer, Reply)
    assert (answer.status, len(server.requests)) == (status, 1)


def test_a_stopped_worker_leaves_no_process(worker: HttpWorker, server: ScriptedServer) -> None:
    before = children()
    worker.send(access(server.url), SCAN, b"{}", 20)
    assert children() > before
    worker.stop()
    assert children() == before
