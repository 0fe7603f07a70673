"""What `install` writes, and what it reports before it does anything."""

import json
import os
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.codec import replace
from spool.spool import Spool
from stages.console.command_parsers import parser
from stages.console.install import (
    environment,
    install_command,
    install_paths,
    installed_files,
    services,
)
from stages.console.install.actions import Steps
from stages.console.install.completion import bash_completion
from stages.console.install.fish_completion import fish_completion
from stages.console.install.manpage import man_page, subcommands
from stages.console.install.zsh_completion import zsh_completion
from stages.runtime.command_error import CommandError
from tests.ship import ship_spool

pytestmark = pytest.mark.slow


def install(*message: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "stages.console.main", "install", *message]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def completed(*message: str) -> set[str]:
    """What bash offers after these words; the last one is being typed."""
    script = (
        f"{bash_completion(parser())}\n"
        'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))\n'
        '_compliance_agent compliance-agent "${COMP_WORDS[COMP_CWORD]}" '
        '"${COMP_WORDS[COMP_CWORD-1]}"\n'
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    bash = ["bash", "-c", script, "bash", "compliance-agent", *message]
    done = subprocess.run(bash, capture_output=True, text=True, check=True, timeout=30)
    return set(done.stdout.split())


def test_the_man_page_names_every_command_and_every_option() -> None:
    page = man_page(parser(), "1.2.3").replace("\\-", "-")
    for name, command in subcommands(parser()).items():
        assert f"compliance-agent {name}" in page
        for action in command._actions:
            for option in {*action.option_strings} - {"-h"}:
                assert option in page


@pytest.mark.skipif(shutil.which("man") is None, reason="man is missing: apt-get install man-db")
def test_the_man_page_is_shown_without_a_warning(tmp_path: Path) -> None:
    page = tmp_path / "compliance-agent.1"
    page.write_text(man_page(parser(), "1.2.3"))
    done = subprocess.run(
        ["man", "--warnings", "--local-file", str(page)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stderr == ""
    assert "retry" in done.stdout


def test_bash_completes_commands_options_and_choices() -> None:
    assert {"scan", "status", "install"} <= completed("")
    assert completed("sta") == {"status", "stage"}
    assert "--wait" in completed("scan", "--w")
    assert completed("scan", "--scanner", "") == {"openscap", "docker-bench"}
    assert completed("stage", "p") == {"parse"}


def test_the_commands_of_a_group_are_completed() -> None:
    pytest.importorskip("pyarrow")
    pytest.importorskip("distributed")
    assert completed("fleet", "") == {"add", "parse", "report", "query", "deliver"}
    assert "--scheduler" in completed("fleet", "parse", "--s")
    assert "--scheduler" not in completed("parse", "--s")
    assert completed("fleet", "report", "--format", "") == {"text", "json", "csv", "html"}
    zsh, fish = zsh_completion(parser()), fish_completion(parser())
    assert '"fleet parse") offered=(-h --help --scheduler' in zsh
    assert 'test "$line[2]" = fleet; and test "$line[3]" = parse' in fish


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is missing: apt-get install fish")
def test_fish_completes_the_commands_of_a_group(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    script = tmp_path / "completion"
    script.write_text(fish_completion(parser()))

    def offered(line: str) -> set[str]:
        fish = ["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"]
        done = subprocess.run(fish, capture_output=True, text=True, check=True, timeout=60)
        return {candidate.partition("\t")[0] for candidate in done.stdout.splitlines()}

    assert offered("compliance-agent fleet ") == {"add", "parse", "report", "query", "deliver"}
    assert "--workers" in offered("compliance-agent fleet parse --w")
    assert "--workers" not in offered("compliance-agent parse --w")


def test_the_program_offers_scans_rules_and_profiles(tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text(json.dumps({"spool": {"path": str(tmp_path / "spool")}}))
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    spool.reports.write(ship_spool.report(1))
    spool.reports.write(ship_spool.report(2))

    def offered(*arguments: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-m", "stages.console.main", "__complete", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "COMPLIANCE_AGENT_CONFIG": str(config)},
        )
        assert done.stderr == ""
        return done.stdout.splitlines()

    assert offered("scans") == ["last", "00000001", "00000002"]
    assert offered("rules", "last") == ["rule_0", "rule_1", "rule_2"]
    assert offered("rules", "no-such-scan") == []
    assert offered("profiles") == []
    assert offered("nonsense") == []


@pytest.mark.parametrize("script", [zsh_completion, fish_completion])
def test_the_other_shells_complete_every_command_and_option(
    script: Callable[[ArgumentParser], str],
) -> None:
    text = script(parser())
    for name, command in subcommands(parser()).items():
        assert name in text
        for action in command._actions:
            for option in action.option_strings:
                assert option.lstrip("-") in text
    for kind in ("scans", "profiles", "rules"):
        assert f"__complete {kind}" in text


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_other_shells_read_their_scripts(shell: str, tmp_path: Path) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is missing: apt-get install {shell}")
    path = tmp_path / "completion"
    path.write_text({"zsh": zsh_completion, "fish": fish_completion}[shell](parser()))
    done = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is missing: apt-get install fish")
def test_fish_offers_scans_and_rules_of_the_program(tmp_path: Path) -> None:
    config = tmp_path / "config.yml"
    config.write_text(json.dumps({"spool": {"path": str(tmp_path / "spool")}}))
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    spool.reports.write(ship_spool.report(1))
    script = tmp_path / "completion"
    script.write_text(fish_completion(parser()))

    def offered(line: str) -> set[str]:
        done = subprocess.run(
            ["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            env={
                **os.environ,
                "COMPLIANCE_AGENT_CONFIG": str(config),
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            },
        )
        return {candidate.partition("\t")[0] for candidate in done.stdout.splitlines()}

    assert offered("compliance-agent show ") == {"last", "00000001"}
    assert offered("compliance-agent show last --rule rule_") == {"rule_0", "rule_1", "rule_2"}


def test_zsh_gets_each_candidate_as_a_word_of_its_own() -> None:
    text = zsh_completion(parser())
    assert "offered=(run scan " in text
    assert "offered=(openscap docker-bench)" in text


def test_bash_offers_nothing_of_its_own_where_a_file_is_wanted() -> None:
    assert completed("status", "--config", "") == set()


def test_options_are_offered_where_one_is_begun_or_nothing_else_can_stand() -> None:
    assert completed("replay", "") == {"parse", "ship"}
    assert "--force" in completed("replay", "-")
    assert "--json" in completed("status", "")


def test_units_start_the_program_from_the_prefix_that_was_chosen() -> None:
    texts = installed_files.texts(install_paths.local(Path("/opt/tools")))
    units = [texts[Path("/etc/systemd/system", name)] for name in install_paths.SERVICES]
    for text in units:
        assert "\nExecStart=/opt/tools/lib/compliance-agent/bin/compliance-agent stage " in text


def test_every_file_that_install_writes_is_one_that_uninstall_removes() -> None:
    where = install_paths.local(Path("/opt/tools"))
    assert {*installed_files.texts(where), where.command} == set(where.files())


def test_the_environment_has_all_that_the_agent_needs_and_no_tools_of_its_development() -> None:
    names = {distribution.metadata["Name"].lower() for distribution in environment.closure()}
    assert {"lxml", "msgspec", "pyzmq", "requests", "urllib3", "websockets"} <= names
    assert not names & {"pytest", "mypy", "ruff", "hypothesis", "compliance-agent"}


@pytest.fixture
def python() -> Path:
    try:
        return environment.interpreter()
    except CommandError as error:
        pytest.skip(str(error))


@pytest.mark.slow
def test_a_made_environment_runs_the_agent_from_another_place(python: Path, tmp_path: Path) -> None:
    home = tmp_path / "lib/compliance-agent"
    environment.make(tmp_path / "new", home, python)
    home.parent.mkdir()
    (tmp_path / "new").rename(home)
    command = [str(home / "bin/compliance-agent"), "install", "--help"]
    wide = os.environ | {"COLUMNS": "1000"}
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60, cwd="/", env=wide
    )
    assert f"default: {tmp_path}" in done.stdout


def test_every_user_can_read_an_environment_that_root_made_with_a_private_umask(
    python: Path, tmp_path: Path
) -> None:
    before = os.umask(0o077)
    try:
        environment.make(tmp_path / "new", tmp_path / "home", python, compiled=False)
    finally:
        os.umask(before)
    for path in (tmp_path / "new").rglob("*"):
        needed = 0o055 if path.is_dir() or path.parent.name == "bin" else 0o044
        assert path.is_symlink() or path.stat().st_mode & needed == needed, path


def test_a_dry_run_lists_every_step_and_the_remaining_actions() -> None:
    done = install("--dry-run", "--json", "--prefix", "/opt/tools")
    if "interpreter" in done.stderr:
        pytest.skip(done.stderr)
    captured = json.loads(done.stdout)
    assert "make /opt/tools/lib/compliance-agent" in captured["done"]
    assert any(step.startswith("run systemd-tmpfiles --create") for step in captured["done"])
    assert any("api-key" in message for message in captured["actions"])


def test_capabilities_for_checks_by_script_are_a_drop_in_that_an_option_installs() -> None:
    plain = install("--dry-run", "--json", "--prefix", "/opt/tools")
    allowed = install("--dry-run", "--json", "--prefix", "/opt/tools", "--with-script-checks")
    if "interpreter" in plain.stderr:
        pytest.skip(plain.stderr)
    step = f"write {install_paths.SCRIPT_CHECKS_PATH}"
    assert step not in json.loads(plain.stdout)["done"]
    assert step in json.loads(allowed.stdout)["done"]


def test_the_service_for_fixes_is_installed_by_an_option_alone() -> None:
    plain = install("--dry-run", "--json", "--prefix", "/opt/tools")
    wanted = install("--dry-run", "--json", "--prefix", "/opt/tools", "--with-remediation")
    if "interpreter" in plain.stderr:
        pytest.skip(plain.stderr)
    for unit in install_paths.REMEDIATE_UNITS:
        step = f"write {install_paths.LOCAL_UNITS / unit}"
        assert step not in json.loads(plain.stdout)["done"]
        assert step in json.loads(wanted.stdout)["done"]
    units = installed_files.remediation_units(Path("/opt/tools/lib/compliance-agent"))
    service = units[install_paths.LOCAL_UNITS / install_paths.REMEDIATE_SERVICE]
    assert (
        "ExecStart=/opt/tools/lib/compliance-agent/bin/compliance-agent fix --requested" in service
    )


@pytest.mark.parametrize("prefix", ["opt/tools", "/opt/my tools", "/opt/%i", "/opt/$HOME"])
def test_a_prefix_that_a_unit_would_misread_is_refused(prefix: str) -> None:
    done = install("--dry-run", "--prefix", prefix)
    assert done.returncode == 2
    assert "absolute path of plain characters" in done.stderr


@pytest.mark.parametrize("prefix", ["/root/agent", "/home/bob", "/tmp/agent", "/opt/../var/tmp/x"])
def test_a_prefix_that_the_services_would_not_see_is_refused(prefix: str) -> None:
    done = install("--dry-run", "--prefix", prefix)
    assert done.returncode == 2
    assert "hidden from the services" in done.stderr


def test_uninstalling_a_missing_installation_is_an_error() -> None:
    done = install("--uninstall", "--dry-run", "--prefix", "/nowhere")
    assert done.returncode == 3
    assert "nothing is installed below /nowhere" in done.stderr


@pytest.mark.parametrize("exist", [True, False])
def test_only_settings_that_exist_are_reported_as_kept(
    exist: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installation that failed early has not made their directory."""
    settings = tmp_path / "etc/config.yml"
    monkeypatch.setattr(install_command, "CONFIG", settings)
    if exist:
        settings.parent.mkdir()
    where = install_paths.local(tmp_path / "prefix")
    where.home.mkdir(parents=True)
    remaining = install_command._uninstall(where, Steps(dry=True, report=lambda _: None))
    assert (f"settings and API key are kept: {settings.parent}" in remaining) == exist


def test_what_a_killed_installation_has_left_is_uninstalled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemctl refuses to disable or to stop a unit without a file."""
    monkeypatch.setattr(services, "_SYSTEMD_RUNS", tmp_path)
    where = replace(install_paths.local(tmp_path / "prefix"), units=tmp_path / "units")
    half_made = where.home.with_name(".compliance-agent.new")
    half_made.mkdir(parents=True)
    steps = Steps(dry=True, report=lambda _: None)
    install_command._uninstall(where, steps)
    assert f"remove {half_made}" in steps.reported
    systemctl = [step.split()[:3] for step in steps.reported if step.startswith("run systemctl")]
    assert ["run", "systemctl", "disable"] not in systemctl
    assert ["run", "systemctl", "stop"] not in systemctl

    where.units.mkdir()
    (where.units / install_paths.SERVICES[0]).touch()
    steps = Steps(dry=True, report=lambda _: None)
    install_command._uninstall(where, steps)
    assert f"run systemctl stop {install_paths.SERVICES[0]}" in steps.reported

    for unit in install_paths.UNITS:
        (where.units / unit).touch()
    steps = Steps(dry=True, report=lambda _: None)
    install_command._uninstall(where, steps)
    assert f"run systemctl disable --now {install_paths.TARGET}" in steps.reported
    stopped = next(step for step in steps.reported if step.startswith("run systemctl stop"))
    assert {*install_paths.UNITS} - {install_paths.TARGET} == {*stopped.split()[3:]}
