"""`demo`: the main job for real, once, without configuration.

Starts a receiver and the four stages on a spool of their own, asks for one OpenSCAP scan of this host, shows it rule
by rule, waits for the receipt, shows what came of it and where the files are. Installs the scanner and its content
where they are missing, and says so. Nothing is left running.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn, TextIO

from receiver import Receiver
from receiver.store import StoreError
from schemas import codec
from schemas.ids import new_scan_id
from schemas.request import Reason, Request
from schemas.settings import Settings
from spool.layout import STAGES
from stages.console import arguments, command_writer, follow, output, scan
from stages.console.context import CommandError, Context
from stages.console.output import warn
from stages.console.supervise import Supervisor
from stages.runtime import settings_file
from stages.runtime.exits import Exit
from stages.runtime.logs import Log
from stages.scanners.detection import detect_now, this_platform
from stages.scanners.openscap import content

Say = Callable[[str], None]
_LIMIT_S = 1800.0
_START_LIMIT_S = 15.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dir", type=Path, metavar="DIR", help="where everything lies (default: a new directory)"
    )
    parser.add_argument(
        "--no-install",
        action="store_true",
        help="install nothing; fail where the scanner is missing",
    )
    parser.add_argument(
        "--profile", metavar="P", type=arguments.text, default="auto", help="(default: %(default)s)"
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    # For programs, standard output is JSON alone.
    say: Say = warn if context.json else output.say
    own = _prepare(args.no_install, say)
    if args.dir:
        args.dir.mkdir(parents=True, exist_ok=True)
    directory = (
        args.dir.resolve() if args.dir else Path(tempfile.mkdtemp(prefix="compliance-agent-"))
    )
    with ExitStack() as stack:
        receiver = stack.enter_context(_receiver(directory / "receiver.db"))
        say(f"receiver: {receiver.url}")
        config = _configure(directory, receiver, args.profile, own)
        demo = Context(settings_file.load(config).settings, config, context.json)
        log = stack.enter_context((directory / "stages.log").open("a"))
        supervisor = stack.enter_context(_supervised(config, log))
        say(f"spool:    {demo.spool.root}")
        say(f"logs:     {log.name}")
        _await_stages(demo, supervisor, log.name)
        bell = follow.listen(stack, demo.runtime)
        at = command_writer.now()
        scan_id = new_scan_id("openscap", at)
        reason = Reason(source="operator", at=at, detail="demo")
        command_writer.give(
            demo, scan_id, "request", Request(scan_id=scan_id, scanner="openscap", reason=reason)
        )
        say(f"scan:     {scan_id}")
        followed = follow.follow(
            demo,
            bell,
            scan_id,
            "receipt",
            _LIMIT_S,
            lambda: _tend(supervisor, log.name),
            quiet=context.json,
        )
        if followed.late:
            raise CommandError(
                f"after {_LIMIT_S:.0f} s {scan_id} is still {followed.late}: see {log.name}",
                Exit.NO,
            )
        say("")
        code = scan.outcome(demo, followed)
    _tell_where(directory, scan_id, demo, say)
    return code


def _receiver(database: Path) -> Receiver:
    try:
        return Receiver(database=database)
    except StoreError as error:
        raise CommandError(str(error)) from error


def _prepare(no_install: bool, say: Say) -> Path | None:
    """See to scanner and content. The datastream to use, where it is not the one found for this host."""
    platform = this_platform()
    detected = detect_now(Settings())
    missing: list[str] = []
    if not (detected.capabilities.openscap and detected.capabilities.openscap.installed):
        missing.append("oscap")
    if detected.content_file is None:
        missing.append("content")
    wanted = [command for what in missing if (command := platform.install_command(what))]
    for command in wanted:
        _install(command, no_install, say)
    if wanted:
        detected = detect_now(Settings())
    if not (detected.capabilities.openscap and detected.capabilities.openscap.installed):
        raise CommandError("; ".join(detected.problems))
    if detected.content_file and detected.content_warning is None:
        say(f"content:  {detected.content_file}")
        return None
    why = detected.content_warning or f"no installed content is for {platform.name}"
    say(f"content:  {content.LINUX.name}, the agent's own baseline ({why})")
    return content.LINUX


def _install(command: str, no_install: bool, say: Say) -> None:
    """Run a distribution's own install command, and say so. Failing to get content is no end: we have our own."""
    what = command.split()[-1]
    if no_install:
        if "ssg" not in what and "security-guide" not in what:
            raise CommandError(f"the scanner is missing, and --no-install forbids: {command}")
        return
    say(f"installing: {command}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    message = command.split()
    if message[0] == "apt-get":
        subprocess.run(
            [message[0], "update", "-q"], env=environment, check=False, stdout=subprocess.DEVNULL
        )
    try:
        subprocess.run(message, env=environment, check=False, stdout=subprocess.DEVNULL)
    except OSError as error:
        raise CommandError(f"{command}: {error.strerror}; install it by hand") from error


def _configure(directory: Path, receiver: Receiver, profile: str, own: Path | None) -> Path:
    """A settings file (JSON is YAML), and the key in a file of its own."""
    key = directory / "api-key"
    key.touch(mode=0o600)
    key.write_text(receiver.credentials.key)
    openscap = {"profile": profile, **({"content": str(own)} if own else {})}
    config = directory / "config.yml"
    settings = {
        "server": {"url": receiver.url},
        "api": {"id": receiver.credentials.id, "key_file": str(key)},
        "compliance": {"openscap": openscap},
        "spool": {"path": str(directory / "spool")},
        "runtime_dir": str(directory / "run"),
    }
    config.write_text(codec.pretty(settings) + "\n")
    return config


@contextmanager
def _supervised(config: Path, log: TextIO) -> Iterator[Supervisor]:
    supervisor = Supervisor(config, Log("demo", stream=log), log)
    signal.signal(signal.SIGTERM, _interrupted)
    try:
        yield supervisor
    finally:
        supervisor.end()


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    raise KeyboardInterrupt


def _await_stages(demo: Context, supervisor: Supervisor, log: str) -> None:
    """Until all four work, so that nothing of the scan is missed on the screen."""
    end = time.monotonic() + _START_LIMIT_S
    while not all(
        demo.spool.is_running(stage) and (demo.runtime / f"{stage}.sub").exists()
        for stage in STAGES
    ):
        _tend(supervisor, log)
        if time.monotonic() > end:
            return
        time.sleep(0.05)


def _tend(supervisor: Supervisor, log: str) -> None:
    refused = supervisor.tend()
    if refused is not None:
        raise CommandError(f"a stage refuses to run: see {log}", refused)


def _tell_where(directory: Path, scan_id: str, demo: Context, say: Say) -> None:
    spool = demo.spool
    say("")
    say("where the files are:")
    say(f"  raw scanner output  {spool.raw.path / scan_id}")
    say(f"  report              {spool.reports.path / scan_id}.report")
    say(f"  receipt             {spool.receipts.path / scan_id}.receipt")
    say(f"  received by         {directory / 'receiver.db'}")
    say(f"look again: {program()} show {scan_id} --config {demo.config}")


def program() -> str:
    """What starts this program from any directory: in a clone it is not on PATH."""
    own, on_path = (
        Path(sys.executable).parent / "compliance-agent",
        shutil.which("compliance-agent"),
    )
    if on_path and own.exists() and Path(on_path).samefile(own):
        return "compliance-agent"
    return str(own) if own.exists() else f"{sys.executable} -m stages.console.main"
