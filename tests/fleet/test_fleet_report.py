"""Reports and queries over the tables, and delivery from an archive."""

import csv
import html
import io
import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from distributed import Client

from fleet import adding, delivering, parsing, queries, report_views
from fleet.archive import Archive
from fleet.fleet_report import FleetReport, fleet_report
from receiver import Policy, Receiver
from schemas.waiver import Waiver
from stages.runtime.command_error import CommandError
from tests.fleet.hosts import FIRST, HostSpool, scan_id

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("fleet")]
MakeHost = Callable[[str], HostSpool]
WAIVER = Waiver(rule="rule0", reason="=old()", approved_by="Ann", expires=date(2030, 1, 1))


@pytest.fixture
def archive(tmp_path: Path, host: MakeHost, client: Client) -> Archive:
    """web1 gets worse, web2 has a waiver, web3 has been silent since the first day."""
    archive = Archive(str(tmp_path / "archive"))
    days = {
        "web1": [("pass", "pass"), ("pass", "fail"), ("fail", "fail")],
        "web2": [("fail", "pass"), ("fail", "pass"), ("fail", "fail")],
        "web3": [("pass", "pass")],
    }
    for name, scans in days.items():
        source = host(name)
        for day, results in enumerate(scans):
            source.scan(day * 10, *results)
        waivers = (WAIVER,) if name == "web2" else ()
        bundle = source.bundle(tmp_path / f"{name}.tar", source.host(waivers=waivers))
        adding.add(archive, str(bundle))
    plan = parsing.plan(archive, parsing.ParseChoice(), 3)
    parsing.run(client, plan.chunks, lambda _done: None)
    return archive


@pytest.fixture
def report(archive: Archive) -> FleetReport:
    with queries.tables(archive) as connection:
        return fleet_report(
            connection,
            worse_since=FIRST + timedelta(days=15),
            silent_since=FIRST + timedelta(days=5),
        )


def test_hosts_are_sorted_by_score_the_worst_first(report: FleetReport) -> None:
    assert [(each.host[:4], each.applicable_score, each.waived) for each in report.hosts] == [
        ("web1", 0.0, 0),
        ("web2", 0.0, 1),
        ("web3", 100.0, 0),
    ]


def test_rules_are_sorted_by_the_number_of_hosts_with_the_first_failure(
    report: FleetReport,
) -> None:
    found = [(rule.title, rule.hosts, rule.failing_since) for rule in report.rules]
    after = timedelta(seconds=9)
    assert found == [
        ("Title of rule1", 2, FIRST + timedelta(days=10) + after),
        ("Title of rule0", 1, FIRST + timedelta(days=20) + after),
    ]


def test_a_rule_fails_since_the_scan_after_its_last_success(
    client: Client, tmp_path: Path, host: MakeHost
) -> None:
    archive = Archive(str(tmp_path / "other"))
    source = host("web1")
    for day, results in enumerate([("fail", "fail"), ("pass", "fail"), ("fail", "fail")]):
        source.scan(day, *results)
    adding.add(archive, str(source.bundle(tmp_path / "other.tar")))
    plan = parsing.plan(archive, parsing.ParseChoice())
    parsing.run(client, plan.chunks, lambda _done: None)
    with queries.tables(archive) as connection:
        found = queries.rows(connection, "SELECT title, first_scan FROM failing ORDER BY title")
    assert [(row["title"], row["first_scan"]) for row in found] == [
        ("Title of rule0", scan_id(2)),
        ("Title of rule1", scan_id(0)),
    ]


def test_what_got_worse_since_a_date_is_named_by_host(report: FleetReport) -> None:
    found = [(each.host[:4], each.title) for each in report.worse]
    assert found == [("web1", "Title of rule0"), ("web2", "Title of rule1")]


def test_a_host_without_a_new_scan_is_named(report: FleetReport) -> None:
    assert [each.host[:4] for each in report.silent] == ["web3"]


def test_waivers_in_force_are_named_with_their_hosts(report: FleetReport) -> None:
    (waiver,) = report.waivers
    assert (waiver.reason, waiver.approved_by, waiver.expires, waiver.hosts) == (
        "=old()",
        "Ann",
        date(2030, 1, 1),
        1,
    )


def test_a_page_has_every_part_and_escapes_it(report: FleetReport) -> None:
    page = report_views.as_html(report, "<archive>")
    for part in ("Hosts by score", "What got worse", "Waivers in force", "Title of rule1"):
        assert part in page
    assert "<archive>" not in page
    assert "default-src 'none'" in html.unescape(page)


def test_a_spreadsheet_evaluates_nothing(report: FleetReport) -> None:
    rows = list(csv.reader(io.StringIO(report_views.as_csv(report))))
    assert any("'=old()" in row for row in rows)
    assert json.loads(report_views.as_json(report))["scans"] == 7


def test_a_wrong_query_is_one_line(archive: Archive) -> None:
    with queries.tables(archive) as connection, pytest.raises(CommandError, match="query failed"):
        queries.rows(connection, "SELECT nothing FROM nowhere")


