"""What the runner's own files add to a report: durations, the rules of a scan that was ended, and
the output of scripts.

Diagnostics: UnreadableError for a file that is not what the runner wrote.
"""

from collections.abc import Mapping
from typing import TypeVar

from schemas.codec import SchemaError, decode
from schemas.manifest import Role
from schemas.report import RuleResult
from spool.packing import PackingError
from stages.scanners.openscap import rule_progress, script_results
from stages.scanners.openscap.openscap_report import STATUS
from stages.scanners.openscap.rule_instances import worst_result
from stages.scanners.openscap.rule_progress import RuleProgress
from stages.scanners.openscap.script_checks import ScriptChecks, read_script_results
from stages.scanners.openscap.script_results import ScriptResults
from stages.scanners.spec import ScannerOutput, UnreadableError

T = TypeVar("T")


def durations_s(output: ScannerOutput) -> Mapping[str, float]:
    """Seconds that each rule took; empty for a scan that was run elsewhere."""
    durations: dict[str, float] = {}
    for rule in _progress(output).evaluated:
        durations[rule.rule] = round(durations.get(rule.rule, 0.0) + rule.duration_s, 3)
    return durations


def partial_results(output: ScannerOutput) -> tuple[RuleResult, ...]:
    """The rules that have a result, without evidence: oscap writes that at its end."""
    return tuple(
        RuleResult(
            rule_ref=rule.rule,
            title=rule.title,
            status=STATUS.get(worst_result(rule.results), "skip"),
            duration_s=rule.duration_s,
        )
        for rule in _progress(output).evaluated
    )


def script_checks(output: ScannerOutput) -> ScriptChecks:
    """The output of checks by script; empty without such checks, and for a scan that was run
    elsewhere."""
    found = _read(output, script_results.ROLE, script_results.MAX_BYTES, ScriptResults)
    return read_script_results(found)


def _progress(output: ScannerOutput) -> RuleProgress:
    return _read(output, rule_progress.ROLE, rule_progress.MAX_BYTES, RuleProgress)


def _read(output: ScannerOutput, role: Role, max_bytes: int, kind: type[T]) -> T:
    """What the file holds; an empty record where there is no such file."""
    try:
        content = output.whole(role, max_bytes)
        if content is None:
            return kind()
        return decode(content, kind)
    except (SchemaError, PackingError) as error:
        raise UnreadableError(f"{role}: {error}") from error
