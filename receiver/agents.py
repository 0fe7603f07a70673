"""The agents' WebSockets: commands go out, progress comes in.

The newest connection of an api id receives all commands; when it closes, the host counts as
offline, even while an older one of its connections is still open.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from receiver.answer import Answer
from receiver.intake import Intake
from receiver.store import Store
from schemas import codec
from stages.patchmon.server_messages import SCAN_TYPES, Header
from stages.scanners import registry


class Agents:
    """The connected agents; all in the server's own thread."""

    def __init__(self, intake: Intake, store: Store, log: Callable[[str], None]) -> None:
        self._intake = intake
        self._store = store
        self._log = log
        self._newest: dict[str, WebSocket] = {}

    def online(self) -> set[str]:
        """The api ids that a command would reach."""
        return set(self._newest)

    async def command(self, api_id: str, message: Mapping[str, Any]) -> bool:
        """Send a message to an agent. False where none is connected."""
        socket = self._newest.get(api_id)
        if socket is None:
            return False
        try:
            await socket.send_text(json.dumps(message))
        except (WebSocketDisconnect, RuntimeError):
            # The connection was closed meanwhile.
            return False
        self._show_running(api_id, message)
        return True

    def _show_running(self, api_id: str, message: Mapping[str, Any]) -> None:
        """Released servers do this only after the message was sent, whatever the agent answers."""
        header = codec.convert(message, Header)
        if header.type not in SCAN_TYPES:
            return
        for scanner in registry.scanners():
            if header.profile_type in (None, "all", scanner.key):
                self._store.add_running(api_id, scanner.generic_profile, scanner.key)

    async def serve(self, socket: WebSocket) -> None:
        """One connection, from upgrade to close."""
        api_id = self._intake.identify(socket.headers)
        if isinstance(api_id, Answer):
            await socket.send_denial_response(PlainTextResponse("Unauthorized", api_id.status))
            return
        await socket.accept()
        self._newest[api_id] = socket
        self._log(f"agent connected api_id={api_id}")
        try:
            while (frame := await socket.receive())["type"] == "websocket.receive":
                self._take(api_id, frame.get("text"))
        finally:
            if self._newest.get(api_id) is socket:
                del self._newest[api_id]
            self._log(f"agent disconnected api_id={api_id}")

    def _take(self, api_id: str, text: str | None) -> None:
        """Store a JSON object; a server ignores everything else."""
        try:
            message = json.loads(text or "null")
        except (ValueError, RecursionError):
            return
        if isinstance(message, dict):
            self._store.add_message(api_id, "websocket", message)
