"""Installing, upgrading and taking away, on a booted system: by `install` from a wheel, and by the Debian package."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from receiver import Receiver
from spool.layout import STAGES
from stages.console.install import layout
from tests.booted.conftest import ROOT
from tests.booted.host import SPOOL, TARGET, UNITS, Host

pytestmark = [
    pytest.mark.booted,
    pytest.mark.docker,
    pytest.mark.xdist_group("booted"),
    pytest.mark.timeout(900),
]
AGENT = "/opt/agent/bin/compliance-agent"


def work_in_every_state(host: Host, server: Receiver) -> dict[str, str]:
    """One scan to be shipped, one to be parsed, one running, one asked for; and one that is done."""
    done = host.ask()
    host.until(lambda: host.received(done), "one scan is done")
    server.stop()
    shipping = host.ask()
    host.until(lambda: f"{shipping}.report" in host.entries("reports"), "one is to be shipped")
    host.run("systemctl", "stop", "compliance-agent-parse.service")
    parsing = host.ask()
    host.until(lambda: parsing in host.entries("raw"), "one is to be parsed")
    host.slow_down_scanner()
    scanning = host.ask()
    host.until(lambda: host.run("pgrep", "--full", "xccdf eval", code=None), "one is running")
    host.run("systemctl", "stop", "compliance-agent-trigger.service")
    asked = host.ask()
    host.run("systemctl", "start", *UNITS)
    return {
        "done": done,
        "shipping": shipping,
        "parsing": parsing,
        "scanning": scanning,
        "asked": asked,
    }


def test_the_target_is_up_after_one_command_and_what_remains_is_told(host: Host) -> None:
    """The host is one on which the agent was installed from its wheel, see the fixture."""
    said = host.run("cat", "/opt/said")
    assert "API key: write it into /etc/compliance-agent/api-key" in said
    assert "/etc/compliance-agent/config.yml" in said
    assert host.run("systemctl", "is-enabled", TARGET).strip() == "enabled"
    assert host.run("systemctl", "is-active", TARGET).strip() == "active"
    assert json.loads(host.agent("status", "--json"))["stages"] == dict.fromkeys(STAGES, "running")
    host.run("test", "-s", "/usr/local/share/man/man1/compliance-agent.1")


def test_a_clone_installs_itself_and_takes_itself_away(
    bare: Host, clone: Path, wheels: Path, server: Receiver
) -> None:
    bare.copy(str(clone), "/opt/clone")
    bare.copy(str(wheels), "/opt/wheels")
    # As documented; without a network, pip is told of the directory by its environment.
    offline = ("env", "PIP_NO_INDEX=1", "PIP_FIND_LINKS=/opt/wheels")
    said = bare.run(*offline, "/opt/clone/scripts/install")
    assert "API key: write it into /etc/compliance-agent/api-key" in said
    bare.await_active()
    bare.configure(server)
    scan_id = bare.ask()
    bare.until(lambda: bare.received(scan_id), "a scan arrives")
    said = bare.run(*offline, "/opt/clone/scripts/install", "--uninstall")
    assert f"the spool is kept: {SPOOL}" in said
    assert f"{scan_id}.receipt" in bare.entries("receipts")
    bare.run("test", "!", "-e", "/usr/local/lib/compliance-agent")


def test_a_dry_run_changes_nothing(host: Host) -> None:
    host.run("touch", "/opt/now")
    said = host.run(AGENT, "install", "--dry-run")
    assert f"would write /etc/systemd/system/{TARGET}" in said
    changed = host.shell(
        "find /etc /usr /opt /var/lib -xdev -newer /opt/now -type f -not -path '*/state/*'"
    ).split()
    assert [path for path in changed if not path.startswith("/var/lib/systemd/")] == []


def test_an_upgrade_with_work_in_every_state_loses_none_and_starts_what_ran(
    host: Host, server: Receiver
) -> None:
    host.configure(server)
    scans = work_in_every_state(host, server)
    said = host.run(AGENT, "install")
    assert "nothing remains to be done" in said
    host.await_active()
    host.let_scanner_go()
    server.start()
    host.agent("retry")
    for state, scan_id in scans.items():
        host.until(
            lambda scan_id=scan_id: host.received(scan_id),  # type: ignore[misc]
            f"the scan that was {state} arrives",
        )
    assert host.agent("verify").strip().endswith("every entry is whole")


def test_an_upgrade_leaves_stopped_what_was_stopped_and_points_out_a_key_in_the_settings(
    host: Host,
) -> None:
    host.run("systemctl", "stop", TARGET, *UNITS)
    text = json.dumps({"api": {"id": "patchmon_1", "key": "secret-key-4711"}})
    host.write("/etc/compliance-agent/config.yml", text, "0640", "compliance-agent")
    said = host.run(AGENT, "install")
    assert set(host.states().values()) == {"inactive"}
    assert "must not be in there: write it into /etc/compliance-agent/api-key" in said
    assert "secret-key-4711" not in said


def test_an_upgrade_that_was_killed_in_the_middle_starts_what_ran_when_it_is_done_again(
    host: Host,
) -> None:
    host.run("systemctl", "stop", "compliance-agent-ship.service")
    host.shell(
        f"{AGENT} install > /dev/null & install=$!;"
        "while [ ! -e /usr/local/lib/.compliance-agent.new ]; do sleep 0.05; done; kill -9 $install"
    )
    assert set(host.states().values()) == {"inactive"}
    host.run(AGENT, "install")
    assert host.states() == {each: "inactive" if "ship" in each else "active" for each in UNITS}


def test_broken_settings_hold_up_no_installation_and_the_services_that_do_not_run_are_named(
    host: Host,
) -> None:
    host.run("systemctl", "stop", TARGET, *UNITS)
    host.run(AGENT, "install", "--uninstall")
    host.write("/etc/compliance-agent/config.yml", "servr: 1\n", "0640", "compliance-agent")
    said = host.run(AGENT, "install")
    assert "/etc/compliance-agent/config.yml: is wrong: compliance-agent config check" in said
    assert (
        "compliance-agent-parse.service does not run: journalctl -u compliance-agent-parse.service"
        in said
    )


def test_an_agent_has_one_place_and_one_installer(host: Host, package: Path) -> None:
    there = "/usr/local/lib/compliance-agent"
    for message in ((), ("--uninstall",)):
        said = host.run(AGENT, "install", "--prefix", "/opt/tools", *message, code=3)
        assert f"{there}: the agent is installed there: --prefix /usr/local" in said
    host.copy(str(package), "/opt/agent.deb")
    said = host.run(
        "apt-get", "install", "-y", "--no-install-recommends", "/opt/agent.deb", code=100
    )
    assert "take it away first: compliance-agent install --uninstall" in said
    host.run("test", "-x", f"{there}/bin/compliance-agent")
    host.await_active()


def test_taking_it_away_keeps_spool_and_settings_and_says_where(host: Host) -> None:
    host.configure()
    scan_id = host.ask()
    host.until(lambda: f"{scan_id}.report" in host.entries("reports"), "a report")
    said = host.agent("install", "--uninstall")
    assert f"the spool is kept: {SPOOL}" in said
    assert host.run("ls", f"{SPOOL}/reports").split() == [f"{scan_id}.report"]
    host.run("test", "-s", "/etc/compliance-agent/config.yml")
    where = layout.local(Path("/usr/local"))
    for path in (*where.files(), where.home):
        host.run("test", "!", "-e", str(path))
    listing = ("systemctl", "list-units", "--all", "--no-legend", "compliance-agent*")
    assert host.run(*listing, code=None).strip() == ""
    # And back again, at another place, with what was there.
    host.run(AGENT, "install", "--prefix", "/opt/tools")
    host.await_active()
    assert "/opt/tools/lib/compliance-agent/bin/compliance-agent" in host.run(
        "systemctl", "cat", *UNITS
    )
    assert scan_id in host.run("/opt/tools/bin/compliance-agent", "list")
    host.run("/opt/tools/bin/compliance-agent", "install", "--uninstall")
    host.run("test", "!", "-e", "/opt/tools/lib/compliance-agent")


@pytest.fixture(scope="session")
def package() -> Path:
    """The Debian package, built by its one command."""
    for program in ("dpkg-deb", "dpkg"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing")
    return built()


def built() -> Path:
    build = [sys.executable, str(ROOT / "packaging/deb.py")]
    dated = os.environ | {"SOURCE_DATE_EPOCH": "1700000000"}
    said = subprocess.run(build, capture_output=True, text=True, check=True, env=dated).stdout
    return Path(said.split()[-1])


def test_the_package_has_the_same_bytes_when_it_is_built_again(package: Path) -> None:
    before = package.read_bytes()
    assert built().read_bytes() == before


def test_the_package_has_no_lintian_errors(package: Path) -> None:
    if shutil.which("lintian") is None:
        pytest.skip("lintian is missing: apt-get install lintian")
    command = ["lintian", "--fail-on", "error", str(package)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_package_installs_upgrades_keeps_the_spool_and_purges_it(
    bare: Host, package: Path, server: Receiver
) -> None:
    bare.copy(str(package), "/opt/agent.deb")
    said = bare.run("apt-get", "install", "-y", "--no-install-recommends", "/opt/agent.deb")
    assert "/etc/compliance-agent/api-key" in said
    bare.await_active()
    bare.configure(server)
    first = bare.ask()
    bare.until(lambda: bare.received(first), "a scan arrives")
    assert bare.outcome(first) == ("completed", "accepted")

    for message in ((), ("--uninstall",)):
        assert "upgrade it with apt" in bare.agent("install", *message, code=3)
    bare.run("systemctl", "stop", "compliance-agent-ship.service")
    bare.run("apt-get", "install", "-y", "--reinstall", "/opt/agent.deb")
    assert bare.states() == {each: "inactive" if "ship" in each else "active" for each in UNITS}
    bare.run("systemctl", "start", TARGET)
    second = bare.ask()
    bare.until(lambda: bare.received(second), "a scan arrives after an upgrade")

    said = bare.run("apt-get", "remove", "-y", "compliance-agent")
    assert f"the spool is kept: {SPOOL}" in said
    assert f"{first}.receipt" in bare.entries("receipts")
    bare.run("test", "!", "-e", "/usr/lib/compliance-agent")
    assert "active" not in bare.run("systemctl", "is-active", *UNITS, code=None).split()

    bare.run("apt-get", "purge", "-y", "compliance-agent")
    for path in ("/var/lib/compliance-agent", "/etc/compliance-agent", "/run/compliance-agent"):
        bare.run("test", "!", "-e", path)
