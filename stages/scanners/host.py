"""The operating system of this host."""

from contextlib import suppress
from pathlib import Path

from stages.scanners.platform import Platform, parse_os_release

_OS_RELEASE = (Path("/etc/os-release"), Path("/usr/lib/os-release"))


def this_platform() -> Platform:
    """The content of os-release(5); a system without that file is unknown."""
    for path in _OS_RELEASE:
        with suppress(OSError):
            return parse_os_release(path.read_text(errors="replace"))
    return parse_os_release("")
