"""Naming scans on the command line: by id, `last`, `last-2`, or a unique part of the id. Pure."""

import re
from collections import Counter
from collections.abc import Collection, Sequence

from schemas.ids import ScanId
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.runtime.printable import by_number

HELP = "a scan id, a unique part of it, `last`, or `last-1` for the one before"
_LAST = re.compile(r"last(?:-([0-9]{1,6}))?")
_MOST_NAMED = 5


def find_scan(name: str, scan_ids: Sequence[ScanId], what: str = "scan") -> ScanId:
    """The scan that `name` means; `scan_ids` are oldest first.

    `what` names the kind in messages. Raises CommandError.
    """
    from_the_end = _LAST.fullmatch(name)
    if from_the_end is not None:
        return _counted_from_the_end(name, int(from_the_end[1] or 0), scan_ids, what)
    if name in scan_ids:
        return ScanId(name)
    matching = [scan_id for scan_id in scan_ids if name and name in scan_id]
    if not matching:
        raise CommandError(f"no {what} {name}: see `compliance-agent list`", Exit.NO)
    if len(matching) > 1:
        raise CommandError(_ambiguous(name, matching), Exit.NO)
    return matching[0]


def _counted_from_the_end(
    name: str, steps_back: int, scan_ids: Sequence[ScanId], what: str
) -> ScanId:
    if steps_back >= len(scan_ids):
        known = f"{by_number(len(scan_ids), 'there is', 'there are')} {len(scan_ids)}"
        raise CommandError(f"no {what} {name}: {known}, see `compliance-agent list`", Exit.NO)
    return scan_ids[-1 - steps_back]


def _ambiguous(name: str, matching: Sequence[ScanId]) -> str:
    """The newest ones are named: an operator rarely means an old scan."""
    named = ", ".join(matching[-_MOST_NAMED:])
    older = len(matching) - _MOST_NAMED
    if older > 0:
        named = f"{named} and {older} older"
    return f"{name} is a part of {len(matching)} scan ids: {named}"


def find_scans(
    names: Sequence[str], scan_ids: Sequence[ScanId], among: Collection[str], what: str
) -> tuple[ScanId, ...]:
    """The scans that are named, all of which must be in `among`. Raises CommandError."""
    found = [find_scan(name, scan_ids, what) for name in names]
    missing = [scan_id for scan_id in found if scan_id not in among]
    if missing:
        raise CommandError(
            f"no {what} for {', '.join(missing)}: see `compliance-agent list`", Exit.NO
        )
    return tuple(found)


def short_names(scan_ids: Sequence[ScanId]) -> dict[ScanId, str]:
    """For each id its last eight characters, or all of it where another one ends so."""
    counts = Counter(map(_ending, scan_ids))
    short: dict[ScanId, str] = {}
    for scan_id in scan_ids:
        short[scan_id] = _ending(scan_id)
        if counts[_ending(scan_id)] > 1:
            short[scan_id] = scan_id
    return short


def _ending(scan_id: ScanId) -> str:
    return scan_id.rpartition("-")[2]
