"""Values that content reads through variables are called by the settings that they are."""

from tests.scanners.openscap.scap_samples import Test
from tests.scanners.openscap.test_wording import failed_rule


def last_directive(name: str, value: str | None) -> Test:
    """How content often reads /etc/login.defs: a variable captures the last value."""
    source = (
        "<textfilecontent54_object "
        'xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5#independent" '
        'id="oval:x-line:obj:1"><filepath>/etc/login.defs</filepath><pattern operation="pattern '
        'match">'
        rf".*\n[^#]*({name}\s+\d+)\s*\n</pattern></textfilecontent54_object>"
    )
    captured = (
        f'<local_variable id="oval:x-last:var:1" comment="The value of last {name} directive in '
        '/etc/login.defs">'
        rf'<regex_capture pattern="{name}\s+(\d+)"><object_component item_field="subexpression" '
        'object_ref="oval:x-line:obj:1"/></regex_capture></local_variable>'
    )
    return Test(
        "variable",
        f"<var_ref>oval:x-last:var:1</var_ref></variable_object>{source}<variable_object>",
        '<value datatype="int" operation="less than or equal">365</value>',
        [("false", f"<var_ref>oval:x-last:var:1</var_ref><value>{value}</value>")] if value else [],
        definitions=captured,
    )


def test_a_variable_that_captures_a_setting_is_called_by_the_setting() -> None:
    rule = failed_rule(last_directive("PASS_MAX_DAYS", "99999"))
    assert rule.finding == "/etc/login.defs: PASS_MAX_DAYS is 99999, expected at most 365"
    assert rule.actual == "/etc/login.defs: PASS_MAX_DAYS: 99999"
    assert rule.expected == "/etc/login.defs: PASS_MAX_DAYS: at most 365 (at least one value)"
    missing = failed_rule(last_directive("PASS_MAX_DAYS", None))
    assert missing.finding == (
        "/etc/login.defs: no value of PASS_MAX_DAYS was found, expected at most 365"
    )
    assert missing.actual == "not found: /etc/login.defs: PASS_MAX_DAYS"


def test_a_variable_that_captures_a_secret_is_masked() -> None:
    rule = failed_rule(last_directive("DB_PASSWORD", "12345"))
    assert rule.finding == "/etc/login.defs: DB_PASSWORD is ********, expected at most 365"
    assert "12345" not in str(rule)


def test_a_variable_whose_value_is_not_known_is_called_by_its_name() -> None:
    test = Test(
        "file", "<filepath>/etc/x</filepath>", '<user_id var_ref="oval:ssg-var_owner:var:1"/>'
    )
    assert (
        failed_rule(test).finding
        == "file /etc/x is not present, expected owner the value of var_owner"
    )


def test_a_comment_of_a_variable_is_not_taken_apart() -> None:
    """A colon in it does not make it a file and a setting."""
    test = Test(
        "variable",
        "<var_ref>oval:x-age:var:1</var_ref>",
        '<value datatype="int" operation="less than or equal">365</value>',
        [],
        definitions=(
            '<local_variable id="oval:x-age:var:1" comment="Policy: longest age">'
            "<literal_component>1</literal_component></local_variable>"
        ),
    )
    assert (
        failed_rule(test).finding
        == "no value was found for Policy: longest age, expected at most 365"
    )
