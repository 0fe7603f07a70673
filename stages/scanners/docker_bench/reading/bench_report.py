"""Docker Bench's output to a report: read strictly, else leniently, else from the text log.

The text log also supplies what the JSON lacks: checks, titles, findings, remediations, the time.
The report says in `read_from` which way was used, and in `warnings` why, where it was not the
strict one, and where JSON and text log contradict each other.

*Diagnostics*: `DockerBenchError` where no check is found in what was given.
*Security*: output larger than 16 MiB is not read; texts, lists and the number of checks are
bounded.
"""

import re
from datetime import UTC, datetime, tzinfo

from schemas.records import Struct, field
from schemas.report import Profile, Report, summarize
from stages.runtime.printable import counted
from stages.scanners.docker_bench.reading.bench_output import (
    MAX_CHECKS,
    BenchOutput,
    BrokenJSONError,
    DockerBenchError,
)
from stages.scanners.docker_bench.reading.bench_rules import rule_results
from stages.scanners.docker_bench.reading.lenient_json import read_leniently
from stages.scanners.docker_bench.reading.log_differences import differences, first_names
from stages.scanners.docker_bench.reading.strict_json import read_strictly
from stages.scanners.docker_bench.reading.text_log import COLOURS, LOG_LINE, read_log

MAX_BYTES = 16 * 1024 * 1024
HEAD_BYTES = 65_536

_JSON_NAME = re.compile('"(?:dockerbenchsecurity|dockerbenchsec_version)"')
_CHECK_KEYS = ('"id"', '"desc"', '"result"')


class _Reading(Struct):
    """The run as it was read, from which files and with which warnings."""

    output: BenchOutput
    read_from: str
    warnings: list[str] = field(default_factory=list)


class _Times(Struct, frozen=True):
    started: datetime
    completed: datetime
    warnings: tuple[str, ...] = ()


class _NotReadError(ValueError):
    """A file that is not read at all; the text is the reason."""


def read_docker_bench(
    json_output: bytes | None,
    log: bytes | None,
    *,
    at: datetime,
    ended: datetime | None = None,
    log_may_hold_several: bool = True,
    zone: tzinfo | None = None,
) -> Report:
    """The report of one run from its JSON, its text log or both.

    `ended` (aware) is when the run ended, where that is known from elsewhere. `at` is used, with a
    warning, where the output has no time. `zone` is that of times without one; None: this host's.
    `log_may_hold_several`: false for the log of an own scan, which is new and holds one run. Raises
    DockerBenchError.
    """
    reading = _read(json_output, log, log_may_hold_several, zone)
    output, warnings = reading.output, reading.warnings
    results = rule_results(output)
    if output.dropped_checks:
        warnings.append(f"{output.dropped_checks} checks beyond {MAX_CHECKS} were left out")
    elif output.reported_count and output.reported_count > len(results):
        warnings.append(
            f"the scanner counted {output.reported_count} checks, {len(results)} were found"
        )
    times = _times(output, at.astimezone(UTC), ended)
    warnings += times.warnings
    if not output.start_has_zone and ended is None:
        name = "this host"
        if zone is not None:
            name = str(zone)
        warnings.append(f"the time in the text log has no known zone: read as that of {name}")
    return Report(
        profile=Profile(name="CIS Docker", type="docker-bench", version=output.version),
        status="completed",
        started_at=times.started,
        completed_at=times.completed,
        summary=summarize(results),
        results=results,
        warnings=tuple(warnings),
        scanner_version=output.version,
        read_from=reading.read_from,
    )


def looks_like_docker_bench(head: bytes) -> bool:
    """Whether a file that starts so is Docker Bench's JSON or text log."""
    text = _plain_text(head)
    if _is_json(text):
        has_checks = all(key in text for key in _CHECK_KEYS)
        return has_checks or _JSON_NAME.search(text) is not None
    return LOG_LINE.search(text) is not None


def is_docker_bench_log(head: bytes) -> bool:
    """Of a file that looks like Docker Bench: whether it is the text log, not the JSON."""
    return not _is_json(_plain_text(head))


