"""What a server answers to a submission: the checks in their order, and what is kept.

Missing credentials 401, too many 429, wrong credentials 401, unreadable 400, no scans 400, hash
mismatch 400, not storable 500, else 200. Every submission is logged with its answer, refused ones
too.
"""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from receiver.answer import Answer
from receiver.answer import error as _error
from receiver.hosts import Hosts
from receiver.policy import Policy, Reader
from receiver.store import Store
from receiver.submission_reading import (
    BodyError,
    NoScansError,
    Submission,
    read_released,
    read_specification,
)
from receiver.window import Window
from schemas.records import Struct
from stages.patchmon.compliance_hash import compliance_hash

_COUNTERS = ("total_rules", "passed", "failed", "warnings", "skipped", "not_applicable")

_Readings = Mapping[Reader, Submission | BodyError | NoScansError]
"""What each kind of server makes of a body."""


class Post(Struct, frozen=True):
    """One submission as it came in."""

    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes | None
    """None where it was larger than is kept."""
    body_bytes: int
    body_sha256: str


class Intake:
    """Decides on submissions, and stores them."""

    def __init__(self, policy: Policy, hosts: Hosts, store: Store) -> None:
        self._policy = policy
        self._hosts = hosts
        self._store = store
        self.database_is_down = False
        """Then every key is refused, as released servers do; a ping alone is answered with 500."""
        self._window = Window(policy.posts_per_minute)

    def identify(self, headers: Mapping[str, str]) -> str | Answer:
        """The api id of a caller with good credentials, else the refusal."""
        return self._missing(headers) or self._wrong(headers) or headers["x-api-id"]

    def submit(self, post: Post, now: float) -> Answer:
        """Answer a submission that came in at `now` (seconds of a clock that never goes back)."""
        readings: _Readings = {
            "released": _attempt(read_released, post),
            "specification": _attempt(read_specification, post),
        }
        try:
            with self._store.transaction():
                answer = self._refuse(post, now) or self._accept(post, readings)
                self._log(post, answer, readings)
        except sqlite3.Error as error:
            return Answer(500, {"error": f"Failed to save compliance scan: {error}"})
        return answer

    def _refuse(self, post: Post, now: float) -> Answer | None:
        missing = self._missing(post.headers)
        if missing:
            return missing
        if not self._window.admits(post.headers["x-api-id"], now):
            return _error(429, "Too many scan submissions, please try again later")
        return self._wrong(post.headers)

    def _missing(self, headers: Mapping[str, str]) -> Answer | None:
        if headers.get("x-api-id") and headers.get("x-api-key"):
            return None
        return _error(401, "API credentials required")

    def _wrong(self, headers: Mapping[str, str]) -> Answer | None:
        is_known = self._hosts.admits(headers["x-api-id"], headers["x-api-key"])
        if is_known and not self.database_is_down:
            return None
        return _error(401, "Invalid API credentials")

    def _accept(self, post: Post, readings: _Readings) -> Answer:
        submission = readings[self._policy.reader]
        if isinstance(submission, BodyError):
            return _error(400, "Invalid JSON body")
        if isinstance(submission, NoScansError):
            return _error(400, "Invalid payload: expected 'scans' array or 'profile_name'")
        sent = submission.compliance_hash
        if sent and sent != compliance_hash(submission.scans):
            return _error(400, "compliance hash mismatch")
        api_id = post.headers["x-api-id"]
        wanted = [scan for scan in submission.scans if self._is_wanted(api_id, scan)]
        stored = [self._keep(api_id, scan) for scan in wanted]
        return Answer(
            200,
            {
                "message": "Scan results saved successfully",
                "scans_received": len(stored),
                "scans": stored,
            },
        )

    def _is_wanted(self, api_id: str, scan: Mapping[str, Any]) -> bool:
        is_off = scan.get("profile_type") in self._hosts.get(api_id).scanners_off
        return bool(scan.get("profile_name")) and not is_off

    def _keep(self, api_id: str, scan: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "scan_id": self._store.replace_scan(api_id, scan),
            "profile_name": scan["profile_name"],
            "score": scan.get("score"),
            "stats": {counter: scan.get(counter, 0) for counter in _COUNTERS},
            "results_stored": len(scan.get("results", ())),
        }

    def _log(self, post: Post, answer: Answer, readings: _Readings) -> None:
        problems = {
            reader: str(found)
            for reader, found in readings.items()
            if isinstance(found, ValueError)
        }
        self._store.add_post(
            api_id=post.headers.get("x-api-id"),
            idempotency_key=post.headers.get("idempotency-key"),
            status=answer.status,
            answer=str(answer.document.get("error") or answer.document.get("message")),
            body_bytes=post.body_bytes,
            body_sha256=post.body_sha256,
            body=post.body,
            released_problem=problems.get("released"),
            specification_problem=problems.get("specification"),
        )


def _attempt(
    reader: Callable[[bytes], Submission], post: Post
) -> Submission | BodyError | NoScansError:
    if post.body is None:
        return BodyError(f"larger than the server reads: {post.body_bytes} bytes")
    if post.headers.get("content-encoding", "identity") != "identity":
        return BodyError(f"not JSON: Content-Encoding is {post.headers['content-encoding']}")
    try:
        return reader(post.body)
    except (BodyError, NoScansError) as problem:
        return problem
