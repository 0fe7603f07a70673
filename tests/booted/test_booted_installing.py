"""Installing, upgrading and uninstalling on a booted system: `install`, and the Debian package."""

import json
from pathlib import Path

import pytest

from receiver import Receiver
from spool.layout import STAGES
from stages.console.install import install_paths
from stages.console.install.install_paths import CONFIG
from tests.booted.host import SPOOL, TARGET, UNITS, Host

pytestmark = [
    pytest.mark.booted,
    pytest.mark.docker,
    pytest.mark.xdist_group("booted"),
    pytest.mark.timeout(900),
]
AGENT = "/opt/agent/bin/compliance-agent"


def work_in_every_state(host: Host, server: Receiver) -> dict[str, str]:
    """One scan each: ship-pending, parse-pending, scanning, requested, and done."""
    done = host.request_scan()
    host.until(lambda: host.received(done), "one scan is done")
    server.stop()
    shipping = host.request_scan()
    host.until(lambda: f"{shipping}.report" in host.entries("reports"), "one is ship-pending")
    host.run("systemctl", "stop", "compliance-agent-parse.service")
    parsing = host.request_scan()
    host.until(lambda: parsing in host.entries("raw"), "one is parse-pending")
    host.slow_down_scanner()
    scanning = host.request_scan()
    host.until(lambda: host.run("pgrep", "--full", "xccdf eval", code=None), "one is running")
    host.run("systemctl", "stop", "compliance-agent-trigger.service")
    requested = host.request_scan()
    host.run("systemctl", "start", *UNITS)
    return {
        "done": done,
        "shipping": shipping,
        "parsing": parsing,
        "scanning": scanning,
        "requested": requested,
    }


def test_the_target_is_up_after_one_command_which_prints_what_remains_to_be_done(
    host: Host,
) -> None:
    """The fixture installs the agent on this host from its wheel."""
    output = host.run("cat", "/opt/install-output")
    assert "API key: write it into /etc/compliance-agent/api-key" in output
    assert "/etc/compliance-agent/config.yml" in output
    assert host.run("systemctl", "is-enabled", TARGET).strip() == "enabled"
    assert host.run("systemctl", "is-active", TARGET).strip() == "active"
    assert json.loads(host.agent("status", "--json"))["stages"] == dict.fromkeys(STAGES, "running")
    host.run("test", "-s", "/usr/local/share/man/man1/compliance-agent.1")


def test_a_clone_installs_and_uninstalls_itself(
    bare: Host, clone: Path, wheels: Path, server: Receiver
) -> None:
    bare.copy(str(clone), "/opt/clone")
    bare.copy(str(wheels), "/opt/wheels")
    # As documented; without a network, the environment points pip to a directory.
    offline = ("env", "PIP_NO_INDEX=1", "PIP_FIND_LINKS=/opt/wheels")
    output = bare.run(*offline, "/opt/clone/scripts/install")
    assert "API key: write it into /etc/compliance-agent/api-key" in output
    bare.await_active()
    bare.configure(server)
    scan_id = bare.request_scan()
    bare.until(lambda: bare.received(scan_id), "a scan arrives")
    output = bare.run(*offline, "/opt/clone/scripts/install", "--uninstall")
    assert f"the spool is kept: {SPOOL}" in output
    assert f"{scan_id}.receipt" in bare.entries("receipts")
    bare.run("test", "!", "-e", "/usr/local/lib/compliance-agent")


def test_a_dry_run_changes_nothing(host: Host) -> None:
    host.run("touch", "/opt/now")
    output = host.run(AGENT, "install", "--dry-run")
    assert f"would write /etc/systemd/system/{TARGET}" in output
    changed = host.shell(
        "find /etc /usr /opt /var/lib -xdev -newer /opt/now -type f -not -path '*/state/*'"
    ).split()
    assert [path for path in changed if not path.startswith("/var/lib/systemd/")] == []


