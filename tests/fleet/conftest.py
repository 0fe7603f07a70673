"""Spools of several hosts, and clusters, for the tests of a fleet."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

from tests.fleet.hosts import HostSpool

# In CI the extra is there; a host's own environment may lack it.
pytest.importorskip("pyarrow")


@pytest.fixture
def host(tmp_path: Path) -> Callable[[str], HostSpool]:
    """Makes the spool of a host."""

    def made(name: str) -> HostSpool:
        return HostSpool(tmp_path / "hosts" / name, name)

    return made


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Two workers on this machine; gone with the tests of a file, as it has threads here."""
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client
