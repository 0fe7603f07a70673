"""Trouble with the daemon in the output of Docker Bench and of the client that it uses."""

import re
from collections.abc import Sequence
from pathlib import Path

from stages.scanners.child import End
from stages.scanners.outputs import beginning

_NO_DAEMON = re.compile(
    r"Cannot connect to the Docker daemon|error during connect|"
    r"connect: connection refused|Is the docker daemon running",
    re.IGNORECASE,
)
_CLIENT_ERROR = re.compile(r"^docker: (.*)$", re.MULTILINE)
_NO_CLIENT = "does docker ps work"
_NOT_STARTED = (125, 126, 127)
"""Exit codes of `docker run` for a container that did not start; a scanner may use them, too."""
_MAX_LINE = 200


def printed(draft: Path) -> list[str]:
    """The lines that are not those of the log: there, names may read like messages."""
    lines: list[str] = []
    for name in ("stderr.log", "stdout.log"):
        for line in beginning(draft / name).splitlines():
            if not line.lstrip().startswith("["):
                lines.append(" ".join(line.split()))
    return lines


def no_daemon_line(lines: Sequence[str]) -> str | None:
    """The line by which the scanner's client reported that it found no daemon."""
    found = [line for line in lines if _NO_DAEMON.search(line)]
    if not found:
        return None
    count = ""
    if len(found) > 1:
        count = f" ({len(found)} such lines)"
    return f"{found[0][:_MAX_LINE]}{count}: scan again"


def start_error(end: End, draft: Path) -> str | None:
    """Why the container did not start; None where it did."""
    # The first such line: hints follow the error.
    error = _CLIENT_ERROR.search(beginning(draft / "stderr.log"))
    if end.exit_code not in _NOT_STARTED or error is None:
        return None
    return f"the container could not be started: {error[1]}"


def client_has_failed(lines: Sequence[str]) -> bool:
    """Whether the script ended at its start because its client failed; it does not print why."""
    return _NO_CLIENT in "\n".join(lines)
