"""Whether oscap itself accepts a tailoring file: it refuses one that its schemas do not allow.

Diagnostics: the first message of oscap with its line.
"""

import re
import subprocess
import tempfile
from pathlib import Path

from stages.scanners.openscap.oscap_environment import version_numbers
from stages.scanners.openscap.oscap_program import OscapProgram

_LIMIT_S = 20.0
_MESSAGE = re.compile(r"' line (\d+): (.+)")
_NAMESPACE = re.compile(r"\{[^{}\s]*\}")
_NEEDS_OPTION_FROM = (1, 3)
_MAX_MESSAGE = 300


def why_invalid(oscap: OscapProgram, content: bytes) -> str | None:
    """Why oscap refuses the file; None where it does not, and where it gave no answer."""
    if not oscap.is_installed:
        return None
    with tempfile.TemporaryDirectory(prefix="compliance-agent-tailoring-") as directory:
        file = Path(directory) / "tailoring.xml"
        file.write_bytes(content)
        command = [oscap.path, "xccdf", "validate", str(file)]
        if version_numbers(oscap.version) >= _NEEDS_OPTION_FROM:
            # oscap has no Schematron rules for tailorings, and fails for want of them.
            command.insert(3, "--skip-schematron")
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                timeout=_LIMIT_S,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
    message = _MESSAGE.search((done.stdout + done.stderr).decode("utf-8", "replace"))
    if done.returncode == 0 or message is None:
        return None
    text = _NAMESPACE.sub("", message[2]).strip()[:_MAX_MESSAGE]
    return f"line {message[1]}: oscap refuses the file: {text}"
