"""Reading a file that an operator has named: settings, a key.

Promises: at most `limit` bytes are read, and opening never blocks: anything but a plain file is
refused, with what it is. A symlink is followed, because it is the operator's; `/dev/null` counts as
an empty file.

Diagnostics: OSError, whose `strerror` is the reason.
"""

import errno
import os
import stat
from pathlib import Path

_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def read(path: Path, limit: int) -> bytes:
    """The content of a file of at most `limit` bytes. Raises OSError."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        status = os.fstat(handle)
        mode = status.st_mode
        is_empty_device = os.path.samestat(status, os.stat(os.devnull))  # noqa: PTH116
        if not stat.S_ISREG(mode) and not is_empty_device:
            kind = _KINDS.get(stat.S_IFMT(mode), "no file")
            raise OSError(errno.EINVAL, f"it is {kind}, not a plain file", str(path))
        content = b""
        if status.st_size <= limit:
            # Only now: `fdopen` refuses a directory, and leaves its handle open.
            with os.fdopen(handle, "rb", closefd=False) as stream:
                content = stream.read(limit + 1)
    finally:
        os.close(handle)
    if max(status.st_size, len(content)) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit} bytes", str(path))
    return content
