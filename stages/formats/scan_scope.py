"""How a report departs from its profile: tailoring, paths not searched, waivers. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from schemas import codec
from schemas.ids import short_rule_id
from schemas.report import AppliedTailoring, Report
from stages.runtime.printable import counted, listed

_MOST_NAMED = 20


def scope_facts(report: Report) -> Iterator[tuple[str, str]]:
    """Labels and values for people."""
    tailoring = report.tailoring
    if tailoring is not None:
        yield "Tailoring", tailoring_file(tailoring)
        if tailoring.sha256:
            yield "Tailoring SHA-256", tailoring.sha256
        for label, names in _changes(tailoring):
            if names:
                yield label, listed(names, _MOST_NAMED)
    if report.not_searched:
        yield "Not searched", ", ".join(report.not_searched)
    if report.waivers is not None:
        waived = counted(waived_rules(report), "rule")
        yield "Waived", f"{waived} (SHA-256 of the waivers: {report.waivers})"


def scope_properties(report: Report) -> dict[str, Any]:
    """The same for machines; empty where the report does not depart from the profile."""
    properties: dict[str, Any] = {}
    if report.tailoring is not None:
        properties["tailoring"] = codec.plain(report.tailoring)
    if report.not_searched:
        properties["notSearched"] = list(report.not_searched)
    if report.waivers is not None:
        properties["waivers"] = {"sha256": report.waivers, "rules": waived_rules(report)}
    return properties


def waived_rules(report: Report) -> int:
    """How many rules are waived."""
    return sum(result.waiver is not None for result in report.results)


def tailoring_file(tailoring: AppliedTailoring) -> str:
    return tailoring.path or "a file that the results do not name"


def tailoring_line(report: Report) -> str | None:
    """For a comparison: the file and the beginning of its digest."""
    tailoring = report.tailoring
    if tailoring is None:
        return None
    line = tailoring.path or "unknown file"
    if tailoring.sha256:
        line += f" (sha256 {tailoring.sha256[:12]})"
    return line


def _changes(tailoring: AppliedTailoring) -> Iterator[tuple[str, Sequence[str]]]:
    yield "Unselected by the tailoring", [short_rule_id(rule) for rule in tailoring.unselected]
    yield "Selected by the tailoring", [short_rule_id(rule) for rule in tailoring.selected]
    values = tailoring.values.items()
    yield "Set by the tailoring", [f"{_short_value(name)}={text}" for name, text in values]


def _short_value(identifier: str) -> str:
    return identifier.rpartition("_value_")[2]
