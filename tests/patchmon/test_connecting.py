"""Making a connection: names, addresses, and the time that it may take."""

import time

import pytest

from stages.patchmon.outcome import Accepted, Paused, Temporary
from tests.patchmon.posting import post
from tests.patchmon.scripted_server import ScriptedServer
from tests.patchmon.servers import black_hole


def test_a_refused_connection_is_temporary(unreachable: str) -> None:
    outcome = post(unreachable)
    assert isinstance(outcome, Temporary)
    assert "refused" in outcome.message.lower()


def test_a_name_that_is_not_known_is_temporary() -> None:
    outcome = post("http://no-such-host.invalid")
    assert isinstance(outcome, Temporary)
    assert "resolved" in outcome.message


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://" + "a" * 70 + ".example", "http://host:99999"]
)
def test_what_is_not_an_address_has_to_be_corrected_by_the_operator(url: str) -> None:
    outcome = post(url)
    assert isinstance(outcome, Paused)
    assert "server.url" in outcome.action


def test_a_server_that_does_not_accept_is_given_up_after_the_connect_limit() -> None:
    with black_hole() as port:
        outcome = post(f"http://127.0.0.1:{port}", connect_s=0.5)
    assert isinstance(outcome, Temporary)
    assert "no connection within 0.5 s" in outcome.message


def test_after_a_silent_address_the_next_one_is_tried(
    server: ScriptedServer, two_addresses: None
) -> None:
    began = time.monotonic()
    with black_hole("127.0.0.2", server.port):
        assert isinstance(post(f"http://server.test:{server.port}", connect_s=0.5), Accepted)
    assert time.monotonic() - began < 1.5
    assert server.requests[0].headers["host"] == f"server.test:{server.port}"


@pytest.mark.slow
def test_each_address_has_the_connect_limit(two_addresses: None) -> None:
    began = time.monotonic()
    with black_hole("127.0.0.2") as port, black_hole("127.0.0.1", port):
        outcome = post(f"http://server.test:{port}", connect_s=0.5)
    assert 0.9 < time.monotonic() - began < 2
    assert isinstance(outcome, Temporary)
    assert "no connection within 0.5 s" in outcome.message
