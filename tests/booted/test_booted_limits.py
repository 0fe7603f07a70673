"""What must fail: each stage attempts, under its own unit, what unit and owners forbid."""

import ast
import json
from typing import Any

import pytest

from receiver import Receiver
from spool.layout import STAGES
from tests.booted.host import SPOOL, Host, until

pytestmark = [
    pytest.mark.booted,
    pytest.mark.docker,
    pytest.mark.xdist_group("booted"),
    pytest.mark.timeout(900),
]
UNPRIVILEGED = ("trigger", "parse", "ship")


def attempt(host: Host, stage: str, **attempts: str) -> dict[str, Any]:
    """The value of each expression, evaluated as a stage; for an OSError, the name of its class."""
    lines = ["import os, socket, pathlib, subprocess", "results = {}"]
    for name, expression in attempts.items():
        lines += [
            "try:",
            f"    results[{name!r}] = {expression}",
            "except OSError as error:",
            f"    results[{name!r}] = type(error).__name__",
        ]
    return dict(
        ast.literal_eval(
            host.probe(stage, "\n".join([*lines, "print(results)", ""])).splitlines()[-1]
        )
    )


def read(path: str) -> str:
    return f"bool(pathlib.Path({path!r}).read_bytes())"


def write(path: str) -> str:
    return f"pathlib.Path({path!r}).write_text('x')"


@pytest.fixture(scope="module")
def worked(busy: tuple[Host, Receiver]) -> tuple[Host, Receiver, str]:
    """A host on which one scan is done, so that every box has an entry."""
    host, server = busy
    scan_id = host.request_scan()
    host.until(lambda: host.received(scan_id), f"{scan_id} arrives")
    assert host.outcome(scan_id) == ("completed", "accepted")
    return host, server, scan_id


def test_each_stage_reads_its_upstream_and_nothing_else(worked: tuple[Host, Receiver, str]) -> None:
    host, _, scan_id = worked
    entries = {
        "requests": f"{SPOOL}/requests/{scan_id}.request",
        "raw": f"{SPOOL}/raw/{scan_id}/manifest",
        "reports": f"{SPOOL}/reports/{scan_id}.report",
        "receipts": f"{SPOOL}/receipts/{scan_id}.receipt",
    }
    own_and_upstream = {
        "trigger": {"requests"},
        "parse": {"raw", "reports"},
        "ship": {"reports", "receipts"},
    }
    for stage, allowed in own_and_upstream.items():
        results = attempt(host, stage, **{box: read(path) for box, path in entries.items()})
        assert results == {box: True if box in allowed else "PermissionError" for box in entries}, (
            stage
        )


def test_no_stage_writes_into_the_box_of_another(worked: tuple[Host, Receiver, str]) -> None:
    host, _, scan_id = worked
    boxes = {"trigger": "requests", "scan": "raw", "parse": "reports", "ship": "receipts"}
    for stage in STAGES:
        attempts = {
            box: write(f"{SPOOL}/{box}/.{scan_id}.probe") for box in (*boxes.values(), "commands")
        }
        results = attempt(host, stage, **attempts)
        own = {boxes[stage], "commands"} if stage == "scan" else {boxes[stage]}
        assert {box for box, came in results.items() if came == 1} == own, (stage, results)


def test_parse_opens_no_internet_socket_and_scan_has_no_network(
    worked: tuple[Host, Receiver, str],
) -> None:
    host, server, _ = worked
    address = ast.literal_eval(
        f"('{server.url.split('//')[1].split(':')[0]}', {server.url.rpartition(':')[2]})"
    )
    connect = f"bool(socket.create_connection({address!r}, 3))"
    attempts = {
        "inet": "bool(socket.socket(socket.AF_INET))",
        "inet6": "bool(socket.socket(socket.AF_INET6))",
    }
    assert set(attempt(host, "parse", **attempts, connect=connect).values()) == {"OSError"}
    assert attempt(host, "scan", connect=connect)["connect"] in (
        "TimeoutError",
        "PermissionError",
        "OSError",
    )
    patient = connect.replace(", 3)", ", 60)")
    assert attempt(host, "ship", connect=patient) == {"connect": True}


def test_the_api_key_is_read_by_trigger_and_ship_alone(worked: tuple[Host, Receiver, str]) -> None:
    host, server, _ = worked
    places = {
        "file": "/etc/compliance-agent/api-key",
        "of_trigger": "/run/credentials/compliance-agent-trigger.service/api-key",
        "of_ship": "/run/credentials/compliance-agent-ship.service/api-key",
    }
    assert host.shell(f"cat {' '.join(places.values())}") == server.credentials.key * 3
    for stage in UNPRIVILEGED:
        results = attempt(host, stage, **{name: read(path) for name, path in places.items()})
        assert results.pop("file") == "PermissionError", stage
        # Of other units, a unit does not even see the directory.
        assert set(results.values()) <= {"PermissionError", "FileNotFoundError"}, (stage, results)
        others = [path for name, path in places.items() if name != f"of_{stage}"]
        for path in others:
            user = ("setpriv", f"--reuid=compliance-{stage}", "--init-groups", "cat", path)
            assert "Permission denied" in host.run(*user, code=1), (stage, path)
    mine = "bool(pathlib.Path(os.environ['CREDENTIALS_DIRECTORY'], 'api-key').read_bytes())"
    assert attempt(host, "ship", mine=mine) == {"mine": True}
    assert attempt(host, "trigger", mine=mine) == {"mine": True}
    assert attempt(host, "parse", none="'CREDENTIALS_DIRECTORY' in os.environ") == {"none": False}
    assert attempt(host, "scan", none="'CREDENTIALS_DIRECTORY' in os.environ") == {"none": False}
    key = server.credentials.key
    places_of_others = f"{SPOOL} /run/compliance-agent /var/log /proc/[0-9]*/cmdline"
    search = "grep --recursive --files-with-matches --fixed-strings --file=-"
    found = host.run("sh", "-c", f"{search} {places_of_others} 2>/dev/null || true", stdin=key)
    assert found == ""
    assert key not in host.journal()


