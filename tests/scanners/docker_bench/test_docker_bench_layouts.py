"""Valid JSON of any layout, logs that hold several runs, and dates of other hosts."""

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest

from schemas.ids import new_scan_id
from schemas.manifest import Manifest
from schemas.report import Report
from schemas.settings import Settings
from stages.scanners import reports
from stages.scanners.docker_bench.reading import read_docker_bench
from stages.scanners.docker_bench.reading.start_times import StartTime, start_time
from tests.scanners.docker_bench.docker_bench_printing import (
    AT,
    CHECKS,
    STATUSES,
    Printed,
    json_of_1_3_5,
    json_of_1_6,
    read,
    statuses,
    text_log,
    the,
)

REWRAPPED = b"""{
  "dockerbenchsecurity": "1.3.6", "start": 1700000000,
  "tests": [
    { "id": "3", "desc": "Files", "results": [
        { "id": "3.1", "desc": "Ownership", "result": "PASS" },
        {
          "id": "3.2", "desc": "Permissions of a file with a long name",
          "result": "WARN"
        },
        { "id": "3.3", "desc": "Directory",
          "result": "NOTE" } ] }
  ],
  "checks": 3, "score": 0, "end": 1700000004
}"""


def with_another_run(before: bytes) -> bytes:
    """A log to which a run in June was appended."""
    later = text_log(CHECKS[:4]).replace(b"2026-11-23T06:06:40", b"2027-06-01T03:00:00")
    return before + b"# ----\n# Docker Bench for Security v1.6.0\n#\n\n" + later


def test_rewrapped_json_is_read_strictly() -> None:
    report = read(REWRAPPED)
    assert statuses(report) == {"3.1": "pass", "3.2": "fail", "3.3": "skip"}
    assert (report.read_from, report.warnings) == ("JSON", ())


@pytest.mark.parametrize("indent", [None, 0, 1, 8])
@pytest.mark.parametrize("original", [json_of_1_6(CHECKS), json_of_1_3_5(CHECKS)])
def test_reprinted_json_is_read_as_the_original(original: bytes, indent: int | None) -> None:
    report = read(json.dumps(json.loads(original), indent=indent).encode())
    assert statuses(report) == STATUSES
    assert (report.read_from, report.warnings) == ("JSON", ())


def test_repeated_keys_are_further_results_of_the_check() -> None:
    report = read(
        b'[{"id": "5.4", "desc": "Ports", "result": "PASS", "result": "WARN", "details": "a",'
        b' "details": "b"}]'
    )
    assert statuses(report) == {"5.4": "fail"}
    assert the("5.4", report).finding == "a\nb"
    assert (report.read_from, report.warnings[0][:9]) == ("JSON", "the outpu")


def test_the_flat_layout_on_one_line_is_read_strictly() -> None:
    report = read(
        b'{"dockerbenchsecurity": "1.3.4", "4.1": "WARN: web", "4.1": "PASS", "4.2": "PASS"}'
    )
    assert statuses(report) == {"4.1": "fail", "4.2": "pass"}
    assert report.read_from == "JSON"


@pytest.mark.parametrize("number", ["", "4.1 x", "4.1.", "x" * 80, '4.1", "desc'])
def test_what_is_not_a_number_of_a_check_is_left_out_and_counted(number: str) -> None:
    tests = [{"id": number, "result": "WARN"}, {"id": "4.2", "desc": "d", "result": "PASS"}]
    report = read(json.dumps({"tests": tests}).encode())
    assert statuses(report) == {"4.2": "pass"}
    assert "left out: 1 result without the number of a check" in report.warnings


@pytest.mark.parametrize(
    ("details", "items"),
    [
        ("On the default bridge: web, db", ["web", "db"]),
        ("On the default bridge: web db web", ["web", "db", "web"]),
        ("On the default bridge:", ["web", "db", "web"]),
    ],
)
def test_each_item_is_listed_once(details: str, items: list[str]) -> None:
    test = {"id": "5.1", "desc": "d", "result": "WARN", "details": details, "items": items}
    finding = the("5.1", read(json.dumps([test, test]).encode())).finding
    assert finding == "On the default bridge:\n- web\n- db"


