"""Taking the reports of one bundle into the spool. Runs in a worker process.

All of a bundle is checked before the first report is written, so a bad one leaves nothing.
"""

from pathlib import Path

from schemas import codec
from schemas.bundle import Bundle
from schemas.command import Imported
from spool import bundle
from spool.bundle import BundleError
from spool.errors import EntryError, EntryUnreadableError, NewerFormatError, read_error
from spool.layout import bundle_name
from spool.pending import carried_out, not_taken_up
from spool.spool import Spool
from stages.parse.import_task import (
    ImportPlan,
    ImportTask,
    failed_import,
    read_plan,
    write_plan,
)


def take_in(payload: bytes) -> bytes:
    """The encoded outcome. Raises StorageError, EntryUnreadableError, NewerFormatError."""
    task = codec.decode(payload, ImportTask)
    spool = Spool(Path(task.spool))
    try:
        outcome = _take_in(spool, task)
    except (EntryUnreadableError, NewerFormatError):
        raise
    except OSError as error:
        raise read_error(spool.commands.path / bundle_name(task.command_id), error) from error
    except (BundleError, EntryError) as error:
        outcome = failed_import(spool, task.command_id, task.at, str(error))
    return codec.encode(outcome)


def _take_in(spool: Spool, task: ImportTask) -> Imported:
    index = _check(spool, task.command_id)
    plan = _plan(spool, task.command_id, index)
    to_write = set(not_taken_up(plan.new, spool.reports.ids()))
    with spool.commands.open_bundle(task.command_id) as stream:
        for report, entry in bundle.read(stream)[1]:
            if report.scan_id in to_write:
                spool.reports.write_sealed(report.scan_id, entry)
    return Imported(at=task.at, hostname=plan.hostname, taken=plan.new, present=plan.present)


def _check(spool: Spool, command_id: str) -> Bundle:
    """Read all of a bundle. Raises BundleError, EntryError."""
    with spool.commands.open_bundle(command_id) as stream:
        return bundle.read_whole(stream, spool.reports.check_sealed)


def _plan(spool: Spool, command_id: str, index: Bundle) -> ImportPlan:
    """The plan of an earlier attempt, else a new one. It is on the disk before the first report."""
    state_store = spool.state_store("parse")
    plan = read_plan(state_store, command_id)
    if plan is None:
        reported = spool.reports.ids()
        listed = [report.scan_id for report in index.reports]
        plan = ImportPlan(
            hostname=index.hostname,
            new=tuple(not_taken_up(listed, reported)),
            present=tuple(carried_out(listed, reported)),
        )
        write_plan(state_store, command_id, plan)
    return plan
