"""What the progress of a scan adds to its report: durations, and the rules of an ended scan.

Diagnostics: UnreadableError for a file that is not what the runner wrote.
"""

from collections.abc import Mapping

from schemas.codec import SchemaError, decode
from schemas.report import RuleResult
from spool.packing import PackingError
from stages.scanners.openscap.openscap_report import STATUS
from stages.scanners.openscap.rule_instances import worst_result
from stages.scanners.openscap.rule_progress import MAX_BYTES, ROLE, RuleProgress
from stages.scanners.spec import ScannerOutput, UnreadableError


def durations_s(output: ScannerOutput) -> Mapping[str, float]:
    """Seconds that each rule took; none of scans that were run elsewhere."""
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


def _progress(output: ScannerOutput) -> RuleProgress:
    try:
        content = output.whole(ROLE, MAX_BYTES)
        if content is None:
            return RuleProgress()
        return decode(content, RuleProgress)
    except (SchemaError, PackingError) as error:
        raise UnreadableError(f"{ROLE}: {error}") from error
