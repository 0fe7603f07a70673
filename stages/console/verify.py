"""`verify`: read every entry of the spool, with its fixes and its content.

Reports damage, entries that can't be read or are of a newer format, foreign files, quarantine, and
wrong owners.
"""

import argparse
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePath
from typing import Protocol, get_args

from schemas.records import Record
from spool.content_store import ContentPlace, ContentStore
from spool.errors import EntryError, EntryMissingError
from spool.layout import BOXES, STAGES
from spool.pending import receipts_without_report
from spool.spool import Spool
from stages.console import scan_states
from stages.console.context import Context
from stages.console.entry_reading import problem_kind
from stages.console.output import show_record, show_table, show_text, unicode_text
from stages.runtime.exits import Exit


class _Place(Protocol):
    """A directory with entries."""

    @property
    def path(self) -> Path: ...

    def names(self) -> list[str]: ...

    def check(self, name: str) -> bool:
        """Raises EntryError, StorageError."""


class Finding(Record, frozen=True, kw_only=True):
    """Something that needs attention."""

    path: str
    kind: str
    message: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own."""


def run(args: argparse.Namespace, context: Context) -> Exit:  # noqa: ARG001
    spool = context.existing_spool()
    entries = list(_entries(spool))
    findings = [
        *_permissions(spool),
        *entries,
        *_set_aside(spool),
        *_of_other_versions(spool, {PurePath(entry.path).name for entry in entries}),
        *_states(spool),
        *_quarantined(spool),
    ]
    show_record(findings, partial(_show, spool), as_json=context.json)
    kinds = {finding.kind for finding in findings}
    if kinds & {"damaged", "unreadable", "access"}:
        return Exit.NO
    return Exit.OK


def _show(spool: Spool, findings: Sequence[Finding]) -> None:
    if not findings:
        show_text(f"{spool.root}: all entries are intact")
        return
    show_table(("kind", "path", "reason"), ((f.kind, f.path, f.message) for f in findings))


def _permissions(spool: Spool) -> Iterator[Finding]:
    for path, message in spool.faults():
        yield Finding(path=str(path), kind="access", message=message)


def _places(spool: Spool) -> Iterator[_Place]:
    yield from map(spool.outbox, BOXES)
    yield spool.fixes
    for content_place in get_args(ContentPlace):
        yield ContentStore(spool.root, content_place)


def _entries(spool: Spool) -> Iterator[Finding]:
    for place in _places(spool):
        for entry in place.names():
            path = unicode_text(place.path / entry)
            try:
                if not place.check(entry):
                    message = "not an entry; the agent ignores it: remove it"
                    yield Finding(path=path, kind="foreign", message=message)
            except EntryMissingError:
                # It is gone by now.
                continue
            except EntryError as error:
                yield Finding(path=path, kind=problem_kind(error), message=str(error))


def _set_aside(spool: Spool) -> Iterator[Finding]:
    """What a stage could not read. This command runs as root, and may be able to."""
    for stage in STAGES:
        for name, reason in spool.state_store(stage).unreadable().items():
            message = f"set aside by the {stage} stage: {reason}"
            yield Finding(path=name, kind="unreadable", message=message)


def _of_other_versions(spool: Spool, found: Collection[str]) -> Iterator[Finding]:
    """Entries that are whole, and that a stage keeps for another version all the same: their
    scanner is unknown to this one. `found`: the names of the entries that have a finding.
    """
    for stage in STAGES:
        for name, reason in spool.state_store(stage).newer().items():
            if name not in found:
                message = f"kept by the {stage} stage: {reason}"
                yield Finding(path=name, kind="newer", message=message)


def _states(spool: Spool) -> Iterator[Finding]:
    """Combinations of entries that only a copy or a loss can produce."""
    boxes = scan_states.snapshot(spool)
    for scan_id in sorted(boxes.raw.intersection(receipts_without_report(boxes.by_box))):
        path = spool.receipts.path / spool.receipts.name(scan_id)
        message = "has a receipt and no report: it is parsed again"
        yield Finding(path=str(path), kind="odd", message=message)
    to_run = boxes.waiting_for("scan")
    for box in (spool.reports, spool.receipts):
        for scan_id in sorted(set(box.ids()).intersection(to_run)):
            message = "answers a scan that has not run: the scan runs all the same"
            yield Finding(path=str(box.path / box.name(scan_id)), kind="odd", message=message)


def _quarantined(spool: Spool) -> Iterator[Finding]:
    for name in BOXES:
        for kept in spool.outbox(name).quarantined():
            path = spool.root / "quarantine" / name / kept
            yield Finding(
                path=unicode_text(path), kind="quarantine", message="see the .reason file beside it"
            )
