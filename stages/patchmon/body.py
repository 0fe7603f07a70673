"""The request body: one for all servers. Pure.

The specification's servers read `profile`, `summary`, `results` and `raw_output`; released servers
read the flat keys beside them and the same `results`. Each reader finds the counts as it means
them: `summary.skipped` includes not applicable and `summary.score` is of all rules; the flat
`skipped` is skip alone, and the flat `score` is of the rules that applied, null where none did.

A scan that failed or was cancelled goes as `failed` with a non-empty `error`, so silence never
reads as clean. For released servers it is filed under a generic name, and its real profile is in
`error`: under its own name it would replace the profile's last good result. Lists of those servers
show the beginning of `error`, so that is the cause.

Released servers do not store `rationale`, but show the description as the reason for a rule: it is
at the end of that too.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from schemas import codec
from schemas.records import Struct
from schemas.report import Report, RuleResult, Summary
from stages.patchmon import truncate
from stages.patchmon.compliance_hash import LONE_SURROGATE, compliance_hash

_CAUSE_CHARS = 24
"""What a list of the server shows of an error."""
_HASH_BYTES = 96
"""What the key and the hash take."""


class Body(Struct, frozen=True):
    """What is posted, and what of the report is not in it."""

    content: bytes
    left_out: tuple[str, ...]
    has_hash: bool
    may_shrink: bool
    """Whether there is anything more that may be left out."""

    def __len__(self) -> int:
        return len(self.content)


def make(
    report: Report, limit: int, *, filed_under: str, with_hash: bool, agent_version: str
) -> Body:
    """The body of a report, truncated until it fits into `limit` bytes or nothing more may be left
    out.

    `filed_under` is the name for released servers, which replace by it.
    """
    fields = _fields(report, filed_under, agent_version)
    content = codec.encode(fields)
    left_out: tuple[str, ...] = ()
    # The space of the hash is kept where there is none, too: both forms leave out the same texts.
    if len(content) + _HASH_BYTES > limit:
        left_out = truncate.truncate(fields, len(content) + _HASH_BYTES - limit)
        content = codec.encode(fields)
    if with_hash:
        # The hash is computed from what is sent, after the truncation; it does not cover itself.
        content = content[:-1] + b',"compliance_hash":"%s"}' % compliance_hash((fields,)).encode()
    return Body(content, left_out, with_hash, truncate.may_shrink(fields))


def _fields(report: Report, filed_under: str, agent_version: str) -> dict[str, Any]:
    summary = report.summary
    fields = _present(
        scan_id=report.scan_id,
        profile=_present(
            name=_clean(report.profile.name),
            type=report.profile.type,
            version=_clean(report.profile.version),
        ),
        profile_name=_clean(filed_under),
        profile_type=report.profile.type,
        started_at=_rfc3339(report.started_at),
        completed_at=_rfc3339(report.completed_at),
        status="completed",
        summary=_summary(summary),
        total_rules=summary.total_rules,
        passed=summary.passed,
        failed=summary.failed,
        warnings=summary.warnings,
        skipped=summary.skipped - summary.not_applicable,
        not_applicable=summary.not_applicable,
        results=list(map(_result, report.results)),
        raw_output=_clean(report.raw_output),
        agent_version=agent_version,
    )
    if report.status == "completed":
        return fields | {"score": summary.applicable_score}
    return fields | {"status": "failed", "error": _error(report), "score": None}


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


def _error(report: Report) -> str:
    """The cause, then the real profile, then the rest: lists of the server show some 25 characters
    of it.
    """
    text = (_clean(report.error) or "").strip()
    if report.status == "cancelled":
        cause, detail = "cancelled", text.removeprefix("cancelled").lstrip(": ")
    elif report.cause is not None:
        cause = report.cause.replace("-", " ")
        detail = text.removeprefix(f"{cause}: ")
    else:
        cause, _, detail = text.partition(": ")
    if not cause:
        cause = "failed, reason unknown"
    elif len(cause) > _CAUSE_CHARS:
        cause, detail = _first_words(cause), text
    error = f"{cause}; profile {_clean(report.profile.name)}"
    if detail:
        return f"{error}: {detail}"
    return error


def _first_words(text: str) -> str:
    """As many words as a list shows."""
    start = text[: _CAUSE_CHARS - 1]
    words = start.rpartition(" ")[0] or start
    return f"{words.rstrip(' ,;:')}…"


def _result(result: RuleResult) -> dict[str, Any]:
    return _present(
        rule_ref=_clean(result.rule_ref),
        title=_clean(result.title),
        description=_clean(_description(result)),
        rationale=_clean(result.rationale),
        severity=result.severity,
        section=_clean(result.section),
        status=result.status,
        finding=_clean(result.finding),
        actual=_clean(result.actual),
        expected=_clean(result.expected),
        remediation=_clean(result.remediation),
    )


def _description(result: RuleResult) -> str | None:
    if not result.rationale:
        return result.description
    if not result.description:
        return f"Rationale: {result.rationale}"
    return f"{result.description}\n\nRationale: {result.rationale}"


def _clean(text: str | None) -> str | None:
    """What every database and every JSON reader takes: no NUL, no half of a surrogate pair."""
    if text is None:
        return None
    return LONE_SURROGATE.sub("�", text.replace("\0", ""))


def _rfc3339(moment: datetime) -> str:
    """RFC 3339 with a zone; released servers take nothing else."""
    try:
        at = moment.astimezone(UTC)
    except OverflowError:
        # The first or the last day that there is, in a report from outside.
        at = moment.replace(tzinfo=UTC)
    return at.isoformat().replace("+00:00", "Z")


def _present(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
