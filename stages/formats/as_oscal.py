"""OSCAL assessment results 1.1.3 as JSON, for tools of continuous authorization.

Every rule is an observation. Rules that refer to NIST SP 800-53 are grouped into one finding per
control; a failed rule without such a reference is a finding of its own. Identifiers are
made from the scan's id, so the same report gives the same document.

Source: NIST's OSCAL model of assessment results, oscal-version 1.1.3. Descriptions are Markdown
there, so text of the scanner is escaped.
"""

import json
import re
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from schemas.ids import short_rule_id
from schemas.report import Report, RuleResult
from stages.formats import breakdown
from stages.formats.scan_facts import outcome
from stages.formats.scan_scope import scope_facts
from stages.formats.source import ReportSource
from stages.formats.standards import nist_controls
from stages.formats.visible import visible, visible_line

OSCAL_VERSION = "1.1.3"
_NAMESPACE = uuid.UUID("6f1d1f0e-53b0-5d0c-9f0e-6a2f6b8b5c11")
_PROPERTY_NAMESPACE = "urn:compliance-agent:oscal"
# An underscore inside an identifier is not emphasis: ids stay readable.
_MARKDOWN = re.compile(r"([\\`*\[\]{}#]|(?<!\w)_|_(?!\w))")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def render(source: ReportSource) -> Iterator[bytes]:
    document = {"assessment-results": _AssessmentResults(source).document()}
    encoder = json.JSONEncoder(indent=1, ensure_ascii=True)
    for part in encoder.iterencode(document):
        yield part.encode("ascii")
    yield b"\n"


