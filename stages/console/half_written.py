"""A file of which half is of no use, and may be what fills the disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def removed_on_failure(path: Path) -> Iterator[None]:
    """For a file that was just created: removed where writing it fails or is interrupted."""
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise
