"""How well content fits a host, and which content it is, as text for people."""

from collections.abc import Mapping

from schemas.manifest import ContentFit

FIT: Mapping[ContentFit, str] = {
    "exact": "exact: made for this release",
    "related": "related: made for a related system",
    "older": "older: made for an older release",
    "baseline": "built-in baseline for any Linux",
    "unknown": "unknown: the file does not name its product",
}


def content_line(file: str, version: str | None) -> str:
    """A content file with its version, where that is known."""
    if version is None:
        return file
    return f"{file}, version {version}"
