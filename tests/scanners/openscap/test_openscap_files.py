"""What the files of real hosts hold beside one plain scan: older scans, times without a zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from schemas.report import Report
from stages.scanners.openscap.openscap_report import Options, read_openscap
from tests.scanners.openscap.scap_samples import XCCDF, Rule, arf, opener, results, run_of

BY_DEFAULT = Options()
OLD = run_of([Rule("a", "fail")], identifier="old", end="2026-01-01T00:00:00Z")
NEW = run_of([Rule("a", "pass")], identifier="new")


def read(text: str, options: Options = BY_DEFAULT) -> Report:
    return read_openscap(opener(text), None, options)


def test_of_several_test_results_the_newest_is_read_and_the_others_are_named() -> None:
    report = read(results([Rule("a")], run=NEW + OLD))
    assert [rule.status for rule in report.results] == ["pass"]
    warning = "the file holds 2 TestResults: the newest was read, not old (2026-01-01 00:00 UTC)"
    assert warning in report.warnings


def test_one_test_result_gives_no_warning_about_others() -> None:
    report = read(results([Rule("a")], run=NEW))
    assert not any("TestResults" in warning for warning in report.warnings)


def test_a_rule_that_was_fixed_counts_as_a_pass_with_the_remark() -> None:
    report = read(results([Rule("a", "fixed"), Rule("b", "fail")]))
    assert [rule.status for rule in report.results] == ["pass", "fail"]
    assert report.summary.passed == 1
    assert report.results[0].finding == "the rule failed and was fixed by the scanner"


def local_times() -> str:
    run = run_of([Rule("a", "pass")], start="2026-07-01T10:00:00", end="2026-07-01T10:00:05")
    return results([Rule("a")], run=run)


def test_times_without_a_zone_are_read_in_the_zone_that_is_named() -> None:
    report = read(local_times(), Options(zone=ZoneInfo("Asia/Tokyo")))
    assert report.started_at == datetime(2026, 7, 1, 1, tzinfo=UTC)
    assert report.completed_at == datetime(2026, 7, 1, 1, 0, 5, tzinfo=UTC)
    assert any("have no zone: read as those of Asia/Tokyo" in one for one in report.warnings)


def test_times_without_a_zone_are_read_as_those_of_this_host() -> None:
    report = read(local_times())
    wall = report.started_at.astimezone().replace(tzinfo=None)
    assert f"{wall}" == "2026-07-01 10:00:00"
    assert any("have no zone: read as those of this host" in one for one in report.warnings)


def test_a_named_zone_does_not_move_times_that_have_one() -> None:
    text = results([Rule("a")], run=NEW)
    assert read(text, Options(zone=ZoneInfo("Asia/Tokyo"))).started_at == read(text).started_at


def test_the_zone_counts_where_the_newest_of_several_results_is_looked_for() -> None:
    old = run_of([Rule("a", "fail")], identifier="old", start="", end="2026-07-01T10:00:00")
    new = run_of([Rule("a", "pass")], identifier="new", start="", end="2026-07-01T09:00:00Z")
    text = results([Rule("a")], run=old + new)
    east, west = ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York")
    assert read(text, Options(zone=east)).results[0].status == "pass"
    assert read(text, Options(zone=west)).results[0].status == "fail"


def test_a_zone_is_applied_only_to_the_times_that_have_none() -> None:
    run = run_of([Rule("a", "pass")], start="2026-07-01T10:00:00", end="2026-07-01T10:00:05+02:00")
    report = read(results([Rule("a")], run=run), Options(zone=ZoneInfo("Asia/Tokyo")))
    assert report.started_at == datetime(2026, 7, 1, 1, tzinfo=UTC)
    assert report.completed_at == datetime(2026, 7, 1, 8, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize("wall", ["0001-01-01T00:00:00", "9999-12-31T23:59:59"])
@pytest.mark.parametrize("zone", [None, ZoneInfo("Pacific/Kiritimati"), ZoneInfo("Etc/GMT+12")])
def test_the_first_and_the_last_day_that_there_is_are_read(
    wall: str, zone: ZoneInfo | None
) -> None:
    run = run_of([Rule("a")], start=wall, end=wall)
    report = read(results([Rule("a")], run=run), Options(zone=zone))
    assert report.completed_at.year in (1, 9999)


def test_a_clock_that_was_set_back_does_not_end_a_scan_before_it_began() -> None:
    run = run_of([Rule("a")], start="2026-07-01T10:00:00Z", end="2026-07-01T09:00:00Z")
    report = read(results([Rule("a")], run=run))
    assert report.started_at == report.completed_at == datetime(2026, 7, 1, 10, tzinfo=UTC)


def test_where_the_times_are_known_there_is_no_warning_about_those_of_the_file() -> None:
    report = read(local_times(), Options(times_are_known=True))
    assert not any("zone" in warning for warning in report.warnings)


def with_profile(selects: str, rules: list[Rule]) -> str:
    text = results(rules)
    return text.replace("</title></Profile>", f"</title>{selects}</Profile>", 1)


def test_rules_that_the_scanner_dropped_are_counted_and_named() -> None:
    selects = "".join(
        f'<select idref="xccdf_org.example_rule_{name}" selected="true"/>' for name in "abcd"
    )
    rules = [Rule("a", "pass"), Rule("b", "notselected"), Rule("c", "fail")]
    report = read(with_profile(selects, rules))
    (warning,) = (one for one in report.warnings if "no result" in one)
    assert warning.startswith("2 of 4 rules that the profile selects have no result")
    assert warning.endswith("xccdf_org.example_rule_b, xccdf_org.example_rule_d")


def test_a_profile_whose_rules_were_all_dropped_does_not_select_none() -> None:
    report = read(results([Rule("a", "notselected")]))
    assert report.status == "failed"
    assert report.error == (
        "nothing was evaluated: the scanner dropped every rule that the profile selects"
    )


def test_rules_that_the_profile_does_not_select_are_not_missing() -> None:
    selects = '<select idref="xccdf_org.example_rule_b" selected="false"/>'
    report = read(with_profile(selects, [Rule("a", "pass"), Rule("b", "notselected")]))
    assert not any("no result" in warning for warning in report.warnings)


def tailored(selects: str, *, with_file: bool) -> str:
    """An ARF of a scan with a tailored profile, which extends the standard one."""
    profile = "xccdf_org.example_profile_standard"
    run = run_of([Rule("a", "pass"), Rule("b", "notselected")])
    run = run.replace(profile, "xccdf_my_profile_own").replace(
        "<title>OSCAP", '<tailoring-file href="t.xml" id="t" version="1" time="x"/><title>OSCAP', 1
    )
    text = arf([Rule("a", "pass"), Rule("b", "notselected")], run=run)
    if not with_file:
        return text
    return text.replace(
        "</ds:component>",
        f'</ds:component><ds:component id="t"><Tailoring xmlns="{XCCDF}" id="xccdf_x_tailoring_t">'
        f'<Profile id="xccdf_my_profile_own" extends="{profile}"><title>Mine</title>{selects}'
        "</Profile></Tailoring></ds:component>",
        1,
    )


def test_rules_that_a_tailored_profile_selects_are_named_where_the_tailoring_is_known() -> None:
    drops_none = '<select idref="xccdf_org.example_rule_b" selected="false"/>'
    for selects, with_file, missing in (("", True, 1), (drops_none, True, 0), ("", False, 0)):
        report = read_openscap(None, opener(tailored(selects, with_file=with_file)))
        found = [one for one in report.warnings if "no result" in one]
        assert len(found) == missing
        assert all(one.endswith("xccdf_org.example_rule_b") for one in found)


def test_an_arf_alone_is_read_by_the_same_rules() -> None:
    report = read_openscap(None, opener(arf([Rule("a", "fixed")])))
    assert report.results[0].status == "pass"
