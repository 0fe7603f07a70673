"""Every kind of OVAL test that security content uses is told in an administrator's words."""

import pytest

from schemas.report import RuleResult
from stages.parse.openscap import read_openscap
from tests.parse.kind_samples import KINDS
from tests.parse.scap_samples import Rule, Test, arf, opener


def told(test: Test) -> RuleResult:
    """The one failed rule of an ARF with this test."""
    report = read_openscap(None, opener(arf([Rule("one", tests=[test])])))
    assert report.summary.failed == 1
    return report.results[0]


def login_defs(value: str, name: str = "PASS_MAX_DAYS", demand: str = "365") -> Test:
    return Test(
        kind="textfilecontent54",
        object=rf'<filepath>/etc/login.defs</filepath><pattern operation="pattern match">^\s*{name}\s+(\S+)</pattern>',
        state=f'<subexpression datatype="int" operation="less than or equal">{demand}</subexpression>',
        item="textfilecontent",
        items=[
            (
                "false",
                (
                    f"<filepath>/etc/login.defs</filepath><path>/etc</path><filename>login.defs</filename>"
                    f"<text>{name} {value}</text><subexpression>{value}</subexpression>"
                ),
            )
        ],
    )


def test_a_setting_in_a_file() -> None:
    rule = told(login_defs("99999"))
    assert rule.finding == "/etc/login.defs: PASS_MAX_DAYS is 99999, expected at most 365"
    assert rule.actual == "/etc/login.defs: PASS_MAX_DAYS 99999"
    assert rule.expected == "/etc/login.defs: PASS_MAX_DAYS at most 365 (at least one line)"


def test_a_setting_that_is_not_there() -> None:
    test = login_defs("1")
    test.items = []
    rule = told(test)
    assert rule.actual == "not found: PASS_MAX_DAYS in /etc/login.defs"
    assert rule.finding == "/etc/login.defs: PASS_MAX_DAYS is not set, expected at most 365"


def test_a_value_of_the_profile_is_shown_and_not_its_variable() -> None:
    test = login_defs("99999")
    test.state = '<subexpression datatype="int" operation="less than or equal" var_ref="oval:x-max:var:1"/>'
    test.variables = [("oval:x-max:var:1", "60")]
    assert told(test).finding == "/etc/login.defs: PASS_MAX_DAYS is 99999, expected at most 60"


def test_a_constant_of_the_content_is_shown() -> None:
    test = login_defs("99999")
    test.state = '<subexpression datatype="int" operation="equals" var_ref="oval:x-max:var:1"/>'
    test.definitions = '<constant_variable id="oval:x-max:var:1"><value>90</value></constant_variable>'
    assert told(test).finding == "/etc/login.defs: PASS_MAX_DAYS is 99999, expected 90"


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_a_wording_of_its_own(name: str) -> None:
    test, finding = KINDS[name]
    rule = told(test)
    assert rule.finding is not None
    assert rule.finding.startswith(finding)
    assert rule.actual
    assert rule.expected


def test_more_than_ten_items_are_a_short_list_with_a_count() -> None:
    names = [f"/tmp/f{number:02}" for number in range(25)]
    items = [("false", f"<filepath>{name}</filepath><user_id>5</user_id>") for name in names]
    rule = told(
        Test("file", '<filepath operation="pattern match">^/tmp/.*</filepath>', "<user_id>0</user_id>", items)
    )
    assert rule.actual is not None
    assert rule.finding is not None
    assert rule.actual.count("/tmp/f") == 10
    assert rule.actual.endswith("(and 15 more, 25 in all)")
    assert rule.finding == "/tmp/f00: owner is 5, expected 0 (and 24 more)"


def test_only_the_items_that_fail_are_told() -> None:
    items = [
        ("true", "<filepath>/tmp/good</filepath><user_id>0</user_id>"),
        ("false", "<filepath>/tmp/bad</filepath><user_id>5</user_id>"),
    ]
    rule = told(Test("file", "<path>/tmp</path>", "<user_id>0</user_id>", items))
    assert rule.finding == "/tmp/bad: owner is 5, expected 0"
    assert rule.actual == "/tmp/bad: owner 5"


def test_a_test_in_error_tells_its_reason() -> None:
    test = Test(
        "file",
        "<filepath>/etc/x</filepath>",
        "<user_id>0</user_id>",
        result="error",
        message="<message>permission denied</message>",
    )
    report = read_openscap(None, opener(arf([Rule("one", result="error", definition="error", tests=[test])])))
    assert report.results[0].status == "error"
    assert report.results[0].actual == "could not be evaluated: an error (permission denied)"


def test_a_failing_part_of_several_is_told_alone() -> None:
    good, bad = login_defs("10", "PASS_WARN_AGE"), login_defs("99999")
    good.result = "true"
    report = read_openscap(None, opener(arf([Rule("one", tests=[good, bad])])))
    assert report.results[0].finding == "/etc/login.defs: PASS_MAX_DAYS is 99999, expected at most 365"


def test_of_several_demands_only_those_that_are_not_met_are_told() -> None:
    test = login_defs("99999")
    test.state = (
        '<subexpression datatype="int" operation="less than or equal">90</subexpression>'
        '<subexpression datatype="int" operation="greater than">0</subexpression>'
    )
    rule = told(test)
    assert rule.finding == "/etc/login.defs: PASS_MAX_DAYS is 99999, expected at most 90"
    assert rule.expected == "/etc/login.defs: PASS_MAX_DAYS at most 90 and more than 0 (at least one line)"


def test_a_setting_that_the_pattern_does_not_name_is_named_by_the_line() -> None:
    test = login_defs("022", "UMASK")
    test.object = (
        r'<filepath>/etc/login.defs</filepath><pattern operation="pattern match">(?=U)\S+\s+0?(\d+)</pattern>'
    )
    test.state = "<subexpression>077</subexpression>"
    assert told(test).finding == "/etc/login.defs: UMASK is 022, expected 077"


def test_a_negated_check_is_told_the_other_way_round() -> None:
    present = Test(
        "dpkginfo", "<name>telnetd</name>", result="true", items=[("not evaluated", "<name>telnetd</name>")]
    )
    negated = (
        '<criteria operator="AND" result="false">'
        '<criterion test_ref="oval:x-one0:tst:1" negate="true" result="false"/></criteria>'
    )
    report = read_openscap(None, opener(arf([Rule("one", tests=[present], criteria=negated)])))
    assert report.results[0].expected == "no package telnetd"
    assert report.results[0].actual == "package telnetd"


@pytest.mark.parametrize("pattern", ["a?" * 60 + "a" * 60, "(a|a)" * 39 + "b"])
def test_a_pattern_that_would_take_for_ever_is_not_tried(pattern: str) -> None:
    test = login_defs("a" * 60)
    test.state = f'<subexpression operation="pattern match">{pattern}</subexpression>'
    finding = told(test).finding
    assert finding is not None
    assert finding.startswith("/etc/login.defs: PASS_MAX_DAYS is aaaa")
