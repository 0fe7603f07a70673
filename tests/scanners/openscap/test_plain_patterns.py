"""What a pattern or a place that is searched for says in words."""

import pytest

from tests.scanners.openscap.scap_samples import Test
from tests.scanners.openscap.test_wording import told


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"^[\s]*Defaults[\s]*\brequiretty\b.*$", "Defaults requiretty"),
        (r"^\s*password\s*requisite\s*pam_pwquality\.so", "password requisite pam_pwquality.so"),
        (r"^.*/usr/sbin/aide[\s]*\-\-check.*$", "/usr/sbin/aide --check"),
        (r"^\s*gpgcheck\s*=\s*1$", "gpgcheck=1"),
    ],
)
def test_blanks_that_part_words_are_kept_though_the_pattern_does_not_insist(
    pattern: str, message: str
) -> None:
    looked_for = (
        f'<filepath>/etc/x</filepath><pattern operation="pattern match">{pattern}</pattern>'
    )
    rule = told(Test("textfilecontent54", looked_for))
    assert rule.finding == f"/etc/x: no line with “{message}”, expected at least one"


def test_a_file_in_several_directories_is_told_by_them() -> None:
    looked_for = (
        '<path operation="pattern match">^/etc/cron.(d|daily)$</path><filename>x</filename>'
    )
    assert told(Test("file", looked_for)).finding == (
        "files named x in directories matching ^/etc/cron.(d|daily)$ are not present, expected to be present"
    )
