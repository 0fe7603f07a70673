"""Requests through a proxy."""

import pytest

from stages.patchmon.outcome import Accepted, Paused, Temporary
from tests.patchmon.posting import post
from tests.patchmon.scripted_server import ScriptedServer, raw, reply


class TestProxies:
    """Proxies of the setting and of the environment."""

    TARGET = "http://server.example"

    def test_the_settings_proxy_is_used_and_given_its_credentials(
        self, server: ScriptedServer
    ) -> None:
        outcome = post(self.TARGET, proxy=f"http://me:pw@127.0.0.1:{server.port}")
        assert isinstance(outcome, Accepted)
        assert server.requests[0].line.startswith("POST http://server.example/api/v1/")
        assert server.requests[0].headers["proxy-authorization"].startswith("Basic ")

    def test_the_environments_proxy_is_used(
        self, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", server.url)
        assert isinstance(post(self.TARGET), Accepted)

    def test_no_proxy_of_the_environment_is_respected(
        self, server: ScriptedServer, unreachable: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", unreachable)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert isinstance(post(server.url), Accepted)

    def test_the_setting_is_used_whatever_the_environment_lists(
        self, server: ScriptedServer, unreachable: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", unreachable)
        monkeypatch.setenv("no_proxy", "*")
        assert isinstance(post(self.TARGET, proxy=server.url), Accepted)
        assert server.requests[0].line.startswith("POST http://server.example/")

    def test_none_means_no_proxy_at_all(
        self, server: ScriptedServer, unreachable: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", unreachable)
        monkeypatch.delenv("no_proxy", raising=False)
        assert isinstance(post(server.url, proxy="none"), Accepted)

    def test_a_tunnel_that_wants_credentials_is_named_as_the_proxys_fault(
        self, server: ScriptedServer
    ) -> None:
        server.answer(
            raw(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        )
        outcome = post("https://server.example", proxy=server.url)
        assert isinstance(outcome, Paused)
        assert outcome.status == 407
        assert "proxy" in outcome.message
        # Of a tunnel the proxy learns the name of the server, and nothing else.
        assert server.requests[0].line == "CONNECT server.example:443 HTTP/1.0" or server.requests[
            0
        ].line == ("CONNECT server.example:443 HTTP/1.1")
        assert "x-api-key" not in server.requests[0].headers

    def test_a_tunnel_that_is_forbidden_pauses_and_one_that_fails_does_not(
        self, server: ScriptedServer
    ) -> None:
        server.answer(
            raw(b"HTTP/1.1 403 Forbidden\r\n\r\n"), raw(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
        )
        assert isinstance(post("https://server.example", proxy=server.url), Paused)
        assert isinstance(post("https://server.example", proxy=server.url), Temporary)

    def test_407_without_a_tunnel_pauses_too(self, server: ScriptedServer) -> None:
        server.answer(reply(407, "<html>", "text/html"))
        assert isinstance(post(self.TARGET, proxy=server.url), Paused)

    def test_a_proxy_that_is_away_is_temporary(self, unreachable: str) -> None:
        outcome = post(self.TARGET, proxy=unreachable)
        assert isinstance(outcome, Temporary)
        assert "proxy" in outcome.message