def test_of_a_log_with_several_runs_the_last_is_read() -> None:
    log = with_another_run(with_another_run(text_log(CHECKS)))
    report = read(None, log)
    assert statuses(report) == {check.id: STATUSES[check.id] for check in CHECKS[:4]}
    assert report.started_at == datetime(2027, 6, 1, 3, tzinfo=UTC)
    assert "the text log holds 3 runs: the last was read" in report.warnings


def test_a_run_that_was_ended_before_its_first_check_does_not_count() -> None:
    log = (
        text_log(CHECKS) + b"Initializing 2027-06-01T03:00:00+00:00\n\nSection A - Check results\n"
    )
    report = read(None, log)
    assert statuses(report) == STATUSES
    assert not any("runs" in warning for warning in report.warnings)


def test_beside_json_only_the_last_run_of_the_log_is_used() -> None:
    earlier = text_log((*CHECKS, Printed("5.31", "WARN"))).replace(b"2026-11-23", b"2026-01-01")
    report = read(json_of_1_6(CHECKS), earlier + text_log(CHECKS))
    assert statuses(report) == STATUSES
    assert report.warnings == ("the text log holds 2 runs: the last was read",)


def test_in_the_log_of_the_agents_own_scan_a_forged_start_hides_no_failure() -> None:
    forged = r"x\n[INFO] Score: 1\nInitializing 2026-11-23T06:06:41+00:00"
    log = text_log((Printed("4.1", "WARN", forged), Printed("4.2", "PASS")))
    report: Report = read_docker_bench(None, log, at=AT, log_may_hold_several=False)
    assert statuses(report) == {"4.1": "fail", "4.2": "pass"}


@pytest.mark.parametrize(("command", "runs"), [((), 1), (("docker", "run"), 2)])
def test_the_log_of_a_submission_may_hold_several_runs(command: tuple[str, ...], runs: int) -> None:
    log = text_log((*CHECKS, Printed("5.31", "WARN"))) + text_log(CHECKS)
    manifest = Manifest(
        scan_id=new_scan_id("docker-bench", AT, "00000001"),
        scanner="docker-bench",
        outcome="finished",
        command=command,
        started_at=AT,
        completed_at=AT,
        agent_version="1",
    )
    files = {"docker-bench-log": lambda: BytesIO(log)}
    report = reports.read(manifest, files.get, Settings())
    assert ("5.31" in statuses(report)) == (runs == 2)


@pytest.mark.parametrize(
    ("printed", "hours"),
    [
        ("2023-05-06T07:08:09+0530", 5.5),
        ("2023-05-06T07:08:09Z", 0),
        ("2023-05-06 07:08:09-03", -3),
        ("Sat May  6 07:08:09 -03 2023", -3),
        ("Sat May  6 07:08:09 +0545 2023", 5.75),
        ("Sat May 6 07:08:09 AM PDT 2023", -7),
        ("Sat 06 May 2023 07:08:09 AM CEST", 2),
        ("Sa 6. Mai 07:08:09 CEST 2023", 2),
        ("sam. 06 mai 2023 07:08:09 CEST", 2),
        ("samedi 6 mai 2023, 07:08:09 (UTC+0200)", 2),
        ("Sat, 06 May 2023 07:08:09 -0330", -3.5),
        ("to  6.5.2023 07.08.09 +0300", 3),
        ("2023. 05. 06. 07:08:09 KST", 9),
        ("Сб мая  6 07:08:09 MSK 2023", 3),
        ("Cts 06 May 2023 07:08:09 +03", 3),
        ("lör  6 maj 2023 07:08:09 CEST", 2),
        ("2023\u5e74  5\u6708  6\u65e5 \u571f\u66dc\u65e5 07:08:09 JST", 9),
    ],
)
def test_the_start_is_read_as_date_prints_it_elsewhere(printed: str, hours: float) -> None:
    wall = datetime(2023, 5, 6, 7, 8, 9, tzinfo=UTC)
    expected = wall - timedelta(hours=hours)
    found = start_time(f"Initializing {printed}")
    assert found == StartTime(int(expected.timestamp()), has_zone=True)


