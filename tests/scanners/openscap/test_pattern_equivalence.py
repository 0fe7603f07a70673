"""A pattern is shown as plain text alone only where the two are equivalent."""

import re

import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from stages.scanners.openscap.oval.pattern_alternatives import literal_alternatives
from stages.scanners.openscap.oval.pattern_values import ValueForm
from stages.scanners.openscap.oval.pattern_wording import PatternText, pattern_text
from tests.scanners.openscap.scap_samples import Test
from tests.scanners.openscap.test_wording import failed_rule

pytestmark = pytest.mark.slow

FAITHFUL = (
    *("a", "B", "7", "_", "=", ":", "-", "/", " ", r"\.", r"\-", r"\$", r"\(", ",", '"', "'"),
    *(r"\s*", r"\s+", r"\s", r"[\s]*", r"[ \t]+", r"\s?", "[[:space:]]*", "[[:blank:]]+"),
    *("umask", "PermitRootLogin", "gpgcheck", "027", "(word)", "(?:word)", r"\ ", "{", "@@{X}"),
)
"""Pieces whose text is equivalent."""
OTHERS = (
    *(".*", ".+", ".", r"\d+", r"\w*", "[a-c]", "[^#]*", "a*", "b+", "c?", "x{2}", r"\S+"),
    *("(a|b)", "(?:yes|no)", r"(\d+)", "(a|)", "(?i)", r"\b", "^", "$", "|", r"(.*)", "(?i:a)"),
    *(r"[\t]+", r"\s{2}", r"(\S)\1", "(a)b\\1", "(?P<q>[ab])(?P=q)", "(?=a)", "(?!a)", "(?<=a)"),
    *("[[:alpha:]]+", "[[:digit:]]", "[^[:space:]]+", r"[\]a]", "a??", "(ab)?", "(ab)+", "(?m)"),
    *("(600|[1-5][0-9]{2}|[1-9][0-9]?)", "0*(?:[1-9]|[1-5][0-9]|60)", "[0-7]{3}", r"-?\d{1,3}"),
    *("^a|b$", "(^a)", "(b$)", r"\Aa", r"\n", r"\x41", r"\t", "…", r"\.*", "a{0,2}", "a{,2}"),
)
faithful = st.lists(st.sampled_from(FAITHFUL), min_size=1, max_size=4).map("".join)
patterns = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(("", "^", r"^\s*", "^.*", r"^\s+", r"\A", "(?i)", "(?i)^", ".*")),
    faithful,
    st.one_of(st.just(""), st.sampled_from(OTHERS)),
    faithful,
    st.sampled_from(("", "$", r"\s*$", ".*$", r"\s+$", r"\b", r"\Z", ".*", "(?-i)$", "|x")),
)
many_are_not_equivalent = settings(
    max_examples=300, suppress_health_check=[HealthCheck.filter_too_much]
)
slow_to_generate = settings(many_are_not_equivalent, max_examples=60)
around = st.text("ab= #/\t", max_size=6)
_POSIX = {
    "[:space:]": r"\s",
    "[:blank:]": r" \t",
    "[:alpha:]": "A-Za-z",
    "[:digit:]": "0-9",
}


def compiled(pattern: str) -> re.Pattern[str]:
    """Python's expression for one of Perl's: Python knows no POSIX classes."""
    for name, characters in _POSIX.items():
        pattern = pattern.replace(name, characters)
    try:
        return re.compile(pattern, re.MULTILINE)
    except re.error:
        reject()


def equivalent(pattern: str) -> tuple[PatternText, re.Pattern[str]]:
    """The text of the pattern, where it claims to be equivalent."""
    found = pattern_text(pattern)
    assume(found is not None and found.is_equivalent)
    assert found is not None
    return found, compiled(pattern)


def compact(text: str) -> str:
    return "".join(text.split())


def is_described(line: str, found: PatternText) -> bool:
    """Whether the line is as the text says, the number of blanks apart."""
    line, text = compact(line), compact(found.text)
    if found.starts_line and found.ends_line:
        return line == text
    if found.starts_line:
        return line.startswith(text)
    if found.ends_line:
        return line.endswith(text)
    return text in line


@many_are_not_equivalent
@given(patterns, around, around)
def test_a_line_with_the_text_at_its_place_matches_the_pattern(
    pattern: str, before: str, after: str
) -> None:
    found, expression = equivalent(pattern)
    if found.starts_line:
        before = ""
    if found.ends_line:
        after = ""
    assert expression.search(before + found.text + after)


@many_are_not_equivalent
@given(patterns, st.data())
def test_a_line_that_matches_the_pattern_has_the_text_at_its_place(
    pattern: str, data: st.DataObject
) -> None:
    found, expression = equivalent(pattern)
    line = data.draw(st.from_regex(re.compile(expression.pattern)))
    assert is_described(line, found)


whole_patterns = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(("^", r"\A", "^", "^(?i)")),
    st.lists(st.sampled_from(("a", "etc", "/", r"\.", "-", "{", "(word)")), min_size=1).map(
        "".join
    ),
    st.one_of(st.just(""), st.just(""), st.sampled_from((*OTHERS, *FAITHFUL))),
    st.sampled_from(("$", r"\Z", "$", r"\s*$")),
)


@slow_to_generate
@given(whole_patterns, st.data())
def test_a_literal_pattern_matches_its_text_and_nothing_else(
    pattern: str, data: st.DataObject
) -> None:
    found = pattern_text(pattern)
    assume(found is not None and found.is_literal and "." not in found.text)
    assert found is not None
    assert compiled(pattern).search(found.text)
    line = data.draw(st.from_regex(re.compile(compiled(pattern).pattern)))
    assert line.removesuffix("\n") == found.text


