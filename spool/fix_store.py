"""`fixes/`: re-checks and fixes, beside the scans that they belong to.

    fixes/20261126T080112Z-3f9c2a17.recheck     some rules of a scan, evaluated again
          20261126T080103Z-91d24b06.fix         what became of a fix
          20261126T080103Z-91d24b06.undone      that it was taken back

Promises: no stage counts any of this as a scan; an entry appears whole and never changes. Writers
are the operator, and the service that fixes what the server requests.

Diagnostics: as `spool.entries`.
"""

from collections.abc import Collection, Iterator
from pathlib import Path

from schemas.fixes import FixRun, Recheck, Undone
from schemas.ids import ScanId
from schemas.manifest import AppliedFix
from spool.directory import Directory
from spool.entries import CommandEntries, check_entry

_FIXES_KEPT = 200


class FixStore:
    """The entries of `fixes/`."""

    def __init__(self, root: Path) -> None:
        self.path = root / "fixes"
        self._directory = Directory(self.path)
        self.rechecks = CommandEntries(self._directory, "recheck", Recheck)
        self.fixes = CommandEntries(self._directory, "fix", FixRun)
        self.undone = CommandEntries(self._directory, "undone", Undone)

    def names(self) -> list[str]:
        """All visible names, sorted: entries and foreign files."""
        return self._directory.names()

    def check(self, name: str) -> bool:
        """Read an entry to its last byte; whether `name` is that of an entry. Raises EntryError,
        StorageError.
        """
        return check_entry(name, (self.rechecks, self.fixes, self.undone))

    def rechecks_of(self, scan_id: ScanId) -> Iterator[tuple[str, Recheck]]:
        """The readable ones, oldest first."""
        for command_id, recheck in self.rechecks.readable():
            if recheck.scan_id == scan_id:
                yield command_id, recheck

    def runs(self) -> Iterator[tuple[str, FixRun]]:
        """The readable fixes, oldest first."""
        return self.fixes.readable()

    def in_force(self) -> tuple[AppliedFix, ...]:
        """The last fix of each rule that it made pass, except for those that were undone."""
        undone = set(self.undone.ids())
        found: dict[str, AppliedFix] = {}
        for command_id, run in self.runs():
            if command_id in undone:
                continue
            for rule in run.rules:
                if rule.outcome == "fixed":
                    found[rule.rule_ref] = AppliedFix(
                        rule_ref=rule.rule_ref, at=run.at, fix=command_id
                    )
        return tuple(found.values())

    def prune_rechecks(self, kept_scans: Collection[ScanId]) -> None:
        """Remove re-checks of scans that are gone."""
        kept = set(kept_scans)
        for command_id, recheck in self.rechecks.readable():
            if recheck.scan_id not in kept:
                self.rechecks.remove(command_id)

    def prune_fixes(self, waiting: Collection[str]) -> None:
        """Remove fixes beyond the newest 200, except for those whose request still waits: without
        its outcome it would be carried out again.
        """
        for command_id in self.fixes.ids()[:-_FIXES_KEPT]:
            if command_id not in waiting:
                self.fixes.remove(command_id)
                self.undone.remove(command_id)

    def close(self) -> None:
        self._directory.close()
