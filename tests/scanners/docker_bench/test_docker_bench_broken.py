"""Docker Bench's output torn, broken and hostile."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from stages.scanners.docker_bench.reading import DockerBenchError
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

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("write", [json_of_1_6, json_of_1_3_5])
@pytest.mark.parametrize(
    ("intact", "broken"),
    [
        pytest.param("/run/x.sock", '/run/"x".sock', id="quotes in a name"),
        pytest.param("/run/x.sock", r"/run/\x\".sock", id="backslashes in a name"),
        pytest.param("/run/x.sock", "/run/\nx.sock", id="a line break in a name"),
        pytest.param("/run/x.sock", '/run/x","results":[', id="a group in a name"),
        pytest.param(
            "/run/x.sock", '/run/x"},{"id":"5.1","desc":"","result":"WARN', id="a check in a name"
        ),
        pytest.param("]\n    },", "]\n    }", id="a comma missing between groups"),
        pytest.param('"end": 1795414003', '"end": ', id="no end time"),
        pytest.param('"score": 0', '"score": NaN', id="no number"),
        pytest.param('"score": 0', '"score": ' + "[" * 100_000, id="endless nesting"),
    ],
)
def test_broken_json_is_read_leniently(write: object, intact: str, broken: str) -> None:
    assert callable(write)
    whole = write(CHECKS).decode()
    damaged = whole.replace(intact, broken).replace(intact.replace("]\n    }", "]}"), broken)
    if damaged == whole:
        damaged = whole.replace("]},", "]}")
    assert damaged != whole
    report = read(damaged.encode())
    assert statuses(report) == STATUSES
    assert report.read_from == "JSON (leniently)"
    assert report.warnings[0].startswith("read leniently: the JSON is broken: ")
    assert "\n" not in report.warnings[0]


@pytest.mark.parametrize("write", [json_of_1_6, json_of_1_3_5])
def test_a_result_in_a_name_makes_no_check_better(
    write: Callable[[Sequence[Printed]], bytes],
) -> None:
    forged = write(CHECKS).replace(b"/run/x.sock", b'/run/x","result":"PASS')
    assert statuses(read(forged)) == STATUSES


def test_a_list_that_a_name_opens_hides_no_check() -> None:
    head = '{"tests": [{"id": "5", "desc": "R", "results": [{"id": "5.1", "result": "WARN", '
    forged = head + '"details": "x"}], "y": [{"id": "5.2", "result": "WARN", "z": [{"a": "x"}, '
    forged += '{"id": "5.3", "result": "WARN"}]}]}], "t": [{"id": "5.4", "result": "WARN"}]}'
    assert statuses(read(forged.encode())) == dict.fromkeys(("5.1", "5.2", "5.3", "5.4"), "fail")


def test_an_item_that_is_not_a_name_does_not_make_a_check_a_group() -> None:
    check = {
        "id": "5.1",
        "desc": "d",
        "result": "WARN",
        "details": "x",
        "items": [{"x": 1}, "a", 3, None],
    }
    report = read(json.dumps([check]).encode())
    assert statuses(report) == {"5.1": "fail"}
    assert "a" in (the("5.1", report).finding or "")


def test_several_results_in_one_test_are_one_check_with_all_findings() -> None:
    line = '{"id": "5.4", "desc": "Networks", "result": "WARN", "details": "open: a (swarm)"}'
    line += '"result": "WARN", "details": "open: b (swarm)"}'
    head = (
        '{\n  "dockerbenchsecurity": "1.3.5",\n  "tests": [\n    {"id": "5", "desc": "R",  '
        '"results": [\n      '
    )
    foot = '\n    ]}\n  ], "checks": 1, "score": 0, "end": 1795414003 \n}\n'
    report = read((head + line + foot).encode())
    assert statuses(report) == {"5.4": "fail"}
    assert the("5.4", report).finding == "open: a (swarm)\nopen: b (swarm)"


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7, 0.9, 0.99])
def test_a_torn_file_is_completed_from_the_log(share: float) -> None:
    whole = json_of_1_6(CHECKS)
    report = read(whole[: int(len(whole) * share)], text_log(CHECKS))
    assert statuses(report) == STATUSES
    assert all(result.title.endswith("(Automated)") for result in report.results)
    assert the("4.1", report).remediation == "Name a user."


def test_a_truncated_file_without_a_log_has_a_warning_and_a_check_without_result_is_an_error() -> (
    None
):
    whole = json_of_1_6(CHECKS)
    report = read(whole[: whole.index(b'"result": "NOTE"') + 13])
    assert statuses(report) == {"1.1.1": "pass", "1.1.2": "warn", "4.1": "fail", "4.2": "error"}
    assert "the JSON has no end: later checks may be missing" in report.warnings
    assert the("4.2", report).finding == "the output holds no result of this check"


def test_a_forged_heading_hides_no_failure() -> None:
    log = text_log(
        (Printed("4.1", "WARN", r"x\nSection B - Remediation measures"), Printed("4.2", "WARN"))
    )
    assert statuses(read(None, log)) == {"4.1": "fail", "4.2": "fail"}


def test_a_check_that_is_printed_again_keeps_its_worst_result() -> None:
    log = text_log((Printed("4.1", "WARN"), Printed("4.2", "PASS"), Printed("4.1", "PASS")))
    assert statuses(read(None, log)) == {"4.1": "fail", "4.2": "pass"}


def test_fewer_checks_than_the_scanner_counted_are_noticed() -> None:
    log = text_log(CHECKS).replace(b"Checks: 7", b"Checks: 9")
    assert "the scanner counted 9 checks, 7 were found" in read(None, log).warnings


@pytest.mark.parametrize(
    ("json_output", "log", "reason"),
    [
        (None, None, "there is no JSON, there is no text log"),
        (b"", b" \n", "the JSON is empty, the text log is empty"),
        (b"{}", None, "the JSON holds no check, there is no text log"),
        (
            b'{"tests": [{"id": "1", "desc": "Host", "results": []}]}',
            None,
            "the JSON holds no check",
        ),
        (b"\x00\xff", b"permission denied", "the JSON is broken: "),
        (None, b"[INFO] 1 - Host Configuration\n[INFO] Checks: 0\n", "the text log has none"),
        (b"[" * 200_000, None, "nested too deep"),
        (b'{"start":' + b"9" * 10_000 + b"}", None, "broken: a number of 10000 digits, there is"),
        (b'"' + b"x" * (16 << 20) + b'"', None, "the JSON is 16777218 bytes, more than 16777216"),
    ],
)
def test_output_without_a_check_is_refused_with_the_reason(
    json_output: bytes | None, log: bytes | None, reason: str
) -> None:
    with pytest.raises(DockerBenchError, match=re.escape(reason)) as caught:
        read(json_output, log)
    assert str(caught.value).startswith("output holds no check: ")
    assert "\n" not in str(caught.value)


def test_impossible_times_give_way_to_the_callers() -> None:
    odd = json_of_1_6(CHECKS).replace(b"1795414000", b"9" * 40).replace(b"1795414003", b"-5")
    report = read(odd)
    assert (report.started_at, report.completed_at) == (AT, AT)


@pytest.mark.parametrize("number", [b"1e999", b"1.5", b"-1", b"true", b'"soon"', b"null"])
def test_an_impossible_time_is_none_however_it_is_read(number: bytes) -> None:
    whole = json_of_1_6(CHECKS).replace(b"1795414000", number)
    for text, way in (
        (whole, "JSON"),
        (whole.replace(b'"score": 0', b'"score": '), "JSON (leniently)"),
    ):
        report = read(text)
        assert report.read_from == way
        assert report.started_at == report.completed_at == datetime.fromtimestamp(1795414003, UTC)
        assert "does not hold the time when the scan began: its end is used" in report.warnings[-1]


def test_a_clock_set_back_does_not_end_a_scan_before_it_began() -> None:
    report = read(json_of_1_6(CHECKS).replace(b"1795414003", b"1795413000"))
    assert report.completed_at == report.started_at


def test_text_from_the_host_is_printable_and_bounded() -> None:
    hostile = "a\x1b[2J\u202eb\ud800\x85" + "x" * 5_000
    check = {
        "id": "4.1",
        "desc": hostile,
        "result": "WARN",
        "details": hostile,
        "items": [f"{number}{hostile}" for number in range(900)],
    }
    report = read(json.dumps({"tests": [check]}).encode())
    result = the("4.1", report)
    assert result.finding is not None
    for line in (result.title, *result.finding.split("\n")):
        assert line.isprintable()
        assert len(line) <= 1100
    assert len(result.finding) < 300_000
    assert result.finding.endswith(" more")


def test_more_checks_than_a_benchmark_has_are_left_out_and_counted() -> None:
    tests = [{"id": f"4.{number}", "desc": "d", "result": "PASS"} for number in range(2500)]
    report = read(json.dumps({"tests": tests}).encode())
    assert len(report.results) == 2000
    assert "500 checks beyond 2000 were left out" in report.warnings


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(b'"id":' * 400_000, id="keys"),
        pytest.param(b'{"id": "4.1", "items": [' + b'"   ' * 500_000, id="items"),
        pytest.param(b" " * 2_000_000 + b'"x', id="blanks"),
        pytest.param(b'{\n"4.1": "WARN",' * 100_000, id="results"),
        pytest.param(
            b'{"id": "4.1", "result": "WARN", "details": "' + b"[a " * 600_000, id="brackets"
        ),
    ],
)
@pytest.mark.timeout(20)
def test_hostile_output_is_read_in_linear_time(hostile: bytes) -> None:
    log = (
        b"[WARN] 4.1 - x\n"
        + b"\x1b[1;1" * 200_000
        + b"[WARN]      * y" * 50_000
        + b"\n[INFO]"
        + b" " * 500_000
    )
    assert "4.1" in statuses(read(hostile, log))


@pytest.mark.shared
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.995])
def test_a_real_run_torn_anywhere_is_completed_from_its_log(captures: Path, share: float) -> None:
    run = captures / "docker-bench-1.6.0"
    json_output, log = (run / "bench.log.json").read_bytes(), (run / "bench.log").read_bytes()
    torn = read(json_output[: int(len(json_output) * share)], log)
    whole = statuses(read(json_output, log))
    assert set(whole) == set(statuses(torn))
