"""What stands before a server and answers in its place: a login page, a slow proxy."""

import asyncio
from collections.abc import Mapping

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from schemas.records import Struct


class FrontAnswer(Struct, frozen=True):
    """An answer that is given in the server's place."""

    status: int = 200
    body: bytes = b""
    media_type: str = "text/html"
    delay_s: float = 0.0


class Front:
    """Answers the paths that it has an answer for; all else reaches the server."""

    def __init__(self, app: ASGIApp, answers: Mapping[str, FrontAnswer]) -> None:
        self._app = app
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = None
        if scope["type"] == "http":
            answer = self._answers.get(scope["path"])
        if answer is None:
            await self._app(scope, receive, send)
            return
        await asyncio.sleep(answer.delay_s)
        response = Response(answer.body, answer.status, media_type=answer.media_type)
        await response(scope, receive, send)
