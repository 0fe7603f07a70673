"""What an administrator reads: settings, lines, permissions and numbers as they are written."""

import pytest

from stages.scanners.openscap.openscap_report import read_openscap
from stages.scanners.openscap.oval.file_modes import expected_mode
from stages.scanners.openscap.oval.readable_values import readable_value
from tests.scanners.openscap.scap_samples import Rule, Test, arf, opener
from tests.scanners.openscap.test_wording import failed_rule


def missing(pattern: str, behaviors: str = "", state: str | None = None) -> Test:
    return Test(
        "textfilecontent54",
        f"{behaviors}<filepath>/etc/x</filepath>"
        f'<pattern operation="pattern match">{pattern}</pattern>',
        state,
        item="textfilecontent",
    )


AT_MOST = '<subexpression datatype="int" operation="less than or equal">600</subexpression>'


@pytest.mark.parametrize(
    ("pattern", "absence"),
    [
        (r"^\s*TMOUT=(.*)$", "TMOUT is not set"),
        (r"^\s*TMOUT=(\d+)", "TMOUT is not set to a number"),
        (r"^\s*TMOUT=(\d+)$", r"TMOUT is not set in the form /^\s*TMOUT=(\d+)$/"),
        (r"^\s*TMOUT=(\d{3})", r"TMOUT is not set in the form /^\s*TMOUT=(\d{3})/"),
        (r"^readonly.*TMOUT=(\S+)", r"TMOUT is not set in the form /^readonly.*TMOUT=(\S+)/"),
    ],
)
def test_a_setting_is_not_set_only_as_far_as_the_pattern_shows(pattern: str, absence: str) -> None:
    finding = failed_rule(missing(pattern, state=AT_MOST)).finding or ""
    assert finding.startswith(f"/etc/x: {absence}")
    assert finding.endswith(", expected at most 600")


def test_a_line_that_sets_the_setting_in_another_form_is_the_actual_value() -> None:
    other = missing("^TMOUT.*$")
    other.existence = "none_exist"
    other.items = [("not evaluated", "<filepath>/etc/x</filepath><text>TMOUT=900 # s</text>")]
    rules = [
        Rule("a", tests=[missing(r"^TMOUT=(\d+)$", state=AT_MOST)]),
        Rule("b", tests=[other]),
    ]
    rule = read_openscap(None, opener(arf(rules))).results[0]
    assert rule.actual == "/etc/x has “TMOUT=900 # s”"
    assert (rule.finding or "").startswith(
        "/etc/x has “TMOUT=900 # s”; /etc/x: TMOUT is not set in"
    )


def test_the_nearest_line_may_be_in_another_file_of_the_directory() -> None:
    looked_for = (
        '<path>/etc/p.d</path><filename operation="pattern match">^.*\\.sh$</filename>'
        '<pattern operation="pattern match">^umask 077$</pattern>'
    )
    item = "<path>/etc/p.d</path><filename>a.sh</filename><text>umask 022</text>"
    other = Test(
        "textfilecontent54",
        looked_for.replace("077", "0.*"),
        existence="none_exist",
        items=[("not evaluated", item)],
        item="textfilecontent",
    )
    wanted = Test("textfilecontent54", looked_for, item="textfilecontent")
    report = read_openscap(None, opener(arf([Rule("a", tests=[wanted]), Rule("b", tests=[other])])))
    assert report.results[0].finding == (
        "/etc/p.d/a.sh has “umask 022”; files named *.sh in /etc/p.d: no line “umask 077”"
    )


def test_the_same_files_of_several_directories_are_one_place() -> None:
    pattern = '<pattern operation="pattern match">^umask 077$</pattern>'
    test = missing("^x$")
    test.object = "<set>"
    members = ""
    for number, directory in enumerate(("/etc/p.d", "/run/p.d")):
        name = f"oval:x-m{number}:obj:1"
        test.object += f"<object_reference>{name}</object_reference>"
        members += (
            f'<textfilecontent54_object id="{name}"><path>{directory}</path>'
            f'<filename operation="pattern match">.*\\.sh$</filename>{pattern}'
            "</textfilecontent54_object>"
        )
    test.object += "</set>"
    text = arf([Rule("one", tests=[test])]).replace("</objects>", f"{members}</objects>")
    assert read_openscap(None, opener(text)).results[0].finding == (
        "files named *.sh in /etc/p.d, /run/p.d: no line “umask 077”, expected at least one"
    )


