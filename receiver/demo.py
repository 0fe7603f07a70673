"""`python -m receiver demo`: one real scan, from request to receipt, without configuration.

Starts a receiver and then the agent by its own commands, as a user would: `run` in the background,
`scan --wait` in the foreground. Everything is kept in one directory, until the next demonstration.
Installs the scanner and its content where they are missing. Leaves nothing running.
"""

import argparse
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn, TextIO

from receiver import demo_preparation
from receiver.demo_preparation import Show
from receiver.errors import ReceiverError
from receiver.server import Receiver
from receiver.store import StoreError
from spool.layout import STAGES
from spool.spool import Spool
from stages.runtime.exits import Exit
from stages.scanners.launch import parent_death_signal

DESCRIPTION = "Scans this host once, with a receiver and everything else in one directory."
AGENT = (sys.executable, "-m", "stages.console.main")

_START_LIMIT_S = 15.0
_STOP_LIMIT_S = 45.0
_SCAN_LIMIT_S = 1800.0
_OLD_AFTER_S = 600.0

_PREFIX = "compliance-agent-demo-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dir", type=Path, metavar="DIR", help="directory for all files (default: a new one)"
    )
    parser.add_argument(
        "--no-install",
        action="store_true",
        help="install nothing; fail if the scanner is missing",
    )
    parser.add_argument("--profile", metavar="P", default="auto", help="(default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print the report and receipt as JSON")


def run(args: argparse.Namespace) -> int:
    # With --json, standard output belongs to the document alone.
    show = _show
    if args.json:
        show = _show_on_stderr
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _demonstrate(args, show)
    except KeyboardInterrupt:
        show("interrupted: the scan was ended, and nothing is running any more")
        return Exit.INTERRUPTED


def _demonstrate(args: argparse.Namespace, show: Show) -> int:
    if os.geteuid() != 0:
        show("warning:  not root: rules about files that only root can read give errors")
    datastream = demo_preparation.prepare(args.no_install, args.profile, show)
    directory = _directory(args.dir)
    with _receiver(directory / "receiver.db") as receiver:
        show(f"receiver: {receiver.url}")
        config = _configure(directory, receiver, args.profile, datastream)
        spool = Spool(directory / "spool")
        log = directory / "stages.log"
        with (
            _interrupts_noted() as check_interrupt,
            log.open("a") as stream,
            _stages(config, stream) as stages,
        ):
            show(f"spool:    {spool.root}")
            show(f"logs:     {log}")
            check = partial(_check, stages, log, check_interrupt)
            _await_stages(spool, directory / "run", check)
            code = _scan(config, check, as_json=args.json)
    _show_places(directory, spool, show)
    return code


def _show(message: str) -> None:
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()


def _show_on_stderr(message: str) -> None:
    sys.stderr.write(f"{message}\n")


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    raise KeyboardInterrupt


def _directory(wanted: Path | None) -> Path:
    if wanted is None:
        _remove_old_directories()
        return Path(tempfile.mkdtemp(prefix=_PREFIX))
    wanted.mkdir(parents=True, exist_ok=True)
    return wanted.resolve()


def _remove_old_directories() -> None:
    """Directories of this user's earlier demonstrations, unless their stages still run."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        status = path.lstat()
        is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
        # A demonstration that has just started has no stages yet.
        is_old = time.time() - status.st_mtime > _OLD_AFTER_S
        if not is_own or not is_old:
            continue
        spool = Spool(path / "spool")
        if not any(map(spool.is_running, STAGES)):
            shutil.rmtree(path, ignore_errors=True)


def _receiver(database: Path) -> Receiver:
    try:
        return Receiver(database=database)
    except StoreError as error:
        raise ReceiverError(str(error)) from error


def _configure(directory: Path, receiver: Receiver, profile: str, datastream: Path | None) -> Path:
    """Write a settings file (JSON is YAML), and the key into a file of its own."""
    key = directory / "api-key"
    key.touch(mode=0o600)
    key.write_text(receiver.credentials.key)
    scanner = {"profile": profile}
    if datastream is not None:
        scanner["content"] = str(datastream)
    settings = {
        "server": {"url": receiver.url},
        "api": {"id": receiver.credentials.id, "key_file": str(key)},
        "compliance": {demo_preparation.SCANNER.section: scanner},
        "spool": {"path": str(directory / "spool")},
        "runtime_dir": str(directory / "run"),
    }
    config = directory / "config.yml"
    config.write_text(json.dumps(settings, indent=2) + "\n")
    return config


@contextmanager
def _interrupts_noted() -> Iterator[Callable[[], None]]:
    """Ctrl-C and SIGTERM are only noted; the function raises KeyboardInterrupt where one came.

    Raised in the middle of Popen.poll, it could leave a lock behind for which Popen.wait then waits
    forever.
    """
    noted: list[int] = []

    def check() -> None:
        if noted:
            raise KeyboardInterrupt

    before = {
        number: signal.signal(number, lambda number, _: noted.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield check
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _stages(config: Path, log: TextIO) -> Iterator["subprocess.Popen[bytes]"]:
    """The four stages, by `compliance-agent run`."""
    # A session of its own: Ctrl-C reaches the demo alone, which then ends the stages.
    stages = subprocess.Popen(
        [*parent_death_signal(), *AGENT, "run", "--config", str(config)],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        yield stages
    finally:
        _end(stages)


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _await_stages(spool: Spool, runtime: Path, check: Callable[[], None]) -> None:
    """Wait until all four work, so that no progress of the scan is missed."""
    end = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < end:
        check()
        listening = [stage for stage in STAGES if (runtime / f"{stage}.sub").exists()]
        if len(listening) == len(STAGES) and all(map(spool.is_running, STAGES)):
            return
        time.sleep(0.05)


def _check(
    stages: "subprocess.Popen[bytes]", log: Path, check_interrupt: Callable[[], None]
) -> None:
    check_interrupt()
    code = stages.poll()
    if code is not None:
        raise ReceiverError(f"the stages ended with exit code {code}: see {log}")


def _scan(config: Path, check: Callable[[], None], *, as_json: bool) -> int:
    """The exit code of `compliance-agent scan --wait`, which shows the progress."""
    command = [*parent_death_signal(), *AGENT, "scan", "--wait", "--timeout", str(_SCAN_LIMIT_S)]
    command += ["--config", str(config)]
    if as_json:
        command.append("--json")
    # Ctrl-C reaches the demo alone, which then ends this command too.
    scan = subprocess.Popen(command, start_new_session=True)
    try:
        while True:
            try:
                return scan.wait(0.2)
            except subprocess.TimeoutExpired:
                check()
    finally:
        _end(scan)


def _show_places(directory: Path, spool: Spool, show: Show) -> None:
    scan_ids = spool.requests.ids()
    if not scan_ids:
        return
    scan_id = max(scan_ids)
    show("")
    show("files:")
    show(f"  raw scanner output  {spool.raw.path / scan_id}")
    show(f"  report              {spool.reports.path / scan_id}.report")
    show(f"  receipt             {spool.receipts.path / scan_id}.receipt")
    show(f"  receiver's database {directory / 'receiver.db'}")
    config = directory / "config.yml"
    show(f"show it again: {_program()} show {scan_id} --config {config}")


def _program() -> str:
    """The command that starts the agent from any directory: in a clone it is not on PATH."""
    own = Path(sys.executable).parent / "compliance-agent"
    if not own.exists():
        return " ".join(AGENT)
    on_path = shutil.which("compliance-agent")
    if on_path and Path(on_path).samefile(own):
        return "compliance-agent"
    return str(own)
