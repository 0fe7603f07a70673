"""What was received, in SQLite.

A submission is stored as a whole or not at all. Other processes may read the file while the
receiver writes.

Security: scan results are useful to an attacker, so a new file is readable by its owner alone.
"""

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_RESULT_COLUMNS = (
    "rule_ref",
    "title",
    "status",
    "severity",
    "section",
    "description",
    "rationale",
    "finding",
    "actual",
    "expected",
    "remediation",
)
_SCAN_COLUMNS = (
    "profile_name",
    "profile_type",
    "profile_version",
    "started_at",
    "completed_at",
    "score",
    "total_rules",
    "passed",
    "failed",
    "warnings",
    "skipped",
    "not_applicable",
    "error",
    "raw_output",
)
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS posts (
    post_id INTEGER PRIMARY KEY, received_at TEXT, api_id TEXT, idempotency_key TEXT,
    status INTEGER, answer TEXT, body_bytes INTEGER, body_sha256 TEXT, body BLOB,
    released_problem TEXT, specification_problem TEXT);
CREATE TABLE IF NOT EXISTS scans (
    scan_id TEXT PRIMARY KEY, received_at TEXT, api_id TEXT, status TEXT,
    {", ".join(_SCAN_COLUMNS)});
CREATE TABLE IF NOT EXISTS results (
    scan_id TEXT REFERENCES scans ON DELETE CASCADE, position INTEGER,
    {", ".join(_RESULT_COLUMNS)}, PRIMARY KEY (scan_id, position));
CREATE TABLE IF NOT EXISTS running (
    running_id INTEGER PRIMARY KEY, started_at TEXT, api_id TEXT, profile_name TEXT,
    profile_type TEXT);
CREATE TABLE IF NOT EXISTS messages (
    message_id INTEGER PRIMARY KEY, received_at TEXT, api_id TEXT, source TEXT, body TEXT);
"""
"""`messages.source` is `websocket`, `integration-status`, `ping` or `update`."""


class StoreError(Exception):
    """A database file that cannot be used."""


class Store:
    """The database of one receiver: a file, or memory if `path` is None. Thread-safe."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.RLock()
        try:
            self._database = _open(path)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"{path}: can't be used as database: {error}; name another file"
            ) from error

    def close(self) -> None:
        with self._lock:
            self._database.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. Raises sqlite3.Error."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def add_post(self, **columns: object) -> None:
        self._insert("posts", {"received_at": _now(), **columns})

    def replace_scan(self, api_id: str, scan: Mapping[str, Any]) -> str:
        """Store a scan in place of the host's completed one of that profile, also a failed scan.

        Any scan ends what the host was seen to be running.
        """
        scan_id = str(uuid.uuid4())
        status = "completed"
        if scan.get("status") == "failed":
            status = "failed"
        with self._lock:
            self._database.execute("DELETE FROM running WHERE api_id = ?", (api_id,))
            self._database.execute(
                "DELETE FROM scans WHERE api_id = ? AND profile_name = ? AND status = 'completed'",
                (api_id, scan["profile_name"]),
            )
            known = {"scan_id": scan_id, "received_at": _now(), "api_id": api_id, "status": status}
            self._insert(
                "scans", {**known, **{column: scan.get(column) for column in _SCAN_COLUMNS}}
            )
            for position, result in enumerate(scan.get("results", ())):
                texts = {column: result.get(column) for column in _RESULT_COLUMNS}
                self._insert("results", {"scan_id": scan_id, "position": position, **texts})
        return scan_id

    def add_running(self, api_id: str, profile_name: str, profile_type: str) -> None:
        """A scan that was requested, and has not come in yet."""
        self._insert(
            "running",
            {
                "started_at": _now(),
                "api_id": api_id,
                "profile_name": profile_name,
                "profile_type": profile_type,
            },
        )

    def add_message(self, api_id: str, source: str, body: Mapping[str, Any]) -> None:
        text = json.dumps(body)
        self._insert(
            "messages", {"received_at": _now(), "api_id": api_id, "source": source, "body": text}
        )

    def posts(self) -> list[dict[str, Any]]:
        return self._rows("SELECT * FROM posts ORDER BY post_id")

    def scans(self) -> list[dict[str, Any]]:
        """The scans that the server holds, oldest first, each with its `results`."""
        scans = self._rows("SELECT * FROM scans ORDER BY rowid")
        for scan in scans:
            scan["results"] = self._rows(
                f"SELECT {', '.join(_RESULT_COLUMNS)} FROM results "  # noqa: S608
                "WHERE scan_id = ? ORDER BY position",
                scan["scan_id"],
            )
        return scans

    def running(self) -> list[dict[str, Any]]:
        """The scans that an administrator sees as running, oldest first."""
        return self._rows("SELECT * FROM running ORDER BY running_id")

    def messages(self, source: str) -> list[dict[str, Any]]:
        """The bodies that came from one source, oldest first."""
        rows = self._rows("SELECT body FROM messages WHERE source = ? ORDER BY message_id", source)
        return [json.loads(row["body"]) for row in rows]

    def _rows(self, query: str, *values: object) -> list[dict[str, Any]]:
        with self._lock:
            return list(map(dict, self._database.execute(query, values)))

    def _insert(self, table: str, columns: Mapping[str, object]) -> None:
        # Table and columns are names from this file; the values are bound.
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        with self._lock:
            statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
            self._database.execute(statement, tuple(columns.values()))


def _open(path: Path | None) -> sqlite3.Connection:
    if path:
        path.touch(mode=0o600)
    database = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
    database.row_factory = sqlite3.Row
    try:
        for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
            database.execute(f"PRAGMA {pragma}")
        database.executescript(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _now() -> str:
    return datetime.now(UTC).isoformat()
