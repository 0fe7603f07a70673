"""A host in a container, with systemd as its first process and an agent installed."""

import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from schemas.ids import ScanId
from spool.layout import STAGES
from tests.docker.engine import Engine

SPOOL = "/var/lib/compliance-agent/spool"
UNITS = tuple(f"compliance-agent-{stage}.service" for stage in STAGES)
TARGET = "compliance-agent.target"
CONTENT = "every-result-ds.xml"
PATIENCE_S = 180.0
_WAITING_OSCAP = """\
#!/bin/sh
case "$*" in *--help*) ;; "xccdf eval"*) while [ -e /opt/hold ]; do sleep 0.1; done ;; esac
exec /usr/bin/oscap "$@"
"""
_OPTIONS = (
    *("--cap-add", "SYS_ADMIN", "--cap-add", "DAC_READ_SEARCH"),
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    *("--cgroupns", "host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:rw"),
    *("--tmpfs", "/run", "--tmpfs", "/run/lock", "--stop-signal", "SIGRTMIN+3"),
)


def until(
    condition: Callable[[], object],
    what: str,
    limit_s: float = PATIENCE_S,
    evidence: Callable[[], str] = lambda: "",
) -> None:
    """Wait for a condition, with a deadline; `evidence` is printed if it does not become true."""
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, f"after {limit_s} s still not: {what}\n{evidence()}"
        time.sleep(0.1)


