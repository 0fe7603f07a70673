"""Docker Bench's output in every known format, as a report."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stages.scanners.docker_bench.reading import (
    is_docker_bench_log,
    looks_like_docker_bench,
    read_docker_bench,
)
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


def test_results_become_statuses_and_groups_become_sections() -> None:
    report = read(json_of_1_6(CHECKS))
    assert statuses(report) == STATUSES
    assert the("4.1", report).section == "4 - Container Images and Build File"
    assert the("4.1", report).title == "Ensure that check 4.1 is well (Automated)"
    assert [the(number, report).severity for number in ("1.1.1", "4.1", "5.1")] == [
        "high",
        "medium",
        "high",
    ]


def test_a_report_from_whole_json_has_its_times_its_version_and_no_warning() -> None:
    report = read(json_of_1_6(CHECKS), text_log(CHECKS))
    assert report.read_from == "JSON"
    assert report.warnings == ()
    assert (report.profile.name, report.profile.type, report.profile.version) == (
        "CIS Docker",
        "docker-bench",
        "1.6.0",
    )
    assert report.started_at == datetime(2026, 11, 23, 6, 6, 40, tzinfo=UTC)
    assert (report.completed_at - report.started_at).total_seconds() == 3
    assert report.summary.score == round(2 / 7 * 100, 2)


def test_items_are_merged_as_they_were_and_listed_in_full() -> None:
    report = read(json_of_1_6(CHECKS))
    assert the("4.6", report).finding == "Images w/o HEALTHCHECK:\n- [a:1 b:2]\n- [c:3]"
    assert the("4.1", report).finding == "Running as root:\n- web\n- db"
    assert the("5.10", report).finding == "Wrong ownership for /run/x.sock"
    assert the("1.1.2", report).finding == "doubtfulusers: none"
    assert the("1.1.1", report).finding is None


@pytest.mark.parametrize("with_json", [True, False])
def test_a_rule_has_a_description_with_the_impact_of_its_remediation(with_json: bool) -> None:
    report = read(json_of_1_6(CHECKS)) if with_json else read(None, text_log(CHECKS))
    rule = the("4.1", report)
    assert (rule.remediation, rule.advice) == ("Name a user.", True)
    assert rule.description == (
        "Ensure that check 4.1 is well (Automated). Check 4.1 of the CIS Docker Benchmark, section"
        " 4 - Container Images and Build File.\n\nImpact of the remediation: None."
    )
    assert the("4.2", report).remediation is None
    assert all(result.description for result in report.results)


@pytest.mark.parametrize("with_json", [True, False])
def test_every_warning_has_a_finding(with_json: bool) -> None:
    checks = (Printed("4.2", "WARN"), Printed("4.3", "PASS"))
    report = read(json_of_1_6(checks)) if with_json else read(None, text_log(checks))
    assert the("4.2", report).finding == (
        "the check printed WARN without details; not fulfilled: Ensure that check 4.2 is well"
        " (Automated)"
    )
    assert the("4.3", report).finding is None


@pytest.mark.parametrize("with_json", [True, False])
def test_titles_and_sections_are_short_and_plain(with_json: bool) -> None:
    checks = (Printed("4.2", "WARN"),)
    title = "4.2 Ensure e" + "\u0301" * 40 + " is well"
    parts = (json_of_1_6(checks), text_log(checks))
    number = "4.2 - " if not with_json else ""
    whole = [
        part.replace(b"Ensure that check 4.2 is well", title.encode()).replace(
            b"Container Images and Build File", b"Container Images and Build File " * 4
        )
        for part in parts
    ]
    assert (number + title).encode() in whole[not with_json]
    report = read(whole[0]) if with_json else read(None, whole[1])
    assert the("4.2", report).title == "Ensure e" + "\u0301" * 4 + " is well (Automated)"
    section = the("4.2", report).section or ""
    assert section.startswith("4 - Container Images and Build File")
    assert len(section) <= 60


def test_the_list_without_groups_has_the_benchmarks_sections() -> None:
    report = read(json_of_1_6(CHECKS, grouped=False))
    assert (statuses(report), report.read_from) == (STATUSES, "JSON")
    assert the("4.1", report).section == "4 - Container Images and Build File"


def test_json_of_1_3_5_is_read() -> None:
    report = read(json_of_1_3_5(CHECKS))
    assert (statuses(report), report.read_from, report.profile.version) == (
        STATUSES,
        "JSON",
        "1.3.5",
    )


def test_the_flat_object_of_1_3_4_is_read_with_titles_from_the_log() -> None:
    flat = (
        b'{\n  "dockerbenchsecurity": "1.3.4",\n  "start": 1795414000,\n  "1.4": "docker:x:993:me",'
        b'\n  "4.1": "WARN",\n  "4.1": "WARN: web",\n  "4.1": "WARN: db",\n  "4.2": "NOTE",\n  '
        b'"checks": 3,'
        b'\n  "end": 1795414003 \n}\n'
    )
    report = read(flat, text_log((Printed("4.1", "WARN"), Printed("4.2", "NOTE"))))
    assert report.read_from == "JSON"
    assert statuses(report) == {"1.4": "warn", "4.1": "fail", "4.2": "skip"}
    assert the("4.1", report).finding == "web\ndb"
    assert the("4.1", report).title == "Ensure that check 4.1 is well (Automated)"
    assert the("1.4", report).title == "Check 1.4"


def test_the_specifications_own_struct_is_read() -> None:
    item = {
        "id": "4.1",
        "desc": "User",
        "result": "WARN",
        "details": "root",
        "remediation": "Name one.",
    }
    struct = {
        "dockerbenchsec_version": "1.5.0",
        "start": 1795414000,
        "tests": [
            {"id": "4", "desc": "Images", "result": "WARN", "items": [item]},
            {"id": "5", "desc": "Runtime", "result": ""},
        ],
        "end": 1795414003,
        "checks": 1,
        "passed": 0,
    }
    for text in (json.dumps(struct), json.dumps(struct, indent=2), json.dumps(struct)[:-40]):
        report = read(text.encode())
        assert statuses(report) == {"4.1": "fail"}
        assert the("4.1", report).section == "4 - Images"
        assert (the("4.1", report).finding, the("4.1", report).remediation) == ("root", "Name one.")
        assert report.profile.version == "1.5.0"


@pytest.mark.parametrize("colours", [False, True])
def test_the_text_log_alone_gives_every_check_once(colours: bool) -> None:
    report = read(None, text_log(CHECKS, colours=colours))
    assert statuses(report) == STATUSES
    assert report.read_from == "text log"
    assert report.warnings == (
        "read from the text log: there is no JSON",
        "the output does not hold the time when the scan ended: its start is used",
    )
    assert the("4.1", report).finding == "Found: web\nFound: db"
    assert the("4.1", report).section == "4 - Container Images and Build File"
    assert report.started_at == datetime(2026, 11, 23, 6, 6, 40, tzinfo=UTC)
    assert report.completed_at == report.started_at


def test_an_end_time_known_from_elsewhere_is_used_without_a_warning() -> None:
    report = read_docker_bench(None, text_log(CHECKS), at=AT, ended=AT)
    assert report.completed_at == AT
    assert report.warnings == ("read from the text log: there is no JSON",)


def test_output_without_any_time_has_a_warning_with_the_assumed_one() -> None:
    log = text_log(CHECKS).replace(b"2026-11-23T06:06:40+00:00", b"once upon a time")
    report = read(None, log)
    assert (report.started_at, report.completed_at) == (AT, AT)
    assert (
        "can't be read (once upon a time): 2026-11-24 00:00 UTC, the time of the file, is assumed"
    ) in report.warnings[-1]
    without = b"".join(
        one for one in text_log(CHECKS).splitlines(keepends=True) if b"Initializing" not in one
    )
    assert "does not hold the time of the scan: 2026-11-24" in read(None, without).warnings[-1]


@pytest.mark.parametrize(
    ("title", "bare", "finding"),
    [
        (
            "Ensure that CA certificates are rotated (Manual) (Swarm mode not enabled)",
            "Ensure that CA certificates are rotated (Manual)",
            "Swarm mode not enabled",
        ),
        ("Rotate (often) (Swarm mode not enabled)", "Rotate (often)", "Swarm mode not enabled"),
        ("Ensure it is off (Scored) (Deprecated)", "Ensure it is off (Scored)", "Deprecated"),
        ("Ensure it is off (for good)", "Ensure it is off (for good)", None),
        ("Ensure it is off (Not Scored)", "Ensure it is off (Not Scored)", None),
    ],
)
def test_a_remark_behind_a_title_is_a_finding(title: str, bare: str, finding: str | None) -> None:
    log = f"[INFO] 7 - Docker Swarm Configuration\n[PASS] 7.8 - {title}\n".encode()
    json_output = json.dumps([{"id": "7.8", "desc": bare, "result": "PASS"}]).encode()
    for report in (read(None, log), read(json_output, log)):
        assert (the("7.8", report).title, the("7.8", report).finding) == (bare, finding)


def test_json_and_log_that_differ_give_a_warning_and_the_json_counts() -> None:
    others = (
        *CHECKS[:4],
        Printed("5.1", "WARN"),
        Printed("5.10", "WARN", "Wrong ownership for /run/x.sock"),
    )
    report = read(json_of_1_6(CHECKS), text_log(others))
    assert statuses(report) == STATUSES
    assert (
        "JSON and text log have different results, those of the JSON are used: 5.1 (PASS, WARN)"
        in report.warnings
    )


def test_json_and_log_of_two_runs_give_a_warning() -> None:
    log = text_log(CHECKS).replace(b"06:06:40", b"09:06:40")
    assert read(json_of_1_6(CHECKS), log).warnings == (
        "JSON and text log start at different times: they may be from different runs",
    )


def test_a_log_that_is_written_to_standard_output_has_every_line_twice_and_every_check_once() -> (
    None
):
    doubled = b"".join(line + line for line in text_log(CHECKS).splitlines(keepends=True))
    report = read(None, doubled)
    assert statuses(report) == STATUSES
    assert the("4.1", report).finding == "Found: web\nFound: db"


def test_lines_that_are_not_checks_do_not_become_checks() -> None:
    log = (
        b"# Docker Bench for Security v1.3.4\nInitializing Wed Aug 28 19:37:21 UTC 2019\n"
        b"[INFO] 1 - Host Configuration\n[PASS] 1.1  - Keep it\n[INFO] 1.2 - General "
        b"Configuration\n"
        b"[INFO] 2  - Docker daemon configuration\n[INFO] 2.1 - Plain\n[INFO]      * seen\n"
        b"[INFO] Ensure that experimental features are off (Deprecated)\n[INFO]      * of no "
        b"check\n"
        b"[INFO] 5 - Container Runtime\n[INFO]   * No containers running, skipping Section 5\n"
        b"./tests.sh: 1.9 - not found\n[INFO] Checks: 2\n[INFO] Score: 1\n"
    )
    report = read(None, log)
    assert statuses(report) == {"1.1": "pass", "2.1": "warn"}
    assert the("2.1", report).finding == "seen"
    assert report.profile.version == "1.3.4"
    assert report.started_at == datetime(2019, 8, 28, 19, 37, 21, tzinfo=UTC)


def test_a_check_that_is_printed_without_its_number_has_the_one_after_the_last() -> None:
    log = (
        b"[INFO] 2 - Docker daemon configuration\n[PASS] 2.17 - Keep it (Manual)\n"
        b"[INFO] Keep it off (Scored) (Deprecated)\n[INFO] 3 - Files\n[INFO] 3.1 - General "
        b"Configuration\n"
        b"[INFO] Keep it away (Manual) (Deprecated)\n[WARN] 3.1.2 - Keep it too (Manual)\n"
        b"Section C - Score\n[INFO] Checks: 4\n"
    )
    report = read(None, log)
    assert statuses(report) == {"2.17": "pass", "2.18": "warn", "3.1.1": "warn", "3.1.2": "fail"}
    assert the("2.18", report).title == "Keep it off (Scored)"
    assert the("2.18", report).finding == "Deprecated"


def test_files_are_recognized_by_their_content() -> None:
    for head in (
        json_of_1_6(CHECKS)[:300],
        json_of_1_3_5(CHECKS)[:300],
        text_log(CHECKS)[:300],
        text_log(CHECKS, colours=True)[100:600],
        b'\xef\xbb\xbf[\n {"id": "4.1", "desc": "d", "result": "WARN"}]',
    ):
        assert looks_like_docker_bench(head)
    for head in (
        b"",
        b"<?xml version='1.0'?><Benchmark/>",
        b'{"dependencies": {}}',
        b"[INFO] Building the project\n[WARN] 3 tests - skipped\n",
        b"[1, 2]",
    ):
        assert not looks_like_docker_bench(head)


def test_the_json_and_the_log_are_distinguished() -> None:
    for content in (json_of_1_6(CHECKS), json_of_1_3_5(CHECKS), b'\n[\n {"id": "4.1"}]'):
        assert not is_docker_bench_log(content)
    for content in (
        text_log(CHECKS),
        text_log(CHECKS, colours=True),
        b"[INFO] 1 - Host Configuration\n",
    ):
        assert is_docker_bench_log(content)


@pytest.mark.shared
def test_a_real_run_reads_the_same_strictly_and_has_every_check_of_its_log_once(
    captures: Path,
) -> None:
    run = captures / "docker-bench-1.6.0"
    json_output, log = (run / "bench.log.json").read_bytes(), (run / "bench.log").read_bytes()
    report = read(json_output, log)
    assert (report.read_from, report.warnings) == ("JSON", ())
    assert len(report.results) == 117
    assert len(statuses(report)) == 117

    checks = re.findall(rb"^\[(?:PASS|WARN|INFO|NOTE)\] (\d+(?:\.\d+)+) - .*\)$", log, re.MULTILINE)
    numbers = {number.decode() for number in checks}
    assert len(numbers) == 116
    assert numbers <= set(statuses(report))
    from_log = read(None, log)
    assert set(statuses(from_log)) == set(statuses(report))
    assert (the("2.18", from_log).status, the("2.18", from_log).finding) == ("warn", "Deprecated")
    assert not any("counted" in warning for warning in from_log.warnings)

    leniently = read(json_output.replace(b'"score": 3', b'"score": '), log)
    assert leniently.read_from == "JSON (leniently)"
    assert leniently.results == report.results
