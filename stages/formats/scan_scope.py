"""How a report departs from its profile: tailoring, paths not searched, waivers. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any

from schemas import codec
from schemas.ids import short_rule_id
from schemas.report import AppliedTailoring, Report
from stages.runtime.printable import counted, listed

_MOST_NAMED = 20


def scope_facts(report: Report) -> Iterator[tuple[str, str]]:
    """Labels and values for people."""
    if report.tailoring is not None:
        for label, value in _tailoring_facts(report.tailoring).items():
            if value:
                yield label, value
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


def _tailoring_facts(tailoring: AppliedTailoring) -> dict[str, str | None]:
    values = [f"{_short_value(name)}={text}" for name, text in tailoring.values.items()]
    return {
        "Tailoring": tailoring_file(tailoring),
        "Tailoring SHA-256": tailoring.sha256,
        "Unselected by the tailoring": _listed_rules(tailoring.unselected),
        "Selected by the tailoring": _listed_rules(tailoring.selected),
        "Set by the tailoring": listed(values, _MOST_NAMED),
    }


def _listed_rules(rules: Iterable[str]) -> str:
    return listed(list(map(short_rule_id, rules)), _MOST_NAMED)


def _short_value(identifier: str) -> str:
    return identifier.rpartition("_value_")[2]