@dataclass
class Host:
    """A running container."""

    engine: Engine
    name: str
    network: str

    def run(
        self, *command: str, code: int | None = 0, stdin: str | None = None, limit_s: float = 300
    ) -> str:
        """Run a command as root on the host; returns its output, both streams."""
        done = subprocess.run(
            [*self._docker, "exec", "--interactive", self.name, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            input=stdin or "",
            timeout=limit_s,
            check=False,
        )
        assert code is None or done.returncode == code, (
            f"{command}: {done.returncode}\n{done.stdout}"
        )
        return done.stdout

    def shell(self, script: str, code: int | None = 0) -> str:
        return self.run("sh", "-ec", script, code=code)

    def write(self, path: str, text: str, mode: str = "0644", group: str = "root") -> None:
        new = f"{path}.new"
        script = f"umask 077; cat > {new}; chgrp {group} {new}; chmod {mode} {new}; mv {new} {path}"
        self.run("sh", "-ec", script, stdin=text)

    def copy(self, source: str, target: str) -> None:
        self.engine("cp", source, f"{self.name}:{target}")

    def agent(self, *arguments: str, code: int | None = 0, limit_s: float = 300) -> str:
        return self.run("compliance-agent", *arguments, code=code, limit_s=limit_s)

    def configure(self, server: Any = None, **changes: Any) -> None:
        """Write settings (JSON is YAML) and key as docs/operating.md describes, and restart."""
        home = self.run(
            "sh", "-c", "dirname $(dirname $(readlink -f $(command -v compliance-agent)))"
        ).strip()
        packages = f"{home}/lib/python3.{sys.version_info.minor}/site-packages"
        content = f"{packages}/stages/scanners/openscap/content/{CONTENT}"
        settings: dict[str, Any] = {
            "compliance": {"openscap": {"content": content, "profile": "every_result"}},
            "spool": {"check_every_s": 2.0, "min_free_mib": 1},
            "delivery": {"per_minute": 0},
        }
        if server is not None:
            settings["server"] = {"url": server.url}
            settings["api"] = {
                "id": server.credentials.id,
                "key_file": "/etc/compliance-agent/api-key",
            }
            self.write("/etc/compliance-agent/api-key", server.credentials.key, "0600")
        settings.update(changes)
        self.write(
            "/etc/compliance-agent/config.yml", json.dumps(settings), "0640", "compliance-agent"
        )
        self.restart()

    def restart(self) -> None:
        self.run("systemctl", "restart", TARGET)
        self.await_active()

    def await_active(self) -> None:
        self.until(lambda: set(self.states().values()) == {"active"}, "all units active")

    def until(
        self, condition: Callable[[], object], what: str, limit_s: float = PATIENCE_S
    ) -> None:
        """Wait for a condition; on failure the journal is printed."""
        until(condition, what, limit_s, lambda: f"{self.states()}\n{self.journal()[-4000:]}")

    def states(self) -> dict[str, str]:
        output = self.run("systemctl", "show", "--property=ActiveState", "--value", *UNITS)
        return dict(zip(UNITS, output.split(), strict=True))

    def main_pid(self, unit: str) -> int:
        return int(self.run("systemctl", "show", "--property=MainPID", "--value", unit))

    def journal(self, unit: str = "compliance-agent-*") -> str:
        """What is in the journal, with what journald has not written yet."""
        command = 'journalctl --sync; journalctl --no-pager --output=cat --unit "$0"'
        return self.run("sh", "-c", command, unit, code=None)

    def request_scan(self) -> ScanId:
        output = self.agent("scan")
        (scan_id,) = re.findall(r"^\d{8}T\d{6}Z-openscap-[0-9a-f]{8}$", output, re.MULTILINE)
        return ScanId(scan_id)

    def entries(self, box: str) -> list[str]:
        return self.run("ls", f"{SPOOL}/{box}").split()

    def received(self, scan_id: str) -> bool:
        return f"{scan_id}.receipt" in self.entries("receipts")

    def outcome(self, scan_id: str) -> tuple[str, str]:
        """The status of the report, and the server's answer."""
        shown = json.loads(self.agent("show", scan_id, "--json", code=None))
        return shown["report"]["status"], shown["receipt"]["answer"]

    def probe(self, stage: str, script: str) -> str:
        """Run a Python script as a stage would run, under its unit; returns its output."""
        unit = f"probe-{stage}.service"
        self.write("/usr/local/share/probe.py", script)
        text = self.run("systemctl", "cat", f"compliance-agent-{stage}.service")
        replaced = (
            "Type=",
            "ExecStart=",
            "Restart",
            "WatchdogSec=",
            "SyslogIdentifier=",
            "PartOf=",
        )
        kept = [line for line in text.splitlines() if not line.startswith(replaced)]
        command = "ExecStart=/usr/bin/python3 -I /usr/local/share/probe.py"
        service = kept.index("[Service]") + 1
        lines = [*kept[:service], "Type=oneshot", command, *kept[service:]]
        self.write(f"/run/systemd/system/{unit}", "\n".join(lines) + "\n")
        self.run("systemctl", "daemon-reload")
        self.run("systemctl", "start", unit)
        self.run("journalctl", "--sync")
        return self.run(
            "journalctl", "--no-pager", "--output=cat", "--unit", unit, "--identifier", "python3"
        )

    def slow_down_scanner(self) -> None:
        """Every scan from now on waits until `let_scanner_go`."""
        self.write("/usr/local/bin/oscap", _WAITING_OSCAP, "0755")
        self.run("touch", "/opt/hold")

    def let_scanner_go(self) -> None:
        self.run("rm", "-f", "/opt/hold", "/usr/local/bin/oscap")

    @contextlib.contextmanager
    def without_network(self) -> Iterator[None]:
        self.engine("network", "disconnect", self.network, self.name)
        try:
            yield
        finally:
            self.engine("network", "connect", self.network, self.name)

    def reboot(self) -> None:
        self.engine("restart", "--time", "40", self.name)
        self.await_booted()

    def await_booted(self) -> None:
        until(
            lambda: (
                self.run("systemctl", "is-system-running", code=None).strip()
                in ("running", "degraded")
            ),
            f"{self.name} has booted",
        )

    @property
    def _docker(self) -> list[str]:
        return ["docker", "--host", f"unix://{self.engine.socket}"]


@contextlib.contextmanager
def booted(engine: Engine, image: str, network: str, name: str, *options: str) -> Iterator[Host]:
    """Boot an image."""
    engine(
        "run",
        "--detach",
        "--name",
        name,
        "--hostname",
        name,
        "--network",
        network,
        *_OPTIONS,
        *options,
        image,
    )
    host = Host(engine, name, network)
    try:
        host.await_booted()
        yield host
    finally:
        engine("rm", "--force", "--volumes", name)
