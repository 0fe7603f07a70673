"""The report over a fleet: one record, from the tables."""

from datetime import date, datetime
from typing import Any

import duckdb

from fleet import queries
from schemas import codec
from schemas.records import Record

_MOST_RULES = 200


class HostScore(Record, frozen=True, kw_only=True):
    """The newest completed scan of a host and profile."""

    host: str
    profile: str
    scan_id: str
    completed_at: datetime
    score: float | None
    applicable_score: float | None
    failed: int
    waived: int


class FailingRule(Record, frozen=True, kw_only=True):
    """A rule that fails in the newest scans of one host or more."""

    rule_ref: str
    title: str
    severity: str
    hosts: int
    failing_since: datetime | None
    """The first scan in the archive in which it fails on one of these hosts."""


class NewlyFailing(Record, frozen=True, kw_only=True):
    """A rule that fails in the newest scan of a host, but not in the last one before a date."""

    host: str
    profile: str
    rule_ref: str
    title: str
    severity: str


class SilentHost(Record, frozen=True, kw_only=True):
    """A host without a new scan in the archive."""

    host: str
    last_scan_at: datetime | None


class ContentInUse(Record, frozen=True, kw_only=True):
    """A content file, by its digest."""

    content: str
    sha256: str
    benchmark_version: str | None
    fit: str | None
    hosts: int


class WaiverInForce(Record, frozen=True, kw_only=True):
    """A waiver that applies to rules of the newest scans."""

    rule_ref: str
    approved_by: str
    reason: str
    ticket: str | None
    expires: date | None
    hosts: int


class FleetReport(Record, frozen=True, kw_only=True):
    """The newest state of all hosts of an archive."""

    scans: int
    unreadable: int
    hosts: tuple[HostScore, ...]
    rules: tuple[FailingRule, ...]
    """By the number of hosts, at most 200."""
    worse_since: datetime | None
    worse: tuple[NewlyFailing, ...]
    silent_since: datetime | None
    silent: tuple[SilentHost, ...]
    content: tuple[ContentInUse, ...]
    waivers: tuple[WaiverInForce, ...]


_SCORES = """
SELECT host, profile, scan_id, completed_at, score, applicable_score, failed, waived
FROM newest ORDER BY applicable_score NULLS FIRST, host, profile
"""
_RULES = """
SELECT rule_ref, any_value(title) AS title, any_value(severity) AS severity,
       count(DISTINCT host) AS hosts, min(failing_since) AS failing_since
FROM failing GROUP BY rule_ref ORDER BY hosts DESC, rule_ref LIMIT $most
"""
# For each host, scanner and profile the newest scan is compared with the last one before the date:
# the rules that fail in the new one and are not among the failures of the old one.
_WORSE = """
WITH before AS (
    SELECT * EXCLUDE (place) FROM (
        SELECT host, scanner, profile, scan_id, row_number() OVER (
            PARTITION BY host, scanner, profile ORDER BY scan_id DESC) AS place
        FROM scans WHERE status = 'completed' AND completed_at < $since
    ) WHERE place = 1
), pairs AS (
    SELECT n.host, n.profile, n.scan_id AS new_scan, b.scan_id AS old_scan
    FROM newest n JOIN before b USING (host, scanner, profile) WHERE n.scan_id <> b.scan_id
), old_failures AS (
    SELECT p.host, p.profile, r.rule_ref FROM results r
    JOIN pairs p ON r.host = p.host AND r.scan_id = p.old_scan WHERE r.status IN ('fail', 'warn')
)
SELECT p.host, p.profile, r.rule_ref, r.title, r.severity FROM results r
JOIN pairs p ON r.host = p.host AND r.scan_id = p.new_scan
WHERE r.status IN ('fail', 'warn')
  AND (p.host, p.profile, r.rule_ref) NOT IN (SELECT (host, profile, rule_ref) FROM old_failures)
ORDER BY p.host, r.rule_ref
"""
_SILENT = """
SELECT host, max(completed_at) AS last_scan_at FROM scans GROUP BY host
HAVING last_scan_at IS NULL OR last_scan_at < $since ORDER BY last_scan_at NULLS FIRST, host
"""
_CONTENT = """
SELECT any_value(content_path) AS content, content_sha256 AS sha256,
       any_value(benchmark_version) AS benchmark_version, any_value(content_fit) AS fit,
       count(DISTINCT host) AS hosts
FROM newest WHERE content_sha256 IS NOT NULL GROUP BY content_sha256 ORDER BY hosts DESC, content
"""
_WAIVERS = """
SELECT r.rule_ref, r.waived_by AS approved_by, r.waiver_reason AS reason,
       r.waiver_ticket AS ticket, r.waiver_expires AS expires, count(DISTINCT r.host) AS hosts
FROM results r JOIN newest n ON r.host = n.host AND r.scan_id = n.scan_id
WHERE r.waived_by IS NOT NULL GROUP BY ALL ORDER BY expires NULLS LAST, r.rule_ref
"""


def fleet_report(
    connection: "duckdb.DuckDBPyConnection",
    *,
    worse_since: datetime | None = None,
    silent_since: datetime | None = None,
) -> FleetReport:
    """Raises CommandError."""
    (counts,) = queries.rows(
        connection, "SELECT count(*) AS scans, count(unreadable) AS unreadable FROM scans"
    )
    worse: list[dict[str, Any]] = []
    if worse_since is not None:
        worse = queries.rows(connection, _WORSE, since=worse_since)
    silent: list[dict[str, Any]] = []
    if silent_since is not None:
        silent = queries.rows(connection, _SILENT, since=silent_since)
    values = {
        **counts,
        "hosts": queries.rows(connection, _SCORES),
        "rules": queries.rows(connection, _RULES, most=_MOST_RULES),
        "worse_since": worse_since,
        "worse": worse,
        "silent_since": silent_since,
        "silent": silent,
        "content": queries.rows(connection, _CONTENT),
        "waivers": queries.rows(connection, _WAIVERS),
    }
    return codec.convert(values, FleetReport)
