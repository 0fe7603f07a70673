"""Patterns and places that are searched for, in plain text."""

import pytest

from tests.scanners.openscap.scap_samples import Test
from tests.scanners.openscap.test_wording import failed_rule


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (
            r"^[\s]*Defaults[\s]*\brequiretty\b.*$",
            r"like “Defaults requiretty” (/^[\s]*Defaults[\s]*\brequiretty\b.*$/)",
        ),
        (
            r"^\s*password\s*requisite\s*pam_pwquality\.so",
            "starting with “password requisite pam_pwquality.so”",
        ),
        (r"^.*/usr/sbin/aide[\s]*\-\-check.*$", "with “/usr/sbin/aide --check”"),
        (r"^\s*gpgcheck\s*=\s*1$", "“gpgcheck=1”"),
        (r"(auth)\s*required", "with “auth required”"),
        (r"^@@{DBDIR}/x$", "“@@{DBDIR}/x”"),
    ],
)
def test_optional_blanks_between_two_words_are_shown(pattern: str, text: str) -> None:
    looked_for = (
        f'<filepath>/etc/x</filepath><pattern operation="pattern match">{pattern}</pattern>'
    )
    rule = failed_rule(Test("textfilecontent54", looked_for))
    assert rule.finding == f"/etc/x: no line {text}, expected at least one"


def test_a_file_in_several_directories_is_described_by_them() -> None:
    looked_for = (
        '<path operation="pattern match">^/etc/cron.(d|daily)$</path><filename>x</filename>'
    )
    assert failed_rule(Test("file", looked_for)).finding == (
        "files named x in directories matching ^/etc/cron.(d|daily)$ are not present, expected to "
        "be present"
    )