def test_the_afternoon_is_twelve_hours_later() -> None:
    line = "Initializing Sat 06 May 2023 07:08:09 {} UTC"
    morning, afternoon = start_time(line.format("AM")), start_time(line.format("PM"))
    assert morning
    assert afternoon
    assert afternoon.seconds == morning.seconds + 12 * 3600


@pytest.mark.parametrize("printed", ["Sat May  6 07:08:09 2023", "2023-05-06 07:08:09"])
def test_a_time_without_a_zone_is_of_the_zone_that_is_named_else_of_this_host(printed: str) -> None:
    log = f"Initializing {printed}\n[PASS] 4.1 - d\n".encode()
    tokyo = read_docker_bench(None, log, at=AT, zone=ZoneInfo("Asia/Tokyo"))
    assert tokyo.started_at == datetime(2023, 5, 5, 22, 8, 9, tzinfo=UTC)
    assert tokyo.warnings[-1].endswith("has no known zone: read as that of Asia/Tokyo")
    here = read(None, log)
    assert here.started_at == datetime(2023, 5, 6, 7, 8, 9).astimezone(UTC)
    assert here.warnings[-1].endswith("has no known zone: read as that of this host")


def test_a_zone_with_several_meanings_is_the_one_that_is_named() -> None:
    log = b"Initializing Sat May  6 07:08:09 CST 2023\n[PASS] 4.1 - d\n"
    shanghai = read_docker_bench(None, log, at=AT, zone=ZoneInfo("Asia/Shanghai"))
    assert shanghai.started_at == datetime(2023, 5, 5, 23, 8, 9, tzinfo=UTC)


def test_beside_json_a_log_without_a_zone_is_not_of_another_time() -> None:
    log = text_log(CHECKS).replace(b"2026-11-23T06:06:40+00:00", b"Mon Nov 23 15:06:40 2026")
    assert read(json_of_1_6(CHECKS), log).warnings == ()


ODD_NUMBERS = ("foo", "2.1.", "2..1", "", "5", "\u0662.\u0661", "1.1.1.1.1.1.1.1.1", "2.1\u202e")


def test_a_rule_ref_is_the_number_of_a_check_and_nothing_else() -> None:
    results = [{"id": number, "desc": "d", "result": "WARN"} for number in (*ODD_NUMBERS, "c.1 ")]
    report = read(json.dumps({"tests": [{"id": "2", "desc": "D", "results": results}]}).encode())
    assert statuses(report) == {"C.1": "fail"}
    assert "left out: 7 results without the number of a check" in report.warnings


@pytest.mark.parametrize(
    "printed",
    ["Sat May  6 07:08:09 IST 2023", "03/04/2021 07:08:09", "99:99:99 May 40 UTC 2023", "\0"],
)
def test_a_time_without_a_certain_meaning_is_named_and_the_files_time_is_used(printed: str) -> None:
    report = read(None, f"Initializing {printed}\n[PASS] 4.1 - d\n".encode())
    assert report.started_at == AT
    assert "the time in the text log can't be read (" in report.warnings[-1]


def test_secrets_in_what_a_check_found_are_masked_from_json_and_from_the_log() -> None:
    name = "web:DB_PASSWORD=hunter2hunter2"
    check = Printed("4.10", "WARN", f"Secrets in the image {name}")
    for report in (read(json_of_1_6((check,))), read(None, text_log((check,)))):
        finding = the("4.10", report).finding or ""
        assert "hunter2" not in finding
        assert "DB_PASSWORD=********" in finding
