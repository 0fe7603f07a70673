"""A rule with several results is one result: the worst, with every instance named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.report import Report
from stages.scanners.openscap.openscap_report import Options, read_openscap
from tests.scanners.openscap.scap_samples import OVAL, Rule, Test, arf, opener, results

WORST_FIRST = (
    "fail",
    "error",
    "unknown",
    "notchecked",
    "informational",
    "fixed",
    "pass",
    "notapplicable",
    "notselected",
)


def on(instance: str, result: str, message: str = "", rule: str = "a") -> Rule:
    text = f"<message>{message}</message>" if message else ""
    return Rule(rule, result, extra=f"{text}<instance>{instance}</instance>")


def read(rules: list[Rule], *, include_notselected: bool = False) -> Report:
    options = Options(include_notselected=include_notselected)
    return read_openscap(opener(results(rules)), None, options)


def advisory(number: int, installed: str) -> Rule:
    """One of several definitions that the same rule is checked with."""
    test = Test(
        "rpminfo",
        f"<name>package{number}</name>",
        '<evr datatype="evr_string" operation="less than">0:2</evr>',
        [("false", f"<name>package{number}</name><evr>{installed}</evr>")],
    )
    return Rule(f"advisory{number}", tests=[test])


def test_the_worst_result_counts_and_every_instance_is_named_with_its_message() -> None:
    report = read([on("eth0", "pass"), on("eth1", "fail", "forwarding is on"), on("eth2", "error")])
    assert len(report.results) == report.summary.total_rules == report.summary.failed == 1
    assert report.results[0].finding == (
        "1 of 3 results is fail; eth1: fail: forwarding is on;"
        " eth2: error: the check ended with an error; eth0: pass"
    )
    assert report.results[0].actual == "eth1: forwarding is on"


@given(st.lists(st.sampled_from(WORST_FIRST), min_size=1, max_size=6))
def test_of_any_results_the_worst_is_the_status(outcomes: list[str]) -> None:
    def status(found: list[str]) -> str:
        rules = [on(f"eth{number}", result) for number, result in enumerate(found)]
        # A second rule, since a scan in which nothing applies has no results.
        report = read([*rules, Rule("other", "pass")], include_notselected=True)
        assert report.summary.total_rules == 2
        return report.results[0].status

    worst = min(outcomes, key=WORST_FIRST.index)
    assert status(outcomes) == status(outcomes[::-1]) == status([worst])


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(("pass", "fail", "error"))), max_size=12
    )
)
def test_the_counts_are_those_of_the_rows_and_each_rule_is_in_one_row(
    outcomes: list[tuple[str, str]],
) -> None:
    report = read([on("host", result, rule=rule) for rule, result in outcomes])
    rows = [row.rule_ref for row in report.results]
    assert len(rows) == len(set(rows)) == report.summary.total_rules
    assert report.summary.failed == len({rule for rule, result in outcomes if result == "fail"})


def test_several_definitions_of_one_rule_are_named_by_their_titles() -> None:
    rules = [advisory(1, "0:1"), advisory(2, "0:1.5")]
    text = arf(rules)
    for number in (1, 2):
        text = text.replace(
            f'idref="xccdf_org.example_rule_advisory{number}"',
            'idref="xccdf_org.example_rule_patches"',
        )
    report = read_openscap(None, opener(text))
    assert report.summary.total_rules == report.summary.failed == 1
    assert report.results[0].finding == (
        "2 of 2 results are fail;"
        " Definition of advisory1: fail: package package1: version is 0:1, expected less than 0:2;"
        " Definition of advisory2: fail: package package2: version is 0:1.5, expected less than 0:2"
    )
    assert report.results[0].actual == (
        "Definition of advisory1: package package1: version 0:1;"
        " Definition of advisory2: package package2: version 0:1.5"
    )


def test_several_results_that_say_nothing_have_no_finding() -> None:
    report = read([Rule("a", "pass"), Rule("a", "pass")])
    assert report.summary.passed == 1
    assert report.results[0].finding is None


@pytest.mark.parametrize("selected", ["pass", "fail"])
def test_an_instance_that_is_not_selected_does_not_hide_one_that_is(selected: str) -> None:
    report = read([on("eth0", "notselected"), on("eth1", selected)])
    assert [row.status for row in report.results] == [selected]


def test_a_secret_in_the_name_of_an_instance_is_masked() -> None:
    report = read([on("https://jo:hunter22@host", "fail"), on("eth1", "pass")])
    assert "hunter22" not in str(report)


def test_the_evidence_is_that_of_the_same_instance_in_the_arf() -> None:
    def script(text: str) -> str:
        return (
            f'<check system="{OVAL}x"><check-import import-name="stdout">{text}</check-import>'
            '<check-content-ref href="c.sh"/></check>'
        )

    rules = [
        Rule("a", extra="<instance>one</instance>", check=script("first")),
        Rule("a", extra="<instance>two</instance>", check=script("second")),
    ]
    report = read_openscap(opener(results(rules)), opener(arf(rules)))
    assert report.results[0].actual == "one: first; two: second"
