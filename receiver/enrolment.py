"""Enrolment: a host gets credentials for a token. The checks are in the released servers' order."""

import secrets
from collections.abc import Mapping
from typing import Any

from receiver.answer import Answer, error
from receiver.hosts import Hosts, generate_credentials
from receiver.policy import Policy

_MAX_NAME_CHARS = 255


class Enrolment:
    """Answers hosts that have no credentials yet."""

    def __init__(self, policy: Policy, hosts: Hosts) -> None:
        self._policy = policy
        self._hosts = hosts
        self._enrolled = 0

    def enrol(self, headers: Mapping[str, str], body: Mapping[str, Any] | None) -> Answer:
        """`POST /auto-enrollment/enroll`."""
        refusal = self._refuse(headers)
        if refusal is not None:
            return refusal
        if body is None:
            return error(400, "Invalid request body")
        name = body.get("friendly_name")
        if not isinstance(name, str) or not 0 < len(name) <= _MAX_NAME_CHARS:
            return error(400, "Friendly name is required (max 255 characters)")
        host = self._hosts.add(generate_credentials(), name, body.get("machine_id"))
        self._enrolled += 1
        return Answer(
            201,
            {
                "message": "Host enrolled successfully",
                "host": {
                    "id": secrets.token_hex(16),
                    "friendly_name": name,
                    "api_id": host.credentials.id,
                    "api_key": host.credentials.key,
                    "host_group": None,
                    "status": "pending",
                },
            },
        )

    def exchange(self, body: Mapping[str, Any] | None) -> Answer:
        """`POST /hosts/bootstrap/exchange`."""
        token = (body or {}).get("token")
        if not isinstance(token, str) or not token:
            return error(400, "Bootstrap token required")
        found = self._hosts.exchange(token)
        if found is None:
            return error(401, "Invalid or expired bootstrap token")
        return Answer(200, {"apiId": found.id, "apiKey": found.key})

    def _refuse(self, headers: Mapping[str, str]) -> Answer | None:
        key = headers.get("x-auto-enrollment-key", "")
        secret = headers.get("x-auto-enrollment-secret", "")
        if not key or not secret:
            return error(401, "Auto-enrollment credentials required")
        token = self._policy.enrolment
        if token is None or key != token.key:
            return error(401, "Invalid or inactive token")
        if not secrets.compare_digest(secret.encode(), token.secret.encode()):
            return error(401, "Invalid token secret")
        if self._enrolled >= self._policy.max_enrolled:
            return error(429, "Rate limit exceeded")
        return None
