"""Results and ARFs of several scanners, versions and vendors to the same report."""

from datetime import UTC, datetime

import pytest

from schemas.report import Report, Summary
from stages.scanners.openscap.openscap_report import Options, read_openscap
from stages.scap.xml_errors import ScapError
from stages.scap.xml_records import XmlLimits
from tests.scanners.openscap.scap_samples import (
    XCCDF,
    XCCDF_11,
    Rule,
    Test,
    arf,
    opener,
    oval_results,
    results,
    run_of,
)

FAILED = Test("dpkginfo", "<name>aide</name>")
RESULTS = (
    *("pass", "fail", "error", "unknown", "notapplicable"),
    *("notchecked", "notselected", "informational", "fixed"),
)


def read(rules: list[Rule], **how: object) -> Report:
    options = Options(**how)  # type: ignore[arg-type]
    return read_openscap(opener(results(rules)), opener(arf(rules)), options)


def test_every_result_has_the_status_of_the_specification() -> None:
    report = read([Rule(word, word) for word in RESULTS], include_notselected=True)
    assert [rule.status for rule in report.results] == [
        "pass",
        "fail",
        "error",
        "skip",
        "notapplicable",
        "skip",
        "notapplicable",
        "warn",
        "pass",
    ]


def test_rules_that_are_not_selected_are_not_part_of_the_report() -> None:
    report = read([Rule("a", "pass"), Rule("b", "notselected")])
    assert [rule.rule_ref for rule in report.results] == ["xccdf_org.example_rule_a"]
    assert report.summary.total_rules == 1
    assert report.summary.score == 100.0


def test_the_report_has_profile_times_and_scanner() -> None:
    report = read([Rule("a", "pass")])
    assert report.profile.name == "The standard profile"
    assert report.profile.id == "xccdf_org.example_profile_standard"
    assert report.profile.version == "1.0"
    assert report.scanner_version == "1.3.7"
    assert report.started_at == datetime(2026, 11, 23, 6, 12, 18, tzinfo=UTC)
    assert report.completed_at == datetime(2026, 11, 23, 6, 12, 20, tzinfo=UTC)
    assert report.warnings == ()


@pytest.mark.parametrize(
    ("statuses", "reason"),
    [(["notapplicable"] * 3, "nothing applied: all 3 rules"), (["notselected"], "nothing was")],
)
def test_a_scan_in_which_nothing_applied_is_a_failed_scan(statuses: list[str], reason: str) -> None:
    unselected = 'selected="false"'
    report = read(
        [
            Rule(f"r{number}", status, attributes=unselected)
            for number, status in enumerate(statuses)
        ]
    )
    assert report.status == "failed"
    assert (report.error or "").startswith(reason)
    assert (report.results, report.summary, report.warnings) == ((), Summary(), ())


def test_one_rule_that_applied_makes_a_completed_scan() -> None:
    report = read([Rule("a", "notapplicable"), Rule("b", "notchecked")])
    assert (report.status, report.error, report.summary.total_rules) == ("completed", None, 2)


def test_results_and_arf_give_the_same_as_the_arf_alone() -> None:
    rules = [
        Rule("a", "pass"),
        Rule("b", tests=[FAILED]),
        Rule("c", "notselected"),
        Rule("d", "error"),
    ]
    assert read(rules) == read_openscap(None, opener(arf(rules)))


def test_results_alone_give_the_same_counts_and_a_warning() -> None:
    rules = [Rule("a", "pass"), Rule("b", tests=[FAILED])]
    alone = read_openscap(opener(results(rules)), None)
    assert alone.summary == read(rules).summary
    assert alone.warnings == ("no ARF: the report shows what failed, but not what was found",)
    failed = alone.results[1]
    assert failed.finding
    assert failed.actual
    assert failed.expected


@pytest.mark.parametrize("spoiled", ["", "<a/>", "<!DOCTYPE a><a/>", "cut"])
def test_an_arf_that_cannot_be_read_costs_the_evidence_and_no_more(spoiled: str) -> None:
    rules = [Rule("b", tests=[FAILED])]
    text = arf(rules)[:-200] if spoiled == "cut" else spoiled
    report = read_openscap(opener(results(rules)), opener(text))
    assert report.summary.failed == 1
    assert report.warnings[0].startswith("the ARF cannot be read")
    assert "\n" not in report.warnings[0]


def test_an_arf_of_another_scan_is_not_believed() -> None:
    rules = [Rule("b", tests=[FAILED])]
    other = arf(rules, run=run_of(rules, end="2026-11-24T00:00:00+00:00"))
    report = read_openscap(opener(results(rules)), opener(other))
    assert "another scan" in report.warnings[0]
    assert report.results[0].actual != "not found: package aide"
    assert report.results[0].description == read(rules).results[0].description


