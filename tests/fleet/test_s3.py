"""An archive in an object store, by a server on loopback."""

from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from fleet import adding, parsing, queries
from fleet.archive import Archive
from fleet.cluster import cluster
from fleet.fleet_report import fleet_report
from tests.fleet.hosts import HostSpool, scan_id

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("fleet")]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    boto3.client("s3").create_bucket(Bucket="fleet")
    yield "s3://fleet/archive"
    server.stop()


def test_an_archive_in_an_object_store_is_filled_parsed_and_reported(
    bucket: str, host: Callable[[str], HostSpool], tmp_path: Path
) -> None:
    source = host("web1")
    for day in range(3):
        source.scan(day, "pass", "fail")
    archive = Archive(bucket)
    adding.add(archive, str(source.bundle(tmp_path / "web1.tar")))
    assert adding.add(archive, str(source.bundle(tmp_path / "again.tar"))).present == 3
    plan = parsing.plan(archive, parsing.ParseChoice(), 2)
    # Workers that know the address of the store, as those of a cluster are started.
    with cluster(None, 1) as client:
        outcome = parsing.run(client, plan.chunks, lambda _done: None)
    assert (outcome.parsed, outcome.unreadable) == (3, {})
    assert parsing.plan(archive, parsing.ParseChoice()).scans == 0
    with queries.tables(archive) as connection:
        report = fleet_report(connection)
    assert report.scans == 3
    assert [each.scan_id for each in report.hosts] == [scan_id(2)]
    assert [(rule.title, rule.hosts) for rule in report.rules] == [("Title of rule1", 1)]
