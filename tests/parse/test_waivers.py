"""Applying waivers: which rule is skipped, what its finding says, and what becomes a warning."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import codec
from schemas.ids import Scanner
from schemas.report import Profile, Report, RuleResult, RuleStatus, Summary, summarize
from schemas.waiver import Waiver
from stages.parse import waivers
from stages.parse.waiver_files import PlacedWaiver, WaiverSet

SCANNED_ON = date(2026, 11, 26)
FILE = Path("/etc/compliance-agent/waivers.d/ops.yml")
STATUSES: tuple[RuleStatus, ...] = ("pass", "fail", "warn", "skip", "notapplicable", "error")


def result(rule: str = "umask", status: RuleStatus = "fail", section: str = "5.4.4") -> RuleResult:
    return RuleResult(
        rule_ref=f"xccdf_org.example_rule_{rule}",
        title=rule,
        status=status,
        section=section,
        finding="UMASK is 022",
    )


def report(*results: RuleResult, scanner: str = "openscap", profile: str = "CIS Level 1") -> Report:
    at = datetime(SCANNED_ON.year, SCANNED_ON.month, SCANNED_ON.day, 23, 59, tzinfo=UTC)
    return Report(
        profile=Profile(
            name=profile, type=Scanner(scanner), id="xccdf_org.example_profile_cis_level1"
        ),
        status="completed",
        started_at=at,
        completed_at=at,
        summary=summarize(results),
        results=results,
    )


def waiver(rule: str = "umask", /, **fields: object) -> Waiver:
    values: dict[str, object] = {
        "rule": rule,
        "reason": "legacy host",
        "approved_by": "Ann",
        "expires": date(2027, 3, 31),
    }
    return codec.convert(values | fields, Waiver)


def placed(*many: Waiver) -> WaiverSet:
    return WaiverSet(tuple(PlacedWaiver(each, FILE, line) for line, each in enumerate(many, 1)))


def applied(report: Report, *many: Waiver, host: str = "web1.example.com") -> Report:
    return waivers.apply(report, placed(*many), host)


def test_a_waived_failure_is_skipped_and_keeps_its_own_finding() -> None:
    after = applied(report(result()), waiver(ticket="OPS-7"))
    (found,) = after.results
    assert found.status == "skip"
    assert found.finding == "waived until 2027-03-31 by Ann: legacy host (OPS-7). UMASK is 022"
    assert found.waiver is not None
    assert (found.waiver.status, found.waiver.ticket) == ("fail", "OPS-7")


def test_a_waived_failure_leaves_the_failed_count_and_stays_in_the_list() -> None:
    after = applied(report(result(), result("other")), waiver())
    assert (after.summary.failed, after.summary.skipped, after.summary.total_rules) == (1, 1, 2)


@pytest.mark.parametrize(
    "rule",
    [
        "xccdf_org.example_rule_umask",
        "umask",
        "UMASK",
        "uma*",
        "5.4.4",
        "5.4.*",
    ],
)
def test_a_rule_is_named_by_its_id_its_short_id_or_its_section(rule: str) -> None:
    assert applied(report(result()), waiver(rule)).results[0].status == "skip"


@pytest.mark.parametrize("rule", ["mask", "5.4", "5.4.40", "umask2", "xccdf_org.example_rule_"])
def test_a_part_of_a_name_is_not_the_rule(rule: str) -> None:
    assert applied(report(result()), waiver(rule)).results[0].status == "fail"


@pytest.mark.parametrize("status", ["pass", "skip", "notapplicable", "error"])
def test_only_a_rule_that_fails_is_waived(status: RuleStatus) -> None:
    before = report(result(status=status))
    assert applied(before, waiver()).results == before.results


def test_a_warning_of_docker_bench_is_a_failure_that_can_be_waived() -> None:
    check = RuleResult(rule_ref="2.1", title="rootless", status="warn", section="2")
    after = applied(report(check, scanner="docker-bench"), waiver("2.*"))
    assert after.results[0].status == "skip"
    assert after.summary.warnings == 0


@pytest.mark.parametrize(
    ("fields", "applies"),
    [
        ({"profile": "CIS Level 1"}, True),
        ({"profile": "cis_level1"}, True),
        ({"profile": "xccdf_org.example_profile_cis_level1"}, True),
        ({"profile": "cis_level2*"}, False),
        ({"scanner": "openscap"}, True),
        ({"scanner": "docker-bench"}, False),
        ({"host": "web1"}, True),
        ({"host": "web*.example.com"}, True),
        ({"host": "db*"}, False),
    ],
)
def test_a_waiver_can_be_limited_to_a_profile_a_scanner_and_hosts(
    fields: dict[str, object], applies: bool
) -> None:
    after = applied(report(result()), waiver(**fields))
    assert (after.results[0].status == "skip") == applies


def test_a_waiver_holds_through_its_last_day() -> None:
    after = applied(report(result()), waiver(expires=SCANNED_ON))
    assert after.results[0].status == "skip"


def test_an_expired_waiver_fails_again_and_says_since_when() -> None:
    after = applied(report(result()), waiver(expires=SCANNED_ON - timedelta(days=1)))
    (found,) = after.results
    assert found.status == "fail"
    assert found.waiver is None
    assert found.finding == "the waiver by Ann: legacy host expired on 2026-11-25. UMASK is 022"


def test_of_two_waivers_the_one_that_expires_last_counts() -> None:
    after = applied(
        report(result()), waiver("5.4.*", expires=SCANNED_ON - timedelta(days=9)), waiver()
    )
    assert after.results[0].status == "skip"
    after = applied(report(result()), waiver(), waiver("5.4.*", expires=None))
    assert (after.results[0].finding or "").startswith("waived by Ann")


@pytest.mark.parametrize(("days", "is_warned"), [(0, True), (14, True), (15, False)])
def test_a_waiver_in_use_that_expires_within_fourteen_days_is_a_warning(
    days: int, is_warned: bool
) -> None:
    after = applied(report(result()), waiver(expires=SCANNED_ON + timedelta(days=days)))
    assert any(f"{FILE}, line 1" in warning for warning in after.warnings) == is_warned


def test_one_waiver_for_many_rules_is_one_warning() -> None:
    rules = [result(f"rule{number}") for number in range(50)]
    after = applied(report(*rules), waiver("rule*", expires=SCANNED_ON))
    assert len(after.warnings) == 1


def test_problems_of_the_files_are_warnings_of_the_report() -> None:
    broken = WaiverSet(problems=("/etc/x.yml: is not YAML",))
    after = waivers.apply(report(result()), broken, "web1")
    assert after.warnings == ("waivers: /etc/x.yml: is not YAML",)
    assert after.waivers is None


def test_the_report_names_the_waivers_by_their_digest_wherever_they_stand() -> None:
    one, two = waiver("a"), waiver("b")
    assert applied(report(), one, two).waivers == applied(report(), two, one).waivers
    assert applied(report(), one).waivers != applied(report(), one, two).waivers


def test_without_waivers_nothing_of_a_report_changes() -> None:
    before = report(result(), result("other", "pass"))
    assert applied(before) == before


@given(
    statuses=st.lists(st.sampled_from(STATUSES), max_size=20),
    chosen=st.lists(st.integers(0, 19), max_size=10),
)
def test_no_rule_is_lost_and_only_failures_change(
    statuses: list[RuleStatus], chosen: list[int]
) -> None:
    before = report(*(result(f"rule{at}", status) for at, status in enumerate(statuses)))
    many = [waiver(f"rule{at}") for at in sorted(set(chosen))]
    after = applied(before, *many)
    assert [each.rule_ref for each in after.results] == [each.rule_ref for each in before.results]
    for old, new in zip(before.results, after.results, strict=True):
        if old != new:
            assert old.status in ("fail", "warn")
            assert new.status == "skip"
            assert new.waiver is not None
            assert new.waiver.status == old.status
    assert after.summary == summarize(after.results)
    assert after == applied(before, *many)


def test_a_scan_that_failed_before_it_began_has_nothing_to_waive() -> None:
    before = codec.replace(report(), status="failed", error="oscap is missing", summary=Summary())
    assert applied(before, waiver("*", all_rules=True)).results == ()