alternatives = st.builds(
    "{}{}{}".format,
    st.sampled_from(("^", "^(", "^(?:", "", "(", "^(?i)(", "(?i)^", r"\A(")),
    st.lists(st.sampled_from(("a", "no", "YES", "0", "", r"1\.0", "b c", "x.", "[ab]", "^a", "a$")))
    .filter(bool)
    .map("|".join),
    st.sampled_from(("$", ")$", "", ")", ")(?-i)$", "(?-i)$", r")\Z")),
)


@slow_to_generate
@given(alternatives, st.data())
def test_the_alternatives_of_a_pattern_are_all_that_it_matches(
    pattern: str, data: st.DataObject
) -> None:
    found = literal_alternatives(pattern)
    assume(found is not None)
    assert found is not None
    # Python has no flag inside of a pattern.
    flags = re.IGNORECASE if found.ignores_case else re.NOFLAG
    expression = compiled(re.sub(r"\(\?-?i\)", "", pattern)).pattern
    for text in found.texts:
        assert re.search(expression, text, flags)
    line = data.draw(st.from_regex(re.compile(expression))).removesuffix("\n")
    assert line in found.texts


values = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 _./-]{0,6}", fullmatch=True)
settings_patterns = st.builds(
    "{}TMOUT{}{}{}".format,
    st.sampled_from(("", "^", r"^\s*", "^.*", r"^(?:export )?", "^a.*")),
    st.sampled_from(("=", r"\s*=\s*", r"\s+", '="', "")),
    st.sampled_from(
        (
            *(r"(\d+)", r"(-?\d+)", r"(\d{1,3})", "([0-9]*)"),
            *("(.*)", "(.+?)", r"(\S+)", "([^#]+)", "(a+)"),
        )
    ),
    st.sampled_from(
        ("", "$", r"\s*$", r"\b", r"[ \t]*(?:$|#)", r"(?:\s|$)", '"', r"(\s|x)", ".*$")
    ),
)


@slow_to_generate
@given(settings_patterns, values, st.integers(0, 9999), st.sampled_from(("", " # x", " ")))
def test_a_setting_is_said_not_to_be_set_only_where_no_line_sets_it(
    pattern: str, text: str, number: int, comment: str
) -> None:
    found = pattern_text(pattern)
    assume(found is not None and found.name == "TMOUT")
    assert found is not None
    separator = found.text.removeprefix("TMOUT").partition("…")[0]
    value = {ValueForm.NUMBER: str(number), ValueForm.ANY: text}.get(found.value_form, "")
    assume(value)
    assert compiled(pattern).search(f"TMOUT{separator}{value}{comment}")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^\s*gpgcheck\s*=\s*1$", "“gpgcheck=1”"),
        (r"^\s*Defaults\s+requiretty", "starting with “Defaults requiretty”"),
        (r"^.*audit=1\s*$", "ending with “audit=1”"),
        (r"pam_faillock\.so", "with “pam_faillock.so”"),
    ],
)
def test_an_equivalent_text_stands_alone(pattern: str, text: str) -> None:
    assert line_of(pattern) == text


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"^TMOUT=(600|[1-5][0-9][0-9])$", "like “TMOUT= …”"),
        (r"^\s*PermitEmptyPasswords\s+(no|NO)$", "like “PermitEmptyPasswords (no|NO)”"),
        (r"^-a always,exit.*-S\s+chmod\b", "like “-a always,exit … -S chmod”"),
        (r"^(?i)banner none$", "like “banner none”"),
        (r"^umask\t027$", "like “umask 027”"),
        (r"^\s+- name", "like “- name”"),
        (r"^selinux.enforcing$", "like “selinux.enforcing”"),
        (r"^(.)x\1$", "matching"),
        (r"\Aumask 027", "like “umask 027”"),
        (r"^foo|bar$", "matching"),
        (r"^umask (?=027)", "matching"),
    ],
)
def test_a_text_that_says_less_goes_with_the_expression(pattern: str, text: str) -> None:
    line = line_of(pattern)
    assert line.startswith(text)
    assert f"/{pattern}/" in line


def test_rules_that_look_for_different_lines_have_different_findings() -> None:
    calls = ("chmod", "fchmod", "chown", "fchown")
    lines = {line_of(rf"^-a\s+always,exit\s+(-S\s+\w+\s+)*-S\s+{call}\b.*$") for call in calls}
    assert len(lines) == len(calls)


def test_a_place_is_literal_only_where_the_pattern_is_anchored() -> None:
    anchored = failed_rule(Test("file", place("^/etc/passwd$"))).finding
    assert anchored == "file /etc/passwd is not present, expected to be present"
    open_ended = failed_rule(Test("file", place("/etc/passwd"))).finding or ""
    assert open_ended.startswith("files matching /etc/passwd are not present")


def place(pattern: str) -> str:
    return f'<filepath operation="pattern match">{pattern}</filepath>'


def line_of(pattern: str) -> str:
    """What a finding says of the line that a pattern looks for."""
    escaped = pattern.replace("&", "&amp;").replace("<", "&lt;")
    rule = failed_rule(
        Test(
            "textfilecontent54",
            f'<filepath>/etc/x</filepath><pattern operation="pattern match">{escaped}</pattern>',
            comment="",
        )
    )
    assert rule.finding is not None
    assert rule.actual is not None
    start, end = "/etc/x: no line ", ", expected at least one"
    assert rule.finding.startswith(start)
    assert rule.finding.endswith(end)
    return rule.finding.removeprefix(start).removesuffix(end)
