"""The program `oscap` on this host: where it is, which version, and which options it knows.

Diagnostics: a program that is missing, and one that does not report its version, each with the
command that installs it.
"""

import re
import shutil
import subprocess
from collections.abc import Sequence

from schemas.records import Struct
from spool.errors import is_of_the_machine, of_the_machine
from stages.scanners.openscap.openscap_packages import install_scanner
from stages.scanners.openscap.oscap_environment import version_numbers
from stages.scanners.platform import Platform

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROGRESS_BY_TITLE = "--progress-full"
_VERSION = re.compile(r"\b(\d+\.\d+[\w.+-]*)")


class OscapProgram(Struct, frozen=True):
    """The program; path and version are empty where it is missing."""

    path: str = ""
    version: str = ""
    problem: str | None = None
    """Why it can't be used; None where it can."""
    progress_option: str | None = PROGRESS_BY_TITLE
    """The option by which it reports each rule with its title; None where it does so without
    one."""
    skip_validation_option: str | None = None
    """The option by which it does not validate content against the schemas."""
    script_results_option: str | None = None
    """The option by which it keeps the output of checks by script."""

    @property
    def is_installed(self) -> bool:
        return self.problem is None

    @property
    def refuses_remote_parts(self) -> bool:
        """Whether it refuses a datastream with parts on other hosts, as versions before 1.3 do."""
        return () < version_numbers(self.version) < (1, 3)


def where() -> str | None:
    return shutil.which("oscap", path=PATH)


def find(platform: Platform) -> OscapProgram:
    path = where()
    if path is None:
        return OscapProgram(problem=f"oscap is not installed: {install_scanner(platform)}")
    version = _VERSION.search(_output([path, "--version"]))
    if version is None:
        message = f"{path} does not report its version: {install_scanner(platform)} (reinstall)"
        return OscapProgram(path=path, problem=message)
    usage = _output([path, "xccdf", "eval", "--help"])
    return OscapProgram(
        path=path,
        version=version[1],
        progress_option=_first_known(usage, PROGRESS_BY_TITLE),
        # The second is the name in 1.2, deprecated since.
        skip_validation_option=_first_known(usage, "--skip-validation", "--skip-valid"),
        script_results_option=_first_known(usage, "--check-engine-results"),
    )


def _first_known(usage: str, *options: str) -> str | None:
    """The first of these options that the usage has; None for an oscap that knows none."""
    known = usage.split()
    for option in options:
        if option in known:
            return option
    return None


def _output(command: Sequence[str]) -> str:
    """What a command prints; nothing where it can't be started or hangs. Raises MachineError."""
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=20, check=False, stdin=subprocess.DEVNULL
        )
    except OSError as error:
        if is_of_the_machine(error):
            raise of_the_machine(command[0], error) from error
        return ""
    except subprocess.TimeoutExpired:
        return ""
    return (done.stdout + done.stderr).decode("utf-8", "replace")
