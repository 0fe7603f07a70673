"""What a demonstration needs on this host: the scanner and its content, installed where missing."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from receiver.errors import ReceiverError
from schemas.capabilities import DetectedScanner
from stages.scanners import registry
from stages.scanners.detection import detect_now
from stages.scanners.host import this_platform
from stages.scanners.platform import Platform
from stages.scanners.settings import settings_record

SCANNER = registry.default()
Show = Callable[[str], None]


def prepare(no_install: bool, profile: str, show: Show) -> Path | None:
    """Make sure that there is a scanner and content, and show what will be used.

    Returns the agent's own datastream where no installed one fits this host, else None.
    """
    platform = this_platform()
    _install_missing(platform, no_install, show)
    found = _detect()
    if not found.installed:
        raise ReceiverError("; ".join(found.problems))
    show(f"scanner:  {SCANNER.title} {found.version or '(version unknown)'}")
    show(f"profile:  {profile}")
    if found.content is None:
        reason = f"no installed content is for {platform.name}"
    elif found.content.warning:
        reason = found.content.warning
    else:
        show(f"content:  {found.content.file}")
        return None
    if SCANNER.content is None:
        return None
    baseline = SCANNER.content().baseline
    show(f"content:  {baseline.name}, the built-in baseline ({reason})")
    return baseline


def _install_missing(platform: Platform, no_install: bool, show: Show) -> None:
    found = _detect()
    scanner_command = SCANNER.install_command(platform)
    if scanner_command is not None and not found.installed:
        if no_install:
            message = f"the scanner is missing, and --no-install forbids: {scanner_command}"
            raise ReceiverError(message)
        _install(scanner_command, show)
    if SCANNER.content is None or found.content is not None or no_install:
        return
    # Content may be missing: the agent has its own.
    content_command = SCANNER.content().install_command(platform)
    if content_command is not None:
        _install(content_command, show)


def _detect() -> DetectedScanner:
    return detect_now(settings_record()()).scanners[SCANNER.key]


def _install(command: str, show: Show) -> None:
    """Run the distribution's install command."""
    arguments = command.split()
    show(f"installing: {command}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    commands = [arguments]
    if arguments[0] == "apt-get":
        commands.insert(0, ["apt-get", "update", "-q"])
    for each in commands:
        try:
            subprocess.run(each, env=environment, check=False, stdout=subprocess.DEVNULL)
        except OSError as error:
            raise ReceiverError(f"{command}: {error.strerror}; install it by hand") from error