def test_an_exception_of_what_must_not_exist_is_what_is_expected() -> None:
    test = file_with(0o755, "<uid>0</uid>")
    test.state = None
    test.existence = "none_exist"
    test.object += "<filter>oval:x-l:ste:1</filter><filter>oval:x-m:ste:1</filter>"
    bits = "".join(f"<{name}>false</{name}>" for name in BITS[6:])
    states = '<file_state id="oval:x-l:ste:1"><type>symbolic link</type></file_state>'
    states += f'<file_state id="oval:x-m:ste:1">{bits}</file_state>'
    text = arf([Rule("one", tests=[test])]).replace("<states>", f"<states>{states}")
    rule = read_openscap(None, opener(text)).results[0]
    assert rule.finding == "/etc/x: mode is 0755, expected 0700 or stricter"
    assert rule.expected == (
        "no file /etc/x except with type symbolic link or mode 0700 or stricter"
    )


@pytest.mark.parametrize(
    ("behaviors", "line"),
    [
        ('<behaviors ignore_case="true"/>', "“umask 027” (case-insensitive)"),
        ('<behaviors multiline="false"/>', "like “umask 027” (/^umask 027$/)"),
        ("", "“umask 027”"),
    ],
)
def test_what_the_object_does_to_its_pattern_is_part_of_the_text(behaviors: str, line: str) -> None:
    finding = failed_rule(missing("^umask 027$", behaviors)).finding
    assert finding == f"/etc/x: no line {line}, expected at least one"


def test_a_file_without_lines_is_described_without_the_expression() -> None:
    finding = failed_rule(missing("^.*$")).finding
    assert finding == "/etc/x: no line with any text (a comment), expected at least one"


def test_a_whole_line_is_expected_without_the_end_of_the_line() -> None:
    test = missing("^(.*)$", state="<text>1\n</text>")
    assert (failed_rule(test).finding or "").endswith("expected line 1")


def test_two_expected_values_of_one_field_are_one_sentence() -> None:
    test = missing(r"^UMASK\s+(\S+)")
    test.state = '<subexpression operation="pattern match">^(027|077)$</subexpression>'
    found = "<filepath>/etc/x</filepath><text>UMASK 022</text><subexpression>022</subexpression>"
    test.items = [("false", found)]
    assert failed_rule(test).finding == "/etc/x: UMASK is 022, expected one of 027, 077"


def test_a_part_of_two_alternatives_is_not_taken_for_a_whole_value() -> None:
    test = missing(r"^UMASK\s+(\S+)")
    test.state = '<subexpression operation="pattern match">^027|077$</subexpression>'
    found = "<filepath>/etc/x</filepath><text>UMASK 022</text><subexpression>022</subexpression>"
    test.items = [("false", found)]
    assert failed_rule(test).finding == "/etc/x: UMASK is 022, expected a value matching ^027|077$"


BITS = [
    "suid",
    "sgid",
    "sticky",
    "uread",
    "uwrite",
    "uexec",
    "gread",
    "gwrite",
    "gexec",
    "oread",
    "owrite",
    "oexec",
]


def file_with(mode: int, state: str, operator: str = "AND") -> Test:
    bits = [f"<{name}>{mode >> (11 - place) & 1}</{name}>" for place, name in enumerate(BITS)]
    test = Test(
        "file",
        "<filepath>/etc/x</filepath>",
        state,
        [("false", f"<filepath>/etc/x</filepath>{''.join(bits)}")],
    )
    test.operator = operator
    return test


@pytest.mark.parametrize(
    ("state", "operator", "expected"),
    [
        (
            "<gwrite>false</gwrite><owrite>false</owrite>",
            "AND",
            "without write for group, write for",
        ),
        (
            "<gexec>true</gexec><oexec>true</oexec>",
            "OR",
            "with execute for group or with execute for",
        ),
        ("<gread>0</gread><oread>0</oread>", "OR", "without read for group or without read for"),
    ],
)
def test_permission_bits_are_combined_as_the_state_combines_them(
    state: str, operator: str, expected: str
) -> None:
    finding = failed_rule(file_with(0o666, state, operator)).finding or ""
    assert finding.startswith(f"/etc/x: mode is 0666, expected {expected} others")


def test_a_permission_bit_from_a_variable_is_part_of_the_mode() -> None:
    test = file_with(0o646, '<owrite datatype="boolean" var_ref="oval:x-w:var:1"/>')
    test.variables = [("oval:x-w:var:1", "false")]
    finding = failed_rule(test).finding
    assert finding == "/etc/x: mode is 0646, expected without write for others"


def test_modes_are_octal() -> None:
    assert expected_mode(dict.fromkeys(BITS[3:], False)) == "0000 or stricter"
    assert expected_mode({name: name in ("uread", "uwrite") for name in BITS}) == "0600"
    assert expected_mode({"suid": True}) == "with suid"
    assert expected_mode({"suid": True, "gwrite": False}) == "with suid and without write for group"


