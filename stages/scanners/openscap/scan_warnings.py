"""What a reader of a report should know of the scan itself, each in one line. Pure."""

from collections.abc import Sequence
from datetime import tzinfo

from stages.scanners.openscap.xccdf.xccdf_benchmark import Benchmark
from stages.scanners.openscap.xccdf.xccdf_results import TestResult, in_utc

_MOST_NAMED = 20


def zone_is_assumed(zone: tzinfo | None) -> str:
    """That times without a zone are read in that one; None: this host's."""
    name = "this host"
    if zone is not None:
        name = str(zone)
    return f"the times of the results have no zone: read as those of {name}"


def other_results(others: Sequence[TestResult], zone: tzinfo | None) -> list[str]:
    """That the file also holds older TestResults."""
    if not others:
        return []
    names = _first_of([_with_end(one, zone) for one in others])
    count = len(others) + 1
    return [f"the file holds {count} TestResults: the newest was read, not {names}"]


def _with_end(test_result: TestResult, zone: tzinfo | None) -> str:
    """Scanners give the same id to all scans of a profile."""
    if test_result.completed_at is None:
        return f"{test_result.id} (without a time)"
    return f"{test_result.id} ({in_utc(test_result.completed_at, zone):%Y-%m-%d %H:%M} UTC)"


def rules_without_result(
    test_result: TestResult, benchmark: Benchmark, tailoring: Benchmark
) -> list[str]:
    """Rules that the profile selects and the scanner left out silently.

    What the profile selects and the benchmark lacks is named only beside such rules: in many
    benchmarks profiles select rules that were never built.
    """
    profile, selection = test_result.profile, benchmark.selection
    if profile in tailoring.selection.profiles:
        selection = selection.tailored(tailoring.selection)
    elif test_result.is_tailored:
        # Without the tailoring file it is not known what its profile selects.
        return []
    if profile not in selection.profiles:
        return []
    reported = {one.idref for one in test_result.outcomes if one.result != "notselected"}
    selected = selection.selected(profile)
    missing = [rule for rule in selected if rule not in reported]
    if not missing:
        return []
    unknown = [rule for rule in selection.unknown(profile) if rule not in reported]
    total, missing = len(selected) + len(unknown), sorted(missing + unknown)
    verb = "have"
    if len(missing) == 1:
        verb = "has"
    warning = (
        f"{len(missing)} of {total} rules that the profile selects {verb} no result, because the"
        f" scanner dropped: {_first_of(missing)}"
    )
    return [warning]


def cut_off_warning(rules: Sequence[str]) -> list[str]:
    """That oscap reached one of its limits in the checks of these rules."""
    if not rules:
        return []
    names = _first_of(sorted(rules))
    return [f"oscap did not look at everything in the checks of {len(rules)} of the rules: {names}"]


def _first_of(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    if len(names) > _MOST_NAMED:
        return f"{shown} and {len(names) - _MOST_NAMED} more"
    return shown
