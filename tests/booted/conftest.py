"""The engine, the images and the server that the tests on booted systems share.

They are skipped, with the reason, where no engine can start or no system boots in a container.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from receiver import Policy, Receiver
from tests.booted.host import Host, booted
from tests.booted.rootfs import NoRootError, booted_archive
from tests.docker.engine import Engine, NoEngineError, engine

ROOT = Path(__file__).parents[2]
_BASE, _INSTALLED = "compliance-agent-test/debian", "compliance-agent-test/installed"
# Shared mounts, as on a host: systemd does not set this up in a container. Without it no service
# gets its credentials.
_BOOT = ["/bin/sh", "-c", "mount --make-rshared / && exec /lib/systemd/systemd"]
_numbers = count(1)


@pytest.fixture(scope="session")
def machines() -> Iterator[Engine]:
    try:
        archive = booted_archive()
        with engine(storage=None) as running:
            running(
                "import",
                "--change",
                f"CMD {json.dumps(_BOOT)}",
                "--change",
                "ENV container=docker",
                str(archive),
                _BASE,
            )
            _boot_once(running)
            yield running
    except (NoEngineError, NoRootError) as error:
        pytest.skip(f"no system can be booted: {error}")


@pytest.fixture(scope="session")
def network(machines: Engine) -> Iterator[str]:
    """A network of this host and the booted ones; removed, as its bridge outlives the engine."""
    machines("network", "create", "compliance-agent-test")
    yield "compliance-agent-test"
    machines("network", "rm", "compliance-agent-test")


@pytest.fixture(scope="session")
def gateway(machines: Engine, network: str) -> str:
    """This host's address, as the booted hosts see it."""
    return machines("network", "inspect", "--format", "{{(index .IPAM.Config 0).Gateway}}", network)


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this tree, like a clone: without what earlier builds left in it."""
    tree = tmp_path_factory.mktemp("tree") / "agent"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(".*", "build", "dist", "*.egg-info"))
    return tree


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory, clone: Path) -> Path:
    """The wheels of the agent, of all its dependencies, and of its build tools."""
    place = tmp_path_factory.mktemp("wheels")
    builders = tomllib.loads((clone / "pyproject.toml").read_text())["build-system"]["requires"]
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--constraint", "constraints.txt")
    built = tmp_path_factory.mktemp("built") / "agent"
    shutil.copytree(clone, built)
    subprocess.run(
        [*pip, "--wheel-dir", str(place), ".", *builders], cwd=built, check=True, timeout=300
    )
    return place


@pytest.fixture(scope="session")
def installed(machines: Engine, network: str, wheels: Path) -> str:
    """An image of a host on which the agent was installed from its wheel."""
    with booted(machines, _BASE, network, "installing") as host:
        # As documented; without a network, the wheels come from a directory.
        host.copy(str(wheels), "/opt/wheels")
        pip = "/opt/agent/bin/pip install --quiet --no-index --find-links /opt/wheels"
        # umask: services that are not root must be able to read what a private umask installs.
        host.shell(f"umask 077; python3 -m venv /opt/agent; {pip} compliance-agent")
        host.write("/opt/install-output", host.run("/opt/agent/bin/compliance-agent", "install"))
        host.await_active()
        machines("commit", host.name, _INSTALLED)
    return _INSTALLED


@pytest.fixture(scope="session")
def package() -> Path:
    """The Debian package."""
    return built_package("deb")


@pytest.fixture(scope="session")
def rpm() -> Path:
    """The package for the RHEL family and SUSE."""
    return built_package("rpm")


def built_package(packager: str) -> Path:
    """Build a `deb` or an `rpm`."""
    build = [sys.executable, str(ROOT / "packaging/build.py"), packager]
    dated = os.environ | {"SOURCE_DATE_EPOCH": "1700000000"}
    output = subprocess.run(build, capture_output=True, text=True, check=True, env=dated).stdout
    return Path(output.split()[-1])


@pytest.fixture
def bare(machines: Engine, network: str) -> Iterator[Host]:
    """A host without the agent."""
    with booted(machines, _BASE, network, f"bare{next(_numbers)}") as host:
        yield host


@pytest.fixture
def host(machines: Engine, network: str, installed: str) -> Iterator[Host]:
    """A host for one test, with the agent and without settings."""
    with booted(machines, installed, network, f"host{next(_numbers)}") as running:
        running.await_active()
        yield running


@pytest.fixture
def server(gateway: str, tmp_path: Path) -> Iterator[Receiver]:
    """A server outside the booted hosts."""
    with Receiver(
        Policy(posts_per_minute=10_000), database=tmp_path / "receiver.db", host=gateway
    ) as running:
        yield running


@pytest.fixture(scope="module")
def busy(
    machines: Engine, network: str, installed: str, gateway: str
) -> Iterator[tuple[Host, Receiver]]:
    """A host and its server, shared by the tests of a module."""
    with (
        Receiver(Policy(posts_per_minute=10_000), host=gateway) as running,
        booted(machines, installed, network, f"busy{next(_numbers)}") as host,
    ):
        host.configure(running)
        yield host, running


def _boot_once(running: Engine) -> None:
    """Boot a system without the agent: if not even that works, the machine is to blame."""
    try:
        with booted(running, _BASE, "none", "first"):
            return
    except AssertionError as error:
        pytest.skip(f"no system can be booted: {error}")
