"""A pattern is put in words alone only where the words demand what the pattern demands."""

import re

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from stages.scanners.openscap.oval.pattern_wording import PatternText, pattern_text
from tests.scanners.openscap.scap_samples import Test
from tests.scanners.openscap.test_wording import failed_rule

FAITHFUL = (
    *("a", "B", "7", "_", "=", ":", "-", "/", " ", r"\.", r"\-", r"\$", r"\(", ",", '"', "'"),
    *(r"\s*", r"\s+", r"\s", r"[\s]*", r"[ \t]+", r"\s?", "[[:space:]]*"),
    *("umask", "PermitRootLogin", "gpgcheck", "027", "(word)", "(?:word)"),
)
"""Pieces whose text says all that they demand."""
OTHERS = (
    *(".*", ".+", ".", r"\d+", r"\w*", "[a-c]", "[^#]*", "a*", "b+", "c?", "x{2}", r"\S+"),
    *("(a|b)", "(?:yes|no)", r"(\d+)", "(a|)", "(?i)", r"\b", "^", "$", "|", r"(.*)"),
    *(r"[\t]+", r"\s{2}", r"(\S)\1"),
)
faithful = st.lists(st.sampled_from(FAITHFUL), min_size=1, max_size=4).map("".join)
patterns = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(("", "^", r"^\s*", "^.*", r"^\s+", r"\A")),
    faithful,
    st.one_of(st.just(""), st.sampled_from(OTHERS)),
    faithful,
    st.sampled_from(("", "$", r"\s*$", ".*$", r"\s+$", r"\b", r"\Z")),
)
many_are_not_equivalent = settings(
    max_examples=300, suppress_health_check=[HealthCheck.filter_too_much]
)
around = st.text("ab= #/\t", max_size=6)


def equivalent(pattern: str) -> tuple[PatternText, re.Pattern[str]]:
    """The text of the pattern, where it claims to be equivalent."""
    found = pattern_text(pattern)
    assume(found is not None and found.is_equivalent)
    assert found is not None
    # Python knows no POSIX classes.
    return found, re.compile(pattern.replace("[:space:]", r"\s"))


def compact(text: str) -> str:
    return "".join(text.split())


def is_described(line: str, found: PatternText) -> bool:
    """Whether the line is as the words say, the number of blanks apart."""
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
    found, compiled = equivalent(pattern)
    if found.starts_line:
        before = ""
    if found.ends_line:
        after = ""
    assert compiled.search(before + found.text + after)


@many_are_not_equivalent
@given(patterns, st.data())
def test_a_line_that_matches_the_pattern_has_the_text_at_its_place(
    pattern: str, data: st.DataObject
) -> None:
    found, compiled = equivalent(pattern)
    line = data.draw(st.from_regex(compiled))
    assert is_described(line, found)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"^\s*gpgcheck\s*=\s*1$", "“gpgcheck=1”"),
        (r"^\s*Defaults\s+requiretty", "starting with “Defaults requiretty”"),
        (r"^.*audit=1\s*$", "ending with “audit=1”"),
        (r"pam_faillock\.so", "with “pam_faillock.so”"),
    ],
)
def test_an_equivalent_text_stands_alone(pattern: str, words: str) -> None:
    assert line_of(pattern) == words


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (r"^TMOUT=(600|[1-5][0-9][0-9])$", "like “TMOUT= …”"),
        (r"^\s*PermitEmptyPasswords\s+(no|NO)$", "like “PermitEmptyPasswords (no|NO)”"),
        (r"^-a always,exit.*-S\s+chmod\b", "like “-a always,exit … -S chmod”"),
        (r"^(?i)banner none$", "like “banner none”"),
        (r"^umask\t027$", "like “umask 027”"),
        (r"^\s+- name", "like “- name”"),
        (r"^selinux.enforcing$", "like “selinux.enforcing”"),
        (r"^(.)x\1$", "matching"),
    ],
)
def test_a_text_that_says_less_goes_with_the_expression(pattern: str, words: str) -> None:
    line = line_of(pattern)
    assert line.startswith(words)
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
