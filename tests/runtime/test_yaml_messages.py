"""Mistakes in a settings file are explained without PyYAML's terms."""

import pytest

from stages.scanners.settings import parse_settings


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("server: url: x", "line 1, column 12: a second colon in one line"),
        ("server:\n\turl: x", "line 2, column 1: a tab: indent with blanks"),
        ("server: {url: x", "a bracket or brace is not closed"),
        ('server: "x', "a quote is not closed"),
        ("server:\n  url: x\n api: y", "the indentation does not fit"),
        ("server: *x", "a value that begins with *: put the value in quotes"),
        ("server: !x y", "a value that begins with !: put the value in quotes"),
        ("server: @x", "a character that cannot begin a value"),
        ("a: 1\n---\nb: 2", "a second document (---): only one is read"),
        ("a\x01: 1", "cannot be printed"),
        ("a: !!int ''", "a value does not fit its tag"),
    ],
)
def test_a_mistake_is_explained(text: str, message: str) -> None:
    (problem,) = parse_settings(text.encode())[1]
    assert problem.message.startswith("is not YAML: ")
    assert message in problem.message


def test_a_misspelt_section_does_not_hide_the_problems_in_it() -> None:
    _, problems = parse_settings(b"servr: {url: 'ftp://x'}\nlogs: {level: loud}\n")
    assert [problem.key for problem in problems] == [
        "servr",
        "servr.url",
        "logs",
        "logs.level",
    ]
