"""The command line, as an operator meets it: answers, mistakes, exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from spool.spool import Spool
from tests.console.program import agent

pytestmark = pytest.mark.slow


def test_help_names_every_command_and_every_exit_code() -> None:
    output = agent("--help").stdout
    for word in ("run", "scan", "replay", "exit codes", "130"):
        assert word in output


@pytest.mark.parametrize(
    "arguments", [["scann"], ["list", "--nonsense"], ["stage", "sing"], [], ["replay", "scan"]]
)
def test_a_wrong_command_line_is_exit_code_2(arguments: list[str]) -> None:
    assert agent(*arguments, code=2).stderr


def test_a_scan_can_be_requested_while_no_stage_runs(config: Path) -> None:
    done = agent("scan", "--profile", "cis", config=config)
    scan_id = done.stdout.strip()
    assert "not running: trigger, scan, parse, ship" in done.stderr
    (row,) = json.loads(agent("list", "--json", config=config).stdout)
    assert row["scan_id"] == scan_id
    assert row["state"] == "requested"


def test_commands_that_read_a_missing_spool_report_the_remedy(config: Path) -> None:
    for command in ("status", "list", "verify"):
        assert "there is no spool yet" in agent(command, config=config, code=3).stderr


def test_an_unknown_scan_is_reported(config: Path) -> None:
    agent("scan", config=config)
    assert (
        "no scan nonsense: see `compliance-agent list`"
        in agent("show", "nonsense", config=config, code=1).stderr
    )
    unknown = "20261123T060301Z-openscap-3f9c2a17"
    for arguments in (
        ("replay", "parse"),
        ("replay", "ship"),
        ("hold",),
        ("release",),
        ("cancel",),
        ("show",),
    ):
        assert unknown in agent(*arguments, unknown, config=config, code=1).stderr


def test_all_problems_of_the_settings_are_reported_at_once(config: Path) -> None:
    config.write_text(
        "server: {url: nonsense}\ncompliance: {openscap: {time_limit_s: 1}}\nlogs: {}\n"
    )
    output = agent("config", "check", config=config, code=2).stdout
    for path in (
        "server.url",
        "compliance.openscap.time_limit_s",
        "logs: no such key; did you mean log?",
    ):
        assert path in output
    checked = json.loads(agent("config", "check", "--json", config=config, code=2).stdout)
    assert [(each["key"], each["line"]) for each in checked["problems"]] == [
        ("server.url", 1),
        ("compliance.openscap.time_limit_s", 2),
        ("logs", 3),
    ]


def test_with_wrong_settings_nothing_is_done(config: Path) -> None:
    config.write_text("spool: {path: relative}\n")
    assert "spool.path" in agent("scan", config=config, code=2).stderr
    assert "spool.path" in agent("stage", "scan", config=config, code=2).stderr


def test_a_world_readable_key_is_a_problem_with_its_remedy(config: Path) -> None:
    config.write_text("server: {url: 'https://x'}\napi: {id: patchmon_1, key: secret}\n")
    config.chmod(0o644)
    output = agent("config", "check", config=config, code=2).stdout
    assert f"chmod 640 {config}" in output
    assert "secret\n" not in output


def test_a_world_readable_secret_is_a_problem_where_no_server_is_set_too(config: Path) -> None:
    config.write_text(
        "api: {id: patchmon_1, key: s3cret}\nserver: {proxy: 'http://u:s3cret@proxy'}\n"
    )
    config.chmod(0o644)
    output = agent("config", "check", config=config, code=2).stdout
    assert "api.key: " in output
    assert "server.proxy: " in output
    assert "s3cret" not in output
    config.chmod(0o640)
    assert "note: server.url: not set" in agent("config", "check", config=config).stdout


def test_consequences_of_a_problem_are_not_reported(config: Path, tmp_path: Path) -> None:
    config.write_text(
        "server: {url: nonsense}\napi: [x]\ncompliance: {schedules: {time_zone: Mars/X}, "
    )
    config.write_text(
        config.read_text() + "openscap: {schedule: x}, docker_bench: {schedule: '* * * * 9'}}\n"
    )
    checked = json.loads(agent("config", "check", "--json", config=config, code=2).stdout)
    assert [problem["key"] for problem in checked["problems"]] == [
        "server.url",
        "api",
        "compliance.schedules.time_zone",
        "compliance.openscap.schedule",
        "compliance.docker_bench.schedule",
    ]
    assert checked["remarks"] == []
    missing = tmp_path / "none.yml"
    output = agent("config", "check", config=missing, code=2).stdout
    assert output == f"{missing}: can't be read: No such file or directory\n{missing}: 1 problem\n"


def test_a_certificate_that_is_not_there_is_a_problem(config: Path) -> None:
    config.write_text("server: {ca_file: /nowhere/ca.pem}\n")
    output = agent("config", "check", config=config, code=2).stdout
    assert "server.ca_file: /nowhere/ca.pem: can't be read: No such file" in output


@pytest.mark.parametrize(
    ("server", "risk"),
    [
        ("{url: 'http://patchmon.example.com'}", "plain http (server.url)"),
        ("{url: 'https://patchmon.example.com', verify: false}", "(server.verify: false)"),
    ],
)
def test_a_connection_that_others_can_read_is_named(
    config: Path, tmp_path: Path, server: str, risk: str
) -> None:
    spool = tmp_path / "spool"
    config.write_text(f"api: {{id: x, key: k}}\nspool: {{path: {spool}}}\nserver: {server}\n")
    config.chmod(0o600)
    checked = json.loads(agent("config", "check", "--json", config=config).stdout)
    assert any(risk in remark for remark in checked["remarks"])
    Spool(spool).prepare()
    assert risk in json.loads(agent("status", "--json", config=config).stdout)["risk"]


def test_parsing_a_file_of_another_kind_names_it(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<html>log in</html>")
    output = agent("parse", str(path), code=1).stderr
    assert str(path) in output
    assert "log in" not in output
    assert "No such file" in agent("parse", str(tmp_path / "none"), code=2).stderr


def test_detect_prints_the_specifications_shape() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stages.console.main", "detect", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    detected = json.loads(done.stdout)
    assert set(detected) == {"openscap", "docker_bench"}
    assert set(detected["openscap"]) == {
        "installed",
        "version",
        "oscap_path",
        "content_path",
        "available_profiles",
    }
    assert set(detected["docker_bench"]) == {
        "docker_installed",
        "docker_version",
        "docker_bench_method",
    }
    for profile in detected["openscap"]["available_profiles"]:
        assert set(profile) == {"id", "title", "description", "file_path"}


def test_a_reader_that_closes_the_pipe_early_causes_no_traceback(config: Path) -> None:
    agent("scan", config=config)
    done = subprocess.run(
        f"{sys.executable} -m stages.console.main config keys --config {config} | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr


def test_terminal_codes_in_scanner_text_are_made_visible() -> None:
    from stages.console.output import safe

    assert safe("a\x1b[31mb\nc\x07\u202e") == "a\\x1b[31mb\nc\\x07\\u202e"
