"""A trial: whether any rule of content applies to this host, by the scanner itself.

Content of another release often names the system that it is for, and then the scanner finds every
rule not applicable, in a second or two. A scan with it would say nothing. The trial is that scan,
ended at the first rule that applies. A rule that takes long is being evaluated, so it applies.
"""

import subprocess
import tempfile
import threading
from pathlib import Path

from stages.scanners.openscap.content_files import ContentFile
from stages.scanners.openscap.oscap_program import OscapProgram
from stages.scanners.openscap.usable_content import ContentError, usable_content

_LIMIT_S = 60.0
_NOT_EVALUATED = frozenset({"notapplicable", "notselected"})
_EVALUATED = frozenset({"pass", "fail", "error", "unknown", "notchecked", "informational", "fixed"})


def applies(oscap: OscapProgram, content: ContentFile, profile: str) -> bool | None:
    """Whether a rule of this profile applies here; None where the scanner gave no result."""
    with tempfile.TemporaryDirectory(prefix="compliance-agent-trial-") as draft:
        try:
            usable = usable_content(
                content.path,
                Path(draft),
                refuses_remote_parts=oscap.refuses_remote_parts,
                published_sha256=content.sha256,
                must_copy=content.source == "server",
            )
            return _first_results(_command(oscap, usable.path, profile))
        except (ContentError, OSError):
            return None


def _command(oscap: OscapProgram, file: Path, profile: str) -> list[str]:
    command = [oscap.path, "xccdf", "eval", "--profile", profile, "--progress"]
    if oscap.skip_validation_option:
        command.append(oscap.skip_validation_option)
    return [*command, str(file)]


def _first_results(command: list[str]) -> bool | None:
    """Run until a rule applies, or to the end. Raises OSError."""
    has_results = False
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
        deadline = threading.Timer(_LIMIT_S, process.kill)
        deadline.start()
        try:
            for line in process.stdout:
                result = _result(line)
                if result in _EVALUATED:
                    # One rule is enough: the scan that follows evaluates all.
                    process.kill()
                    return True
                has_results |= result in _NOT_EVALUATED
        finally:
            deadline.cancel()
    if not has_results:
        return None
    # Where the deadline has ended it, it was within a rule, which therefore applies.
    return process.returncode < 0


def _result(line: bytes) -> str:
    """The end of `rule:result`."""
    return line.strip().rpartition(b":")[2].decode("ascii", "replace")
