"""Reading one raw entry into its report. Runs in a worker process: it alone loads the readers."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

from schemas import codec
from schemas.manifest import Manifest, Role
from spool.raw import RawBox
from spool.spool import Spool
from stages.parse import waiver_files, waivers
from stages.parse.read_task import ReadTask
from stages.scanners import registry
from stages.scanners.reports import read
from stages.scanners.settings import settings_from_plain

# At the start of the process, which is before there is work.
registry.import_readers()


def read_entry(payload: bytes) -> bytes:
    """The encoded report of a scan that left results. Raises EntryDamagedError, StorageError."""
    task = codec.decode(payload, ReadTask)
    settings = settings_from_plain(task.settings)
    raw = Spool(Path(task.spool)).raw
    manifest = raw.manifest(task.scan_id)
    report = read(manifest, partial(_open, raw, manifest), settings)
    in_force = waiver_files.load(settings.compliance.waivers)
    return codec.encode(waivers.apply(report, in_force, task.host))


def _open(raw: RawBox, manifest: Manifest, role: Role) -> Callable[[], BinaryIO] | None:
    file = manifest.file(role)
    if file is None:
        return None
    return partial(raw.open_file, manifest.scan_id, file)
