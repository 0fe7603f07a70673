"""Wrong settings hold up no boot, no package manager and no `systemctl`, nor a later start."""

import json
import time
from functools import partial
from pathlib import Path

import pytest

from stages.console.install.install_paths import CONFIG, KEY
from tests.booted.host import SPOOL, TARGET, UNITS, Host

pytestmark = [
    pytest.mark.booted,
    pytest.mark.docker,
    pytest.mark.xdist_group("booted"),
    pytest.mark.timeout(900),
]
AGENT = "/opt/agent/bin/compliance-agent"
PROBLEM = "servr: no such key"
RIGHT = json.dumps({"log": {"level": "info"}})
LIMIT_S = 240
"""For what must not wait; waiting has no end there."""


def write_settings(host: Host, text: str) -> None:
    host.write(str(CONFIG), text, "0640", "compliance-agent")


def await_failed(host: Host) -> None:
    host.until(lambda: set(host.states().values()) == {"failed"}, "all units have failed")


def status_has_the_problem(host: Host, unit: str) -> bool:
    host.run("journalctl", "--sync")
    status = host.run("systemctl", "status", "--no-pager", "--full", unit, code=3)
    return f"settings are wrong: {CONFIG}: {PROBLEM}" in status and f'problem="{PROBLEM}' in status


def await_the_problem_in_status(host: Host) -> None:
    """`status` has the lines of the last start alone, and the path unit may just start it again."""
    for each in UNITS:
        host.until(partial(status_has_the_problem, host, each), f"{each} says what is wrong")


def test_wrong_before_the_first_start(host: Host) -> None:
    host.run(AGENT, "install", "--uninstall")
    write_settings(host, "servr: 1\n")
    output = host.run(AGENT, "install", limit_s=LIMIT_S)
    assert f"{CONFIG}: {PROBLEM}" in output
    await_failed(host)
    await_the_problem_in_status(host)
    write_settings(host, RIGHT)
    host.await_active()


def test_wrong_at_boot(host: Host) -> None:
    write_settings(host, "servr: 1\n")
    host.reboot()
    output = host.run("systemctl", "is-system-running", "--wait", code=1, limit_s=LIMIT_S)
    assert output.strip() == "degraded"
    assert host.run("systemctl", "list-jobs", "--no-legend").strip() == ""
    await_the_problem_in_status(host)
    write_settings(host, RIGHT)
    host.await_active()


def test_wrong_at_a_restart_and_right_again(host: Host) -> None:
    write_settings(host, "servr: 1\n")
    host.run("systemctl", "restart", TARGET, code=None, limit_s=LIMIT_S)
    await_failed(host)
    await_the_problem_in_status(host)
    # Saved again, and still wrong: each stage starts once, and fails once.
    before = host.journal(UNITS[0]).count("Failed with result")
    host.shell(f"echo 'servr: 2' > {CONFIG}")
    host.until(
        lambda: host.journal(UNITS[0]).count("Failed with result") > before, "another start fails"
    )
    assert host.run("systemctl", "show", "--property=NRestarts", "--value", *UNITS).split() == (
        ["0"] * len(UNITS)
    )
    host.shell(f"echo 'log: {{level: info}}' > {CONFIG}")
    host.await_active()


def test_what_was_stopped_stays_stopped_when_the_settings_are_right_again(host: Host) -> None:
    stopped, failed = UNITS[0], UNITS[1]
    host.run("systemctl", "stop", stopped)
    write_settings(host, "servr: 1\n")
    host.run("systemctl", "restart", failed, code=1, limit_s=LIMIT_S)
    write_settings(host, RIGHT)
    host.until(lambda: host.states()[failed] == "active", "the failed unit runs")
    assert host.states()[stopped] == "inactive"


def test_settings_of_one_stage_stop_this_stage_alone(host: Host) -> None:
    # Only trigger reads schedules.
    compliance = {"openscap": {"schedule": "61 * * * *"}}
    write_settings(host, json.dumps({"compliance": compliance}))
    host.run("systemctl", "restart", TARGET, limit_s=LIMIT_S)
    host.until(lambda: "failed" in host.states().values(), "trigger has failed")
    expected = {each: "failed" if "trigger" in each else "active" for each in UNITS}
    host.until(lambda: host.states() == expected, "the other stages run")
    write_settings(host, RIGHT)
    host.await_active()


