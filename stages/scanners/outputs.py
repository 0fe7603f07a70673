"""The files that a scanner left in its draft directory, where it may have put anything."""

from pathlib import Path

_BEGINNING_BYTES = 64 * 1024


def filled(path: Path) -> bool:
    """Whether this is a plain file that is not empty."""
    return path.is_file() and not path.is_symlink() and path.stat().st_size > 0


def beginning(path: Path) -> str:
    """The first text of a plain file; none where there is no such file."""
    if not filled(path):
        return ""
    with path.open("rb") as stream:
        return stream.read(_BEGINNING_BYTES).decode("utf-8", "replace")