def test_an_upgrade_with_work_in_every_state_loses_none_and_starts_what_ran(
    host: Host, server: Receiver
) -> None:
    host.configure(server)
    scans = work_in_every_state(host, server)
    output = host.run(AGENT, "install")
    assert "nothing else to do" in output
    host.await_active()
    host.let_scanner_go()
    server.start()
    host.agent("retry")
    for state, scan_id in scans.items():
        host.until(
            lambda scan_id=scan_id: host.received(scan_id),  # type: ignore[misc]
            f"the scan that was {state} arrives",
        )
    assert host.agent("verify").strip().endswith("all entries are intact")


def test_an_upgrade_leaves_stopped_what_was_stopped_and_points_out_a_key_in_the_settings(
    host: Host,
) -> None:
    host.run("systemctl", "stop", TARGET, *UNITS)
    text = json.dumps({"api": {"id": "patchmon_1", "key": "secret-key-4711"}})
    host.write("/etc/compliance-agent/config.yml", text, "0640", "compliance-agent")
    output = host.run(AGENT, "install")
    assert set(host.states().values()) == {"inactive"}
    assert "contain the API key: write the key into /etc/compliance-agent/api-key" in output
    assert "secret-key-4711" not in output


def test_an_upgrade_that_was_killed_and_is_repeated_starts_what_ran_before(
    host: Host,
) -> None:
    host.run("systemctl", "stop", "compliance-agent-ship.service")
    host.shell(
        f"{AGENT} install > /dev/null & install=$!;"
        "while [ ! -e /usr/local/lib/.compliance-agent.new ]; do sleep 0.05; done; kill -9 $install"
    )
    host.until(lambda: set(host.states().values()) == {"inactive"}, "all units have stopped")
    host.run(AGENT, "install")
    expected = {each: "inactive" if "ship" in each else "active" for each in UNITS}
    host.until(lambda: host.states() == expected, "what ran before runs again")


def test_a_second_place_and_a_second_installer_are_refused(host: Host, package: Path) -> None:
    there = "/usr/local/lib/compliance-agent"
    for arguments in ((), ("--uninstall",)):
        output = host.run(AGENT, "install", "--prefix", "/opt/tools", *arguments, code=3)
        assert f"{there}: the agent is installed there: --prefix /usr/local" in output
    host.copy(str(package), "/opt/agent.deb")
    output = host.run(
        "apt-get", "install", "-y", "--no-install-recommends", "/opt/agent.deb", code=100
    )
    assert "uninstall it first: compliance-agent install --uninstall" in output
    host.run("test", "-x", f"{there}/bin/compliance-agent")
    host.await_active()


def test_uninstalling_keeps_spool_and_settings_and_prints_their_paths(host: Host) -> None:
    host.configure()
    scan_id = host.request_scan()
    host.until(lambda: f"{scan_id}.report" in host.entries("reports"), "a report")
    output = host.agent("install", "--uninstall")
    assert f"the spool is kept: {SPOOL}" in output
    assert host.run("ls", f"{SPOOL}/reports").split() == [f"{scan_id}.report"]
    host.run("test", "-s", "/etc/compliance-agent/config.yml")
    where = install_paths.local(Path("/usr/local"))
    for path in (*where.files(), where.home):
        host.run("test", "!", "-e", str(path))
    listing = ("systemctl", "list-units", "--all", "--no-legend", "compliance-agent*")
    assert host.run(*listing, code=None).strip() == ""
    # Installed again in another place, it works on the same spool.
    host.run(AGENT, "install", "--prefix", "/opt/tools")
    host.await_active()
    assert "/opt/tools/lib/compliance-agent/bin/compliance-agent" in host.run(
        "systemctl", "cat", *UNITS
    )
    assert scan_id in host.run("/opt/tools/bin/compliance-agent", "list", "--wide")
    host.run("/opt/tools/bin/compliance-agent", "install", "--uninstall")
    host.run("test", "!", "-e", "/opt/tools/lib/compliance-agent")


