"""Where JSON and text log of one run contradict each other. Pure."""

from collections.abc import Sequence

from stages.scanners.docker_bench.reading.bench_output import (
    BenchCheck,
    BenchOutput,
    BenchResult,
)

_SAME_RUN_S = 60
"""Seconds between the starts that JSON and text log give, at most."""
_SHOWN = 10


def differences(json: BenchOutput, log: BenchOutput) -> list[str]:
    """Each kind of difference in one line."""
    found = []
    if _began_at_different_times(json, log):
        found.append("JSON and text log start at different times: they may be from different runs")
    contradictions = _contradictions(json, log)
    if contradictions:
        names = first_names(contradictions)
        found.append(
            f"JSON and text log have different results, those of the JSON are used: {names}"
        )
    return found


def first_names(names: Sequence[str]) -> str:
    """The first of many names, for a warning."""
    shown = ", ".join(names[:_SHOWN])
    if len(names) > _SHOWN:
        return f"{shown}, …"
    return shown


def _began_at_different_times(json: BenchOutput, log: BenchOutput) -> bool:
    if json.start is None or log.start is None or not log.start_has_zone:
        return False
    return abs(json.start - log.start) > _SAME_RUN_S


def _contradictions(json: BenchOutput, log: BenchOutput) -> list[str]:
    """The checks that fail in one of them alone.

    INFO in one and NOTE or PASS in the other is how the scanner prints some of its checks.
    """
    found = []
    for number, logged in log.checks.items():
        # A check that the log alone has is not a contradiction.
        check = json.checks.get(number, logged)
        if check.result and _fails(check) != _fails(logged):
            found.append(f"{number} ({check.result.name}, {logged.result.name})")
    return found


def _fails(check: BenchCheck) -> bool:
    return check.result is BenchResult.WARN
