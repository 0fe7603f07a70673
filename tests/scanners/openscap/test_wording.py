"""Every kind of OVAL test that security content uses is explained in plain English."""

import pytest

from schemas.report import RuleResult
from stages.scanners.openscap.openscap_report import read_openscap
from tests.scanners.openscap.kind_samples_linux import LINUX_KINDS
from tests.scanners.openscap.kind_samples_unix import UNIX_KINDS
from tests.scanners.openscap.scap_samples import Rule, Test, arf, opener

KINDS = LINUX_KINDS | UNIX_KINDS


def failed_rule(test: Test) -> RuleResult:
    """The one failed rule of an ARF with this test."""
    report = read_openscap(None, opener(arf([Rule("one", tests=[test])])))
    assert report.summary.failed == 1
    return report.results[0]


def login_defs(value: str, name: str = "PASS_MAX_DAYS", limit: str = "365") -> Test:
    return Test(
        kind="textfilecontent54",
        object=r'<filepath>/etc/login.defs</filepath><pattern operation="pattern match">'
        rf"^\s*{name}\s+(\S+)</pattern>",
        state=f'<subexpression datatype="int" operation="less than or equal">{limit}'
        "</subexpression>",
        item="textfilecontent",
        items=[
            (
                "false",
                (
                    "<filepath>/etc/login.defs</filepath><path>/etc</path><filename>login.defs"
                    "</filename>"
                    f"<text>{name} {value}</text><subexpression>{value}</subexpression>"
                ),
            )
        ],
    )


def test_a_setting_in_a_file() -> None:
    rule = failed_rule(login_defs("99999"))
    assert rule.finding == "/etc/login.defs: PASS_MAX_DAYS is 99999, expected at most 365"
    assert rule.actual == "/etc/login.defs: PASS_MAX_DAYS 99999"
    assert rule.expected == "/etc/login.defs: PASS_MAX_DAYS at most 365 (at least one line)"


def test_a_setting_that_is_not_there() -> None:
    test = login_defs("1")
    test.items = []
    rule = failed_rule(test)
    assert rule.actual == "not found: PASS_MAX_DAYS in /etc/login.defs"
    assert rule.finding == "/etc/login.defs: PASS_MAX_DAYS is not set, expected at most 365"


def test_a_value_of_the_profile_is_shown_and_not_its_variable() -> None:
    test = login_defs("99999")
    test.state = (
        '<subexpression datatype="int" operation="less than or equal" var_ref="oval:x-max:var:1"/>'
    )
    test.variables = [("oval:x-max:var:1", "60")]
    assert (
        failed_rule(test).finding == "/etc/login.defs: PASS_MAX_DAYS is 99999, expected at most 60"
    )


def test_a_constant_of_the_content_is_shown() -> None:
    test = login_defs("99999")
    test.state = '<subexpression datatype="int" operation="equals" var_ref="oval:x-max:var:1"/>'
    test.definitions = (
        '<constant_variable id="oval:x-max:var:1"><value>90</value></constant_variable>'
    )
    assert failed_rule(test).finding == "/etc/login.defs: PASS_MAX_DAYS is 99999, expected 90"


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_its_own_wording(name: str) -> None:
    test, finding = KINDS[name]
    rule = failed_rule(test)
    assert rule.finding is not None
    assert rule.finding.startswith(finding)
    assert rule.actual
    assert rule.expected


def test_more_than_ten_items_are_a_short_list_with_a_count() -> None:
    names = [f"/tmp/f{number:02}" for number in range(25)]
    items = [("false", f"<filepath>{name}</filepath><user_id>5</user_id>") for name in names]
    rule = failed_rule(
        Test(
            "file",
            '<filepath operation="pattern match">^/tmp/.*</filepath>',
            "<user_id>0</user_id>",
            items,
        )
    )
    assert rule.actual is not None
    assert rule.finding is not None
    assert rule.actual.count("/tmp/f") == 10
    assert rule.actual.endswith("(and 15 more, 25 in total)")
    assert rule.finding == "/tmp/f00: owner is 5, expected 0 (root) (and 24 more)"


def test_only_the_failing_items_are_shown() -> None:
    items = [
        ("true", "<filepath>/tmp/good</filepath><user_id>0</user_id>"),
        ("false", "<filepath>/tmp/bad</filepath><user_id>5</user_id>"),
    ]
    rule = failed_rule(Test("file", "<path>/tmp</path>", "<user_id>0</user_id>", items))
    assert rule.finding == "/tmp/bad: owner is 5, expected 0 (root)"
    assert rule.actual == "/tmp/bad: owner 5"


def test_a_test_in_error_has_a_reason() -> None:
    test = Test(
        "file",
        "<filepath>/etc/x</filepath>",
        "<user_id>0</user_id>",
        result="error",
        message="<message>permission denied</message>",
    )
    report = read_openscap(
        None, opener(arf([Rule("one", result="error", definition="error", tests=[test])]))
    )
    assert report.results[0].status == "error"
    assert report.results[0].actual == "could not be evaluated: error (permission denied)"


