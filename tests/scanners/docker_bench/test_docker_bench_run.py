"""The progress that a run of Docker Bench reports, and what its end means."""

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.scanners.captured_output import Line
from stages.scanners.child import Cause, ChildLimits, End, EndedBy
from stages.scanners.docker_bench.docker_bench_run import DockerBench
from stages.scanners.docker_bench.docker_bench_settings import DockerBenchSettings
from stages.scanners.docker_bench.reading.text_log import read_log
from stages.scanners.platform import parse_os_release
from stages.scanners.runner import Plan

LOG = """\
# Docker Bench for Security v1.6.0
Initializing 2026-11-23T06:06:40+00:00
Section A - Check results
[INFO] 1 - Host Configuration
[INFO] 1.1 - Linux Hosts Specific Configuration
[PASS] 1.1.1 - Ensure a separate partition for containers has been created (Automated)
[WARN] 1.1.3 - Ensure auditing is configured for the Docker daemon (Automated)
[WARN]      * No audit rule
[INFO] 2 - Docker daemon configuration
[NOTE] 2.9 - Enable user namespace support (Scored)
Section B - Remediation measures
[INFO] 1.1.3 - Install auditd.
Section C - Score
[INFO] Checks: 3
"""


@pytest.fixture
def bench() -> Iterator[DockerBench]:
    """One whose daemon takes connections."""
    with tempfile.TemporaryDirectory(prefix="dk") as place, socket.socket(socket.AF_UNIX) as sock:
        sock.bind(f"{place}/d.sock")
        sock.listen(8)
        yield DockerBench(
            DockerBenchSettings(socket=f"{place}/d.sock"), parse_os_release("ID=debian")
        )


def plan(*command: str) -> Plan:
    return Plan(
        profile_id="docker-bench",
        profile_title="CIS Docker",
        command=command,
        limits=ChildLimits(10, 1 << 20),
        scanner_version=None,
    )


def test_every_check_is_reported_once_without_headers_and_remediations(bench: DockerBench) -> None:
    reported = [progress for line in LOG.splitlines() if (progress := bench.progress(Line(line)))]
    assert [(p.rule.split()[0], p.result) for p in reported] == [
        ("1.1.1", "pass"),
        ("1.1.3", "warn"),
        ("2.9", "note"),
    ]


@pytest.mark.shared
def test_every_check_of_a_real_log_is_reported_once(bench: DockerBench, captures: Path) -> None:
    log = (captures / "docker-bench-1.6.0/bench.log").read_bytes()
    reported = [
        found for line in log.decode().splitlines() if (found := bench.progress(Line(line)))
    ]
    # A check that has become needless is printed without its number, so its progress is not
    # reported.
    numbered = [c.id for c in read_log(log).checks.values() if "Deprecated" not in c.findings]
    assert [progress.rule.split()[0] for progress in reported] == numbered


@pytest.mark.parametrize(
    "message", ["bench.sh: illegal option -- p", "Illegal option -p", "/bin/sh: illegal option -p"]
)
def test_a_refused_p_is_left_out(bench: DockerBench, message: str) -> None:
    again = bench.again(
        End(1, None, None, message), plan("docker", "run", "image", "-b", "-p", "-l", "x")
    )
    assert again
    assert again.command == ("docker", "run", "image", "-b", "-l", "x")
    assert again.warnings


@pytest.mark.parametrize(
    ("end", "command"),
    [
        (End(1, None, None, "Illegal option -u"), ("run", "-b", "-p", "-u", "alice")),
        (End(1, None, None, "Illegal option -p"), ("run", "-b")),
        (End(0, None, None, "Illegal option -p"), ("run", "-b", "-p")),
        (End(1, None, None, "Error connecting to docker daemon"), ("run", "-b", "-p")),
    ],
)
def test_nothing_else_is_run_again(bench: DockerBench, end: End, command: tuple[str, ...]) -> None:
    assert bench.again(end, plan(*command)) is None


@pytest.mark.parametrize(
    ("end", "stderr", "error"),
    [
        (End(0, None, None, ""), "", None),
        (
            End(125, None, None, "See 'docker run --help'."),
            "docker: Error response from daemon: Conflict.\nSee 'docker run --help'.\n",
            "the container could not be started: Error response from daemon: Conflict.",
        ),
        (
            End(127, None, None, "bench.sh: awk: not found"),
            "",
            "exit code 127: bench.sh: awk: not found",
        ),
        (End(1, None, None, "does docker ps work?"), "", "exit code 1: does docker ps work?"),
        (End(None, 9, None, ""), "", "Docker Bench was ended by signal 9"),
        (
            End(None, 15, EndedBy(Cause.TIME_LIMIT, "took longer than its limit of 10 s"), ""),
            "",
            "took longer than its limit of 10 s",
        ),
        (
            End(None, 15, EndedBy(Cause.CANCELLED, "cancelled by the server"), ""),
            "",
            "cancelled by the server",
        ),
    ],
)
def test_what_an_end_means(
    bench: DockerBench, tmp_path: Path, end: End, stderr: str, error: str | None
) -> None:
    (tmp_path / "bench.log").write_text(LOG)
    (tmp_path / "stderr.log").write_text(stderr)
    found = bench.judge(end, tmp_path).error
    assert found == error if error is None else error in (found or "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("stderr.log", "x\nCannot connect to the Docker daemon at unix:///run/d.sock. Is it up?\n"),
        ("stdout.log", "error during connect: Get http://docker: EOF\n"),
    ],
)
def test_a_daemon_that_was_away_while_the_scanner_ran_fails_the_scan(
    bench: DockerBench, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / "bench.log").write_text(LOG)
    (tmp_path / name).write_text(text)
    error = bench.judge(End(0, None, None, ""), tmp_path).error or ""
    assert error.startswith("the Docker daemon went away during the scan: ")
    assert text.strip().splitlines()[-1] in error


def test_a_name_that_reads_like_a_missing_daemon_fails_no_scan(
    bench: DockerBench, tmp_path: Path
) -> None:
    (tmp_path / "bench.log").write_text(LOG)
    (tmp_path / "stdout.log").write_text("[WARN]      * Cannot connect to the Docker daemon\n")
    assert bench.judge(End(0, None, None, ""), tmp_path).error is None


def test_a_check_that_the_scanner_does_not_know_is_a_warning(
    bench: DockerBench, tmp_path: Path
) -> None:
    (tmp_path / "bench.log").write_text(LOG)
    (tmp_path / "stdout.log").write_text('Check "check_2_99" doesn\'t seem to exist.\n')
    verdict = bench.judge(End(0, None, None, ""), tmp_path)
    assert verdict.warnings == (
        "compliance.docker_bench.checks: this Docker Bench has no check_2_99",
    )


def test_a_link_in_the_logs_place_is_not_followed(bench: DockerBench, tmp_path: Path) -> None:
    (tmp_path / "bench.log").symlink_to("/etc/hostname")
    verdict = bench.judge(End(0, None, None, ""), tmp_path)
    assert verdict.outputs == ()
    assert "wrote neither JSON nor log" in (verdict.error or "")
