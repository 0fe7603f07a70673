"""SCAP content for agents: which files there are, of which version, and the files."""

import hashlib
import re
from pathlib import Path

from starlette.responses import FileResponse, JSONResponse, Response

from receiver.answer import Answer, error

_NAME = re.compile(r"ssg-[a-z0-9]+-ds\.xml")
_VERSION_FILE = "version"


def version(directory: Path | None) -> Answer:
    """`GET /compliance/ssg-version`: the version is in the file `version`, else made of the
    contents.
    """
    files = _files(directory)
    if directory is None or not files:
        return error(503, "No SSG content available on server")
    return Answer(200, {"version": _version(directory, files), "files": files})


def file(directory: Path | None, name: str) -> Response:
    """`GET /compliance/ssg-content/{name}`, also a part of it (`Range`)."""
    if not _NAME.fullmatch(name):
        return JSONResponse({"error": "Invalid filename"}, 400)
    if directory is None or not (directory / name).is_file():
        return JSONResponse({"error": "Content file not found"}, 404)
    return FileResponse(directory / name, media_type="application/xml")


def _files(directory: Path | None) -> list[str]:
    if directory is None:
        return []
    return sorted(path.name for path in directory.iterdir() if _NAME.fullmatch(path.name))


def _version(directory: Path, files: list[str]) -> str:
    named = directory / _VERSION_FILE
    if named.is_file():
        return named.read_text().strip()
    digest = hashlib.sha256()
    for name in files:
        digest.update((directory / name).read_bytes())
    return f"0.1.{int(digest.hexdigest()[:6], 16)}"
