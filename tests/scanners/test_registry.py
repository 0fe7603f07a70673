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


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("key", "a b", "is not a key of a scanner"),
        ("key", "UPPER", "is not a key of a scanner"),
        ("key", "x" * 33, "is not a key of a scanner"),
        ("key", "", "is not a key of a scanner"),
        ("section", "with-dash", "is not an identifier"),
        ("section", "schedules", "compliance.schedules is a setting of the agent's own"),
        ("section", "enabled", "compliance.enabled is a setting of the agent's own"),
        ("raw_formats", {"arf": "arf"}, "a raw format is one of openscap"),
    ],
)
def test_a_scanner_with_a_name_that_does_not_work_is_refused(
    field: str, value: object, problem: str
) -> None:
    own = {"key": "other", "section": "other", "settings": OtherSettings, "raw_formats": {}}
    before = registry.all_keys()
    with pytest.raises(ValueError, match=problem):
        registry.register(replace(registry.default(), **{**own, field: value}), __name__)
    assert registry.all_keys() == before


def test_an_unknown_scanner_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(UnknownScannerError, match=", ".join(registry.all_keys())):
        registry.get("nmap")


def test_roles_and_profile_names_of_two_scanners_never_meet() -> None:
    for spec in registry.scanners():
        for other in registry.scanners():
            if spec is not other:
                assert not spec.roles.keys() & other.roles.keys()
                assert not spec.profile_names & other.profile_names