def test_the_package_installs_upgrades_keeps_the_spool_and_purges_it(
    bare: Host, package: Path, server: Receiver
) -> None:
    bare.copy(str(package), "/opt/agent.deb")
    output = bare.run("apt-get", "install", "-y", "--no-install-recommends", "/opt/agent.deb")
    assert "/etc/compliance-agent/api-key" in output
    bare.await_active()
    bare.configure(server)
    first = bare.request_scan()
    bare.until(lambda: bare.received(first), "a scan arrives")
    assert bare.outcome(first) == ("completed", "accepted"), bare.agent("show", first, code=None)

    for arguments in ((), ("--uninstall",)):
        assert "upgrade it with the package manager" in bare.agent("install", *arguments, code=3)
    bare.run("systemctl", "stop", "compliance-agent-ship.service")
    bare.run("apt-get", "install", "-y", "--reinstall", "/opt/agent.deb")
    expected = {each: "inactive" if "ship" in each else "active" for each in UNITS}
    bare.until(lambda: bare.states() == expected, "what ran before the upgrade runs again")
    bare.run("systemctl", "start", TARGET)
    second = bare.request_scan()
    bare.until(lambda: bare.received(second), "a scan arrives after an upgrade")

    output = bare.run("apt-get", "remove", "-y", "compliance-agent")
    assert f"the spool is kept: {SPOOL}" in output
    assert f"{first}.receipt" in bare.entries("receipts")
    bare.run("test", "!", "-e", "/usr/lib/compliance-agent")
    assert "active" not in bare.run("systemctl", "is-active", *UNITS, code=None).split()

    bare.run("apt-get", "purge", "-y", "compliance-agent")
    for path in ("/var/lib/compliance-agent", "/etc/compliance-agent", "/run/compliance-agent"):
        bare.run("test", "!", "-e", path)


def test_the_rpm_installs_upgrades_and_is_removed(bare: Host, rpm: Path, server: Receiver) -> None:
    """On Debian, which has the programs that the scripts of the package call."""
    bare.copy(str(rpm), "/opt/agent.rpm")
    command = ("rpm", "--nodeps", "--force-debian")
    output = bare.run(*command, "--install", "/opt/agent.rpm")
    assert f"systemctl enable --now {TARGET}" in output
    bare.run("systemctl", "enable", "--now", TARGET)
    bare.await_active()
    bare.configure(server)
    first = bare.request_scan()
    bare.until(lambda: bare.received(first), "a scan arrives")
    assert bare.outcome(first) == ("completed", "accepted"), bare.agent("show", first, code=None)

    assert "upgrade it with the package manager" in bare.agent("install", code=3)
    bare.run("systemctl", "stop", "compliance-agent-ship.service")
    before = bare.main_pid("compliance-agent-parse.service")
    bare.run(*command, "--upgrade", "--replacepkgs", "/opt/agent.rpm")
    expected = {each: "inactive" if "ship" in each else "active" for each in UNITS}
    bare.until(lambda: bare.states() == expected, "what ran before the upgrade runs again")
    assert bare.main_pid("compliance-agent-parse.service") != before
    bare.run("systemctl", "start", TARGET)
    second = bare.request_scan()
    bare.until(lambda: bare.received(second), "a scan arrives after an upgrade")

    output = bare.run(*command, "--erase", "compliance-agent")
    assert "spool, settings and users are kept" in output
    assert f"{second}.receipt" in bare.entries("receipts")
    bare.run("test", "!", "-e", "/usr/lib/compliance-agent")
    assert "active" not in bare.run("systemctl", "is-active", *UNITS, code=None).split()


def test_the_rpm_is_upgraded_with_wrong_settings(bare: Host, rpm: Path) -> None:
    bare.copy(str(rpm), "/opt/agent.rpm")
    command = ("rpm", "--nodeps", "--force-debian", "--replacepkgs")
    bare.run(*command, "--install", "/opt/agent.rpm")
    bare.run("systemctl", "enable", "--now", TARGET)
    bare.await_active()
    bare.write(str(CONFIG), "servr: 1\n", "0640", "compliance-agent")
    output = bare.run(*command, "--upgrade", "/opt/agent.rpm", limit_s=240)
    assert "servr: no such key" in output
    bare.until(lambda: set(bare.states().values()) == {"failed"}, "all units have failed")
    bare.write(str(CONFIG), "log: {level: info}\n", "0640", "compliance-agent")
    bare.await_active()
