"""SARIF 2.1.0 (OASIS), as code scanning services and editors read it.

Every rule is a result, with the `kind` that SARIF has for its status; the status itself is in
`properties.status`. Results have locations where the finding names files. A scan that did not
complete is an unsuccessful invocation, its error a notification.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.ids import short_rule_id
from schemas.report import AppliedWaiver, Report, RuleResult, RuleStatus, Severity
from stages.formats import breakdown
from stages.formats.finding_paths import file_uri, finding_paths
from stages.formats.scan_scope import scope_properties
from stages.formats.source import ReportSource

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_KIND: Mapping[RuleStatus, str] = {
    "pass": "pass",
    "fail": "fail",
    "warn": "review",
    "skip": "informational",
    "notapplicable": "notApplicable",
    "error": "open",
}
_LEVEL: Mapping[Severity, str] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "unknown": "warning",
}
_SECURITY_SEVERITY: Mapping[Severity, str] = {
    "critical": "9.5",
    "high": "8.0",
    "medium": "5.5",
    "low": "2.5",
    "unknown": "5.0",
}
"""The scale of CVSS, by which GitHub sorts."""


def render(source: ReportSource) -> Iterator[bytes]:
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [_run(source)]}
    # ASCII: also lone surrogates and invisible characters survive every reader.
    encoder = json.JSONEncoder(indent=1, ensure_ascii=True)
    for part in encoder.iterencode(log):
        yield part.encode("ascii")
    yield b"\n"


def _run(source: ReportSource) -> dict[str, Any]:
    report = source.report
    rules: dict[str, dict[str, Any]] = {}
    for result in report.results:
        rules.setdefault(result.rule_ref, _rule(result))
    index = {rule: number for number, rule in enumerate(rules)}
    run: dict[str, Any] = {
        "tool": {"driver": _driver(report, list(rules.values()))},
        "invocations": [_invocation(source)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(result, index) for result in report.results],
        "properties": _run_properties(source),
    }
    if report.scan_id:
        run["automationDetails"] = {"id": f"{report.profile.type}/{report.scan_id}"}
    return run


def _run_properties(source: ReportSource) -> dict[str, Any]:
    report = source.report
    scores: dict[str, Any] = {}
    if report.summary.total_rules:
        scores["score"] = report.summary.score
        scores["applicableScore"] = report.summary.applicable_score
    return {
        "profile": report.profile.name,
        "status": report.status,
        **scope_properties(report),
        **scores,
        **_known(profileId=report.profile.id, host=source.host),
    }


def _driver(report: Report, rules: list[dict[str, Any]]) -> dict[str, Any]:
    version = _known(version=report.scanner_version)
    return {"name": report.profile.type, "rules": rules, **version}


def _known(**values: object) -> dict[str, object]:
    """The properties that have a value: what is not known is left out."""
    return {name: value for name, value in values.items() if value is not None}


def _invocation(source: ReportSource) -> dict[str, Any]:
    report = source.report
    notices = [{"level": "warning", "message": {"text": text}} for text in report.warnings]
    if report.error:
        notices.insert(0, {"level": "error", "message": {"text": report.error}})
    return {
        "executionSuccessful": report.status == "completed",
        "startTimeUtc": f"{report.started_at:%Y-%m-%dT%H:%M:%SZ}",
        "endTimeUtc": f"{report.completed_at:%Y-%m-%dT%H:%M:%SZ}",
        "toolExecutionNotifications": notices,
        **_known(machine=source.host),
    }


def _rule(result: RuleResult) -> dict[str, Any]:
    tags = ["security", "compliance", *_reference_tags(result)]
    rule: dict[str, Any] = {
        "id": result.rule_ref,
        "name": short_rule_id(result.rule_ref),
        "shortDescription": {"text": result.title},
        "defaultConfiguration": {"level": _LEVEL[result.severity]},
        "help": _help(result),
        "properties": {
            "tags": tags,
            "severity": result.severity,
            "security-severity": _SECURITY_SEVERITY[result.severity],
            **_known(section=result.section),
        },
    }
    if result.description:
        rule["fullDescription"] = {"text": result.description}
    return rule


def _reference_tags(result: RuleResult) -> list[str]:
    """Each once: the schema requires unique tags."""
    return list(dict.fromkeys(f"{each.standard} {each.id}" for each in result.references))


def _help(result: RuleResult) -> dict[str, str]:
    texts = filter(None, (result.rationale, result.remediation))
    return {"text": "\n\n".join(texts) or result.title}


def _result(result: RuleResult, index: Mapping[str, int]) -> dict[str, Any]:
    kind = _KIND[_status(result)]
    level = "none"
    if kind == "fail":
        level = _LEVEL[result.severity]
    found: dict[str, Any] = {
        "ruleId": result.rule_ref,
        "ruleIndex": index[result.rule_ref],
        "kind": kind,
        "level": level,
        "message": {"text": _message(result)},
        "partialFingerprints": {"rule/v1": result.rule_ref},
        "properties": {"status": result.status, "severity": result.severity},
    }
    if result.fixed_at is not None:
        found["properties"]["fixedAt"] = result.fixed_at.isoformat()
    paths = finding_paths(result)
    if paths:
        found["locations"] = list(map(_location, paths))
    if result.waiver is not None:
        found["suppressions"] = [_suppression(result.waiver)]
    return found


def _status(result: RuleResult) -> RuleStatus:
    """A waived rule keeps the status that it has without the waiver: its suppression accepts it."""
    if result.waiver is not None:
        return result.waiver.status
    return result.status


def _suppression(waiver: AppliedWaiver) -> dict[str, Any]:
    properties = {"approvedBy": waiver.approved_by, **_known(ticket=waiver.ticket)}
    if waiver.expires is not None:
        properties["expires"] = waiver.expires.isoformat()
    return {
        "kind": "external",
        "status": "accepted",
        "justification": waiver.reason,
        "properties": properties,
    }


def _message(result: RuleResult) -> str:
    finding = result.finding or f"{result.title}: {breakdown.STATUS_LABELS[result.status]}"
    return "\n".join((finding, *breakdown.evidence(result)))


def _location(path: str) -> dict[str, Any]:
    return {"physicalLocation": {"artifactLocation": {"uri": file_uri(path)}}}
