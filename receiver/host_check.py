"""The Host check: a server answers only under the names that it is configured for."""

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

_REFUSAL = {
    "error": "Host not allowed. Access this app via the URL configured in CORS_ORIGIN "
    "(.env or Database settings).",
    "code": "host_mismatch",
}


class HostCheck:
    """Refuses requests and WebSockets whose `Host` header is not in `allowed`, before all else."""

    def __init__(self, app: ASGIApp, allowed: frozenset[str]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if Headers(scope=scope).get("host") in self._allowed:
            await self._app(scope, receive, send)
            return
        response = JSONResponse(_REFUSAL, 403)
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).send_denial_response(response)
            return
        await response(scope, receive, send)
