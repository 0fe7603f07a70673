"""The Docker client: whether there is a daemon and an image, and the containers of earlier scans.

Promises: every call has a time limit, so a daemon that hangs costs seconds.

Diagnostics: a missing client, a missing socket, a path that is not a socket, denied permission, a
daemon that is down and one that does not answer are different messages, each with its own remedy.
"""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

from schemas.ids import ScanId, is_scan_id
from schemas.records import Struct
from spool.errors import is_of_the_machine, of_the_machine
from stages.scanners.docker_bench.docker_arguments import SCAN_LABEL

_CONNECT_S, _ANSWER_S = 5.0, 10.0
_CLIENT_TOO_OLD = re.compile(
    r"client version (\d[\d.]*\d) is too old\. Minimum supported API version is (\d[\d.]*\d)"
)
_CLIENT_TOO_NEW = re.compile(
    r"client is newer than server \(client API version: (\d[\d.]*\d), "
    r"server API version: (\d[\d.]*\d)\)"
)
_SETTING = "compliance.docker_bench.socket"


class ClientAnswer(Struct, frozen=True):
    """What the client printed; or nothing, and the problem."""

    text: str
    problem: str = ""


class Daemon(Struct, frozen=True):
    """What answers at the socket."""

    number: str
    is_podman: bool = False

    @property
    def version(self) -> str:
        """`20.10.24`, or `Podman 4.3.1`."""
        if self.is_podman:
            return f"Podman {self.number}"
        return self.number


class NoDaemon(Struct, frozen=True):
    """Why no daemon can be used, with what to do."""

    reason: str


class Docker(Struct, frozen=True):
    """A client and the socket of its daemon."""

    client: str
    socket: str

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which client and script find the daemon, and root's logins to
        registries."""
        found = {
            "DOCKER_HOST": f"unix://{self.socket}",
            "PATH": os.environ.get("PATH", os.defpath),
        }
        home = os.environ.get("DOCKER_CONFIG") or str(Path("~root").expanduser() / ".docker")
        if Path(home).is_dir():
            found["DOCKER_CONFIG"] = home
        return found

    def daemon(self) -> Daemon | NoDaemon:
        """What answers at the socket now."""
        problem = why_not_reachable(self.socket)
        if problem:
            return NoDaemon(problem)
        components = "{{range .Server.Components}} {{.Name}}{{end}}"
        answer = self._call("version", "--format", "{{.Server.Version}}" + components)
        if not answer.text:
            remedy = "systemctl restart docker"
            return NoDaemon(
                f"{self.socket}: the Docker daemon does not answer: {answer.problem}: {remedy}"
            )
        number, _, names = answer.text.partition(" ")
        return Daemon(number, is_podman=names.casefold().startswith("podman"))

    def why_client_refused(self, image: str) -> str | None:
        """Why this daemon refuses the client in an image, with both versions of the API; None where
        it accepts it."""
        socket_mount = f"{self.socket}:/var/run/docker.sock:ro"
        answer = self._call(
            *("run", "--rm", "--pull", "never", "--net", "none", "--volume", socket_mount),
            *("--entrypoint", "docker", image, "version"),
        )
        return refused_api_version(answer.problem)

    def script_text(self, image: str) -> str:
        """The script in an image with its parts; empty where it can't be read."""
        answer = self._call(
            *("run", "--rm", "--pull", "never", "--net", "none", "--entrypoint", "sh", image),
            *("-c", "cat ./*.sh ./tests/*.sh ./functions/*.sh 2>/dev/null || true"),
        )
        return answer.text

    def has_image(self, image: str) -> bool:
        return self._call("image", "inspect", "--format", "{{.Id}}", image).problem == ""

    def containers(self, label: str, value: object) -> list[tuple[str, ScanId]]:
        """Containers of scans with this label, by id and scan id; none where the daemon does not
        answer."""
        columns = f'{{{{.ID}}}} {{{{.Label "{SCAN_LABEL}"}}}}'
        answer = self._call(
            *("ps", "--all", "--filter", f"label={label}={value}", "--format", columns)
        )
        found = []
        for line in answer.text.splitlines():
            container, _, scan_id = line.partition(" ")
            if is_scan_id(scan_id):
                found.append((container, ScanId(scan_id)))
        return found

    def remove(self, container: str) -> ClientAnswer:
        return self._call("rm", "--force", "--volumes", container)

    def _call(self, *arguments: str) -> ClientAnswer:
        try:
            done = subprocess.run(
                (self.client, *arguments),
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=_ANSWER_S,
                env={"LANG": "C.UTF-8", **self.environment},
                check=False,
            )
        except subprocess.TimeoutExpired:
            return ClientAnswer("", f"no answer within {_ANSWER_S:.0f} s")
        except OSError as error:
            if is_of_the_machine(error):
                raise of_the_machine(f"{self.client}: can't be started", error) from error
            return ClientAnswer("", f"{self.client}: can't be started: {error.strerror}")
        if done.returncode == 0:
            return ClientAnswer(_text(done.stdout))
        errors = _text(done.stderr).splitlines() or [f"exit code {done.returncode}"]
        return ClientAnswer("", errors[-1])


def client(socket_path: str) -> Docker | None:
    """The client on this host; None where there is none."""
    path = shutil.which("docker")
    if path is None:
        return None
    return Docker(path, socket_path)


def refused_api_version(text: str) -> str | None:
    """Why a daemon refused a client, where the text names the version of its API as the reason."""
    too_old = _CLIENT_TOO_OLD.search(text)
    if too_old:
        return f"speaks API {too_old[1]}, the daemon at least {too_old[2]}"
    too_new = _CLIENT_TOO_NEW.search(text)
    if too_new:
        return f"speaks API {too_new[1]}, the daemon at most {too_new[2]}"
    return None


def why_not_reachable(path: str) -> str | None:
    """Why the daemon's socket can't be used, and what to do; None where it takes a connection.

    Raises MachineError.
    """
    if Path(path).exists() and not Path(path).is_socket():
        remedy = f"move it away and systemctl restart docker, or set {_SETTING}"
        return f"{path}: is not a socket: {remedy}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(_CONNECT_S)
            sock.connect(path)
    except FileNotFoundError:
        remedy = f"systemctl start docker, or set {_SETTING}"
        return f"{path}: the Docker socket is missing: {remedy}"
    except PermissionError:
        remedy = "run the scan stage as root, or add its user to the group docker"
        return f"{path}: permission denied: {remedy}"
    # BlockingIOError: with a time limit, Linux refuses at once where the queue of a socket is
    # full, because its process does not accept.
    except (ConnectionRefusedError, TimeoutError, BlockingIOError):
        return f"{path}: the Docker daemon is down: systemctl start docker"
    except OSError as error:
        if is_of_the_machine(error):
            raise of_the_machine(f"{path}: can't be connected to", error) from error
        reason = error.strerror or str(error)
        return f"{path}: the Docker socket can't be used: {reason}: see {_SETTING}"
    return None


def _text(output: bytes) -> str:
    return output.decode("utf-8", "replace").strip()
