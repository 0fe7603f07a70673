"""A Docker engine for tests, and images that behave like Docker Bench, also like a broken one."""

import contextlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).parent / "docker-bench-security.sh"
BUSYBOX = Path("/bin/busybox")
ENTRYPOINT = ("/bin/sh", "docker-bench-security.sh")
_REPOSITORY = "compliance-agent-test/bench"
_APPLETS = ("sh", "cat", "ln", "mkdir", "sleep", "tee", "yes")


class NoEngineError(Exception):
    """Why no engine can run here."""


@dataclass(frozen=True)
class Engine:
    """A running dockerd."""

    socket: Path
    process: "subprocess.Popen[bytes]"

    def __call__(self, *message: str, stdin: bytes | None = None) -> str:
        done = subprocess.run(
            ["docker", "--host", f"unix://{self.socket}", *message],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    def bench_image(self, mode: str, name: str = "") -> str:
        """An image whose Docker Bench behaves as `mode` says; its name."""
        name = name or f"{_REPOSITORY}:{mode}"
        entry = ", ".join(f'"{word}"' for word in ENTRYPOINT)
        changes = ("--change", f"ENTRYPOINT [{entry}]", "--change", "WORKDIR /bench")
        self("import", *changes, "-", name, stdin=layer(mode))
        return name

    @property
    def scans(self) -> list[str]:
        """The containers of scans, running or not."""
        return self("ps", "--all", "--quiet", "--filter", "label=io.compliance-agent.scan").split()


@contextlib.contextmanager
def engine(storage: str | None = "vfs") -> Iterator[Engine]:
    """Start dockerd, stop it at the end; `storage` None: what dockerd finds best. Raises
    NoEngineError.
    """
    for program in ("dockerd", "docker"):
        if shutil.which(program) is None:
            raise NoEngineError(f"{program} is missing: apt-get install docker.io")
    if os.geteuid() != 0:
        raise NoEngineError("a Docker engine needs root")
    if not BUSYBOX.exists():
        raise NoEngineError("busybox is missing: apt-get install busybox-static")
    place = Path(tempfile.mkdtemp(prefix="dk"))
    message = ["setpriv", "--pdeathsig", "TERM", "dockerd", "--host", f"unix://{place}/d.sock"]
    message += [
        "--data-root",
        f"{place}/data",
        "--exec-root",
        f"{place}/exec",
        "--pidfile",
        f"{place}/pid",
    ]
    message += ["--iptables=false", "--ip6tables=false", "--bridge=none"]
    message += ["--storage-driver", storage] if storage else []
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(message, stdout=log, stderr=log, start_new_session=True)
    try:
        _await(process, place)
        yield Engine(place / "d.sock", process)
    finally:
        _end(process, place)


def write_script(directory: Path, mode: str) -> Path:
    """The script with its parts, for hosts that run it directly."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "tests").mkdir(exist_ok=True)
    script = directory / SCRIPT.name
    shutil.copyfile(SCRIPT, script)
    (directory / "mode").write_text(mode)
    # Whatever the umask: what others can write is not run.
    for path in (directory, directory / "tests", script):
        path.chmod(0o755)
    return script


def layer(mode: str) -> bytes:
    """The files of an image, as a tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(BUSYBOX, "bin/busybox")
        for name in _APPLETS:
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        for name, text in (
            ("bench/docker-bench-security.sh", SCRIPT.read_text()),
            ("bench/mode", mode),
        ):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o755
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def _await(process: "subprocess.Popen[bytes]", place: Path) -> None:
    end = time.monotonic() + 180
    while time.monotonic() < end and process.poll() is None:
        if (place / "d.sock").exists():
            message = ["docker", "--host", f"unix://{place}/d.sock", "version"]
            if subprocess.run(message, capture_output=True, check=False).returncode == 0:
                return
        time.sleep(0.1)
    log = (place / "log").read_text()
    raise NoEngineError(f"dockerd does not start: {log[-500:]}")


def _end(process: "subprocess.Popen[bytes]", place: Path) -> None:
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # The one mount that dockerd leaves.
    subprocess.run(["umount", str(place / "exec/netns/default")], capture_output=True, check=False)
    shutil.rmtree(place, ignore_errors=True)
