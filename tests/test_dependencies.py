"""What a host has to install: few packages, and none that only development needs."""

import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
MOST = 21
ONLY_THE_RECEIVER_NEEDS = frozenset({"starlette", "uvicorn", "anyio", "click", "h11"})


def names(requirements: Iterable[str]) -> set[str]:
    """The packages that a host of this system and Python needs, without extras."""
    parsed = [Requirement(text) for text in requirements]
    return {
        canonicalize_name(requirement.name)
        for requirement in parsed
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""})
    }


def packages_of_a_host() -> set[str]:
    """All third-party packages, as the installed metadata describes them."""
    found: set[str] = set()
    unseen = names(PROJECT["dependencies"])
    while unseen:
        found |= unseen
        required = [names(metadata.requires(name) or []) for name in unseen]
        unseen = set[str]().union(*required) - found
    return found


def test_a_host_needs_few_third_party_packages() -> None:
    packages = packages_of_a_host()
    assert {"requests", "idna"} <= packages
    assert len(packages) <= MOST, sorted(packages)


def test_a_host_installs_nothing_that_only_the_receiver_needs() -> None:
    assert not packages_of_a_host() & ONLY_THE_RECEIVER_NEEDS
