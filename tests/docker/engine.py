"""A Docker engine of the tests' own, and an image that behaves like Docker Bench, for better or worse."""

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

IMAGE = "compliance-agent-test/bench"
BUSYBOX = Path("/bin/busybox")

# Prints as the real script does: by hand, without escaping, JSON beside the log.
SCRIPT = r"""#!/bin/sh
mode=$(cat "$(dirname "$0")/mode" 2>/dev/null || echo good)
arguments="$*"
log=bench.log
while [ $# -gt 0 ]; do
    case $1 in -l) log=$2; shift ;; esac
    shift
done
both() { printf '%s\n' "$1"; printf '%s\n' "$1" >> "$log"; }
check() { both "[$3] $1 - $2"; printf '%s{"id": "%s", "desc": "%s", "result": "%s"}' "$comma" "$1" "$2" "$3" >> "$log.json"; comma=, ; }
[ "$mode" = fails ] && { echo "no such luck" >&2; exit 3; }
[ "$mode" = empty ] && exit 0
: > "$log"; : > "$log.json"
both "# arguments: $arguments"
both "Initializing 2026-11-23T06:06:40+00:00"
both ""
both "Section A - Check results"
both ""
both "[INFO] 2 - Docker daemon configuration"
printf '{"dockerbenchsecurity": "1.6.0", "start": 1795414000, "tests": [{"id": "2", "desc": "Docker daemon configuration", "results": [' >> "$log.json"
[ "$mode" = hangs ] && { trap '' TERM; while :; do sleep 1; done; }
[ "$mode" = floods ] && while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx >> "$log"; done
check 2.1 "Run the Docker daemon as a non-root user" NOTE
check 2.2 "Ensure network traffic is restricted" WARN
[ "$mode" = broken ] && check 2.3 'Ensure the "logging" level is \set' PASS
check 2.4 "Ensure Docker is allowed to make changes to iptables" PASS
both ""
both "Section C - Score"
both ""
both "[INFO] Checks: 3"
both "[INFO] Score: 0"
printf ']}], "checks": 3, "score": 0, "end": 1795414003}' >> "$log.json"
"""


class NoEngineError(Exception):
    """Why no engine can run here."""


@dataclass(frozen=True)
class Engine:
    """A running dockerd."""

    socket: Path

    def __call__(self, *words: str, stdin: bytes | None = None, check: bool = True) -> str:
        done = subprocess.run(
            ["docker", "--host", f"unix://{self.socket}", *words],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0 or not check, done.stderr.decode()
        return done.stdout.decode().strip()

    def bench_image(self, mode: str) -> str:
        """An image whose Docker Bench behaves as `mode` says; its name."""
        name = f"{IMAGE}:{mode}"
        entrypoint = 'ENTRYPOINT ["/bin/sh", "/bench/docker-bench-security.sh"]'
        self("import", "--change", entrypoint, "--change", "WORKDIR /bench", "-", name, stdin=_root(mode))
        return name


@contextlib.contextmanager
def engine() -> Iterator[Engine]:
    """Start dockerd, stop it at the end. Raises NoEngineError."""
    for program in ("dockerd", "docker"):
        if shutil.which(program) is None:
            raise NoEngineError(f"{program} is missing: apt-get install docker.io")
    if os.geteuid() != 0:
        raise NoEngineError("a Docker engine needs root")
    if not BUSYBOX.exists():
        raise NoEngineError("busybox is missing: apt-get install busybox-static")
    place = Path(tempfile.mkdtemp(prefix="dk"))
    words = ["dockerd", "--host", f"unix://{place}/d.sock", "--data-root", f"{place}/data"]
    words += ["--exec-root", f"{place}/exec", "--pidfile", f"{place}/pid"]
    words += ["--iptables=false", "--bridge=none", "--storage-driver", "vfs"]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
    try:
        _await(process, place)
        yield Engine(place / "d.sock")
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(place, ignore_errors=True)


def write_script(directory: Path, mode: str) -> Path:
    """The script, for hosts that run it directly."""
    script = directory / "docker-bench-security.sh"
    script.write_text(SCRIPT)
    (directory / "mode").write_text(mode)
    return script


def _await(process: "subprocess.Popen[bytes]", place: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if (place / "d.sock").exists():
            words = ["docker", "--host", f"unix://{place}/d.sock", "version"]
            if subprocess.run(words, capture_output=True, check=False).returncode == 0:
                return
        time.sleep(0.1)
    log = (place / "log").read_text()
    raise NoEngineError(f"dockerd does not start: {log[-500:]}")


def _root(mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.add(BUSYBOX, "bin/busybox")
        for name in ("sh", "cat", "dirname", "sleep"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        for name, text in (("bench/docker-bench-security.sh", SCRIPT), ("bench/mode", mode)):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o755
            tar.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()
