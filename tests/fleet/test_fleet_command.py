"""From the spool of a host to a report, as an operator types it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from spool.lock import alone_in
from tests.console.program import agent
from tests.fleet.hosts import HostSpool, scan_id
from tests.pipeline.agent import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.xdist_group("fleet")]


def test_from_the_spool_of_a_host_to_a_report(
    host: Callable[[str], HostSpool], tmp_path: Path
) -> None:
    source = host("web1")
    for day in range(2):
        source.parse(source.scan(day, "pass", "fail"))
    config = tmp_path / "config.yml"
    config.write_text(json.dumps({"spool": {"path": str(source.directory)}}))
    bundles, archive = tmp_path / "bundles", str(tmp_path / "archive")

    exported = json.loads(agent("export", "--raw", str(bundles), "--json", config=config).stdout)
    assert exported["scans"] == [scan_id(0), scan_id(1)]
    nothing = agent("export", "--raw", str(bundles), "--since", "last", config=config)
    as_json = agent("export", "--raw", str(bundles), "--since", "last", "--json", config=config)
    assert json.loads(as_json.stdout)["file"] is None
    assert "nothing new" in nothing.stdout
    source.deliver(scan_id(1))
    more = agent("export", "--raw", str(bundles), "--since", "last", "--json", config=config)
    completed = json.loads(more.stdout)
    assert completed["scans"] == [scan_id(1)]

    added = agent("fleet", "add", archive, exported["file"], completed["file"])
    assert "2 new, 0 completed" in added.stdout
    assert "0 new, 1 completed" in added.stdout
    assert "2 parsed, 0 can't be read" in agent("fleet", "parse", archive, "--workers", "1").stderr
    assert "0 scans to parse, 2 up to date" in agent("fleet", "parse", archive).stderr
    assert "Title of rule1" in agent("fleet", "report", archive).stdout
    page = tmp_path / "fleet.html"
    agent("fleet", "report", archive, "--format", "html", "-o", str(page))
    refused = agent("fleet", "report", archive, "-o", str(tmp_path / "text"), code=2)
    assert "--output needs another --format than text" in refused.stderr
    assert "Title of rule1" in page.read_text()
    counted = agent(
        "fleet", "query", archive, "SELECT count(*) AS n FROM results", "--format", "csv"
    )
    assert counted.stdout.split() == ["n", "4"]


def test_a_mistake_on_the_command_line_has_the_form_of_the_other_commands() -> None:
    text = agent("fleet", "add", code=2).stderr
    assert "compliance-agent fleet add: the following arguments are required: ARCHIVE" in text
    assert text.rstrip().endswith("see compliance-agent fleet add --help")
    failure = json.loads(agent("fleet", "nothing", "--json", code=2).stdout)
    assert "invalid choice: 'nothing'" in failure["error"]
    assert failure["exit_code"] == 2


def test_a_source_that_is_not_a_bundle_does_not_stop_the_others(
    host: Callable[[str], HostSpool], tmp_path: Path
) -> None:
    source = host("web1")
    source.scan(0, "pass")
    cut = tmp_path / "cut.tar"
    bundle = source.bundle(tmp_path / "web1.tar")
    cut.write_bytes(bundle.read_bytes()[:5000])
    archive = str(tmp_path / "archive")
    sources = [str(cut), str(tmp_path / "none.tar"), f"x={tmp_path}", str(bundle)]
    added = agent("fleet", "add", archive, *sources, code=1)
    assert "1 new" in added.stdout
    assert len(added.stderr.splitlines()) == 3


def test_a_name_from_elsewhere_is_harmless_to_the_terminal(tmp_path: Path) -> None:
    source = tmp_path / "x\x1b[31m.tar"
    for content in (None, b"junk"):
        if content is not None:
            source.write_bytes(content)
        printed = agent("fleet", "add", str(tmp_path / "archive"), str(source), code=1).stderr
        assert "\\x1b[31m.tar" in printed
        assert "\x1b" not in printed


def test_a_mistyped_archive_is_an_error(tmp_path: Path) -> None:
    nothing = str(tmp_path / "nothing")
    for command in (["parse", nothing], ["report", nothing], ["query", nothing, "SELECT 1"]):
        assert "has no hosts" in agent("fleet", *command, code=3).stderr
    assert "number" in agent("fleet", "parse", nothing, "--workers", "0", code=2).stderr


def test_an_export_waits_for_another_one_into_the_same_directory(
    host: Callable[[str], HostSpool], tmp_path: Path
) -> None:
    source = host("web1")
    source.parse(source.scan(0, "pass"))
    config = tmp_path / "config.yml"
    config.write_text(json.dumps({"spool": {"path": str(source.directory)}}))
    bundles = tmp_path / "bundles"
    bundles.mkdir()
    command = ("export", "--raw", str(bundles), "--config", str(config))
    with alone_in(bundles):
        exporting = subprocess.Popen([sys.executable, "-m", "stages.console.main", *command])
        waiting = f"-> FLOCK  ADVISORY  WRITE {exporting.pid} "

        def waits_or_has_ended() -> bool:
            return waiting in Path("/proc/locks").read_text() or exporting.poll() is not None

        until(waits_or_has_ended, "it waits")
        assert list(bundles.iterdir()) == []
    assert exporting.wait(timeout=60) == 0
    assert len(list(bundles.glob("*.tar"))) == 1


def test_since_last_needs_raw(tmp_path: Path) -> None:
    refused = agent("export", str(tmp_path / "x"), "--since", "last", code=2)
    assert "--raw" in refused.stderr


def test_without_the_extra_the_message_names_it() -> None:
    hidden = (
        "import sys; sys.modules['rich'] = None;"
        "from stages.console.main import main; sys.exit(main(['fleet', 'report', 'x']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", hidden], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "compliance-agent[fleet]" in done.stderr