def test_a_missing_key_file_fails_at_once_and_the_stages_start_when_it_is_there(
    host: Host,
) -> None:
    host.run("mv", str(KEY), f"{KEY}.kept")
    host.run("systemctl", "restart", TARGET, limit_s=LIMIT_S)
    expected = {
        each: "failed" if "trigger" in each or "ship" in each else "active" for each in UNITS
    }
    host.until(lambda: host.states() == expected, "what needs the key has failed")
    host.run("mv", f"{KEY}.kept", str(KEY))
    host.await_active()


def test_wrong_at_an_upgrade(host: Host) -> None:
    write_settings(host, "servr: 1\n")
    output = host.run(AGENT, "install", limit_s=LIMIT_S)
    assert f"{CONFIG}: {PROBLEM}" in output
    await_failed(host)
    # Once more, with services that have failed before.
    output = host.run(AGENT, "install", limit_s=LIMIT_S)
    assert f"{CONFIG}: {PROBLEM}" in output
    write_settings(host, RIGHT)
    host.await_active()


def test_a_stage_starts_by_itself_when_the_cause_that_no_file_shows_is_gone(host: Host) -> None:
    drop_ins = "/run/systemd/system/compliance-agent-retry.timer.d"
    lines = ("[Timer]", "OnActiveSec=", "OnActiveSec=2s", "OnUnitInactiveSec=2s", "AccuracySec=1s")
    host.run("mkdir", "-p", drop_ins)
    host.write(f"{drop_ins}/soon.conf", "\n".join(lines))
    host.run("systemctl", "daemon-reload")
    parse = "compliance-agent-parse.service"
    host.shell(f"chmod 0755 {SPOOL}/reports")
    host.run("systemctl", "restart", parse, code=1, limit_s=LIMIT_S)
    starts = host.journal(parse).count("Failed with result")
    host.until(
        lambda: host.journal(parse).count("Failed with result") > starts + 1, "it is tried again"
    )
    host.shell(f"chmod 0750 {SPOOL}/reports")
    host.await_active()
    retry = ("systemctl", "is-active", "compliance-agent-retry.timer")
    host.until(lambda: host.run(*retry, code=None).strip() == "inactive", "the timer has ended")


def test_a_stage_that_dies_before_it_is_ready_does_not_hold_up_a_start(host: Host) -> None:
    host.run("systemctl", "stop", TARGET, *UNITS)
    home = "/usr/local/lib/compliance-agent"
    host.shell(f"mv {home} {home}.kept")
    began = time.monotonic()
    host.run("systemctl", "start", TARGET, code=None, limit_s=700)
    assert time.monotonic() - began < 600
    host.shell(f"mv {home}.kept {home}")
    host.run("systemctl", "reset-failed")
    host.run("systemctl", "start", TARGET)
    host.await_active()


def test_apt_installs_and_upgrades_with_wrong_settings(bare: Host, package: Path) -> None:
    bare.copy(str(package), "/opt/agent.deb")
    bare.run("mkdir", "-p", str(CONFIG.parent))
    bare.write(str(CONFIG), "servr: 1\n")
    install = ("apt-get", "install", "-y", "--no-install-recommends", "--reinstall")
    for _ in ("the first time", "an upgrade"):
        output = bare.run(*install, "/opt/agent.deb", limit_s=LIMIT_S)
        assert PROBLEM in output
        await_failed(bare)
        await_the_problem_in_status(bare)
    write_settings(bare, RIGHT)
    bare.await_active()
    write_settings(bare, "servr: 1\n")
    # The running stages keep the settings that they have; the new version has only the wrong ones.
    output = bare.run(*install, "/opt/agent.deb", limit_s=LIMIT_S)
    assert PROBLEM in output
    await_failed(bare)
    write_settings(bare, RIGHT)
    bare.await_active()