def test_an_empty_query_is_refused_and_an_empty_answer_has_columns(archive: Archive) -> None:
    with queries.tables(archive) as connection:
        with pytest.raises(CommandError, match="empty"):
            queries.answer(connection, " ; ")
        assert queries.answer(connection, "SELECT host FROM scans WHERE false") == (["host"], [])


def test_an_archive_without_tables_names_the_command(tmp_path: Path) -> None:
    with (
        pytest.raises(CommandError, match="fleet parse"),
        queries.tables(Archive(str(tmp_path / "none"))),
    ):
        raise AssertionError("there are tables")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Receiver]:
    policy = Policy(posts_per_minute=10_000)
    with Receiver(policy, database=tmp_path / "receiver.db") as server:
        yield server


def a_map(path: Path, server: Receiver, *hosts: str) -> Path:
    credentials = {"id": server.credentials.id, "key": server.credentials.key}
    content = {"server": {"url": server.url}, "hosts": dict.fromkeys(hosts, credentials)}
    path.write_text(json.dumps(content))
    path.chmod(0o600)
    return path


def test_the_newest_scan_of_each_host_is_delivered_once(
    archive: Archive, server: Receiver, tmp_path: Path
) -> None:
    hosts = archive.hosts()
    delivery_map = delivering.read_map(a_map(tmp_path / "map.yml", server, *hosts[:2]))
    with queries.tables(archive) as connection:
        newest = queries.rows(connection, "SELECT host, scan_id, profile FROM newest")
    wanted, unknown = delivering.plan(archive, newest, delivery_map)
    assert [(scan.host, scan.scan_id) for scan in wanted] == [
        (host, scan_id(20)) for host in hosts[:2]
    ]
    assert unknown == hosts[2:]
    delivered: list[delivering.Delivered] = []
    delivering.deliver(archive, wanted, delivery_map, delivered.append)
    assert [each.receipt.answer for each in delivered if each.receipt] == ["accepted", "accepted"]
    assert [post["idempotency_key"] for post in server.posts()] == [scan_id(20), scan_id(20)]
    again, _ = delivering.plan(archive, newest, delivery_map)
    assert again == []
    receipts = [path.read_text() for path in Path(archive.path("receipts")).rglob("*.receipt")]
    assert len(receipts) == 2
    assert not any(server.credentials.key in receipt for receipt in receipts)


def test_wrong_credentials_leave_no_receipt_and_are_tried_again(
    archive: Archive, server: Receiver, tmp_path: Path
) -> None:
    path = a_map(tmp_path / "map.yml", server, *archive.hosts())
    path.write_text(path.read_text().replace(server.credentials.key, "wrong"))
    delivery_map = delivering.read_map(path)
    with queries.tables(archive) as connection:
        newest = queries.rows(connection, "SELECT host, scan_id, profile FROM newest")
    wanted, _ = delivering.plan(archive, newest, delivery_map)
    delivered: list[delivering.Delivered] = []
    delivering.deliver(archive, wanted, delivery_map, delivered.append)
    assert all(each.receipt is None for each in delivered)
    assert all("401" in (each.reason or "") for each in delivered)
    assert len(delivering.plan(archive, newest, delivery_map)[0]) == 3


def test_a_database_of_the_server_that_is_down_is_not_taken_for_wrong_credentials(
    archive: Archive, server: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "_WAIT_S", 0.05)
    monkeypatch.setattr(delivering, "_PER_MINUTE", 1000)
    delivery_map = delivering.read_map(a_map(tmp_path / "map.yml", server, archive.hosts()[0]))
    with queries.tables(archive) as connection:
        newest = queries.rows(connection, "SELECT host, scan_id, profile FROM newest")
    wanted, _ = delivering.plan(archive, newest, delivery_map)
    server.database_is_down = True
    delivered: list[delivering.Delivered] = []
    delivering.deliver(archive, wanted, delivery_map, delivered.append)
    (reason,) = [each.reason or "" for each in delivered]
    assert "the server can't check the key: HTTP 500" in reason
    assert len(server.posts()) > 1, "waiting may help"


@pytest.mark.parametrize(
    ("mode", "text", "message"),
    [
        (0o644, None, "read"),
        (0o600, "[", "not YAML"),
        (0o600, "{}", "server"),
        (0o600, "{server: {}, hosts: {}}", "url"),
        (0o600, "{server: {url: 'http://x'}, hosts: {a: {id: 1, key: x}}}", "hosts"),
    ],
)
def test_a_map_that_others_can_read_or_that_is_wrong_is_refused(
    tmp_path: Path, mode: int, text: str | None, message: str
) -> None:
    path = tmp_path / "map.yml"
    path.write_text(text or "{server: {url: 'http://x'}, hosts: {}}")
    path.chmod(mode)
    with pytest.raises(CommandError, match=message):
        delivering.read_map(path)
