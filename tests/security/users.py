"""The agent as packages lay it out: a user for each stage, and directories with their owners.

Users and directories come from the project's own sysusers.d and tmpfiles.d files. Each process runs
in a mount namespace of its own, in which /etc/passwd and /etc/group have these users; the machine
that runs the tests gets none. A stage runs as its unit has it: user, groups, and for scan the one
capability that root keeps. What a hostile stage does is Python code that runs as its user.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from spool.layout import STAGES, Stage
from spool.spool import Spool
from stages.scanners.openscap.content import EVERY_RESULT
from tests.pipeline.agent import PROFILE

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "systemd"
User = Literal["trigger", "parse", "ship"]
USERS: tuple[User, ...] = ("trigger", "parse", "ship")
_ENTER = """
mount --bind "$1" /etc/passwd; mount --bind "$2" /etc/group; shift 2
# Python and the project may lie below a directory that only root can enter.
while [ "$1" != -- ]; do
    aside=$(mktemp -d); mount --bind "$1/$2" "$aside"
    mount -t tmpfs -o mode=0755 tmpfs "$1"
    mkdir "$1/$2"; mount --move "$aside" "$1/$2"; rmdir "$aside"
    shift 2
done
shift; exec "$@"
"""
_TOOLS = ("unshare", "setpriv", "systemd-sysusers", "systemd-tmpfiles")


def why_not_here() -> str | None:
    """Why these tests can't run on this machine."""
    if os.geteuid() != 0:
        return "only root can become the users of the stages"
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)}: missing (apt-get install systemd util-linux)"
    if subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        return "no mount namespace can be made here"
    return None


