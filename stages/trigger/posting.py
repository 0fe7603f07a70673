"""One small POST, for what the trigger stage has to tell the server outside its WebSocket.

Diagnostics: the reason in one line; nothing is raised for what the network or the server does.
Security: TLS as the settings say; redirects are not followed; little of a reply is read.
"""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any

_LIMIT_S = 30.0
_MAX_REPLY_BYTES = 64 * 1024


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002
        return None


class Poster:
    """Posts JSON to one server."""

    def __init__(
        self, url: str, headers: Mapping[str, str], tls: ssl.SSLContext | None, proxy: str | bool | None
    ) -> None:
        self._url = url.rstrip("/")
        self._headers = {**headers, "Content-Type": "application/json", "User-Agent": "compliance-agent"}
        proxies = None if proxy is True else {"http": proxy, "https": proxy} if isinstance(proxy, str) else {}
        handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler(proxies), _NoRedirect()]
        if tls is not None:
            handlers.append(urllib.request.HTTPSHandler(context=tls))
        self._opener = urllib.request.build_opener(*handlers)

    def post(self, path: str, body: Mapping[str, Any]) -> str | None:
        """None where the server took it, else why it did not."""
        request = urllib.request.Request(  # noqa: S310 - the settings allow http and https alone
            self._url + path, json.dumps(body).encode(), self._headers, method="POST"
        )
        try:
            with self._opener.open(request, timeout=_LIMIT_S) as reply:
                reply.read(_MAX_REPLY_BYTES)
        except urllib.error.HTTPError as error:
            return f"the server answered {error.code}"
        except (OSError, HTTPException, ValueError) as error:
            return " ".join(str(error).split())[:300] or type(error).__name__
        return None
