"""Redirects: within the origin, and to another one."""

import pytest

from stages.patchmon.outcome import Accepted, Paused
from tests.patchmon.posting import BODY, post
from tests.patchmon.scripted_server import ScriptedServer, reply, serving


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_within_the_origin_is_followed_with_method_and_body(
    server: ScriptedServer, status: int
) -> None:
    server.answer(reply(status, Location="/elsewhere"))
    assert isinstance(post(server.url), Accepted)
    assert [(request.line.split()[:2], request.body) for request in server.requests] == [
        (["POST", "/api/v1/compliance/scans"], BODY),
        (["POST", "/elsewhere"], BODY),
    ]


def test_redirects_are_followed_three_times_and_no_more(server: ScriptedServer) -> None:
    server.answer(*[reply(307, Location=f"/{number}") for number in range(9)])
    assert isinstance(post(server.url), Paused)
    assert len(server.requests) == 4


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nothing_goes_to_another_origin(server: ScriptedServer, status: int) -> None:
    with serving() as other:
        server.answer(reply(status, Location=f"{other.url}/api"))
        outcome = post(server.url)
    assert isinstance(outcome, Paused)
    assert other.url in outcome.message
    assert (other.connections, len(server.requests)) == (0, 1)


@pytest.mark.parametrize(
    "location",
    [
        "https://127.0.0.1:{port}/",
        "http://user:pw@127.0.0.1:{port}/",
        "//127.0.0.1:1/",
        "http://[",
        "",
    ],
)
def test_other_schemes_credentials_and_nonsense_are_other_origins(
    server: ScriptedServer, location: str
) -> None:
    server.answer(reply(307, Location=location.format(port=server.port)))
    outcome = post(server.url)
    assert isinstance(outcome, Paused)
    assert "pw" not in outcome.message
    assert len(server.requests) == 1
