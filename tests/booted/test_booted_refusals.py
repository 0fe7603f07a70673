"""Wrong owners and modes are refused with a remedy that works; how stages stop and start."""

import time

import pytest

from receiver import Receiver
from stages.console.install.install_paths import CONFIG
from tests.booted.host import SPOOL, TARGET, UNITS, Host

pytestmark = [
    pytest.mark.booted,
    pytest.mark.docker,
    pytest.mark.xdist_group("booted"),
    pytest.mark.timeout(900),
]
REMEDY = "systemd-tmpfiles --create compliance-agent.conf"
# The damage, the stage that finds it, and the remedy that it names.
WRONG = [
    ("chown root reports", "parse", f"chown -R compliance-parse {SPOOL}/reports"),
    ("chmod 0770 raw", "scan", f"chmod 0750 {SPOOL}/raw"),
    ("chmod 0755 receipts", "ship", f"chmod 0750 {SPOOL}/receipts"),
    ("chown compliance-ship commands", "trigger", f"chown -R root {SPOOL}/commands"),
    ("chmod 0777 .", "parse", f"chmod 0750 {SPOOL}"),
    ("chgrp root .", "ship", REMEDY),
    ("chmod 0000 state", "parse", REMEDY),
    ("chmod g-s commands", "trigger", f"chmod g+s {SPOOL}/commands"),
    ("chmod g+s raw", "scan", f"chmod g-s {SPOOL}/raw"),
    ("chgrp root reports", "ship", REMEDY),
]


def unit(stage: str) -> str:
    return f"compliance-agent-{stage}.service"


def await_in_journal(host: Host, unit: str, text: str) -> None:
    host.until(lambda: text in host.journal(unit), f"{unit} logs: {text}")


def await_failed(host: Host, *units: str) -> None:
    """A log line of a unit does not say that it has ended."""
    host.until(
        lambda: {host.states()[each] for each in units} == {"failed"}, f"{units} have failed"
    )


@pytest.mark.parametrize(("wrong", "stage", "remedy"), WRONG, ids=[wrong for wrong, _, _ in WRONG])
def test_a_wrong_owner_or_mode_is_refused_and_the_remedy_works(
    wrong: str, stage: str, remedy: str, busy: tuple[Host, Receiver]
) -> None:
    host, _ = busy
    host.run("systemctl", "stop", TARGET, *UNITS)
    host.shell(f"cd {SPOOL} && {wrong}")
    host.run("systemctl", "start", "--no-block", unit(stage))
    host.until(lambda: remedy in host.journal(unit(stage)), f"{stage} names the remedy: {remedy}")
    await_failed(host, unit(stage))
    host.shell(remedy)
    host.run("systemctl", "start", TARGET)
    host.await_active()


def test_a_missing_directory_is_created_by_the_command_that_the_stages_name_and_by_no_stage(
    busy: tuple[Host, Receiver],
) -> None:
    host, _ = busy
    host.run("systemctl", "stop", TARGET, *UNITS)
    host.shell(f"rm -r {SPOOL}/receipts {SPOOL}/history/reports")
    host.run("systemctl", "start", "--no-block", *UNITS)
    for each in UNITS:
        await_in_journal(host, each, REMEDY)
    await_failed(host, *UNITS)
    host.run("test", "!", "-e", f"{SPOOL}/receipts")
    host.shell(REMEDY)
    assert (
        host.shell(f"stat --format %U:%G {SPOOL}/receipts").strip()
        == "compliance-ship:compliance-agent"
    )
    host.restart()


def test_a_missing_spool_is_reported_with_the_command_that_creates_it(
    busy: tuple[Host, Receiver],
) -> None:
    host, _ = busy
    host.run("systemctl", "stop", TARGET, *UNITS)
    host.shell(f"mv {SPOOL} {SPOOL}.kept; rm -r /run/compliance-agent")
    host.run("systemctl", "start", "--no-block", *UNITS)
    message = f"{SPOOL}: is missing, and can't be created (Read-only file system)"
    for each in UNITS:
        await_in_journal(host, each, message)
    await_failed(host, *UNITS)
    host.shell(f"{REMEDY}; rm -r {SPOOL}; mv {SPOOL}.kept {SPOOL}")
    host.restart()


def test_at_rest_all_stages_stop_by_themselves_before_they_are_killed(
    busy: tuple[Host, Receiver],
) -> None:
    host, _ = busy
    began = time.monotonic()
    host.run("systemctl", "stop", *UNITS)
    took = time.monotonic() - began
    results = host.run("systemctl", "show", "--property=Result", "--value", *UNITS).split()
    host.run("systemctl", "start", TARGET)
    host.await_active()
    assert results == ["success"] * len(UNITS)
    assert took < 15


def test_during_a_scan_the_stage_stops_within_thirty_seconds_and_ends_the_scanner(
    busy: tuple[Host, Receiver],
) -> None:
    host, _ = busy
    host.slow_down_scanner()
    scan_id = host.request_scan()
    host.until(lambda: host.run("pgrep", "--full", "xccdf eval", code=None), "the scanner runs")
    began = time.monotonic()
    host.run("systemctl", "stop", unit("scan"))
    assert time.monotonic() - began < 30
    assert host.run("pgrep", "--full", "xccdf eval", code=1) == ""
    host.let_scanner_go()
    host.run("systemctl", "start", unit("scan"))
    host.until(lambda: host.received(scan_id), "the interrupted scan arrives")


def test_the_watchdog_restarts_a_stage_that_hangs(busy: tuple[Host, Receiver]) -> None:
    host, _ = busy
    drop_ins = "/run/systemd/system/compliance-agent-parse.service.d"
    host.shell(
        f"mkdir -p {drop_ins}; printf '[Service]\\nWatchdogSec=11\\n' > {drop_ins}/fast.conf"
    )
    host.run("systemctl", "daemon-reload")
    host.restart()
    before = host.main_pid(unit("parse"))
    host.run("kill", "-STOP", str(before))
    host.until(lambda: host.main_pid(unit("parse")) not in (0, before), "parse is restarted")
    host.await_active()
    await_in_journal(host, unit("parse"), "watchdog")
    host.shell(f"rm -r {drop_ins}; systemctl daemon-reload")


def test_settings_that_the_stages_cannot_read_are_reported_with_the_remedy(
    busy: tuple[Host, Receiver],
) -> None:
    host, _ = busy
    host.shell(f"chown root:root {CONFIG}; chmod 0600 {CONFIG}")
    host.run("systemctl", "restart", "--no-block", unit("ship"))
    host.until(
        lambda: f"{REMEDY} sets its mode" in host.journal(unit("ship")), "ship names the remedy"
    )
    await_failed(host, unit("ship"))
    host.shell(REMEDY)
    # By itself: a changed mode is a change of the settings.
    host.await_active()
