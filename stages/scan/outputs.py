"""What a scanner left in its draft directory: it may have put anything there."""

from pathlib import Path


def filled(path: Path) -> bool:
    """Whether this is a plain file that holds something."""
    return path.is_file() and not path.is_symlink() and path.stat().st_size > 0
