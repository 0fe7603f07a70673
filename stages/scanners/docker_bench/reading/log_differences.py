"""Where JSON and text log of one run say different things. Pure."""

from collections.abc import Sequence

from stages.scanners.docker_bench.reading.bench_output import Output

_ONE_RUN_S = 60
"""Seconds between the beginnings of JSON and text log, at most."""


def differences(json: Output, log: Output) -> list[str]:
    """Each kind of difference in one line; of a log without checks, none."""
    if not log.checks:
        return []
    told = []
    if json.version and log.version and json.version != log.version:
        told.append(
            f"the JSON is of version {json.version}, the text log of {log.version}: not of one run?"
        )
    if json.start and log.start and abs(json.start - log.start) > _ONE_RUN_S:
        told.append("JSON and text log began at different times: not of one run?")
    if differ := _results(json, log):
        told.append(f"JSON and text log differ in results, the JSON's stand: {first(differ)}")
    lacking = [number for number in json.checks if number not in log.checks]
    # A check whose line has no number may be counted by the log all the same.
    if lacking and log.counted != len(json.checks):
        told.append(f"the text log lacks checks of the JSON: {first(lacking)}")
    return told


def first(names: Sequence[str]) -> str:
    """The first of many names, for a warning."""
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "")


def _results(json: Output, log: Output) -> list[str]:
    """Checks that fail in one of them alone. INFO in one and NOTE or PASS in the other is how some are printed."""
    found = []
    for number, ours in json.checks.items():
        theirs = log.checks.get(number)
        # The check that the JSON ends in has no result of its own to be sure of.
        if theirs is None or number == json.torn or not (ours.word and theirs.word):
            continue
        if (ours.word == "WARN") != (theirs.word == "WARN"):
            found.append(f"{number} ({ours.word}, {theirs.word})")
    return found