def _read(
    json_output: bytes | None, log: bytes | None, log_may_hold_several: bool, zone: tzinfo | None
) -> _Reading:
    from_log, problem = BenchOutput(), "the text log has none"
    try:
        text = _checked(log, "text log")
        from_log = read_log(text, may_hold_several=log_may_hold_several, zone=zone)
    except _NotReadError as error:
        problem = str(error)
    reading = _combine(json_output, from_log, problem)
    if from_log.runs > 1:
        reading.warnings.append(f"the text log holds {from_log.runs} runs: the last was read")
    if reading.output.unnumbered_results:
        count = counted(reading.output.unnumbered_results, "result")
        reading.warnings.append(f"left out: {count} without the number of a check")
    return reading


def _combine(json_output: bytes | None, from_log: BenchOutput, problem_of_log: str) -> _Reading:
    output, problem = _read_json(json_output)
    if output.checks:
        return _json_with_log(output, problem, from_log)
    problem = problem or "the JSON holds no check"
    if not from_log.checks:
        raise DockerBenchError(f"output holds no check: {problem}, {problem_of_log}")
    from_log.complete_from(output)
    return _Reading(from_log, "text log", [f"read from the text log: {problem}"])


def _json_with_log(output: BenchOutput, problem: str | None, log: BenchOutput) -> _Reading:
    reading = _Reading(output, "JSON")
    if problem:
        reading.read_from = "JSON (leniently)"
        reading.warnings.append(f"read leniently: {problem}")
        if output.end is None and not log.checks:
            reading.warnings.append("the JSON has no end: later checks may be missing")
    reading.warnings += differences(output, log)
    added = output.complete_from(log)
    if added:
        reading.read_from += " and text log"
        reading.warnings.append(
            f"the JSON lacks {len(added)} checks, taken from the text log: {first_names(added)}"
        )
    return reading


def _read_json(payload: bytes | None) -> tuple[BenchOutput, str | None]:
    """The run, and why it could not be read strictly; None where it could."""
    try:
        text = _checked(payload, "JSON")
        return read_strictly(text), None
    except _NotReadError as error:
        return BenchOutput(), str(error)
    except BrokenJSONError as error:
        return read_leniently(text), f"the JSON is broken: {error}"


def _checked(payload: bytes | None, name: str) -> bytes:
    if payload is None:
        raise _NotReadError(f"there is no {name}")
    if not payload.strip():
        raise _NotReadError(f"the {name} is empty")
    if len(payload) > MAX_BYTES:
        raise _NotReadError(f"the {name} is {len(payload)} bytes, more than {MAX_BYTES}")
    return payload


def _times(output: BenchOutput, at: datetime, ended: datetime | None) -> _Times:
    """Start and end, and a warning where one of them is a guess.

    A clock that was set back during the scan does not make it end before it began.
    """
    started = _from_seconds(output.start)
    completed = _from_seconds(output.end) or ended
    if started and completed:
        return _Times(started, max(started, completed))
    if started:
        warning = "the output does not hold the time when the scan ended: its start is used"
        return _Times(started, started, (warning,))
    if completed:
        warning = "the output does not hold the time when the scan began: its end is used"
        return _Times(completed, completed, (warning,))
    problem = "the output does not hold the time of the scan"
    if output.unreadable_start:
        problem = f"the time in the text log can't be read ({output.unreadable_start})"
    warning = f"{problem}: {at:%Y-%m-%d %H:%M} UTC, the time of the file, is assumed"
    return _Times(at, at, (warning,))


def _from_seconds(seconds: int | None) -> datetime | None:
    if not seconds:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _plain_text(content: bytes) -> str:
    """The head of a file without colours."""
    return COLOURS.sub("", content[:HEAD_BYTES].decode("utf-8-sig", errors="replace")).lstrip()


def _is_json(text: str) -> bool:
    """A log begins with a bracket, too: `[INFO]`."""
    first = text.removeprefix("[").lstrip()
    return first.startswith("{")
