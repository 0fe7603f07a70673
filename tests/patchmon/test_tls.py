"""TLS: whom the agent believes, and what it says where it does not."""

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from stages.patchmon import tls
from stages.patchmon.outcome import Accepted, Outcome, Paused, Temporary, may_be_stored
from tests.patchmon.posting import post
from tests.patchmon.scripted_server import ScriptedServer, serving


class Authority:
    """A certificate authority, and servers that it vouches for."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.ca = trustme.CA()
        self.file = directory / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.file))
        self._stack = stack

    def context(self, name: str, **times: Any) -> ssl.SSLContext:
        """The server's side of TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(name, **times).configure_cert(context)
        return context

    def server(
        self, name: str = "127.0.0.1", *, wants_client: bool = False, **times: Any
    ) -> ScriptedServer:
        context = self.context(name, **times)
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            self.ca.configure_trust(context)
        return self._stack.enter_context(serving(tls=context))


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    with ExitStack() as stack:
        yield Authority(tmp_path, stack)


def assert_not_sent(server: ScriptedServer, outcome: Outcome, *action: str) -> None:
    assert isinstance(outcome, Paused)
    assert outcome.message.startswith("TLS")
    for word in action:
        assert word in outcome.action
    assert server.requests == []


def test_a_certificate_of_the_own_authority_is_believed(authority: Authority) -> None:
    server = authority.server()
    assert isinstance(post(server.url, ca_file=str(authority.file)), Accepted)


def test_an_unknown_authority_is_not_believed(authority: Authority) -> None:
    server = authority.server()
    assert_not_sent(server, post(server.url), "server.ca_file")


def test_the_own_authority_is_trusted_instead_of_others_not_beside_them(
    authority: Authority, tmp_path: Path
) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    server = authority.server()
    assert_not_sent(server, post(server.url, ca_file=str(other)), "server.ca_file")


def test_the_system_authorities_come_from_where_openssl_looks(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    assert isinstance(post(authority.server().url), Accepted)


def test_an_expired_certificate_is_named(authority: Authority) -> None:
    past = datetime.now(UTC) - timedelta(days=2)
    server = authority.server(not_before=past - timedelta(days=2), not_after=past)
    assert_not_sent(server, post(server.url, ca_file=str(authority.file)), "expired")


def test_a_certificate_from_the_future_points_at_the_clock(authority: Authority) -> None:
    later = datetime.now(UTC) + timedelta(days=2)
    server = authority.server(not_before=later, not_after=later + timedelta(days=2))
    assert_not_sent(server, post(server.url, ca_file=str(authority.file)), "clock")


def test_a_certificate_for_another_name_is_named(authority: Authority) -> None:
    server = authority.server("other.example")
    assert_not_sent(
        server, post(server.url, ca_file=str(authority.file)), "another name", "server.url"
    )


@pytest.mark.parametrize(
    ("code", "action"),
    [
        (9, "clock"),
        (10, "expired"),
        (18, "server.ca_file"),
        (20, "server.ca_file"),
        (62, "another name"),
        (23, "check the server's TLS"),
    ],
)
def test_what_to_do_about_a_certificate_does_not_depend_on_the_text_of_the_library(
    code: int, action: str
) -> None:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] expired or issuer")
    error.verify_code, error.verify_message = code, "expired, self-signed, or for another issuer"
    assert action in tls.action(error)


def test_verify_false_takes_any_certificate(authority: Authority) -> None:
    past = datetime.now(UTC) - timedelta(days=2)
    server = authority.server("other.example", not_before=past - timedelta(days=2), not_after=past)
    assert isinstance(post(server.url, verify=False), Accepted)


def test_a_client_certificate_is_shown_where_it_is_wanted(
    authority: Authority, tmp_path: Path
) -> None:
    client = authority.ca.issue_cert("host.example")
    both, key, certificate = (
        tmp_path / name for name in ("both.pem", "key.pem", "certificate.pem")
    )
    client.private_key_and_cert_chain_pem.write_to_path(str(both))
    client.private_key_pem.write_to_path(str(key))
    certificate.write_bytes(b"".join(pem.bytes() for pem in client.cert_chain_pems))
    server = authority.server(wants_client=True)
    ca = str(authority.file)
    assert isinstance(post(server.url, ca_file=ca, client_certificate=str(both)), Accepted)
    own: dict[str, Any] = {"client_certificate": str(certificate), "client_key": str(key)}
    assert isinstance(post(server.url, ca_file=ca, **own), Accepted)


def test_a_missing_client_certificate_is_requested(authority: Authority) -> None:
    server = authority.server(wants_client=True)
    outcome = post(server.url, ca_file=str(authority.file))
    assert_not_sent(server, outcome, "server.client_certificate")


def test_a_server_that_speaks_no_tls_gets_nothing_in_clear() -> None:
    came = b""

    def answer_in_clear(listening: socket.socket) -> None:
        nonlocal came
        connection, _ = listening.accept()
        with connection:
            came = connection.recv(65536)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer_in_clear, args=(listening,))
        thread.start()
        outcome = post(f"https://127.0.0.1:{listening.getsockname()[1]}", verify=False)
        thread.join()
    assert isinstance(outcome, Paused)
    assert "server.url" in outcome.action
    assert came
    assert b"POST" not in came


@pytest.mark.parametrize("read_before", [1, 100_000])
def test_a_server_that_goes_away_in_mid_body_is_temporary_and_may_have_taken_it(
    authority: Authority, read_before: int
) -> None:
    """As a server that is killed: its side ends without the end of TLS."""

    def read_and_go(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with context.wrap_socket(connection, server_side=True) as secured:
            left = read_before
            while left > 0:
                left -= len(secured.recv(min(left, 65536)))
            os.close(secured.detach())

    context = authority.context("127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=read_and_go, args=(listening,))
        thread.start()
        url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        outcome = post(url, b"x" * 5_000_000, ca_file=str(authority.file))
        thread.join()
    assert isinstance(outcome, Temporary)
    assert may_be_stored(outcome)


@pytest.mark.parametrize("key", ["ca_file", "client_certificate", "client_key"])
def test_a_missing_certificate_file_has_to_be_corrected_by_the_operator(
    authority: Authority, key: str
) -> None:
    settings: dict[str, Any] = {
        "ca_file": str(authority.file),
        "client_certificate": str(authority.file),
    }
    server = authority.server()
    outcome = post(server.url, **settings | {key: "/nowhere/at-all.pem"})
    assert isinstance(outcome, Paused)
    assert f"server.{key}" in outcome.action
    assert server.requests == []


def test_what_is_not_a_certificate_file_has_to_be_corrected_by_the_operator(
    authority: Authority, tmp_path: Path
) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")
    server = authority.server()
    outcome = post(server.url, ca_file=str(junk))
    assert isinstance(outcome, Paused)
    assert server.requests == []