def test_of_several_parts_only_the_failed_one_is_explained() -> None:
    good, bad = login_defs("10", "PASS_WARN_AGE"), login_defs("99999")
    good.result = "true"
    report = read_openscap(None, opener(arf([Rule("one", tests=[good, bad])])))
    assert (
        report.results[0].finding == "/etc/login.defs: PASS_MAX_DAYS is 99999, expected at most 365"
    )


def test_of_several_expected_values_only_the_unmet_ones_are_in_the_finding() -> None:
    test = login_defs("99999")
    test.state = (
        '<subexpression datatype="int" operation="less than or equal">90</subexpression>'
        '<subexpression datatype="int" operation="greater than">0</subexpression>'
    )
    rule = failed_rule(test)
    assert rule.finding == "/etc/login.defs: PASS_MAX_DAYS is 99999, expected at most 90"
    assert (
        rule.expected
        == "/etc/login.defs: PASS_MAX_DAYS at most 90 and more than 0 (at least one line)"
    )


def test_a_setting_that_the_pattern_does_not_name_is_named_by_the_line() -> None:
    test = login_defs("022", "UMASK")
    test.object = (
        r'<filepath>/etc/login.defs</filepath><pattern operation="pattern match">(?=U)\S+\s+0?(\d+)'
        r"</pattern>"
    )
    test.state = "<subexpression>077</subexpression>"
    assert failed_rule(test).finding == "/etc/login.defs: UMASK is 022, expected 077"


def test_a_negated_check_expects_the_opposite() -> None:
    present = Test(
        "dpkginfo",
        "<name>telnetd</name>",
        result="true",
        items=[("not evaluated", "<name>telnetd</name>")],
    )
    negated = (
        '<criteria operator="AND" result="false">'
        '<criterion test_ref="oval:x-one0:tst:1" negate="true" result="false"/></criteria>'
    )
    report = read_openscap(None, opener(arf([Rule("one", tests=[present], criteria=negated)])))
    assert report.results[0].expected == "no package telnetd"
    assert report.results[0].actual == "package telnetd"


@pytest.mark.parametrize("pattern", ["a?" * 60 + "a" * 60, "(a|a)" * 39 + "b"])
def test_a_pattern_that_would_take_too_long_is_not_tried(pattern: str) -> None:
    test = login_defs("a" * 60)
    test.state = f'<subexpression operation="pattern match">{pattern}</subexpression>'
    finding = failed_rule(test).finding
    assert finding is not None
    assert finding.startswith("/etc/login.defs: PASS_MAX_DAYS is aaaa")


def test_a_set_of_files_is_described_with_the_line_that_was_looked_for() -> None:
    test = login_defs("1")
    test.items = []
    test.state = None
    test.object = (
        "<set><object_reference>oval:x-a:obj:1</object_reference>"
        "<object_reference>oval:x-b:obj:1</object_reference></set>"
    )
    pattern = r'<pattern operation="pattern match">^net\.ipv4\.ip_forward = 0$</pattern>'
    text = arf([Rule("one", tests=[test])])
    for name in ("a", "b"):
        member = (
            f'<textfilecontent54_object id="oval:x-{name}:obj:1"><filepath>/etc/{name}.conf'
            "</filepath>"
        )
        text = text.replace("</objects>", f"{member}{pattern}</textfilecontent54_object></objects>")
    finding = read_openscap(None, opener(text)).results[0].finding
    assert finding == (
        "/etc/a.conf or /etc/b.conf: no line “net.ipv4.ip_forward = 0”, expected at least one"
    )


def test_files_that_must_not_exist_are_described_with_the_exceptions() -> None:
    test = Test(
        "file",
        "<filepath>/etc/gshadow-</filepath><filter>oval:x-l:ste:1</filter><filter>oval:x-g:ste:1"
        "</filter>",
        existence="none_exist",
        items=[
            (
                "not evaluated",
                "<filepath>/etc/gshadow-</filepath><type>regular</type><group_id>42</group_id>",
            )
        ],
    )
    states = '<file_state id="oval:x-l:ste:1"><type>symbolic link</type></file_state>'
    states += '<file_state id="oval:x-g:ste:1"><group_id>0</group_id></file_state>'
    text = arf([Rule("one", tests=[test])]).replace("<states>", f"<states>{states}")
    rule = read_openscap(None, opener(text)).results[0]
    assert rule.expected == "no file /etc/gshadow- except with type symbolic link or group 0 (root)"


