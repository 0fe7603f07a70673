"""What a reader of a report should know of the scan itself, each in one line. Pure."""

from collections.abc import Collection, Iterable, Sequence
from datetime import tzinfo

from stages.runtime.printable import by_number, listed
from stages.scanners.openscap.xccdf.xccdf_benchmark import Benchmark
from stages.scanners.openscap.xccdf.xccdf_results import TestResult, in_utc
from stages.scap.rule_counts import Selection
from stages.scap.tailoring import Tailoring

_MOST_NAMED = 20


def zone_is_assumed(zone: tzinfo | None) -> str:
    """A warning that times without a zone were read in this zone; None: this host's."""
    name = "this host"
    if zone is not None:
        name = str(zone)
    return f"the times of the results have no zone: read as those of {name}"


def other_results(others: Sequence[TestResult], zone: tzinfo | None) -> list[str]:
    """A warning that the file also holds older TestResults."""
    if not others:
        return []
    names = listed([_with_end(one, zone) for one in others], _MOST_NAMED)
    count = len(others) + 1
    return [f"the file holds {count} TestResults: the newest was read, not {names}"]


def _with_end(test_result: TestResult, zone: tzinfo | None) -> str:
    """Scanners give the same id to all scans of a profile."""
    return f"{test_result.id} ({in_utc(test_result.completed_at, zone):%Y-%m-%d %H:%M} UTC)"


def rules_without_result(
    test_result: TestResult, benchmark: Benchmark, tailoring: Tailoring
) -> list[str]:
    """A warning about rules that the profile selects and the scanner left out silently.

    Rules that the benchmark does not have are named only beside such rules: in many benchmarks
    profiles select rules that were never built.
    """
    found = selection_of(test_result, benchmark, tailoring)
    if found is None:
        return []
    selection, profile = found
    reported = {one.idref for one in test_result.outcomes if one.result != "notselected"}
    selected = selection.selected(profile)
    missing = without(selected, reported)
    if not missing:
        return []
    unknown = without(selection.unknown(profile), reported)
    return [_missing_results(sorted(missing + unknown), len(selected) + len(unknown))]


def selection_of(
    test_result: TestResult, benchmark: Benchmark, tailoring: Tailoring
) -> tuple[Selection, str] | None:
    """What the profiles select, and the profile of the scan among them.

    None where the tailoring file that decides it is missing, or the benchmark of the profile.
    """
    profile = test_result.profile
    if profile in tailoring.selection.profiles:
        return benchmark.selection.tailored(tailoring.selection), profile
    if test_result.is_tailored or profile not in benchmark.selection.profiles:
        return None
    return benchmark.selection, profile


def without(rules: Iterable[str], others: Collection[str]) -> list[str]:
    """The rules that are not among the others, in their order."""
    return [rule for rule in rules if rule not in others]


def _missing_results(missing: Sequence[str], total: int) -> str:
    verb = by_number(len(missing), "has", "have")
    return (
        f"{len(missing)} of {total} rules that the profile selects {verb} no result, because the"
        f" scanner dropped: {listed(missing, _MOST_NAMED)}"
    )


def cut_off_warning(rules: Sequence[str]) -> list[str]:
    """A warning that oscap reached one of its limits in the checks of these rules."""
    if not rules:
        return []
    names = listed(sorted(rules), _MOST_NAMED)
    return [f"oscap did not look at everything in the checks of {len(rules)} of the rules: {names}"]
