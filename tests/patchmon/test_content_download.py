"""Downloads of content: lists, interrupted downloads, servers with and without ranges, limits."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from schemas import codec
from schemas.settings import ServerSettings
from stages.patchmon.content_download import PART, ContentAnswer, ContentCall, serve
from stages.patchmon.credentials import Credentials
from stages.patchmon.server_access import ServerAccess

pytestmark = pytest.mark.slow

FILE = "ssg-debian12-ds.xml"
WHOLE = bytes(range(256)) * 4096
"""1 MiB."""


@dataclass
class ContentServer:
    """A server with one content file, which does what a test says."""

    url: str = ""
    offer: Any = field(default_factory=lambda: {"version": "0.1.80", "files": [FILE, "../x"]})
    content: bytes = WHOLE
    etag: str | None = '"one"'
    has_ranges: bool = True
    cut_after: list[int] = field(default_factory=list)
    """After how many bytes the next connections are cut."""
    ranges: list[str | None] = field(default_factory=list)
    """The header `Range` of each request."""

    @property
    def access(self) -> ServerAccess:
        return ServerAccess(ServerSettings(url=self.url), Credentials("patchmon_1", "k" * 64))


class _Handler(BaseHTTPRequestHandler):
    case: ContentServer

    def log_message(self, *_: Any) -> None:
        """Silent."""

    def do_GET(self) -> None:
        if self.path.endswith("ssg-version"):
            self._send(200, json.dumps(self.case.offer).encode())
            return
        wanted = self.headers.get("Range")
        self.case.ranges.append(wanted)
        start = 0
        if wanted and self.case.has_ranges and self.headers.get("If-Range") == self.case.etag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        self._send(206 if start else 200, self.case.content[start:], start)

    def _send(self, status: int, body: bytes, start: int = 0) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if self.case.etag:
            self.send_header("ETag", self.case.etag)
        if status == 206:
            end = len(self.case.content)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        self.end_headers()
        if self.case.cut_after and not self.path.endswith("ssg-version"):
            body = body[: self.case.cut_after.pop(0)]
            self.close_connection = True
        # A client that does not want the rest closes the connection.
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[ContentServer]:
    case = ContentServer()
    handler = type("Handler", (_Handler,), {"case": case})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        case.url = f"http://127.0.0.1:{httpd.server_port}"
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        try:
            yield case
        finally:
            httpd.shutdown()
            thread.join()


def fetch(server: ContentServer, where: Path, limit: int = 2 << 20) -> ContentAnswer:
    call = ContentCall(
        access=server.access, file=FILE, version="0.1.80", directory=str(where), limit=limit
    )
    return codec.decode(serve(codec.encode(call)), ContentAnswer)


def offered(server: ContentServer) -> ContentAnswer:
    return codec.decode(serve(codec.encode(ContentCall(access=server.access))), ContentAnswer)


def test_the_offer_holds_only_names_of_content(server: ContentServer) -> None:
    answer = offered(server)
    assert (answer.version, answer.files, answer.problem) == ("0.1.80", (FILE,), None)


@pytest.mark.parametrize(
    "offer", [{}, {"version": "../0.1"}, {"version": 3}, [], {"version": "1", "files": "x"}]
)
def test_an_offer_that_is_not_a_list_is_a_problem(server: ContentServer, offer: Any) -> None:
    server.offer = offer
    assert offered(server).problem


def test_a_download_that_is_cut_goes_on_where_it_stopped(
    server: ContentServer, tmp_path: Path
) -> None:
    server.cut_after = [300_000, 200_000]
    assert fetch(server, tmp_path).problem is None
    assert (tmp_path / PART).read_bytes() == WHOLE
    assert server.ranges == [None, "bytes=300000-", "bytes=500000-"]


def test_the_next_attempt_goes_on_after_a_crash(server: ContentServer, tmp_path: Path) -> None:
    server.cut_after = [1000 * number for number in range(1, 6)]
    assert fetch(server, tmp_path).problem
    kept = (tmp_path / PART).stat().st_size
    assert kept
    answer = fetch(server, tmp_path)
    assert (answer.problem, answer.resumed_at) == (None, kept)
    assert (tmp_path / PART).read_bytes() == WHOLE


def test_another_state_of_the_file_is_fetched_from_its_start(
    server: ContentServer, tmp_path: Path
) -> None:
    server.cut_after = [1000] * 5
    assert fetch(server, tmp_path).problem
    server.content, server.etag = WHOLE[::-1], '"two"'
    assert fetch(server, tmp_path).problem is None
    assert (tmp_path / PART).read_bytes() == WHOLE[::-1]


@pytest.mark.parametrize(("etag", "has_ranges"), [(None, True), ('"one"', False)])
def test_a_server_that_knows_no_ranges_sends_the_whole_file_again(
    server: ContentServer, tmp_path: Path, etag: str | None, has_ranges: bool
) -> None:
    server.etag, server.has_ranges = etag, has_ranges
    server.cut_after = [300_000]
    assert fetch(server, tmp_path).problem is None
    assert (tmp_path / PART).read_bytes() == WHOLE


def test_a_file_that_is_too_long_is_not_fetched(server: ContentServer, tmp_path: Path) -> None:
    answer = fetch(server, tmp_path, limit=100_000)
    assert answer.problem == f"{FILE}: has 1 MiB, content has 0 MiB at most"
    with contextlib.suppress(FileNotFoundError):
        assert (tmp_path / PART).stat().st_size <= 100_000


def test_a_disk_that_does_not_take_it_is_named(server: ContentServer, tmp_path: Path) -> None:
    (tmp_path / PART).mkdir()
    assert "can't be written" in (fetch(server, tmp_path).problem or "")
