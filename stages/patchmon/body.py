"""The request body: one for all servers. Pure.

The specification's servers read `profile`, `summary`, `results` and `raw_output`; released servers read the flat
keys beside them and the same `results`. Each reader finds the counts as it means them: `summary.skipped` includes
not applicable and `summary.score` is of all rules; the flat `skipped` is skip alone, and the flat `score` is of the
rules that applied, null where none did.

A scan that failed or was cancelled goes as `failed` with a non-empty `error`, so silence never reads as clean.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from schemas import codec
from schemas.report import Report, RuleResult, Summary
from stages.patchmon import truncate
from stages.patchmon.compliance_hash import compliance_hash

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_HASH_ROOM = 96
CANCELLED = "cancelled"


@dataclass(frozen=True)
class Body:
    """What is posted, and what of the report is not in it."""

    content: bytes
    left_out: tuple[str, ...]
    has_hash: bool
    may_shrink: bool
    """Whether there is anything more that may be left out."""

    def __len__(self) -> int:
        return len(self.content)


def make(report: Report, limit: int, *, with_hash: bool, agent_version: str) -> Body:
    """The body of a report, slimmed until it fits into `limit` bytes or nothing more may be left out."""
    fields = _fields(report, agent_version)
    content = codec.encode(fields)
    left_out: tuple[str, ...] = ()
    if len(content) + _HASH_ROOM > limit:
        left_out = truncate.slim(fields, len(content) + _HASH_ROOM - limit)
        content = codec.encode(fields)
    if with_hash:
        content = content[:-1] + b',"compliance_hash":"%s"}' % compliance_hash((fields,)).encode()
    return Body(content, left_out, with_hash, truncate.may_shrink(fields))


def _fields(report: Report, agent_version: str) -> dict[str, Any]:
    summary = report.summary
    failed = report.status != "completed"
    return _present(
        scan_id=report.scan_id,
        profile=_present(
            name=_clean(report.profile.name),
            type=report.profile.type,
            version=_clean(report.profile.version),
        ),
        profile_name=_clean(report.profile.name),
        profile_type=report.profile.type,
        started_at=_moment(report.started_at),
        completed_at=_moment(report.completed_at),
        status="failed" if failed else "completed",
        error=_error(report) if failed else None,
        summary=_summary(summary),
        total_rules=summary.total_rules,
        passed=summary.passed,
        failed=summary.failed,
        warnings=summary.warnings,
        skipped=summary.skipped - summary.not_applicable,
        not_applicable=summary.not_applicable,
        results=[_result(result) for result in report.results],
        raw_output=_clean(report.raw_output),
        agent_version=agent_version,
    ) | {"score": None if failed else _score_of_what_applied(summary)}


def _summary(summary: Summary) -> Mapping[str, Any]:
    """The specification's `ScanSummary`."""
    return {
        "total_rules": summary.total_rules,
        "passed": summary.passed,
        "failed": summary.failed,
        "warnings": summary.warnings,
        "skipped": summary.skipped,
        "score": summary.score,
    }


def _score_of_what_applied(summary: Summary) -> float | None:
    overrides = summary.total_rules - summary.skipped
    return round(summary.passed / overrides * 100, 2) if overrides > 0 else None


def _error(report: Report) -> str:
    error = (_clean(report.error) or "").strip()
    if report.status == "cancelled" and not error.startswith(CANCELLED):
        return f"{CANCELLED}: {error}" if error else CANCELLED
    return error or "the scan failed, its reason is not known"


def _result(result: RuleResult) -> dict[str, Any]:
    return _present(
        rule_ref=_clean(result.rule_ref),
        title=_clean(result.title),
        description=_clean(result.description),
        rationale=_clean(result.rationale),
        severity=result.severity,
        section=_clean(result.section),
        status=result.status,
        finding=_clean(result.finding),
        actual=_clean(result.actual),
        expected=_clean(result.expected),
        remediation=_clean(result.remediation),
    )


def _clean(text: str | None) -> str | None:
    """What every database and every JSON reader takes: no NUL, no half of a surrogate pair."""
    if text is None or text.isascii():
        return text.replace("\0", "") if text and "\0" in text else text
    return _LONE_SURROGATE.sub("�", text.replace("\0", ""))


def _moment(moment: datetime) -> str:
    """RFC 3339 with a zone; released servers take nothing else."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        at = aware.astimezone(UTC)
    except OverflowError:
        # The first or the last day that there is, in a report that somebody made.
        at = aware.replace(tzinfo=UTC)
    return at.isoformat().replace("+00:00", "Z")


def _present(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
