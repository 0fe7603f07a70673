"""What all tests share: where the real parts are, and the rule for a missing one."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

_EXAMPLES = int(os.environ.get("COMPLIANCE_AGENT_EXAMPLES", "0"))
settings.register_profile(
    "project",
    # Machines that run tests are shared: how long an example takes proves nothing.
    deadline=None,
    # The same examples each time, unless more are requested: a run of the gate finds nothing that
    # has no cause in the change at hand.
    derandomize=_EXAMPLES == 0,
    max_examples=_EXAMPLES or 100,
)
settings.load_profile("project")

_LONGEST_ID = 100

# Tests with these markers start large programs, those in these folders the real stages: all of
# them are slow. A file elsewhere marks itself as a whole if it starts the program again and again,
# runs stages or tries many examples, and a test by itself if it takes a second.
_SLOW_MARKERS = ("booted", "browser", "docker", "oscap", "promtool")
_SLOW_FOLDERS = frozenset(("faults", "pipeline", "security", "torture"))


def missing(what: str) -> None:
    """A missing real part is a skip on a laptop and a failure in CI."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing, and CI must have it")
    pytest.skip(f"{what} is missing")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture, also one of the session, that would start a missing program."""
    if item.get_closest_marker("oscap") and shutil.which("oscap") is None:
        missing("oscap (apt-get install openscap-scanner)")
    if item.get_closest_marker("browser") and shutil.which("chromedriver") is None:
        missing("Chromium with its driver (apt-get install chromium chromium-driver)")
    if item.get_closest_marker("promtool") and shutil.which("promtool") is None:
        missing("promtool (apt-get install prometheus)")


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


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A long value has no place in a name: pytest puts that into the environment of every process,
    where 128 KiB is the most that the kernel takes."""
    if isinstance(val, str | bytes) and len(val) > _LONGEST_ID:
        beginning = ascii(val[:_LONGEST_ID])
        return f"{argname}: {len(val)} long, {beginning}"
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark slow tests, which scripts/check leaves out; skip booted tests unless requested."""
    boot = bool(os.environ.get("CI") or os.environ.get("COMPLIANCE_AGENT_BOOTED"))
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        if folder in _SLOW_FOLDERS:
            item.add_marker(pytest.mark.slow)
        if any(item.get_closest_marker(name) for name in _SLOW_MARKERS):
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
