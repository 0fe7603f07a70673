"""The receiver's routes: HTTP in, decisions by `intake`, JSON out."""

import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute

from receiver.agents import Agents
from receiver.intake import Answer, Intake, Post
from receiver.policy import Policy
from receiver.store import Store

SEND_PATH = "/_send"
"""Sends a message to an agent, for callers on this machine. No real server has this route."""

_DRAIN_LIMIT = 64 * 1024 * 1024
_SMALL_BODY = 1024 * 1024
_LOOPBACK = frozenset({"127.0.0.1", "::1"})

Endpoint = Callable[[Request], Awaitable[JSONResponse]]


class Endpoints:
    """What the routes do."""

    def __init__(
        self,
        policy: Policy,
        intake: Intake,
        store: Store,
        agents: Agents,
        say: Callable[[str], None],
    ) -> None:
        self._policy = policy
        self._intake = intake
        self._store = store
        self._agents = agents
        self._say = say

    async def submit(self, request: Request) -> JSONResponse:
        post = await _receive(request, self._policy.max_body)
        answer = self._intake.submit(post, time.monotonic())
        message = answer.document.get("error") or f"scans={answer.document['scans_received']}"
        self._say(f"{request.url.path} {answer.status} bytes={post.body_bytes} {message}")
        return _respond(answer)

    async def integration_status(self, api_id: str, request: Request) -> Answer:
        return await self._keep(api_id, request, "integration-status")

    async def ping(self, api_id: str, request: Request) -> Answer:
        return await self._keep(api_id, request, "ping")

    async def update(self, api_id: str, request: Request) -> Answer:
        return await self._keep(api_id, request, "update")

    async def integrations(self, api_id: str, request: Request) -> Answer:  # noqa: ARG002
        return Answer(
            200,
            {
                "compliance_mode": self._policy.compliance_mode,
                "compliance_openscap_enabled": self._policy.openscap_enabled,
                "compliance_docker_bench_enabled": self._policy.docker_bench_enabled,
            },
        )

    async def send(self, api_id: str, request: Request) -> Answer:
        if request.client is None or request.client.host not in _LOOPBACK:
            return Answer(403, {"error": "only from this machine"})
        message = await _object(request)
        if not message:
            return Answer(400, {"error": "Invalid JSON body"})
        if not await self._agents.command(api_id, message):
            return Answer(409, {"error": "no agent is connected"})
        return Answer(200, {"message": "sent"})

    def known(self, endpoint: Callable[[str, Request], Awaitable[Answer]]) -> Endpoint:
        """An endpoint for callers with good credentials."""

        async def serve(request: Request) -> JSONResponse:
            caller = self._intake.identify(request.headers)
            if isinstance(caller, Answer):
                answer = caller
            else:
                answer = await endpoint(caller, request)
            self._say(f"{request.url.path} {answer.status}")
            return _respond(answer)

        return serve

    async def _keep(self, api_id: str, request: Request, source: str) -> Answer:
        message = await _object(request)
        if message is None:
            return Answer(400, {"error": "Invalid JSON body"})
        self._store.add_message(api_id, source, message)
        return Answer(200, {"message": "ok"})


def build(
    policy: Policy, intake: Intake, store: Store, agents: Agents, say: Callable[[str], None]
) -> Starlette:
    """The application."""
    endpoints = Endpoints(policy, intake, store, agents, say)
    hosts = "/api/v1/hosts"
    known = endpoints.known
    return Starlette(
        routes=[
            Route("/api/v1/compliance/scans", endpoints.submit, methods=["POST"]),
            Route(
                f"{hosts}/integration-status", known(endpoints.integration_status), methods=["POST"]
            ),
            Route(f"{hosts}/ping", known(endpoints.ping), methods=["POST"]),
            Route(f"{hosts}/update", known(endpoints.update), methods=["POST"]),
            Route(f"{hosts}/integrations", known(endpoints.integrations), methods=["GET"]),
            Route(SEND_PATH, known(endpoints.send), methods=["POST"]),
            WebSocketRoute("/api/v1/agents/ws", agents.serve),
        ]
    )


async def _receive(request: Request, limit: int) -> Post:
    """Read a body. The rest of one that is too large is discarded: its sender gets the answer."""
    size, digest, kept = 0, hashlib.sha256(), bytearray()
    async for chunk in request.stream():
        size += len(chunk)
        digest.update(chunk)
        if size <= limit:
            kept += chunk
        elif size > _DRAIN_LIMIT:
            break
    body = None
    if size <= limit:
        body = bytes(kept)
    return Post(request.headers, body, size, digest.hexdigest())


async def _object(request: Request) -> Mapping[str, Any] | None:
    """A small JSON object; an empty body is an empty one. None where it is anything else."""
    post = await _receive(request, _SMALL_BODY)
    if not post.body_bytes:
        return {}
    try:
        decoded = json.loads(post.body or b"null")
    except (ValueError, RecursionError):
        return None
    if not isinstance(decoded, dict):
        return None
    return decoded


def _respond(answer: Answer) -> JSONResponse:
    return JSONResponse(dict(answer.document), answer.status)
