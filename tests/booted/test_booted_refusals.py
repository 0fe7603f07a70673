"""Wrong owners and modes are refused with the command that mends them; and how stages stop and start."""

import time

import pytest

from receiver import Receiver
from tests.booted.host import SPOOL, TARGET, UNITS, Host

pytestmark = [
    pytest.mark.booted,
    pytest.mark.docker,
    pytest.mark.xdist_group("booted"),
    pytest.mark.timeout(900),
]
ANEW = "systemd-tmpfiles --create compliance-agent.conf"
# Where something is wrong, what is wrong with it, which stage finds out, and the mend that it names.
WRONG = [
    ("chown root reports", "parse", f"chown compliance-parse {SPOOL}/reports"),
    ("chmod 0770 raw", "scan", f"chmod 0750 {SPOOL}/raw"),
    ("chmod 0755 receipts", "ship", f"chmod 0750 {SPOOL}/receipts"),
    ("chown compliance-ship commands", "trigger", f"chown root {SPOOL}/commands"),
    ("chmod 0777 .", "parse", f"chmod 0750 {SPOOL}"),
    ("chgrp root .", "ship", ANEW),
    ("chmod 0000 state", "parse", ANEW),
    ("chmod g-s commands", "trigger", f"chmod g+s {SPOOL}/commands"),
    ("chmod g+s raw", "scan", f"chmod g-s {SPOOL}/raw"),
    ("chgrp root reports", "ship", ANEW),
]


def unit(stage: str) -> str:
    return f"compliance-agent-{stage}.service"


@pytest.mark.parametrize(("wrong", "stage", "remedy"), WRONG, ids=[wrong for wrong, _, _ in WRONG])
def test_a_wrong_owner_or_mode_is_refused_and_its_mend_works(
    wrong: str, stage: str, remedy: str, busy: tuple[Host, Receiver]
) -> None:
    host, _ = busy
    host.run("systemctl", "stop", TARGET, *UNITS)
    host.shell(f"cd {SPOOL} && {wrong}")
    host.run("systemctl", "start", "--no-block", unit(stage))
    host.until(lambda: remedy in host.journal(unit(stage)), f"{stage} names the mend: {remedy}")
    assert host.states()[unit(stage)] != "active"
    host.shell(remedy)
    host.run("systemctl", "start", TARGET)
    host.await_active()


def test_a_missing_directory_is_made_by_no_stage_but_by_the_command_that_they_name(
    busy: tuple[Host, Receiver],
) -> None:
    host, _ = busy
    host.run("systemctl", "stop", TARGET, *UNITS)
    host.shell(f"rm -r {SPOOL}/receipts {SPOOL}/history/reports")
    host.run("systemctl", "start", "--no-block", *UNITS)
    for each in UNITS:
        host.until(lambda each=each: ANEW in host.journal(each), f"{each} names the mend")  # type: ignore[misc]
    host.run("test", "!", "-e", f"{SPOOL}/receipts")
    host.shell(ANEW)
    assert (
        host.shell(f"stat --format %U:%G {SPOOL}/receipts").strip()
        == "compliance-ship:compliance-agent"
    )
    host.restart()


def test_a_missing_spool_is_told_by_the_stages_and_made_by_the_command_that_they_name(
    busy: tuple[Host, Receiver],
) -> None:
    host, _ = busy
    host.run("systemctl", "stop", TARGET, *UNITS)
    host.shell(f"mv {SPOOL} {SPOOL}.kept; rm -r /run/compliance-agent")
    host.run("systemctl", "start", "--no-block", *UNITS)
    told = f"{SPOOL}: is missing, and can't be made (Read-only file system)"
    for each in UNITS:
        host.until(lambda each=each: told in host.journal(each), f"{each} names the mend")  # type: ignore[misc]
    host.shell(f"{ANEW}; rm -r {SPOOL}; mv {SPOOL}.kept {SPOOL}")
    host.restart()


def test_at_rest_all_stages_stop_within_five_seconds(busy: tuple[Host, Receiver]) -> None:
    host, _ = busy
    began = time.monotonic()
    host.run("systemctl", "stop", *UNITS)
    took = time.monotonic() - began
    host.run("systemctl", "start", TARGET)
    host.await_active()
    assert took < 5


def test_in_a_scan_the_stage_stops_within_thirty_seconds_and_takes_the_scanner_along(
    busy: tuple[Host, Receiver],
) -> None:
    host, _ = busy
    host.slow_down_scanner()
    scan_id = host.ask()
    host.until(lambda: host.run("pgrep", "--full", "xccdf eval", code=None), "the scanner runs")
    began = time.monotonic()
    host.run("systemctl", "stop", unit("scan"))
    assert time.monotonic() - began < 30
    assert host.run("pgrep", "--full", "xccdf eval", code=1) == ""
    host.let_scanner_go()
    host.run("systemctl", "start", unit("scan"))
    host.until(lambda: host.received(scan_id), "the scan that was put off arrives")


def test_a_stage_that_hangs_is_started_anew_by_the_watchdog(busy: tuple[Host, Receiver]) -> None:
    host, _ = busy
    host.shell(
        "mkdir -p /run/systemd/system/compliance-agent-parse.service.d;"
        "printf '[Service]\\nWatchdogSec=11\\n' > /run/systemd/system/compliance-agent-parse.service.d/fast.conf"
    )
    host.run("systemctl", "daemon-reload")
    host.restart()
    before = host.main_pid(unit("parse"))
    host.run("kill", "-STOP", str(before))
    host.until(lambda: host.main_pid(unit("parse")) not in (0, before), "parse is started anew")
    host.await_active()
    assert "watchdog" in host.journal(unit("parse")).lower()
    host.shell(
        "rm -r /run/systemd/system/compliance-agent-parse.service.d; systemctl daemon-reload"
    )


def test_a_broken_settings_file_is_named_and_a_stage_starts_when_it_is_mended(
    busy: tuple[Host, Receiver],
) -> None:
    host, _ = busy
    host.shell(
        "cp -p /etc/compliance-agent/config.yml /root/kept.yml; echo 'servr: 1' > /etc/compliance-agent/config.yml"
    )
    host.run("systemctl", "restart", "--no-block", unit("parse"))
    host.until(lambda: "servr: no such key" in host.journal(unit("parse")), "the key is named")
    host.shell("cp -p /root/kept.yml /etc/compliance-agent/config.yml")
    host.await_active()


def test_settings_that_the_stages_cannot_read_are_told_with_the_mend(
    busy: tuple[Host, Receiver],
) -> None:
    host, _ = busy
    host.shell(
        "chown root:root /etc/compliance-agent/config.yml; chmod 0600 /etc/compliance-agent/config.yml"
    )
    host.run("systemctl", "restart", "--no-block", unit("ship"))
    host.until(lambda: f"{ANEW} sets its mode" in host.journal(unit("ship")), "ship names the mend")
    host.shell(ANEW)
    host.await_active()
