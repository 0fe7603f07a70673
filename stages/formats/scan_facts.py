"""The facts of a scan with their labels: what was scanned, with what, when and why. Pure."""

from collections.abc import Sequence

from schemas.manifest import Content
from schemas.receipt import Receipt
from schemas.report import Report
from schemas.request import Reason
from stages.formats import breakdown
from stages.formats.content_fit import FIT
from stages.formats.scan_scope import scope_facts
from stages.formats.source import ReportSource
from stages.formats.visible import visible_line

Fact = tuple[str, str]


def scan_facts(source: ReportSource) -> tuple[Fact, ...]:
    """Labels and values; what is not known is left out."""
    report = source.report
    facts: list[tuple[str, str | None]] = [
        ("Host", source.host),
        ("Profile", _profile(report)),
        ("Benchmark version", report.profile.version),
        *_content(report.content),
        *scope_facts(report),
        ("Scanner", _scanner(report)),
        ("Scan", report.scan_id),
        ("Started", f"{report.started_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("Duration", duration(report)),
    ]
    facts += [("Requested", _reason(reason)) for reason in report.reasons]
    facts.append(("Read from", report.read_from))
    if source.receipt is not None:
        facts.append(("Server", receipt_line(source.receipt)))
    return tuple((label, visible_line(value)) for label, value in facts if value)


def _content(content: Content | None) -> Sequence[tuple[str, str | None]]:
    if content is None:
        return ()
    return (
        ("Content", content.path),
        ("Content version", content.version),
        ("Content origin", content.origin),
        ("Content fit", FIT[content.fit]),
        ("Content SHA-256", content.sha256),
    )


def duration(report: Report) -> str:
    seconds = (report.completed_at - report.started_at).total_seconds()
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def outcome(report: Report) -> str:
    """What became of the scan, in one line."""
    if report.status == "completed" and report.summary.total_rules == 0:
        return "completed, without any rule"
    if report.error:
        return f"{report.status}: {visible_line(report.error)}"
    return report.status


def score_lines(report: Report) -> tuple[Fact, ...]:
    """Both scores with their meaning; none where there are no rules."""
    total = report.summary.total_rules
    if total == 0:
        return ()
    passed = report.summary.passed
    score = f"{report.summary.score:.2f} % ({passed} of all {total} rules passed)"
    applicable_score = "none: no rule applies to this host"
    if report.summary.applicable_score is not None:
        rules = breakdown.applicable_rules(report)
        meaning = f"{passed} of the {rules} rules that apply passed"
        applicable_score = f"{report.summary.applicable_score:.2f} % ({meaning})"
    return ("Score", score), ("Applicable score", applicable_score)


def _profile(report: Report) -> str:
    if report.profile.id and report.profile.id != report.profile.name:
        return f"{report.profile.name} ({report.profile.id})"
    return report.profile.name


def _scanner(report: Report) -> str:
    if report.scanner_version:
        return f"{report.profile.type} {report.scanner_version}"
    return report.profile.type


def _reason(reason: Reason) -> str:
    line = f"by the {reason.source}, {reason.at:%Y-%m-%d %H:%M:%S} UTC"
    if reason.detail:
        line += f", {reason.detail}"
    return line


def receipt_line(receipt: Receipt) -> str:
    """The server's answer in one line."""
    line: str = receipt.answer
    if receipt.destination:
        line += f" by {receipt.destination}"
    if receipt.message:
        line += f": {receipt.message}"
    return line