def test_a_user_outside_the_group_sees_nothing_of_the_spool(
    worked: tuple[Host, Receiver, str],
) -> None:
    host, _, scan_id = worked
    for what in (
        f"ls {SPOOL}",
        f"ls {SPOOL}/raw",
        f"cat {SPOOL}/reports/{scan_id}.report",
        "ls /run/compliance-agent",
    ):
        output = host.run(
            "setpriv", "--reuid=nobody", "--clear-groups", "sh", "-c", what, code=None
        )
        assert "Permission denied" in output, what


def test_no_stage_has_more_capabilities_than_its_unit_says(
    worked: tuple[Host, Receiver, str],
) -> None:
    host, _, _ = worked
    read_search = 1 << 2
    for stage in STAGES:
        pid = host.main_pid(f"compliance-agent-{stage}.service")
        status = dict(
            line.split(":", 1) for line in host.run("cat", f"/proc/{pid}/status").splitlines()
        )
        assert int(status["CapEff"], 16) == (read_search if stage == "scan" else 0)
        assert int(status["CapBnd"], 16) == (read_search if stage == "scan" else 0)
        assert status["NoNewPrivs"].strip() == "1"
        assert (status["Uid"].split()[0] == "0") == (stage == "scan")


def test_scan_reads_every_users_files_and_writes_none_that_configure_or_run_this_host(
    worked: tuple[Host, Receiver, str],
) -> None:
    host, _, _ = worked
    host.shell(
        "useradd --create-home bob || true; install -m 0600 -o bob /dev/null /home/bob/own;"
        "echo x > /home/bob/own"
    )
    paths = (
        "/etc/probe",
        "/root/probe",
        "/usr/bin/probe",
        "/usr/lib/probe",
        "/usr/local/probe",
        "/var/lib/probe",
        "/run/probe",
    )
    results = attempt(
        host,
        "scan",
        reads=read("/home/bob/own"),
        appends="open('/home/bob/own', 'a')",
        **{path.replace("/", "_"): write(path) for path in paths},
    )
    assert results.pop("reads") is True
    assert results.pop("appends") == "PermissionError"
    assert set(results.values()) == {"OSError"}, results


def test_scan_sees_the_mounts_of_the_host_as_they_are(worked: tuple[Host, Receiver, str]) -> None:
    """A sandbox with a mount on /tmp or /home would falsify every check of partitions."""
    host, _, _ = worked
    wanted = (
        "/",
        "/boot",
        "/dev/shm",
        "/home",
        "/opt",
        "/srv",
        "/tmp",
        "/usr",
        "/var",
        "/var/log",
        "/var/tmp",
    )

    def mounted(table: str) -> dict[str, set[str]]:
        rows = (line.split() for line in table.splitlines())
        return {row[1]: set(row[3].split(",")) for row in rows if len(row) > 3 and row[1] in wanted}

    there = json.loads(
        json.dumps(attempt(host, "scan", mounts="open('/proc/self/mounts').read()")["mounts"])
    )
    assert mounted(there) == mounted(host.run("cat", "/proc/self/mounts"))


def test_scan_sees_the_kernels_own_values(worked: tuple[Host, Receiver, str]) -> None:
    host, _, _ = worked
    names = (
        "net/ipv4/tcp_syncookies",
        "net/ipv6/conf/all/accept_ra",
        "kernel/randomize_va_space",
        "net/ipv4/ip_forward",
    )
    host.shell("mount -o remount,rw /proc/sys; echo 0 > /proc/sys/net/ipv4/tcp_syncookies")
    results = attempt(
        host,
        "scan",
        **{name.replace("/", "_"): f"open('/proc/sys/{name}').read()" for name in names},
    )
    assert list(results.values()) == [
        f"{host.run('cat', f'/proc/sys/{name}').strip()}\n" for name in names
    ]


def test_the_services_keep_within_the_group_what_they_put_into_the_runtime_directory(
    worked: tuple[Host, Receiver, str],
) -> None:
    host, _, _ = worked
    until(
        lambda: len(host.run("ls", "/run/compliance-agent").split()) >= 8, "all sockets are there"
    )
    sockets = host.shell("stat --format '%U:%G %a %F' /run/compliance-agent/*.pub").splitlines()
    owners = [
        *(f"compliance-{stage}" for stage in ("parse",)),
        "root",
        "compliance-ship",
        "compliance-trigger",
    ]
    assert sockets == [f"{owner}:compliance-agent 660 socket" for owner in owners]
