"""What a shell offers for scans, profiles and rules: `compliance-agent __complete KIND [SCAN]`.

One candidate a line, none of them with a blank. Whatever is wrong, there is no message: the shell
is in the middle of a command line.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from stages.console.context import Context

Kind = Literal["scans", "profiles", "rules"]
COMMAND = "compliance-agent __complete"
_MOST_SCANS = 50


def candidates(arguments: Sequence[str], context: "Context") -> Iterator[str]:
    """Raises CommandError, SpoolError."""
    from stages.console import scan_states
    from stages.console.scan_names import short_names

    kind = next(iter(arguments), None)
    spool = context.existing_spool()
    if kind == "profiles":
        yield from _profiles(context)
    elif kind == "scans":
        yield "last"
        scan_ids = scan_states.snapshot(spool).scan_ids
        yield from list(short_names(scan_ids).values())[-_MOST_SCANS:]
    elif kind == "rules":
        yield from _rules(context, *arguments[1:2])


def _profiles(context: "Context") -> Iterator[str]:
    from schemas.capabilities import DETECTED_STATE, Detected

    detected = context.spool.state_store("scan").read(DETECTED_STATE, Detected)
    if detected is not None:
        for profile in detected.profiles:
            yield profile.short_name


def _rules(context: "Context", name: str = "last") -> Iterator[str]:
    from schemas.ids import short_rule_id
    from stages.console.report_source import kept_report
    from stages.formats.kept_scans import KeptScans

    if name.startswith("-"):
        name = "last"
    report = kept_report(context.spool, KeptScans(context.spool), name)
    for result in report.results:
        rule = short_rule_id(result.rule_ref)
        if rule.isprintable() and " " not in rule:
            yield rule