def markdown(text: str) -> str:
    """Text that a Markdown reader shows as it is."""
    escaped = _MARKDOWN.sub(r"\\\1", visible(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class _AssessmentResults:
    """The document of one report."""

    def __init__(self, source: ReportSource) -> None:
        self._source = source
        report = source.report
        name = report.scan_id or f"{report.profile.name}/{report.started_at.isoformat()}"
        self._base = uuid.uuid5(_NAMESPACE, f"{source.host}/{name}")
        self._host = self._uuid("host")
        self._plan = self._uuid("plan")

    def document(self) -> dict[str, Any]:
        report = self._source.report
        return {
            "uuid": str(self._base),
            "metadata": {
                "title": f"Compliance scan: {markdown(visible_line(report.profile.name))}",
                "last-modified": report.completed_at.isoformat(),
                "version": report.scan_id or "1",
                "oscal-version": OSCAL_VERSION,
            },
            "import-ap": {
                "href": f"#{self._plan}",
                "remarks": "There is no assessment plan; the back matter names the profile.",
            },
            "results": [self._result()],
            "back-matter": {"resources": [self._profile()]},
        }

    def _uuid(self, name: str) -> str:
        return str(uuid.uuid5(self._base, name))

    def _profile(self) -> dict[str, Any]:
        profile = self._source.report.profile
        lines = [f"Profile {profile.name}"]
        if profile.id:
            lines.append(f"id {profile.id}")
        if profile.version:
            lines.append(f"version {profile.version}")
        return {
            "uuid": self._plan,
            "title": markdown(visible_line(profile.name)),
            "description": markdown(", ".join(map(visible_line, lines))),
        }

    def _result(self) -> dict[str, Any]:
        report = self._source.report
        results = report.results
        observations = [self._observation(n, rule) for n, rule in enumerate(results)]
        result: dict[str, Any] = {
            "uuid": self._uuid("result"),
            "title": markdown(visible_line(report.profile.name)),
            "description": markdown(_description(report)),
            "start": report.started_at.isoformat(),
            "end": report.completed_at.isoformat(),
            "props": [
                _property("scan-status", report.status),
                *_scores(report),
                *_scope(report),
            ],
            "local-definitions": {"inventory-items": [self._inventory_item()]},
            "reviewed-controls": {"control-selections": [_selection(results)]},
        }
        findings = [*self._control_findings(), *self._rule_findings()]
        if observations:
            result["observations"] = observations
        if findings:
            result["findings"] = findings
        if report.warnings:
            result["remarks"] = markdown("\n\n".join(report.warnings))
        return result

    def _inventory_item(self) -> dict[str, Any]:
        host = self._source.host
        if host is None:
            return {"uuid": self._host, "description": "The scanned host"}
        return {
            "uuid": self._host,
            "description": f"The scanned host {markdown(visible_line(host))}",
            "props": [{"name": "fqdn", "value": visible_line(host)}],
        }

    def _observation(self, number: int, rule: RuleResult) -> dict[str, Any]:
        title = visible_line(rule.title)
        status = breakdown.STATUS_LABELS[rule.status]
        observation: dict[str, Any] = {
            "uuid": self._uuid(f"observation {number}"),
            "title": markdown(title),
            "description": markdown(rule.finding or f"{title}: {status}"),
            "props": [
                _property("rule", rule.rule_ref),
                _property("status", rule.status),
                _property("severity", rule.severity),
            ],
            "methods": ["TEST"],
            "subjects": [{"subject-uuid": self._host, "type": "inventory-item"}],
            "collected": self._source.report.completed_at.isoformat(),
        }
        evidence = breakdown.evidence(rule)
        if evidence:
            text = "\n\n".join(evidence)
            observation["relevant-evidence"] = [{"description": markdown(text)}]
        if rule.remediation:
            observation["remarks"] = markdown(rule.remediation)
        return observation

    def _control_findings(self) -> Iterator[dict[str, Any]]:
        """One finding per control that applicable rules refer to."""
        controls: dict[str, list[int]] = {}
        for number, rule in enumerate(self._source.report.results):
            if rule.status in ("notapplicable", "skip"):
                continue
            for control in nist_controls(rule.references):
                controls.setdefault(control, []).append(number)
        for control, numbers in controls.items():
            # NIST's catalogs name the statement of a control so: `ac-2_smt`.
            yield self._finding(f"control {control}", f"{control}_smt", control, numbers)

    def _rule_findings(self) -> Iterator[dict[str, Any]]:
        """One finding per failed rule that no control has."""
        for number, rule in enumerate(self._source.report.results):
            if rule.status != "fail" or nist_controls(rule.references):
                continue
            short_id = short_rule_id(rule.rule_ref)
            target = f"rule-{_UNSAFE.sub('-', short_id)}"
            yield self._finding(f"rule {number}", target, visible_line(rule.title), [number])

    def _finding(
        self, name: str, target: str, title: str, numbers: Sequence[int]
    ) -> dict[str, Any]:
        rules = [self._source.report.results[number] for number in numbers]
        passed = sum(1 for rule in rules if rule.status == "pass")
        return {
            "uuid": self._uuid(f"finding {name}"),
            "title": markdown(title),
            "description": f"{passed} of {len(rules)} applicable rules passed",
            "target": {"type": "statement-id", "target-id": target, "status": _state(rules)},
            "related-observations": [
                {"observation-uuid": self._uuid(f"observation {number}")} for number in numbers
            ],
        }


def _state(rules: Sequence[RuleResult]) -> dict[str, str]:
    statuses = {rule.status for rule in rules}
    if "fail" in statuses:
        return {"state": "not-satisfied", "reason": "fail"}
    if statuses == {"pass"}:
        return {"state": "satisfied", "reason": "pass"}
    # What could not be evaluated, or needs a person's judgement, is not shown to be satisfied.
    return {"state": "not-satisfied", "reason": "other"}


def _selection(results: Sequence[RuleResult]) -> dict[str, Any]:
    controls: dict[str, None] = {}
    for rule in results:
        controls |= dict.fromkeys(nist_controls(rule.references))
    if not controls:
        return {"include-all": {}}
    return {"include-controls": [{"control-id": control} for control in controls]}


def _description(report: Report) -> str:
    summary = report.summary
    if summary.total_rules == 0:
        return f"Scan: {outcome(report)}"
    return (
        f"Scan: {outcome(report)}. {summary.passed} of {summary.total_rules} rules passed, "
        f"{summary.failed} failed."
    )


def _scores(report: Report) -> Iterator[dict[str, str]]:
    summary = report.summary
    if summary.total_rules:
        yield _property("score", f"{summary.score:.2f}")
    if summary.applicable_score is not None:
        yield _property("applicable-score", f"{summary.applicable_score:.2f}")


def _scope(report: Report) -> Iterator[dict[str, str]]:
    for label, value in scope_facts(report):
        yield _property(label.lower().replace(" ", "-"), value)


def _property(name: str, value: str) -> dict[str, str]:
    """A property's value is one line without blanks around it."""
    return {"name": name, "ns": _PROPERTY_NAMESPACE, "value": visible_line(value) or "-"}
