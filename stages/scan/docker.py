"""The Docker command line: is there a daemon, is there an image, what has a killed agent left.

Every call has a time limit, so a daemon that hangs costs seconds. Why Docker can't be used is one of four messages:
not installed, socket missing, permission denied, daemon down; each with what to do.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.ids import ScanId, is_scan_id
from stages.scan.platform import Platform

LABEL = "io.compliance-agent.scan"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CONNECT_S, _ANSWER_S = 5.0, 15.0


@dataclass(frozen=True)
class Docker:
    """A client and the socket of its daemon."""

    client: str
    socket: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which client and script find the daemon, and root's logins to registries."""
        found = {"DOCKER_HOST": f"unix://{self.socket}"}
        home = os.environ.get("DOCKER_CONFIG") or str(Path("~root").expanduser() / ".docker")
        if Path(home).is_dir():
            found["DOCKER_CONFIG"] = home
        return found

    def version(self) -> str | None:
        """The daemon's version; None where it does not answer."""
        return self.ask("version", "--format", "{{.Server.Version}}")

    def has_image(self, image: str) -> bool:
        return self.ask("image", "inspect", "--format", "{{.Id}}", image) is not None

    def left_containers(self) -> list[tuple[str, ScanId]] | None:
        """Containers of scans, by id and scan id; None where the daemon does not answer."""
        said = self.ask(
            "ps", "--all", "--filter", f"label={LABEL}", "--format", f'{{{{.ID}}}} {{{{.Label "{LABEL}"}}}}'
        )
        if said is None:
            return None
        pairs = (line.split() for line in said.splitlines())
        return [(pair[0], ScanId(pair[1])) for pair in pairs if len(pair) == 2 and is_scan_id(pair[1])]

    def remove(self, container: str) -> bool:
        return self.ask("rm", "--force", "--volumes", container) is not None

    def ask(self, *words: str) -> str | None:
        """What the client printed; None where it failed or took too long."""
        environment = {"PATH": _PATH, "LANG": "C.UTF-8", **self.environment}
        command: Sequence[str] = (self.client, *words)
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=_ANSWER_S,
                env=environment,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None


def client(socket_path: str) -> Docker | None:
    """The client on this host; None where there is none."""
    path = shutil.which("docker", path=_PATH)
    return Docker(path, socket_path) if path else None


def why_not_reachable(path: str, platform: Platform) -> str | None:
    """Why the daemon's socket can't be used, and what to do; None where it answers to a connection."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(_CONNECT_S)
            sock.connect(path)
    except FileNotFoundError:
        return f"{path}: the Docker socket is missing: systemctl start docker, or set compliance.docker_bench.socket"
    except PermissionError:
        return f"{path}: permission denied: run the scan stage as root, or add its user to the group docker"
    except (ConnectionRefusedError, TimeoutError):
        return f"{path}: the Docker daemon is down: systemctl start docker ({platform.name})"
    except OSError as error:
        return f"{path}: the Docker socket can't be used: {error.strerror or error}"
    return None
