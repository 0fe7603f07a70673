"""Taking the reports of one bundle into the spool. Runs in a worker process.

All of a bundle is checked before the first report is written, so a bad one leaves nothing.
"""

from pathlib import Path

from schemas import codec
from schemas.bundle import Bundle
from schemas.command import Imported
from spool import bundle
from spool.bundle import BundleError
from spool.errors import EntryError
from spool.spool import Spool
from stages.parse.import_task import ImportTask


def take_in(payload: bytes) -> bytes:
    """The encoded outcome. Raises StorageError."""
    task = codec.decode(payload, ImportTask)
    spool = Spool(Path(task.spool))
    try:
        return codec.encode(_take_in(spool, task))
    except (BundleError, EntryError) as error:
        return codec.encode(Imported(at=task.at, error=str(error)))


def _take_in(spool: Spool, task: ImportTask) -> Imported:
    index = _check(spool, task.command_id)
    present = set(spool.reports.ids())
    with spool.commands.open_bundle(task.command_id) as stream:
        for report, entry in bundle.read(stream)[1]:
            if report.scan_id not in present:
                spool.reports.write_sealed(report.scan_id, entry)
    listed = [report.scan_id for report in index.reports]
    return Imported(
        at=task.at,
        hostname=index.hostname,
        taken=tuple(scan_id for scan_id in listed if scan_id not in present),
        present=tuple(scan_id for scan_id in listed if scan_id in present),
    )


def _check(spool: Spool, command_id: str) -> Bundle:
    """Read all of a bundle. Raises BundleError, EntryError."""
    with spool.commands.open_bundle(command_id) as stream:
        index, entries = bundle.read(stream)
        for report, entry in entries:
            spool.reports.check_sealed(report.scan_id, entry)
    return index
