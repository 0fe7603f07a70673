"""What oscap keeps of checks by script (SCE): a file for each script, with its output.

The stage that runs oscap collects these files, and notes which capabilities this process lacks that
such scripts commonly need. Under the scan unit it lacks them all, and a script that may not do what
it needs usually ends as if the host were wrong: `nft list ruleset` prints nothing, so a rule about
the firewall fails. The report turns such results into errors (`script_checks`).

The file `script-results.json` of a raw entry holds one `ScriptResults`.
"""

from collections.abc import Mapping
from pathlib import Path

from schemas.records import Record
from stages.scanners.outputs import filled

FILE, ROLE = "script-results.json", "script-results"
MAX_BYTES = 16 << 20
SCRIPT_CAPABILITIES: Mapping[str, int] = {
    "CAP_NET_ADMIN": 12,
    "CAP_NET_RAW": 13,
    "CAP_SYS_PTRACE": 19,
    "CAP_AUDIT_CONTROL": 30,
    "CAP_MAC_ADMIN": 33,
}
"""What nft, iptables, ufw, ss -p, auditctl and aa-status need; by their numbers in capability.h."""
_ENDING = ".result.xml"
_MOST_FILES = 1000
_FILE_BYTES = 64 * 1024
_ALL_BYTES = 4 << 20


class ScriptResults(Record, frozen=True, kw_only=True):
    """The checks by script of one run."""

    missing_capabilities: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    """As oscap wrote them, each of one script; those that are very long are left out."""


def collected(draft: Path) -> ScriptResults | None:
    """The results of the run in this directory; None where it ran no script. Raises OSError."""
    files: list[str] = []
    paths = sorted(draft.glob(f"*{_ENDING}"))
    space_left = _ALL_BYTES
    for path in paths[:_MOST_FILES]:
        if not filled(path):
            continue
        with path.open("rb") as stream:
            content = stream.read(_FILE_BYTES + 1)
        if len(content) <= min(_FILE_BYTES, space_left):
            files.append(content.decode("utf-8", "replace"))
            space_left -= len(content)
    if not paths:
        return None
    return ScriptResults(missing_capabilities=missing_capabilities(), files=tuple(files))


def missing_capabilities(status: Path = Path("/proc/self/status")) -> tuple[str, ...]:
    """The capabilities that scripts commonly need and this process lacks. Raises OSError."""
    for line in status.read_text().splitlines():
        if line.startswith("CapEff:"):
            return _missing_in(int(line.split()[1], 16))
    return ()


def _missing_in(effective: int) -> tuple[str, ...]:
    missing = []
    for name, bit in SCRIPT_CAPABILITIES.items():
        if not effective & (1 << bit):
            missing.append(name)
    return tuple(missing)
