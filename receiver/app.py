"""The receiver's routes: HTTP in, decisions by `intake`, JSON out."""

import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from receiver import content
from receiver.agents import Agents
from receiver.answer import Answer, error
from receiver.enrolment import Enrolment
from receiver.front import Front, FrontAnswer
from receiver.host_check import HostCheck
from receiver.hosts import Hosts
from receiver.intake import Intake, Post
from receiver.policy import Policy
from receiver.store import Store
from stages.patchmon import server_access
from stages.scanners import registry

SEND_PATH = "/_send"
"""Sends a message to an agent, for callers on this machine. No real server has this route."""

_DRAIN_LIMIT = 64 * 1024 * 1024
_SMALL_BODY = 1024 * 1024
_LOOPBACK = frozenset({"127.0.0.1", "::1"})

Endpoint = Callable[[Request], Awaitable[Response]]


class Endpoints:
    """What the routes do."""

    def __init__(
        self,
        policy: Policy,
        hosts: Hosts,
        intake: Intake,
        store: Store,
        agents: Agents,
        log: Callable[[str], None],
    ) -> None:
        self._policy = policy
        self._hosts = hosts
        self._enrolment = Enrolment(policy, hosts)
        self._intake = intake
        self._store = store
        self._agents = agents
        self._log = log

    async def submit(self, request: Request) -> JSONResponse:
        post = await _receive(request, self._policy.max_body)
        answer = self._intake.submit(post, time.monotonic())
        message = answer.document.get("error") or f"scans={answer.document['scans_received']}"
        self._log(f"{request.url.path} {answer.status} bytes={post.body_bytes} {message}")
        return _respond(answer)

    async def integration_status(self, api_id: str, request: Request) -> Answer:
        return await self._keep(api_id, request, "integration-status")

    async def ping(self, request: Request) -> JSONResponse:
        """The one request that distinguishes a wrong key from a database that is down."""
        if self._intake.database_is_down:
            return _respond(error(500, "Failed to look up host: database error"))
        return await self.known(self._ping)(request)

    async def _ping(self, api_id: str, request: Request) -> Answer:
        answer = await self._keep(api_id, request, "ping")
        if answer.status == 200:
            self._hosts.pinged(api_id)
        return answer

    async def update(self, api_id: str, request: Request) -> Answer:
        return await self._keep(api_id, request, "update")

    async def integrations(self, api_id: str, request: Request) -> Answer:  # noqa: ARG002
        """What is set for the host."""
        host = self._hosts.get(api_id)
        switches = {
            f"compliance_{scanner.section}_enabled": scanner.key not in host.scanners_off
            for scanner in registry.scanners()
        }
        return Answer(200, {"success": True, "compliance_mode": host.mode, **switches})

    async def enrol(self, request: Request) -> JSONResponse:
        return _respond(self._enrolment.enrol(request.headers, await _object(request)))

    async def exchange(self, request: Request) -> JSONResponse:
        return _respond(self._enrolment.exchange(await _object(request)))

    async def health(self, request: Request) -> JSONResponse:  # noqa: ARG002
        return JSONResponse({"status": "ok"})

    async def content_version(self, api_id: str, request: Request) -> Answer:  # noqa: ARG002
        return content.version(self._policy.content)

    async def content_file(self, request: Request) -> Response:
        caller = self._intake.identify(request.headers)
        if isinstance(caller, Answer):
            return _respond(caller)
        return content.file(self._policy.content, request.path_params["name"])

    async def send(self, api_id: str, request: Request) -> Answer:
        if request.client is None or request.client.host not in _LOOPBACK:
            return Answer(403, {"error": "only from this machine"})
        message = await _object(request)
        if not message:
            return Answer(400, {"error": "Invalid JSON body"})
        if not await self._agents.command(api_id, message):
            return Answer(409, {"error": "no agent is connected"})
        return Answer(200, {"message": "sent"})

    def known(
        self, endpoint: Callable[[str, Request], Awaitable[Answer]]
    ) -> Callable[[Request], Awaitable[JSONResponse]]:
        """An endpoint for callers with good credentials."""

        async def serve(request: Request) -> JSONResponse:
            caller = self._intake.identify(request.headers)
            if isinstance(caller, Answer):
                answer = caller
            else:
                answer = await endpoint(caller, request)
            self._log(f"{request.url.path} {answer.status}")
            return _respond(answer)

        return serve

    async def _keep(self, api_id: str, request: Request, source: str) -> Answer:
        message = await _object(request)
        if message is None:
            return Answer(400, {"error": "Invalid JSON body"})
        self._store.add_message(api_id, source, message)
        return Answer(200, {"message": "ok"})


def build(
    policy: Policy,
    hosts: Hosts,
    intake: Intake,
    store: Store,
    agents: Agents,
    front: Mapping[str, FrontAnswer],
    log: Callable[[str], None],
) -> Starlette:
    """The application. `front`: what is answered in its place, by path."""
    endpoints = Endpoints(policy, hosts, intake, store, agents, log)
    known = endpoints.known
    posts: dict[str, Endpoint] = {
        server_access.SCANS: endpoints.submit,
        server_access.INTEGRATION_STATUS: known(endpoints.integration_status),
        server_access.PING: endpoints.ping,
        server_access.HOST_UPDATE: known(endpoints.update),
        server_access.ENROL: endpoints.enrol,
        server_access.BOOTSTRAP: endpoints.exchange,
        SEND_PATH: known(endpoints.send),
    }
    gets: dict[str, Endpoint] = {
        server_access.HEALTH: endpoints.health,
        server_access.INTEGRATIONS: known(endpoints.integrations),
        server_access.SSG_VERSION: known(endpoints.content_version),
        server_access.SSG_CONTENT + "{name}": endpoints.content_file,
    }
    middleware = [Middleware(Front, answers=front)]
    if policy.allowed_hosts is not None:
        middleware.append(Middleware(HostCheck, allowed=policy.allowed_hosts))
    return Starlette(
        routes=[
            *(Route(path, endpoint, methods=["POST"]) for path, endpoint in posts.items()),
            *(Route(path, endpoint, methods=["GET"]) for path, endpoint in gets.items()),
            WebSocketRoute(server_access.WEBSOCKET, agents.serve),
        ],
        middleware=middleware,
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
