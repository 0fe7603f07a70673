"""Evidence that a person can use: the nearest line, one sentence first, no two rules alike."""

from schemas.report import Report, RuleResult
from stages.scanners.openscap.openscap_report import read_openscap
from stages.scanners.openscap.oval.nearest import nearest_line
from stages.scanners.openscap.oval.readable_values import readable_value
from tests.scanners.openscap.scap_samples import OVAL, Rule, Test, arf, opener

TIMEOUT = "/etc/profile.d/t.sh"


def read(*rules: Rule) -> Report:
    return read_openscap(None, opener(arf(rules)))


def line(text: str, value: str | None = None, path: str = TIMEOUT) -> str:
    directory, _, name = path.rpartition("/")
    found = f"<filepath>{path}</filepath><path>{directory}</path><filename>{name}</filename>"
    found += f"<text>{text}</text>"
    if value is not None:
        found += f"<subexpression>{value}</subexpression>"
    return found


def timeout(values: list[str], check: str, state: str) -> RuleResult:
    test = Test(
        "textfilecontent54",
        f"<filepath>{TIMEOUT}</filepath>"
        r'<pattern operation="pattern match">^TMOUT=(\S+)$</pattern>',
        state,
        [("false", line(f"TMOUT={value}", value)) for value in values],
        item="textfilecontent",
        check=check,
    )
    return read(Rule("a", tests=[test])).results[0]


AT_MOST = '<subexpression datatype="int" operation="less than or equal">600</subexpression>'


def test_of_several_lines_of_which_one_has_to_match_the_nearest_is_named_first() -> None:
    rule = timeout(["86400", "900", "3600"], "at least one", AT_MOST)
    assert (rule.actual or "").startswith(f"{TIMEOUT}: TMOUT=900; ")
    assert (rule.finding or "").startswith(f"{TIMEOUT}: TMOUT is 900, expected at most 600")


def test_lines_that_all_have_to_match_stay_in_their_order() -> None:
    rule = timeout(["86400", "900"], "all", AT_MOST)
    assert (rule.actual or "").startswith(f"{TIMEOUT}: TMOUT=86400; ")


def test_the_number_of_a_match_is_not_a_requirement() -> None:
    rule = timeout(["900"], "all", f'{AT_MOST}<instance datatype="int">1</instance>')
    assert "instance" not in f"{rule.finding} {rule.actual} {rule.expected}"
    assert rule.finding == f"{TIMEOUT}: TMOUT is 900, expected at most 600"


def missing_line(pattern: str) -> Test:
    return Test(
        "textfilecontent54",
        f'<filepath>{TIMEOUT}</filepath><pattern operation="pattern match">{pattern}</pattern>',
        item="textfilecontent",
    )


def test_a_line_of_the_file_that_is_like_the_missing_one_is_the_actual_value() -> None:
    other = Test(
        "textfilecontent54",
        f'<filepath>{TIMEOUT}</filepath><pattern operation="pattern match">^TMOUT.*$</pattern>',
        existence="none_exist",
        items=[("not evaluated", line("TMOUT=900"))],
        item="textfilecontent",
    )
    report = read(
        Rule("missing", tests=[missing_line("^TMOUT=(?:600|[1-5]00)$")]),
        Rule("other", tests=[other]),
    )
    rule = report.results[0]
    assert rule.actual == f"{TIMEOUT} has “TMOUT=900”"
    assert (rule.finding or "").startswith(f"{TIMEOUT} has “TMOUT=900” and no line ")


def test_a_line_is_near_only_with_the_same_name_and_outside_of_comments() -> None:
    assert nearest_line("TMOUT=600", ["umask 077", "TMOUT=60", "TMOUTS"]) == "TMOUT=60"
    assert nearest_line("TMOUT=600", ["umask 077", "# TMOUT=600"]) is None
    assert nearest_line("=", ["="]) is None


def test_long_alternatives_are_led_by_the_nearest_of_them() -> None:
    tests = [missing_line(f"^{name}=(?:600|[1-5]00)[a-z]{{40}}$") for name in ("AA", "BBB", "CCC")]
    rule = Rule("a", tests=tests, criteria=either_of_three())
    finding = read(rule).results[0].finding or ""
    lead, found, rest = finding.partition("; nor does any of 2 other alternatives hold. ")
    assert found
    assert lead == f"{TIMEOUT}: the line “AA= …” is missing"
    assert rest.startswith(f"In detail: {TIMEOUT}: no line like “AA= …” (/^AA=(?:600|")
    assert "BBB=" in rest
    assert "CCC=" in rest


def either_of_three() -> str:
    criteria = "".join(
        f'<criterion test_ref="oval:x-a{number}:tst:1" result="false"/>' for number in range(3)
    )
    return f'<criteria operator="OR" result="false">{criteria}</criteria>'


def failed_check(name: str, definition: str) -> Rule:
    reference = f'<check-content-ref href="#none" name="{definition}"/>'
    return Rule(name, check=f'<check system="{OVAL}">{reference}</check>')


def test_failed_rules_with_other_checks_never_share_their_finding() -> None:
    report = read(failed_check("a", "oval:x:def:1"), failed_check("b", "oval:x:def:2"))
    findings = [rule.finding for rule in report.results]
    assert findings == [
        "Title of a: the check failed; the results do not say why",
        "Title of b: the check failed; the results do not say why",
    ]


def test_rules_with_the_same_check_may_share_their_finding() -> None:
    report = read(failed_check("a", "oval:x:def:1"), failed_check("b", "oval:x:def:1"))
    assert {rule.finding for rule in report.results} == {
        "the check failed; the results do not say why"
    }


def test_dates_and_the_superuser_are_written_as_an_administrator_writes_them() -> None:
    assert readable_value("shadow", "chg_lst", "19500") == "19500 (2023-05-23)"
    assert readable_value("shadow", "chg_lst", "0") == "0"
    assert readable_value("file", "m_time", "1700000000") == "1700000000 (2023-11-14 22:13:20 UTC)"
    assert readable_value("file", "user_id", "0") == "0 (root)"
    assert readable_value("file", "user_id", "1000") == "1000"
    assert readable_value("shadow", "chg_lst", "9" * 40) == "9" * 40
    assert readable_value("textfilecontent54", "subexpression", "0") == "0"
