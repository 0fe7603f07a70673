"""Whether a pattern can match at or below a path, against Python's engine on paths made for it."""

import re

import pytest

from stages.scanners.openscap.oval.path_patterns import matches_path, may_match_below

PATH = "/var/lib/docker/overlay2"


@pytest.mark.parametrize(
    ("pattern", "below", "matches_var"),
    [
        (r"^/.*$", True, True),
        (r"^/.*\.conf$", True, False),
        (r"\.conf$", True, False),
        (r"^/etc/.*$", False, False),
        (r"^\/s?bin|^\/usr\/s?bin", False, False),
        (r"^\/(|s)bin|^\/usr\/(|local\/)(|s)bin|^\/usr\/libexec", False, False),
        (r"^/(etc|var)/.*$", True, False),
        (r"^/(etc|var)$", False, True),
        (r"^/var/(?:log|tmp)/.*", False, False),
        (r"^/var/lib/docker/overlay2/[^/]+/merged/etc/passwd$", True, False),
        (r"^/var/lib/docker/overlay22/.*$", True, False),
        (r"^/[a-z]+/[a-z]+$", False, False),
        (r"^/[a-z]+(/[a-z0-9]+)*$", True, True),
        (r"^/[a-z]+(/[a-z0-9]+){0,1}$", False, True),
        (r"^/home/([^/]+/)*\.ssh$", False, False),
        (r"^/var", True, True),
        (r"(?i)^/VAR$", True, True),
        (r"^/va(?=r)r$", True, True),
        (r"^(((((((((/)*)*)*)*)*)*)*)*)*$", True, True),
        ("a" * 3000, True, True),
    ],
)
def test_a_pattern_at_or_below_a_path(pattern: str, below: bool, matches_var: bool) -> None:
    """A pattern that is not understood counts as one that matches."""
    assert may_match_below(pattern, PATH) is below
    assert matches_path(pattern, "/var") is matches_var


@pytest.mark.parametrize(
    "pattern",
    [r"^/var/.*x$", r"^/v[a-z]r/(lib|log)/?.*$", r"^(/var|/opt).*/overlay2/.+$", r"overlay2/a/x"],
)
def test_what_pythons_engine_matches_below_is_never_missed(pattern: str) -> None:
    candidates = [PATH, f"{PATH}/x", f"{PATH}/a/x"]
    assert any(re.search(pattern, candidate) for candidate in candidates)
    assert may_match_below(pattern, PATH)
