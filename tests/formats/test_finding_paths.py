"""Paths in findings."""

import pytest

from stages.formats.finding_paths import file_uri, finding_paths
from tests.formats import reports


@pytest.mark.parametrize(
    ("finding", "paths"),
    [
        ("/etc/passwd: mode 0777", ("/etc/passwd",)),
        ("the file '/etc/a b' is missing", ("/etc/a",)),
        ("/etc/shadow, /etc/gshadow are readable.", ("/etc/shadow", "/etc/gshadow")),
        ("See /var/log/audit/audit.log.", ("/var/log/audit/audit.log",)),
        ("https://example.org/etc/passwd", ()),
        (r"files matching ^\/etc\/profile(?:\.d\/.*\.sh)?$", ()),
        ("read/write is 1/2", ()),
        ("PASS_MAX_DAYS is 99999", ()),
    ],
)
def test_absolute_paths_are_found(finding: str, paths: tuple[str, ...]) -> None:
    assert finding_paths(reports.rule("a", "fail", finding=finding)) == paths


def test_what_was_found_stands_in_for_a_finding_without_a_path() -> None:
    result = reports.rule("a", "fail", finding="wrong mode", actual="/etc/shadow 0644")
    assert finding_paths(result) == ("/etc/shadow",)


def test_a_uri_is_percent_encoded() -> None:
    assert file_uri("/etc/a%b") == "file:///etc/a%25b"
