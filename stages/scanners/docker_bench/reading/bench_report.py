"""Docker Bench's output to a report: strictly, else leniently, else from the text log.

The text log also supplies what the JSON lacks: checks, titles, findings, remediations, the time. The report says
in `read_from` which way was used, and in `warnings` why, where it was not the strict one, and where JSON and text log
say different things.

*Diagnostics*: `DockerBenchError` where no check is found in what was given.
*Security*: output larger than 16 MiB is not read; texts, lists and the number of checks are bounded.
"""

from datetime import UTC, datetime

from schemas.report import Profile, Report, summarize
from stages.scanners.docker_bench.reading.bench_output import (
    MAX_CHECKS,
    BrokenJSONError,
    DockerBenchError,
    Output,
)
from stages.scanners.docker_bench.reading.bench_rules import rule_results
from stages.scanners.docker_bench.reading.lenient_json import read_leniently
from stages.scanners.docker_bench.reading.log_differences import differences, first
from stages.scanners.docker_bench.reading.strict_json import read_strictly
from stages.scanners.docker_bench.reading.text_log import COLOURS, is_log_line, read_log

MAX_BYTES = 16 * 1024 * 1024
HEAD_BYTES = 65_536

_JSON_NAMES = ('"dockerbenchsecurity"', '"dockerbenchsec_version"')
_LOG_NAMES = ("# Docker Bench for Security", "Section A - Check results")


def read_docker_bench(
    json_output: bytes | None, log: bytes | None, *, at: datetime, ended: datetime | None = None
) -> Report:
    """The report of one run from its JSON, its text log or both.

    `ended` (aware) is when it ended, where that is known from elsewhere; `at` stands in for a time that nothing
    tells, with a warning. Raises DockerBenchError.
    """
    output, read_from, warnings = _read(json_output, log)
    results = rule_results(output)
    if output.left_out:
        warnings.append(f"{output.left_out} checks beyond {MAX_CHECKS} were left out")
    elif output.counted and output.counted > len(results):
        warnings.append(f"the scanner counted {output.counted} checks, {len(results)} were found")
    started, completed, untold = _times(output, at.astimezone(UTC), ended)
    warnings += [untold] if untold else []
    return Report(
        profile=Profile(name="CIS Docker", type="docker-bench", version=output.version),
        status="completed",
        started_at=started,
        completed_at=completed,
        summary=summarize(results),
        results=results,
        warnings=tuple(warnings),
        scanner_version=output.version,
        read_from=read_from,
    )


def looks_like_docker_bench(head: bytes) -> bool:
    """Whether a file that begins so is Docker Bench's JSON or text log."""
    text = _beginning(head)
    if _is_json(text):
        listed = all(name in text for name in ('"id"', '"desc"', '"result"'))
        return listed or any(name in text for name in _JSON_NAMES)
    return any(is_log_line(line) or line.startswith(_LOG_NAMES) for line in text.split("\n"))


def is_docker_bench_log(head: bytes) -> bool:
    """Of a file that looks like Docker Bench: whether it is the text log, not the JSON."""
    return not _is_json(_beginning(head))


def _read(json_output: bytes | None, log: bytes | None) -> tuple[Output, str, list[str]]:
    from_log = read_log(log) if log and len(log) <= MAX_BYTES else Output()
    output, trouble = _read_json(json_output)
    if not output.checks:
        if from_log.checks:
            from_log.supply(output)
            return (
                from_log,
                "text log",
                [f"read from the text log: {trouble or 'the JSON holds no check'}"],
            )
        raise DockerBenchError(
            f"output holds no check: {trouble or 'the JSON has none'}, {_state_of(log)}"
        )
    warnings = [f"read leniently: {trouble}"] if trouble else []
    if trouble and output.end is None and not from_log.checks:
        warnings.append("the JSON has no end: later checks may be missing")
    read_from = "JSON (leniently)" if trouble else "JSON"
    warnings += differences(output, from_log)
    if added := output.supply(from_log):
        warnings.append(
            f"the JSON lacks {len(added)} checks, taken from the text log: {first(added)}"
        )
        read_from += " and text log"
    return output, read_from, warnings


def _read_json(payload: bytes | None) -> tuple[Output, str | None]:
    """The run, and what kept it from being read strictly."""
    if not payload or not payload.strip():
        return Output(), "there is no JSON" if payload is None else "the JSON is empty"
    if len(payload) > MAX_BYTES:
        return Output(), f"the JSON is {len(payload)} bytes, more than {MAX_BYTES}"
    try:
        return read_strictly(payload), None
    except BrokenJSONError as error:
        return read_leniently(payload), f"the JSON is broken: {error}"


def _state_of(log: bytes | None) -> str:
    if log is None:
        return "there is no text log"
    if len(log) > MAX_BYTES:
        return f"the text log is {len(log)} bytes, more than {MAX_BYTES}"
    return "the text log has none" if log.strip() else "the text log is empty"


def _times(
    output: Output, at: datetime, ended: datetime | None
) -> tuple[datetime, datetime, str | None]:
    """Start and end, and a warning where one is not told.

    A clock that was set back during the scan does not make it end before it began.
    """
    started = datetime.fromtimestamp(output.start, UTC) if output.start else None
    completed = datetime.fromtimestamp(output.end, UTC) if output.end else ended
    if started and completed:
        return started, max(started, completed), None
    if started:
        return started, started, "the output does not tell when the scan ended: its start stands in"
    if completed:
        told = "the output does not tell when the scan began: its end stands in"
        return completed, completed, told if ended is None else None
    return at, at, f"the output does not tell when the scan ran: {at:%Y-%m-%d %H:%M} UTC is assumed"


def _beginning(content: bytes) -> str:
    return COLOURS.sub("", content[:HEAD_BYTES].decode("utf-8-sig", errors="replace")).lstrip()


def _is_json(text: str) -> bool:
    """A log also begins with a bracket, `[INFO]`."""
    return text.startswith("{") or (text.startswith("[") and text[1:].lstrip().startswith("{"))
