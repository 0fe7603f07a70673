"""A comparison as text, JSON and HTML; the ages of failures as text. Pure."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from schemas import codec
from schemas.ids import short_rule_id
from schemas.report import RuleStatus
from stages.formats import breakdown
from stages.formats.compare import ComparedScan, Comparison, FailureAge, RuleChange
from stages.formats.page import content_security_policy, environment, style_sheet
from stages.formats.source import FormatError
from stages.formats.visible import visible, visible_line

FORMATS = ("text", "json", "html")


def render_comparison(key: str, comparison: Comparison, agent_version: str) -> Iterator[bytes]:
    """The comparison in that format, in chunks. Raises FormatError."""
    if key == "text":
        yield comparison_text(comparison).encode()
    elif key == "json":
        yield codec.pretty(comparison).encode() + b"\n"
    elif key == "html":
        yield comparison_html(comparison, agent_version).encode()
    else:
        raise FormatError(f"no format {key} of a comparison; there are {', '.join(FORMATS)}")


def change_lists(comparison: Comparison) -> tuple[tuple[str, Sequence[RuleChange]], ...]:
    """The lists of a comparison with their headings, those that need attention first."""
    return (
        ("Newly failed", comparison.newly_failed),
        ("Fixed", comparison.fixed),
        ("Failed for another reason", comparison.changed_finding),
        ("Changed status", comparison.changed_status),
        ("Added rules", comparison.added),
        ("Removed rules", comparison.removed),
    )


def verdict(comparison: Comparison) -> str:
    """One line: worse or not, and how many rules changed in which way."""
    counts = []
    for heading, changes in change_lists(comparison):
        if changes:
            counts.append(f"{len(changes)} {heading.lower()}")
    conclusion = "Not worse"
    if comparison.worse:
        conclusion = "Worse"
    if not counts:
        return f"{conclusion}: no rule changed"
    return f"{conclusion}: {', '.join(counts)}"


def comparison_text(comparison: Comparison) -> str:
    lines = [
        f"before  {_scan_line(comparison.before)}",
        f"after   {_scan_line(comparison.after)}",
    ]
    for fact in comparison.facts:
        before = visible_line(fact.before or "none")
        after = visible_line(fact.after or "none")
        lines.append(f"{fact.name} changed: {before} → {after}")
    lines.append(verdict(comparison))
    for heading, changes in change_lists(comparison):
        if changes:
            lines += ["", f"{heading} ({len(changes)})"]
            for change in changes:
                lines += _change_lines(change)
    return "\n".join(lines) + "\n"


def comparison_html(comparison: Comparison, agent_version: str) -> str:
    style = style_sheet()
    page = environment().get_template("comparison.html.jinja")
    return page.render(
        comparison=comparison,
        verdict=verdict(comparison),
        lists=change_lists(comparison),
        labels=breakdown.STATUS_LABELS,
        agent_version=agent_version,
        style=Markup(style),  # noqa: S704
        policy=content_security_policy(style),
    )


def ages_text(ages: Sequence[FailureAge]) -> str:
    """A block per failed rule: since when it fails, and the last scan in which it did not."""
    if not ages:
        return "no rule fails\n"
    lines: list[str] = []
    for age in ages:
        lines.append(_title_line(age.severity, age.title, age.rule_ref))
        lines.append(f"      fails since {_short_scan(age.failing_since)}")
        if age.last_good is None:
            lines.append("      it fails in every kept scan")
        else:
            lines.append(f"      last good   {_short_scan(age.last_good)}")
        if age.content_changed:
            lines.append("      the content changed in between")
    return "\n".join(lines) + "\n"


def _change_lines(change: RuleChange) -> Iterator[str]:
    yield _title_line(change.severity, change.title, change.rule_ref)
    before = _status(change.status_before)
    after = _status(change.status_after)
    yield f"      {before} → {after}"
    if change.finding_before and change.finding_before != change.finding_after:
        yield from _finding_lines("before", change.finding_before)
    if change.finding_after:
        yield from _finding_lines("after", change.finding_after)


def _finding_lines(label: str, text: str) -> Iterator[str]:
    for line in visible(text).strip("\n").split("\n"):
        yield f"      {label:<7} {line}".rstrip()
        label = ""


def _title_line(severity: str, title: str, rule_ref: str) -> str:
    rule = visible_line(short_rule_id(rule_ref))
    return f"  {severity:<8} {visible_line(title)} [{rule}]"


def _status(status: RuleStatus | None) -> str:
    if status is None:
        return "not in the scan"
    return breakdown.STATUS_LABELS[status]


def _short_scan(scan: ComparedScan) -> str:
    name = scan.scan_id or visible_line(scan.profile)
    return f"{scan.at:%Y-%m-%d %H:%M}  {name}"


def _scan_line(scan: ComparedScan) -> str:
    if scan.status != "completed":
        return f"{_short_scan(scan)}  {scan.status}"
    scores = f"score {scan.score:.2f} %"
    if scan.applicable_score is not None:
        scores += f", applicable score {scan.applicable_score:.2f} %"
    return f"{_short_scan(scan)}  {scores}, {scan.failed} failed"