def test_a_case_insensitive_pattern_is_shown_as_its_word() -> None:
    test = login_defs("yes", "Storage")
    test.state = '<subexpression operation="pattern match">^(?i)none(?-i)$</subexpression>'
    assert (
        failed_rule(test).finding
        == "/etc/login.defs: Storage is yes, expected none (case-insensitive)"
    )
    test.state = '<subexpression operation="pattern match">^(?i)0(?-i)$</subexpression>'
    assert failed_rule(test).finding == "/etc/login.defs: Storage is yes, expected 0"


def test_a_state_that_repeats_the_search_is_not_part_of_the_finding() -> None:
    link = Test(
        "symlink",
        "<filepath>/etc/x</filepath>",
        "<filepath>/etc/x</filepath><canonical_path>/dev/null</canonical_path>",
    )
    assert (
        failed_rule(link).finding
        == "symbolic link /etc/x is not present, expected target /dev/null"
    )
    alone = Test("symlink", "<filepath>/etc/x</filepath>", "<filepath>/etc/x</filepath>")
    assert (
        failed_rule(alone).finding
        == "symbolic link /etc/x is not present, expected filepath /etc/x"
    )


def test_a_value_that_the_scanner_itself_hides_is_left_out_of_the_sentence() -> None:
    test = Test(
        "shadow",
        "<username>root</username>",
        '<password operation="pattern match" mask="true">^[^!*]</password>'
        '<chg_req datatype="int" operation="less than or equal">60</chg_req>',
        [
            (
                "false",
                (
                    '<username>root</username><password mask="true"></password><chg_req>99999'
                    "</chg_req>"
                ),
            )
        ],
    )
    rule = failed_rule(test)
    assert rule.finding == "account root: maximum password age (days) is 99999, expected at most 60"
    assert rule.actual == "account root: password (not shown), maximum password age (days) 99999"


def test_a_value_without_a_name_is_shown_as_found() -> None:
    test = login_defs("sys")
    test.object = (
        '<filepath>/etc/passwd</filepath><pattern operation="pattern match">^([^:]+):.*$</pattern>'
    )
    test.state = '<subexpression operation="pattern match">^(root|adm)$</subexpression>'
    test.items = [
        (
            "false",
            (
                "<filepath>/etc/passwd</filepath><text>sys:x:3</text><subexpression>sys"
                "</subexpression>"
            ),
        )
    ]
    assert failed_rule(test).finding == "/etc/passwd: found sys, expected one of root, adm"


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("all", "kernel parameter a.b: not 1"),
        ("at least one", "kernel parameter a.b: not 1"),
        ("none satisfy", "not: kernel parameter a.b: 1 (at least one value; none may match)"),
    ],
)
def test_a_negated_state_is_worded_briefly_where_that_is_true(check: str, expected: str) -> None:
    items = [("true", "<name>a.b</name><value>1</value>")]
    test = Test("sysctl", "<name>a.b</name>", "<value>1</value>", items, result="true", check=check)
    negated = (
        '<criteria operator="AND" result="false">'
        '<criterion test_ref="oval:x-one0:tst:1" negate="true" result="false"/></criteria>'
    )
    report = read_openscap(None, opener(arf([Rule("one", tests=[test], criteria=negated)])))
    assert report.results[0].expected == expected


def test_alternatives_that_could_not_be_evaluated_are_not_reported_as_violated() -> None:
    tests = [
        Test(
            "systemdunitproperty",
            f"<unit>{unit}</unit><property>ActiveState</property>",
            "<value>active</value>",
            result="error",
            message="<message>no DBus</message>",
        )
        for unit in ("a.service", "b.service")
    ]
    criteria = (
        '<criteria operator="OR" result="error">'
        + "".join(
            f'<criterion test_ref="oval:x-one{number}:tst:1" result="error"/>' for number in (0, 1)
        )
        + "</criteria>"
    )
    rule = Rule("one", result="error", definition="error", tests=tests, criteria=criteria)
    finding = read_openscap(None, opener(arf([rule]))).results[0].finding
    assert finding is not None
    assert finding.startswith(
        "no alternative could be evaluated: ActiveState of unit a.service: could not be"
    )


def test_where_nothing_may_exist_its_state_does_not_matter() -> None:
    items = [("false", "<name>telnetd</name><evr>0:1-1</evr>")]
    rule = failed_rule(
        Test(
            "dpkginfo", "<name>telnetd</name>", "<evr>0:0.17-1</evr>", items, existence="none_exist"
        )
    )
    assert rule.expected == "no package telnetd"
    assert rule.finding == "found package telnetd: version 0:1-1; expected no package telnetd"


def test_a_missing_probe_is_named_as_the_reason() -> None:
    test = Test(
        "selinuxboolean", "<name>a</name>", "<current_status>true</current_status>", result=""
    )
    text = arf([Rule("one", result="unknown", definition="", tests=[test])])
    text = text.replace('<object id="oval:x-one0:obj:1" flag="complete"/>', "")
    assert read_openscap(None, opener(text)).results[0].actual == (
        "could not be evaluated: unknown (nothing was collected, the scanner may lack the probe)"
    )
