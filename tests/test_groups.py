"""The groups of tests that share an expensive part: a Docker engine, a booted system, a browser."""

import pytest


@pytest.mark.xdist_group("groups")
def test_the_tests_of_a_group_run_on_one_worker(request: pytest.FixtureRequest) -> None:
    if not hasattr(request.config, "workerinput"):
        pytest.skip("runs without workers")
    assert request.node.nodeid.endswith("@groups")