@pytest.mark.parametrize(
    ("kind", "field", "setting", "number", "text"),
    [
        ("systemdunitproperty", "value", "TimeoutStopUSec", "90000000", "90000000 (1 min 30 s)"),
        ("systemdunitproperty", "value", "WatchdogUSec", "18446744073709551615", "infinity"),
        ("systemdunitproperty", "value", "UMask", "18", "0022 (decimal 18)"),
        ("systemdunitproperty", "value", "MainPID", "18", "18"),
        ("password", "last_login", None, "1700000000", "1700000000 (2023-11-14 22:13:20 UTC)"),
        ("process58", "loginuid", None, "4294967295", "4294967295 (unset)"),
        ("process58", "loginuid", None, "1000", "1000"),
        ("file", "group_id", None, "0", "0 (root)"),
        ("shadow", "exp_date", None, "20000", "20000 (2024-10-04)"),
    ],
)
def test_numbers_are_written_as_an_administrator_writes_them(
    kind: str, field: str, setting: str | None, number: str, text: str
) -> None:
    assert readable_value(kind, field, number, setting) == text


def test_a_limit_of_systemd_is_a_duration_on_both_sides() -> None:
    test = Test(
        "systemdunitproperty",
        "<unit>x.service</unit><property>TimeoutStopUSec</property>",
        '<value datatype="int" operation="less than or equal">60000000</value>',
        [
            (
                "false",
                "<unit>x.service</unit><property>TimeoutStopUSec</property><value>90000000</value>",
            )
        ],
    )
    assert failed_rule(test).finding == (
        "unit x.service: TimeoutStopUSec is 90000000 (1 min 30 s),"
        " expected at most 60000000 (1 min)"
    )


def test_a_difference_of_times_is_a_duration() -> None:
    test = Test(
        "variable",
        "<var_ref>oval:x-age:var:1</var_ref>",
        '<value datatype="int" operation="less than">1209600</value>',
        [("false", "<var_ref>oval:x-age:var:1</var_ref><value>2592000</value>")],
    )
    test.definitions = (
        '<local_variable id="oval:x-age:var:1" comment="the age of the AIDE database">'
        "<time_difference><literal_component/></time_difference></local_variable>"
    )
    assert failed_rule(test).finding == (
        "the age of the AIDE database is 2592000 (30 d), expected less than 1209600 (14 d)"
    )


@pytest.mark.parametrize("operator", ["AND", "OR"])
def test_the_number_of_a_match_is_not_a_requirement_of_any_state(operator: str) -> None:
    test = file_with(0o644, "<user_id>0</user_id><instance>1</instance>", operator)
    rule = failed_rule(test)
    assert "instance" not in f"{rule.finding} {rule.actual} {rule.expected}"
    assert "match" not in f"{rule.finding} {rule.expected}"


def test_what_the_object_was_looked_for_by_is_not_a_requirement() -> None:
    test = Test(
        "dpkginfo",
        '<name operation="pattern match">^linux-image</name>',
        '<name operation="pattern match">^linux-image</name><version>6.1</version>',
        [("false", "<name>linux-image-a</name><version>5.10</version>")],
    )
    assert failed_rule(test).finding == "package linux-image-a: version is 5.10, expected 6.1"


def test_a_fact_that_several_alternatives_share_is_in_the_actual_value_once() -> None:
    test = Test("dpkginfo", "<name>aide</name>")
    line = missing("^a$")
    criteria = (
        '<criteria operator="OR" result="false">'
        '<criteria operator="AND" result="false"><criterion test_ref="oval:x-one0:tst:1"'
        ' result="false"/><criterion test_ref="oval:x-one1:tst:1" result="false"/></criteria>'
        '<criterion test_ref="oval:x-one0:tst:1" result="false"/></criteria>'
    )
    rule = Rule("one", tests=[test, line], criteria=criteria)
    actual = read_openscap(None, opener(arf([rule]))).results[0].actual
    assert actual == "not found: package aide; not found: line “a” in /etc/x"


def test_a_script_without_output_is_named_with_its_end() -> None:
    check = (
        '<check system="http://open-scap.org/page/SCE"><check-import import-name="stdout"/>'
        '<check-content-ref href="checks/nft_table.sh"/></check>'
    )
    rule = read_openscap(None, opener(arf([Rule("a", check=check)]))).results[0]
    assert rule.finding == (
        "the script checks/nft_table.sh ended with fail; the results hold no output of it; "
        "to run it by hand as root: unpack the content (oscap ds sds-split FILE DIRECTORY), then "
        "XCCDF_RESULT_PASS=101 XCCDF_RESULT_FAIL=102 bash checks/nft_table.sh"
    )
    assert rule.actual == "checks/nft_table.sh ended with fail"
    assert rule.expected == "checks/nft_table.sh to end with pass"
