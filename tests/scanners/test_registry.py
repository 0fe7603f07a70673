"""The registry keeps scanners apart, and names those that it has."""

import pytest

from schemas.codec import replace
from schemas.settings import ScannerSettings
from stages.scanners import registry
from stages.scanners.registry import UnknownScannerError


class OtherSettings(ScannerSettings, frozen=True, kw_only=True):
    """A section of its own."""


@pytest.mark.parametrize("taken", ["key", "section", "settings"])
def test_a_scanner_that_takes_what_another_one_has_is_refused(taken: str) -> None:
    known = registry.default()
    own = {"key": "other", "section": "other", "settings": OtherSettings}
    own[taken] = getattr(known, taken)
    with pytest.raises(ValueError, match="key, section or settings are those of"):
        registry.register(replace(known, **own), __name__)
    assert registry.find("other") is None


def test_an_unknown_scanner_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(UnknownScannerError, match=", ".join(registry.all_keys())):
        registry.get("nmap")


def test_roles_and_profile_names_of_two_scanners_never_meet() -> None:
    for spec in registry.scanners():
        for other in registry.scanners():
            if spec is not other:
                assert not spec.roles.keys() & other.roles.keys()
                assert not spec.profile_names & other.profile_names
