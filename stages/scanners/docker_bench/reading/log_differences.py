"""Where JSON and text log of one run contradict each other. Pure."""

from collections.abc import Sequence

from stages.scanners.docker_bench.reading.bench_output import BenchCheck, BenchOutput

_SAME_RUN_S = 60
"""Seconds between the starts that JSON and text log give, at most."""
_SHOWN = 10


def differences(json: BenchOutput, log: BenchOutput) -> list[str]:
    """Each kind of difference in one line; nothing for a log without checks."""
    if not log.checks:
        return []
    found = [
        _different_versions(json, log),
        _different_starts(json, log),
        _different_results(json, log),
        _missing_in_log(json, log),
    ]
    return list(filter(None, found))


def first_names(names: Sequence[str]) -> str:
    """The first of many names, for a warning."""
    shown = ", ".join(names[:_SHOWN])
    if len(names) > _SHOWN:
        return f"{shown}, …"
    return shown


def _different_versions(json: BenchOutput, log: BenchOutput) -> str | None:
    if not json.version or not log.version or json.version == log.version:
        return None
    return f"the JSON is of version {json.version}, the text log of {log.version}: not of one run?"


def _different_starts(json: BenchOutput, log: BenchOutput) -> str | None:
    if not json.start or not log.start or not log.start_has_zone:
        return None
    if abs(json.start - log.start) <= _SAME_RUN_S:
        return None
    return "JSON and text log began at different times: not of one run?"


def _different_results(json: BenchOutput, log: BenchOutput) -> str | None:
    contradictions = []
    for number, check in json.checks.items():
        # The check that the JSON ends in may lack its result.
        if number in log.checks and number != json.truncated_check:
            contradictions += _contradiction(check, log.checks[number])
    if not contradictions:
        return None
    return (
        "JSON and text log differ in results, those of the JSON count: "
        f"{first_names(contradictions)}"
    )


def _contradiction(check: BenchCheck, logged: BenchCheck) -> list[str]:
    """A check that fails in one of them alone.

    INFO in one and NOTE or PASS in the other is how the scanner prints some of its checks.
    """
    if not check.result or not logged.result:
        return []
    if (check.result == "WARN") == (logged.result == "WARN"):
        return []
    return [f"{check.id} ({check.result}, {logged.result})"]


def _missing_in_log(json: BenchOutput, log: BenchOutput) -> str | None:
    missing = [number for number in json.checks if number not in log.checks]
    # The log may count a check that it prints without its number.
    if not missing or log.reported_count == len(json.checks):
        return None
    return f"the text log lacks checks of the JSON: {first_names(missing)}"
