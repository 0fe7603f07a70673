"""Changes to this host, step by step. Each step is reported; with `dry`, it is only reported."""

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from stages.runtime.command_error import CommandError

_LIMIT_S = 120


class Steps:
    """The steps that were taken, or would be."""

    def __init__(self, *, dry: bool, report: Callable[[str], None]) -> None:
        self.dry = dry
        self.reported: list[str] = []
        self._report = report

    def write(self, path: Path, text: str) -> None:
        """A file of root's that everyone may read. Not through a symlink that lies there."""
        self._step(f"write {path}", partial(_write, path, text))

    def link(self, path: Path, target: Path) -> None:
        self._step(f"link {path} to {target}", partial(_link, path, target))

    def swap(self, path: Path, make: Callable[[Path], None]) -> None:
        """Make a directory beside `path`, and put it in its place when it is complete."""
        self._step(f"make {path}", partial(_swap, path, make))

    def remove(self, path: Path) -> None:
        if os.path.lexists(path):
            self._step(f"remove {path}", partial(_remove, path))

    def run(self, *command: str) -> None:
        """Raises CommandError where the program fails; a missing program is an error too."""
        self._step(f"run {' '.join(command)}", partial(_run, command))

    def attempt(self, *command: str) -> None:
        """Run a program whose failure the caller sees in the state of the host."""
        self._step(f"run {' '.join(command)}", partial(answer, *command))

    def _step(self, message: str, take: Callable[[], object]) -> None:
        self.reported.append(message)
        self._report(message)
        if not self.dry:
            take()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)


def _link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _swap(path: Path, make: Callable[[Path], None]) -> None:
    new, old = swap_leftovers(path)
    shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    make(new)
    if path.exists():
        _put_aside(path, old)
    new.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def swap_leftovers(path: Path) -> tuple[Path, Path]:
    """What a `swap` that was killed has left: the new directory, half made, and the old one."""
    return path.with_name(f".{path.name}.new"), path.with_name(f".{path.name}.old")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _run(command: Sequence[str]) -> None:
    done = _ran(command)
    if done.returncode != 0:
        message = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise CommandError(f"{' '.join(command)}: {message}; correct this and run it again")


def _put_aside(path: Path, old: Path) -> None:
    try:
        path.rename(old)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # A directory of a lower layer of an overlay can't be renamed.
        shutil.rmtree(path)


def answer(*command: str) -> list[str]:
    """The lines that a program prints; none where it fails or is missing."""
    try:
        done = _ran(command)
    except CommandError:
        return []
    if done.returncode != 0:
        return []
    return done.stdout.splitlines()


def _ran(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_LIMIT_S,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except OSError as error:
        raise CommandError(
            f"{command[0]}: cannot be started: {error.strerror}: is systemd installed?"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(f"{' '.join(command)}: no answer after {_LIMIT_S} s") from error
