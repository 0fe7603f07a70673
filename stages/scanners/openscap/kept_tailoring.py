"""The tailoring file of one scan: copied into its draft, given to oscap from there, and kept in the
raw entry.

What oscap reads is therefore what the raw entry holds, whatever becomes of the file itself.

Security: the copy is bounded, only a plain file is read, and only one that was checked before: its
digest is compared.

Diagnostics: TailoringError with the file, the reason and the remedy; OSError for trouble of the
machine.
"""

import hashlib
from pathlib import Path

from schemas.manifest import Manifest, Role, TailoringFile
from spool.errors import is_of_the_machine
from spool.raw import RawBox
from stages.runtime import plain_file

ROLE: Role = "tailoring"
FILE = "tailoring.xml"
MAX_BYTES = 4 << 20


class TailoringError(Exception):
    """The tailoring can't be used; the text is one line."""


def copy_tailoring(tailoring: TailoringFile, draft: Path) -> Path:
    """The copy in the draft, after it was found to be the file that was checked."""
    source = Path(tailoring.path)
    try:
        content = plain_file.read(source, MAX_BYTES)
    except OSError as error:
        if is_of_the_machine(error):
            raise
        raise TailoringError(f"{source}: the tailoring can't be read: {error.strerror}") from error
    if hashlib.sha256(content).hexdigest() != tailoring.sha256:
        raise TailoringError(
            f"{source}: the tailoring has changed since it was checked: scan again"
        )
    copy = draft / FILE
    copy.write_bytes(content)
    return copy


def unpack_kept_tailoring(raw: RawBox, manifest: Manifest, directory: Path) -> Path | None:
    """The tailoring file of a scan out of its raw entry, written into a directory for another run
    of oscap; None where the scan had none.

    Raises EntryDamagedError, StorageError, OSError.
    """
    file = manifest.file(ROLE)
    if file is None:
        return None
    with raw.open_file(manifest.scan_id, file) as stream:
        content = stream.read(MAX_BYTES)
    target = directory / FILE
    target.write_bytes(content)
    return target
