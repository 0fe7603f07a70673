"""A daemon that dies, hangs, or fills the disk under a scan: a failed scan with the reason, and the
stage goes on.
"""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spool.spool import Spool
from tests.docker.engine import Engine, engine, write_script
from tests.docker.scanning import ask, bench, report_of
from tests.pipeline.agent import Agent, until

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]


@pytest.fixture
def own(docker: Engine) -> Iterator[Engine]:
    """An engine that a test may harm."""
    with engine() as running:
        yield running


@contextmanager
def restarted(engine: Engine) -> Iterator[None]:
    """The same daemon once more, after its end."""
    again = subprocess.Popen(
        engine.process.args,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    ping = ["docker", "--host", f"unix://{engine.socket}", "version"]
    try:
        until(
            lambda: subprocess.run(ping, capture_output=True, check=False).returncode == 0,
            "the daemon is back",
            180,
        )
        yield
    finally:
        again.terminate()
        again.wait()


def running(agent: Agent, engine: Engine) -> bool:
    """Whether the scanner in the container has started to write."""
    return bool(engine.scans) and any(agent.spool.raw.path.glob(".*.draft/bench.log"))


def test_a_daemon_that_dies_under_a_scan_is_a_failed_scan_that_says_so(own: Engine) -> None:
    with bench(own, image=own.bench_image("hangs")) as agent:
        scan_id = ask(agent)
        agent.start("trigger", "scan", "parse")
        until(
            lambda: running(agent, own) and "Up" in own("ps", "--format", "{{.Status}}"),
            "a container",
        )
        own.process.kill()
        until(lambda: agent.reported(scan_id), "a report")
        report = agent.report(scan_id)
        assert report.status == "failed"
        assert "the Docker daemon went away during the scan: " in (report.error or "")
        assert "Docker Bench was not run: " in (report_of(agent).error or "")


def test_a_script_whose_daemon_dies_has_found_nothing_whatever_it_prints(
    own: Engine, tmp_path: Path
) -> None:
    script = write_script(tmp_path, "waits")
    with bench(own, method="script", script_paths=[str(script)]) as agent:
        scan_id = ask(agent)
        agent.start("trigger", "scan", "parse")
        until(lambda: any(agent.spool.raw.path.glob(".*.draft/bench.log")), "the script runs")
        own.process.kill()
        own.process.wait()
        (tmp_path / "go").touch()
        until(lambda: agent.reported(scan_id), "a report")
        report = agent.report(scan_id)
        assert (report.status, report.results) == ("failed", ())
        assert "the Docker daemon went away during the scan: " in (report.error or "")


def test_a_daemon_that_went_away_and_came_back_is_a_failed_scan_and_no_false_pass(
    own: Engine, tmp_path: Path
) -> None:
    script = write_script(tmp_path, "waits")
    with bench(own, method="script", script_paths=[str(script)]) as agent:
        scan_id = ask(agent)
        agent.start("trigger", "scan", "parse")
        until(lambda: any(agent.spool.raw.path.glob(".*.draft/bench.log")), "the script runs")
        own.process.terminate()
        own.process.wait()
        with restarted(own):
            (tmp_path / "go").touch()
            until(lambda: agent.reported(scan_id), "a report")
            report = agent.report(scan_id)
            assert (report.status, report.results) == ("failed", ())
            assert "the Docker daemon went away during the scan: " in (report.error or "")
            assert "restarted" in (report.error or "")


def test_a_daemon_that_hangs_under_a_scan_is_ended_by_the_time_limit(own: Engine) -> None:
    with bench(own, image=own.bench_image("hangs"), time_limit_s=10) as agent:
        scan_id = ask(agent)
        agent.start("trigger", "scan", "parse")
        until(lambda: running(agent, own), "a container")
        own.process.send_signal(signal.SIGSTOP)
        try:
            until(lambda: agent.reported(scan_id), "a report")
            assert "longer than its limit of 10 s" in (agent.report(scan_id).error or "")
            assert "the Docker daemon does not answer" in (report_of(agent).error or "")
        finally:
            own.process.send_signal(signal.SIGCONT)
        agent.configure()
        until(lambda: own.scans == [], "the container is gone")


def test_a_scan_that_fills_the_disk_gives_its_room_back_and_fails_in_the_end(
    docker: Engine, small_disk: Path
) -> None:
    with bench(docker, image=docker.bench_image("floods")) as agent:
        agent.settings["spool"] = {
            "path": str(small_disk / "spool"),
            "check_every_s": 0.5,
            "min_free_mib": 4,
        }
        agent.configure()
        scan_id = json.loads(agent.run("scan", "--scanner", "docker-bench", "--json"))["scan_id"]
        agent.start("trigger", "scan", "parse")
        spool = Spool(small_disk / "spool")
        until(lambda: scan_id in spool.reports.ids(), "a report")
        report = spool.reports.read(scan_id)
        assert "was started 2 times and never ended" in (report.error or "")
        assert "a scan filled the disk: free some space" in agent.log("scan")
        assert docker.scans == []
        assert [path.name for path in spool.raw.path.iterdir()] == [scan_id]
