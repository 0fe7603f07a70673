"""Fixes on a booted system: by an operator, and by the service that the server's requests start."""

import json
from pathlib import Path

import pytest

from receiver import Receiver
from schemas.ids import ScanId
from stages.console.install.install_paths import LOCAL_UNITS, REMEDIATE_PATH, REMEDIATE_SERVICE
from tests.booted.host import SPOOL, Host
from tests.scanners.openscap.fixable_content import (
    PROFILE,
    FixableRule,
    append_line,
    fixable_content,
)

pytestmark = [
    pytest.mark.booted,
    pytest.mark.docker,
    pytest.mark.xdist_group("booted"),
    pytest.mark.timeout(900),
]
CONTENT = "/opt/content/fixable-ds.xml"
ONE, TWO, BAD = (Path(f"/etc/{name}") for name in ("one.conf", "two.d/two.conf", "bad.conf"))
FIXES = "/var/lib/compliance-agent/fixes"


def rules() -> list[FixableRule]:
    """One changes a file, one fails in the middle, one makes a file and restarts a service."""
    restarts = (
        f"mkdir -p {TWO.parent}\necho 'filled in' > {TWO}\nsystemctl restart example.service\n"
    )
    fails = f"echo half > {BAD}\nrm -f /etc/kept.conf\necho why >&2\nexit 3\n"
    return [
        append_line("one", ONE, severity="high"),
        FixableRule("bad", BAD, "whole", fails, severity="high"),
        FixableRule("two", TWO, "filled in", restarts),
    ]


def prepared(host: Host, server: Receiver) -> None:
    host.run("mkdir", "-p", "/opt/content")
    host.write(CONTENT, fixable_content(rules()))
    host.write(str(ONE), "before\n", "0640", "daemon")
    host.write("/etc/kept.conf", "kept\n", "0600")
    unit = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo x >> /opt/restarts'\n"
    host.write("/etc/systemd/system/example.service", unit)
    host.run("systemctl", "daemon-reload")
    host.configure(
        server,
        compliance={
            "openscap": {"content": CONTENT, "profile": PROFILE},
            "docker_bench": {"enabled": False},
            "server_commands": {"allow_remediation": True},
        },
    )


def scanned(host: Host) -> ScanId:
    scan_id = host.request_scan()
    host.until(lambda: host.received(scan_id), "a scan arrives")
    return scan_id


def state(host: Host) -> str:
    """Names, types, modes, owners and contents of /etc."""
    return host.shell(
        "cd /etc; find . -printf '%p %y %m %U %G %l\\n' | LC_ALL=C sort; "
        "find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum"
    )


def test_three_rules_are_shown_fixed_and_undone(host: Host, server: Receiver) -> None:
    prepared(host, server)
    scan_id = scanned(host)
    before = state(host)

    shown = host.agent("fix", scan_id, "--dry-run")
    assert f"target='{ONE}'\nwanted='filled in'\n" in shown
    assert "not undone by --undo: services: systemctl restart example.service" in shown
    assert state(host) == before

    fixed = json.loads(host.agent("fix", scan_id, "--yes", "--json", code=1))
    assert [rule["outcome"] for rule in fixed["fix"]["rules"]] == ["fixed", "failed", "fixed"]
    assert [rule["after"] for rule in fixed["recheck"]["rules"]] == ["pass", "fail", "pass"]
    assert host.run("cat", str(ONE)) == "before\nfilled in\n"
    assert host.run("cat", str(BAD)) == "half\n"
    assert host.run("stat", "--format=%a", str(TWO)) == "644\n"
    assert host.run("cat", "/opt/restarts") == "x\n"
    host.run("test", "!", "-e", "/etc/kept.conf")
    copy = f"{FIXES}/{fixed['id']}"
    assert host.run("stat", "--format=%a %U", FIXES, f"{copy}/files.tar") == "700 root\n600 root\n"

    undone = host.agent("fix", "--undo", "--yes")
    assert "not undone: two: services: systemctl restart example.service" in undone
    assert state(host) == before
    assert "2 fixed, 1 failed" in host.agent("show", scan_id)


def test_what_the_server_wants_fixed_is_fixed_by_a_service_of_its_own(
    host: Host, server: Receiver
) -> None:
    prepared(host, server)
    scanned(host)
    host.until(server.online, "connected")
    host.run("test", "!", "-e", str(LOCAL_UNITS / REMEDIATE_PATH))
    server.send_command({"type": "remediate_rule", "rule_id": "two"})
    refused = "remediate_rule refused: remediation not installed"
    host.until(lambda: refused in server.status_message(), "the refusal arrives")

    host.run("/opt/agent/bin/compliance-agent", "install", "--with-remediation")
    host.await_active()
    assert host.run("systemctl", "is-active", REMEDIATE_PATH) == "active\n"
    host.until(server.online, "connected again")
    server.send_command({"type": "remediate_rule", "rule_id": "two"})
    host.until(lambda: len(host.entries("receipts")) == 2, "a scan after the fix arrives")
    assert host.run("cat", str(TWO)) == "filled in\n"
    assert host.run("cat", str(ONE)) == "before\n"
    (fix,) = [name for name in host.entries("fixes") if name.endswith(".fix")]
    run = json.loads(host.shell(f"tail -n +2 {SPOOL}/fixes/{fix}"))
    assert [rule["outcome"] for rule in run["rules"]] == ["fixed"]
    host.until(
        lambda: (
            host.run("systemctl", "is-active", REMEDIATE_SERVICE, code=None).strip() == "inactive"
        ),
        "the service has ended",
    )
    assert not [name for name in host.entries("requests") if name.endswith(".remediation")]
    # The scan unit stays read-only.
    refusal = "try:\n open('/etc/probe', 'w')\nexcept OSError as error:\n print(error)\n"
    assert "Read-only file system" in host.probe("scan", refusal)

    before = host.run("cat", str(TWO))
    host.agent("fix", "--undo", "--yes")
    assert before
    host.run("test", "!", "-e", str(TWO))
    host.run("/opt/agent/bin/compliance-agent", "install", "--uninstall")
    for unit in (REMEDIATE_PATH, REMEDIATE_SERVICE):
        host.run("test", "!", "-e", str(LOCAL_UNITS / unit))