def test_of_several_test_results_the_newest_counts() -> None:
    old, new = [Rule("a", "fail")], [Rule("a", "pass")]
    runs = run_of(new, identifier="new", end="2026-11-23T07:00:00+00:00") + run_of(
        old, identifier="old"
    )
    report = read_openscap(opener(results(new, run=runs)), None)
    assert report.summary.passed == 1
    assert report.completed_at.hour == 7


def test_a_newer_run_in_the_results_than_in_the_arf_keeps_its_rules() -> None:
    old, new = (
        [Rule("a", "fail"), Rule("b", "notselected")],
        [Rule("a", "notselected"), Rule("b", "pass")],
    )
    later = run_of(new, identifier="new", end="2026-11-23T07:00:00+00:00")
    report = read_openscap(opener(results(old, run=run_of(old) + later)), opener(arf(old)))
    assert [rule.title for rule in report.results] == ["Title of b"]


def test_evidence_is_found_where_the_oval_results_come_before_the_test_result() -> None:
    rules = [Rule("b", tests=[FAILED])]
    report = read_openscap(None, opener(arf(rules, oval_first=True)))
    assert report.results[0].actual == "not found: package aide"


@pytest.mark.parametrize("namespace", [XCCDF, XCCDF_11])
def test_both_versions_of_xccdf_are_read(namespace: str) -> None:
    report = read_openscap(opener(results([Rule("a", "fail")], namespace=namespace)), None)
    assert report.results[0].title == "Title of a"


def test_a_run_of_an_old_scanner_without_zone_and_start_is_read() -> None:
    run = run_of([Rule("a", "pass")], end="2016-02-11T11:29:47", head="")
    run = run.replace('start-time="2026-11-23T06:12:18+00:00" ', "")
    report = read_openscap(opener(results([Rule("a", "pass")], run=run)), None)
    assert report.started_at == report.completed_at == datetime(2016, 2, 11, 11, 29, 47, tzinfo=UTC)
    assert report.scanner_version is None


def test_the_scanner_version_may_be_a_fact() -> None:
    facts = (
        '<target-facts><fact name="urn:xccdf:fact:scanner:version" type="string">1.2.17</fact>'
        "</target-facts>"
    )
    run = run_of([Rule("a", "pass")], head="").replace("<rule-result", facts + "<rule-result", 1)
    assert (
        read_openscap(opener(results([Rule("a", "pass")], run=run)), None).scanner_version
        == "1.2.17"
    )


def test_a_test_result_without_a_time_is_refused() -> None:
    run = run_of([Rule("a", "pass")], start="soon", end="later")
    with pytest.raises(ScapError, match="no valid end-time"):
        read_openscap(opener(results([Rule("a", "pass")], run=run)), None)


def test_a_file_without_test_result_is_refused() -> None:
    with pytest.raises(ScapError, match="no TestResult"):
        read_openscap(opener(results([Rule("a", "pass")], run=" ")), None)


def test_nothing_to_read_is_refused() -> None:
    with pytest.raises(ScapError, match="neither results nor ARF"):
        read_openscap(None, None)


def test_a_rule_with_one_instance_names_it() -> None:
    report = read([Rule("a", "fail", extra="<instance>eth1</instance>")])
    assert report.results[0].finding is not None
    assert report.results[0].finding.startswith("for eth1; ")


def test_an_override_is_part_of_the_finding() -> None:
    override = (
        '<override time="2026-11-23T08:00:00" authority="Jo"><old-result>fail</old-result>'
        "<new-result>pass</new-result><remark>accepted risk</remark></override>"
    )
    rule = read([Rule("a", "pass", extra=override)]).results[0]
    assert rule.status == "pass"
    assert rule.finding == "result changed by Jo from fail to pass: accepted risk"


def test_the_severity_is_that_of_the_run() -> None:
    rule = Rule("a", "fail", attributes='severity="high"')
    run = run_of([rule]).replace('severity="medium"', 'severity="low"')
    assert read_openscap(opener(results([rule], run=run)), None).results[0].severity == "low"
    run = run_of([rule]).replace(' severity="medium"', "")
    assert read_openscap(opener(results([rule], run=run)), None).results[0].severity == "high"


def test_the_output_of_a_script_check_is_its_evidence() -> None:
    check = (
        '<check system="http://open-scap.org/page/SCE"><check-import import-name="stdout">'
        "first\nport 23 is open\n"
        '</check-import><check-content-ref href="ports.sh"/></check>'
    )
    rule = read([Rule("a", check=check)]).results[0]
    assert rule.finding == "ports.sh ended with fail: port 23 is open"
    assert rule.actual == "first\nport 23 is open"
    assert rule.expected == "ports.sh to end with pass"


def test_a_message_of_the_scanner_is_used() -> None:
    rule = read(
        [Rule("a", "notchecked", extra='<message severity="info">no candidate check</message>')]
    ).results[0]
    assert rule.status == "skip"
    assert rule.finding == "the rule was not checked; no candidate check"


