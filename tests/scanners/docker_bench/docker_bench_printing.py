"""Prints what Docker Bench's script prints: its `printf` formats, with names put in as they are.

`%s` puts a name in unchanged; the log's `%b` interprets backslashes in it first. Also a run to
print, and what its report must hold.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from schemas.report import Report, RuleResult
from stages.scanners.docker_bench.reading import read_docker_bench

AT = datetime(2026, 11, 24, tzinfo=UTC)

GROUPS = {
    "1": "Host Configuration",
    "4": "Container Images and Build File",
    "5": "Container Runtime",
}
_ESCAPES = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "f": "\f",
    "v": "\v",
    "b": "\b",
    "a": "\a",
    "e": "\x1b",
    "\\": "\\",
}


@dataclass(frozen=True)
class Printed:
    """One check as the script knows it. `details` alone is a sentence, with `items` their lead."""

    id: str
    tag: str
    details: str | None = None
    items: tuple[str, ...] | None = None
    remediation: str | None = None

    @property
    def title(self) -> str:
        return f"Ensure that check {self.id} is well (Automated)"


CHECKS = (
    Printed("1.1.1", "PASS"),
    Printed("1.1.2", "INFO", "doubtfulusers", (), remediation="Remove them."),
    Printed("4.1", "WARN", "Running as root", ("web", "db"), remediation="Name a user."),
    Printed("4.2", "NOTE"),
    Printed("4.6", "WARN", "Images w/o HEALTHCHECK", ("[a:1", "b:2]", "[c:3]")),
    Printed("5.1", "PASS"),
    Printed("5.10", "WARN", "Wrong ownership for /run/x.sock"),
)
STATUSES = {
    "1.1.1": "pass",
    "1.1.2": "warn",
    "4.1": "fail",
    "4.2": "skip",
    "4.6": "fail",
    "5.1": "pass",
    "5.10": "fail",
}


def read(json_output: bytes | None, log: bytes | None = None) -> Report:
    return read_docker_bench(json_output, log, at=AT)


def statuses(report: Report) -> dict[str, str]:
    found = {result.rule_ref: result.status for result in report.results}
    assert len(found) == len(report.results), "a check is in the report more than once"
    return dict(found)


def the(number: str, report: Report) -> RuleResult:
    return next(result for result in report.results if result.rule_ref == number)


def text_log(checks: Sequence[Printed], *, colours: bool = False) -> bytes:
    """The log of 1.6.0 with `-p`."""
    lines = ["Initializing 2026-11-23T06:06:40+00:00\\n", "\\nSection A - Check results"]
    for group, name in GROUPS.items():
        lines += ["", _tagged("INFO", f"{group} - {name}", colours)]
        if group == "1":
            lines.append(_tagged("INFO", "1.1 - Linux Hosts Specific Configuration", colours))
        for check in (check for check in checks if check.id.split(".")[0] == group):
            lines.append(_tagged(check.tag, f"{check.id} - {check.title}", colours))
            names = (
                check.items
                if check.items is not None
                else ([check.details] if check.details else [])
            )
            lines += [_tagged(check.tag, f"     * Found: {name}", colours) for name in names]
    lines += ["\\n", "Section B - Remediation measures"]
    for check in checks:
        if check.remediation:
            message = f"{check.id} - {check.remediation} Remediation Impact: None."
            lines.append(_tagged("INFO", message, colours))
    lines += [
        "\\n",
        "Section C - Score\\n",
        _tagged("INFO", f"Checks: {len(checks)}", colours),
        "[INFO] Score: 0",
    ]
    return "".join(_interpreted(line) + "\n" for line in lines).encode("utf-8", "surrogatepass")


def json_of_1_6(checks: Sequence[Printed], *, grouped: bool = True) -> bytes:
    """Every key on its own line; `-c` prints the same without the groups."""
    out = '{\n  "dockerbenchsecurity": "1.6.0",\n  "start": 1795414000,\n  "tests": ['
    sections = [[check for check in checks if check.id.split(".")[0] == group] for group in GROUPS]
    printed = []
    for (group, name), members in zip(GROUPS.items(), sections, strict=True):
        body = ",".join(_test_of_1_6(check) for check in members)
        head = f'\n    {{\n      "id": "{group}",\n      "desc": "{name}",\n      "results": ['
        printed.append(f"{head}{body}\n      ]\n    }}" if grouped else body)
    out += ",".join(part for part in printed if part)
    out += f'\n  ],\n  "checks": {len(checks)},\n  "score": 0,\n  "end": 1795414003\n}}'
    return out.encode("utf-8", "surrogatepass")


def json_of_1_3_5(checks: Sequence[Printed]) -> bytes:
    """Every test on its own line."""
    out = '{\n  "dockerbenchsecurity": "1.3.5",\n  "start": 1795414000,\n  "tests": ['
    sections = []
    for group, name in GROUPS.items():
        tests = [_test_of_1_3_5(check) for check in checks if check.id.split(".")[0] == group]
        sections.append(
            f'\n    {{"id": "{group}", "desc": "{name}",  "results": [{",".join(tests)}\n    ]}}'
        )
    out += ",".join(sections)
    out += f'\n  ], "checks": {len(checks)}, "score": 0, "end": 1795414003 \n}}\n'
    return out.encode("utf-8", "surrogatepass")


def _test_of_1_6(check: Printed) -> str:
    indent = "\n          "
    out = f'\n        {{{indent}"id": "{check.id}",{indent}"desc": "{check.title}",{indent}'
    out += f'"result": "{check.tag}"'
    if check.items is not None:
        listed = ",".join(f'"{name}"' for name in check.items)
        out += (
            f',{indent}"details": "{check.details}: {"".join(" " + name for name in check.items)}"'
        )
        out += f',{indent}"items": [\n            {listed}\n          ]'
    elif check.details is not None:
        out += f',{indent}"details": "{check.details}"'
    if check.remediation is not None:
        out += (
            f',{indent}"remediation": "{check.remediation}",{indent}"remediation-impact": "None."'
        )
    return out + "\n        }"


def _test_of_1_3_5(check: Printed) -> str:
    out = f'\n      {{"id": "{check.id}", "desc": "{check.title}", "result": "{check.tag}"'
    if check.items is not None:
        listed = ",".join(f'"{name}"' for name in check.items)
        repeated = "".join(" " + name for name in check.items)
        out += f', "details": "{check.details}: {repeated}", "items": [{listed}]'
    elif check.details is not None:
        out += f', "details": "{check.details}"'
    return out + "}"


def _tagged(tag: str, text: str, colours: bool) -> str:
    return f"\x1b[1;34m[{tag}]\x1b[0m {text}" if colours else f"[{tag}] {text}"


def _interpreted(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), text)
