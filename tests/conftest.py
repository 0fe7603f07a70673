"""What all tests share: where the real parts are, and the rule for a missing one."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Machines that run tests are shared: how long an example takes proves nothing.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Tests with these markers start large programs, and are slow.
_SLOW = ("booted", "browser", "docker", "oscap", "promtool")


def _missing(what: str) -> None:
    """A missing real part is a skip on a laptop and a failure in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and CI must have it")
    pytest.skip(f"{what} is missing")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture, also one of the session, that would start a missing program."""
    if item.get_closest_marker("oscap") and shutil.which("oscap") is None:
        _missing("oscap (apt-get install openscap-scanner)")
    if item.get_closest_marker("browser") and shutil.which("chromedriver") is None:
        _missing("Chromium with its driver (apt-get install chromium chromium-driver)")
    if item.get_closest_marker("promtool") and shutil.which("promtool") is None:
        _missing("promtool (apt-get install prometheus)")


@pytest.fixture(scope="session")
def captures() -> Path:
    """Captured scanner output, outside the project; COMPLIANCE_AGENT_CAPTURES names it."""
    where = os.environ.get("COMPLIANCE_AGENT_CAPTURES")
    if not where:
        pytest.skip("COMPLIANCE_AGENT_CAPTURES is not set")
    return Path(where)


@pytest.fixture(scope="session")
def cases() -> Path:
    """Small inputs with right answers, outside the project; COMPLIANCE_AGENT_CASES names it."""
    where = os.environ.get("COMPLIANCE_AGENT_CASES")
    if not where:
        pytest.skip("COMPLIANCE_AGENT_CASES is not set")
    return Path(where)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark slow tests, which scripts/check leaves out; skip booted tests unless requested."""
    boot = bool(os.environ.get("CI") or os.environ.get("COMPLIANCE_AGENT_BOOTED"))
    for item in items:
        if any(item.get_closest_marker(name) for name in _SLOW):
            item.add_marker(pytest.mark.slow)
            if not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(300))
        if item.get_closest_marker("booted") and not boot:
            item.add_marker(pytest.mark.skip(reason="takes minutes: set COMPLIANCE_AGENT_BOOTED=1"))


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of 24 MiB that is soon full."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount a small file system")
    with tempfile.TemporaryDirectory(prefix="small") as directory:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=24m,mode=0750", "tmpfs", directory], check=False
        )
        if done.returncode:
            pytest.skip("can't mount a tmpfs here")
        try:
            yield Path(directory)
        finally:
            subprocess.run(["umount", "-l", directory], check=True)