def test_a_rule_that_was_not_checked_has_a_reason() -> None:
    rule = read([Rule("a", "notchecked")]).results[0]
    assert rule.finding is not None
    assert "no automated check" in rule.finding


def test_all_checks_of_a_rule_are_explained() -> None:
    one, two = Rule("a", tests=[FAILED]), Rule("b", tests=[Test("sysctl", "<name>kernel.x</name>")])
    refs = "".join(
        f'<check system="http://oval.mitre.org/XMLSchema/oval-definitions-5">'
        f'<check-content-ref href="#oval0" name="oval:x-{name}:def:1"/></check>'
        for name in "ab"
    )
    one.check = f'<complex-check operator="AND">{refs}</complex-check>'
    rule = read([one, two]).results[0]
    assert rule.actual == "not found: package aide; not found: kernel parameter kernel.x"


def test_a_vulnerability_that_was_found_is_explained() -> None:
    test = Test(
        "dpkginfo",
        "<name>bash</name>",
        '<evr datatype="debian_evr_string" operation="less than">0:5.0</evr>',
        [("true", "<name>bash</name><evr>0:4.2</evr>")],
        result="true",
    )
    rule = read([Rule("a", tests=[test], kind="vulnerability", definition="true")]).results[0]
    assert rule.expected == "package bash: not with version less than 0:5.0"
    assert rule.actual == "package bash: version 0:4.2"


def test_an_extended_definition_is_looked_into() -> None:
    test = Test("sysctl", "<name>kernel.x</name>")
    inner = (
        '<criteria result="false"><criterion test_ref="oval:x-a0:tst:1" result="false"/></criteria>'
    )
    extend = '<extend_definition definition_ref="oval:x-inner:def:1" result="false"/>'
    outer = f'<criteria result="false">{extend}</criteria>'
    rule = Rule("a", tests=[test], criteria=outer, extends=[("oval:x-inner:def:1", "false", inner)])
    assert read([rule]).results[0].actual == "not found: kernel parameter kernel.x"


def test_thin_results_give_a_true_finding() -> None:
    rules = [Rule("a", criteria="<notes/>")]
    rule = read(rules).results[0]
    assert rule.finding == "Definition of a: it does not hold, expected to hold"


def test_evidence_that_contradicts_the_result_is_left_out() -> None:
    rule = read([Rule("a", "fail", tests=[FAILED], definition="true")]).results[0]
    assert rule.actual == "the results hold no details"


def test_a_tailored_profile_has_its_own_title_and_says_so() -> None:
    rules = [Rule("a", "pass")]
    run = run_of(rules).replace("profile_standard", "profile_mine")
    tailoring = (
        f'<ds:component id="t"><Tailoring xmlns="{XCCDF}" id="xccdf_x_tailoring_t"><Profile '
        'id="xccdf_org.example_profile_mine" extends="xccdf_org.example_profile_standard">'
        "<title>Mine</title></Profile></Tailoring></ds:component></ds:data-stream-collection>"
    )
    text = arf(rules, run=run).replace("</ds:data-stream-collection>", tailoring)
    assert read_openscap(None, opener(text)).profile.name == "Mine (tailored)"
    assert (
        read_openscap(opener(results(rules, run=run)), opener(text)).profile.name
        == "Mine (tailored)"
    )


def test_of_several_benchmarks_the_one_that_was_run_gives_the_texts() -> None:
    rules = [Rule("a", "pass")]
    other = results(rules, run=" ").partition("?>")[2]
    other = other.replace('id="bench"', 'id="other"').replace("Title of a", "Wrong")
    text = arf(rules).replace(
        '<ds:component id="b">', f'<ds:component id="o">{other}</ds:component><ds:component id="b">'
    )
    assert read_openscap(None, opener(text)).results[0].title == "Title of a"


def test_a_rule_that_the_benchmark_does_not_know_keeps_its_result() -> None:
    run = run_of([Rule("gone", "fail")])
    report = read_openscap(opener(results([Rule("a", "pass")], run=run)), None)
    assert report.summary.failed == 1
    assert report.results[0].title == "xccdf_org.example_rule_gone"


def test_the_limits_hold_for_both_files() -> None:
    with pytest.raises(ScapError, match="larger than 100 bytes"):
        read([Rule("a", "pass")], limits=XmlLimits(bytes=100))


def test_oval_results_are_kept_only_for_what_failed() -> None:
    many = [Rule(f"p{number}", "pass", tests=[FAILED], definition="true") for number in range(50)]
    assert "p49" in oval_results(many)
    report = read([*many, Rule("b", tests=[FAILED])])
    assert report.summary.passed == 50
    assert all(rule.finding is None for rule in report.results[:50])
