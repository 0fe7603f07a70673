"""Which host this is, and which scanners it has, as the scan stage has detected them."""

import platform
from collections.abc import Mapping

from schemas.capabilities import DETECTED_STATE, Detected
from schemas.ids import Scanner
from schemas.settings import Settings
from stages.patchmon.host_update import HostUpdate
from stages.runtime.host_name import host_name
from stages.runtime.machine_id import read_machine_id
from stages.runtime.process import Process
from stages.runtime.version import AGENT_VERSION


class Detection:
    """The scan stage's last detection.

    Read again when the file has changed: the event may be lost.
    """

    def __init__(self, process: Process) -> None:
        self._state_store = process.spool.state_store("scan")
        self._mark: object = None
        self._detected: Detected | None = None

    @property
    def detected(self) -> Detected | None:
        """None before the first detection."""
        mark = self.mark
        if mark != self._mark:
            self._mark = mark
            self._detected = self._state_store.read(DETECTED_STATE, Detected)
        return self._detected

    @property
    def mark(self) -> object:
        """Differs after another detection."""
        try:
            status = (self._state_store.path / DETECTED_STATE).stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino


def missing(detected: Detected | None) -> frozenset[Scanner]:
    """The scanners that are known not to be installed."""
    if detected is None:
        return frozenset()
    return frozenset(key for key, found in detected.scanners.items() if not found.installed)


def offered_profiles(detected: Detected | None) -> Mapping[str, Scanner]:
    """The scanner of each profile of this host, by the profile's id, short name and title; the
    first of the scanners that have a profile of that name.
    """
    offered: dict[str, Scanner] = {}
    if detected is None:
        return offered
    for key, found in detected.scanners.items():
        for profile in found.profiles:
            for name in (profile.id, profile.short_name, profile.title):
                offered.setdefault(name, key)
    return offered


def host_id(settings: Settings) -> str:
    """The server's id for this host and the machine's own: clones seldom share both."""
    machine = read_machine_id()
    if machine is None:
        machine = host_name()
    return f"{settings.api.id or ''}/{machine}"


def host_update(detected: Detected) -> HostUpdate:
    """This host, in the form of the server."""
    return HostUpdate(
        hostname=host_name(),
        os_type=detected.os_name or platform.system(),
        os_version=detected.os_version,
        architecture=platform.machine(),
        agent_version=AGENT_VERSION,
    )
