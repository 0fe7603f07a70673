"""Replacing a file of the operator's: settings, a key, waivers, a report.

Promises: the file is whole or as it was, also after a power cut. One that is there keeps owner and
mode. Of a link, such as configuration management puts there, the target is changed.

Diagnostics: OSError.
"""

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from spool import durable


def replace_file(
    path: Path,
    content: Iterable[bytes],
    mode: int,
    *,
    owner: tuple[int, int] | None = None,
    widest: int = 0o7777,
) -> None:
    """`mode` and `owner` are those of a new file; of one that is there, the mode loses what is more
    than `widest`.
    """
    path = path.resolve()
    with suppress(FileNotFoundError):
        status = path.stat()
        mode, owner = stat.S_IMODE(status.st_mode) & widest, (status.st_uid, status.st_gid)
    directory = durable.open_directory(path.parent)
    try:
        durable.write_chunks(directory, path.name, content, replace=True, mode=mode, owner=owner)
    finally:
        os.close(directory)