@dataclass
class SharedHost:
    """A spool of several users, its settings, and the stages that work on it."""

    home: Path
    settings: dict[str, Any]
    processes: dict[Stage, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.home / "lib/spool"

    @property
    def runtime(self) -> Path:
        return self.home / "run"

    @property
    def config(self) -> Path:
        return self.home / "etc/config.yml"

    @property
    def spool(self) -> Spool:
        return Spool(self.root)

    def configure(self, **changes: Any) -> None:
        self.settings.update(changes)
        self.config.write_text(json.dumps(self.settings))
        self.config.chmod(0o644)

    def command(self, *argv: str) -> list[str]:
        """A command line that runs among the users of this host, as root."""
        files = (str(self.home / "root/etc/passwd"), str(self.home / "root/etc/group"))
        opened = [part for pair in _closed_directories() for part in pair]
        return ["unshare", "--mount", "sh", "-ec", _ENTER, "sh", *files, *opened, "--", *argv]

    def as_user(self, user: User, *argv: str) -> list[str]:
        """The same as the user of a stage, with its groups and without capabilities."""
        name = f"compliance-{user}"
        options = (f"--reuid={name}", f"--regid={_primary_group(user)}", "--init-groups")
        return self.command("setpriv", *options, "--bounding-set=-all", "--no-new-privs", *argv)

    def as_scan(self, *argv: str) -> list[str]:
        """The same as root in the scan unit: one capability, and the groups of the hand-offs."""
        groups = "--groups=compliance-raw,compliance-trigger,compliance-agent"
        only = "-all,+dac_read_search"
        capabilities = (f"--bounding-set={only}", f"--inh-caps={only}", "--no-new-privs")
        return self.command("setpriv", "--regid=compliance-raw", groups, *capabilities, *argv)

    def act(self, user: User, code: str, limit_s: float = 120) -> str:
        """Run Python code as the user of a stage, in the spool; its standard output."""
        argv = self.as_user(user, sys.executable, "-c", code)
        done = subprocess.run(
            argv, cwd=self.root, capture_output=True, text=True, timeout=limit_s, check=False
        )
        assert done.returncode == 0, f"{user}: {done.stdout}{done.stderr}"
        return done.stdout

    def attempt(self, user: User, expression: str) -> str:
        """The value of an expression, evaluated as the user of a stage, or the error's class."""
        code = (
            "import os, pathlib, socket\n"
            f"try: print(repr({expression}))\n"
            "except OSError as error: print(type(error).__name__)\n"
        )
        return self.act(user, code).strip()

    def agent(self, *message: str, code: int | None = 0, limit_s: float = 120) -> str:
        """A command of root; what it prints."""
        program = (sys.executable, "-m", "stages.console.main")
        argv = self.command(*program, *message, "--config", str(self.config))
        done = subprocess.run(
            argv, cwd=ROOT, capture_output=True, text=True, timeout=limit_s, check=False
        )
        printed = f"{done.stdout}{done.stderr}"
        assert code is None or done.returncode == code, f"{message}: {done.returncode}\n{printed}"
        # No command shows a traceback: it names the place in one line.
        assert "internal error" not in printed, printed
        assert "Traceback" not in printed, printed
        return printed

    def start(self, *stages: Stage) -> None:
        for stage in stages or STAGES:
            program = (sys.executable, "-m", "stages.console.main", "stage", stage)
            argv = (*program, "--config", str(self.config))
            command = self.as_scan(*argv) if stage == "scan" else self.as_user(stage, *argv)
            with (self.home / f"{stage}.log").open("ab") as log:
                self.processes[stage] = subprocess.Popen(
                    command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
                )

    def kill(self, stage: Stage) -> None:
        process = self.processes.pop(stage)
        process.kill()
        process.wait(timeout=40)

    def log(self, stage: Stage) -> str:
        path = self.home / f"{stage}.log"
        return path.read_text() if path.exists() else ""

    def peak_mib(self, stage: Stage) -> float:
        """The most memory that a running stage has had, in MiB."""
        status = Path(f"/proc/{self.processes[stage].pid}/status").read_text()
        found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
        assert found, status
        return int(found[1]) / 1024


@cache
def _closed_directories() -> list[tuple[str, str]]:
    """Directories on the way to Python and to the project that only their owner can enter, each
    with the name of the next one."""
    found: dict[str, str] = {}
    for path in (Path(sys.executable).resolve(), ROOT / "tests"):
        for parent in reversed(path.parents):
            if not parent.stat().st_mode & 0o001:
                found[str(parent)] = path.relative_to(parent).parts[0]
    return list(found.items())


def _primary_group(user: User) -> str:
    """The group of an entry: `compliance-parse` writes for those who read reports."""
    return "compliance-reports" if user == "parse" else f"compliance-{user}"


@contextmanager
def a_shared_host() -> Iterator[SharedHost]:
    """Logs are shown on failure."""
    with tempfile.TemporaryDirectory(prefix="ca") as directory:
        home = Path(directory)
        # The spool's own directories are closed; the way there is not.
        home.chmod(0o755)
        settings: dict[str, Any] = {
            "compliance": {"openscap": {"content": str(EVERY_RESULT), "profile": PROFILE}},
            "spool": {
                "path": str(home / "lib/spool"),
                "check_every_s": 1.0,
                "min_free_mib": 1,
            },
            "runtime_dir": str(home / "run"),
        }
        host = SharedHost(home, settings)
        _lay_out(host)
        host.configure()
        try:
            yield host
        except BaseException:
            sys.stderr.write("".join(f"--- {stage}\n{host.log(stage)}" for stage in STAGES))
            raise
        finally:
            for process in host.processes.values():
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _lay_out(host: SharedHost) -> None:
    """Users by sysusers.d, directories by tmpfiles.d, below the home of this host."""
    etc = host.home / "root/etc"
    etc.mkdir(parents=True)
    for name in ("passwd", "group"):
        shutil.copy(f"/etc/{name}", etc / name)
    users = str(SYSTEMD / "compliance-agent.sysusers.conf")
    command = ["systemd-sysusers", f"--root={host.home / 'root'}", users]
    subprocess.run(command, check=True, capture_output=True)
    lines = (SYSTEMD / "compliance-agent.tmpfiles.conf").read_text()
    for path, own in (
        ("/etc/compliance-agent", "etc"),
        ("/run/compliance-agent", "run"),
        ("/var/lib/compliance-agent", "lib"),
    ):
        lines = lines.replace(path, str(host.home / own))
    directories = host.home / "tmpfiles.conf"
    directories.write_text(lines)
    made = host.command("systemd-tmpfiles", "--create", str(directories))
    subprocess.run(made, check=True, capture_output=True)
