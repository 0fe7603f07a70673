"""A host with the users of the stages."""

import os
from collections.abc import Iterator

import pytest

from tests.security.users import SharedHost, a_shared_host, why_not_here


@pytest.fixture
def host() -> Iterator[SharedHost]:
    reason = why_not_here()
    if reason is not None:
        if os.environ.get("CI"):
            pytest.fail(f"{reason}, and CI must be able to")
        pytest.skip(reason)
    with a_shared_host() as made:
        yield made
