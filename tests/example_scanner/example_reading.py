"""The lines of the example scanner: `line-check|ID|TITLE|pass or fail`."""

from schemas.report import Profile, Report, RuleResult, RuleStatus, summarize
from stages.scanners.spec import ScannerOutput, UnreadableError
from tests.example_scanner.example_spec import CHECKS, FIRST, FIRST_TITLE, PROFILE, PROFILE_TITLE

_STATUS: dict[str, RuleStatus] = {"pass": "pass", "fail": "fail"}


def read_checks(output: ScannerOutput) -> Report:
    """Raises UnreadableError."""
    content = output.whole(CHECKS, 1 << 20)
    if content is None:
        raise UnreadableError("the script wrote no lines")
    results = tuple(_result(line) for line in content.decode().splitlines())
    profile = Profile(name=PROFILE_TITLE, type="line-check", id=PROFILE)
    if len(results) == 1:
        profile = Profile(name=FIRST_TITLE, type="line-check", id=FIRST)
    return Report(
        profile=profile,
        status="completed",
        started_at=output.started_at,
        completed_at=output.completed_at or output.started_at,
        summary=summarize(results),
        results=results,
    )


def _result(line: str) -> RuleResult:
    fields = line.split("|")
    if len(fields) != 4 or fields[0] != "line-check" or fields[3] not in _STATUS:
        raise UnreadableError(f"not a line of a check: {line!r}")
    return RuleResult(rule_ref=fields[1], title=fields[2], status=_STATUS[fields[3]])
