"""The API key: from systemd's credential `api-key`, from a file, or from the settings.

Security: a secret that everybody can read is refused, with the command that mends it. The key is in no log, no
`repr`, no command line and no spool entry.
"""

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from schemas.settings import ApiSettings

_MAX_BYTES = 4096
CREDENTIAL = "api-key"


@dataclass(frozen=True)
class Credentials:
    id: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class NoCredentials:
    """Why there are none, and what to do."""

    reason: str


def find(
    api: ApiSettings, config: Path | None, environment: Mapping[str, str]
) -> Credentials | NoCredentials:
    """The credentials, looked up anew at every call, so that a rotated key is seen."""
    if api.id is None:
        return NoCredentials("api.id is not set: put the host's id and key from the server into the settings")
    key, problem = _key(api, config, environment)
    if problem:
        return NoCredentials(problem)
    if not key:
        return NoCredentials("no API key: set api.key_file (a file with nothing but the key, mode 0600)")
    if not key.isascii() or not key.isprintable():
        return NoCredentials(
            "the API key holds characters that no HTTP header takes: copy it from the server again"
        )
    return Credentials(api.id, key)


def exposed(path: Path) -> str | None:
    """Why this file must not hold a secret; None where it may."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return None
    if mode & 0o007:
        return f"{path}: everyone can read or change this secret (mode {mode:04o}): chmod 640 {path}"
    return None


def _key(
    api: ApiSettings, config: Path | None, environment: Mapping[str, str]
) -> tuple[str | None, str | None]:
    directory = environment.get("CREDENTIALS_DIRECTORY")
    if directory and not _is_missing(Path(directory) / CREDENTIAL):
        return _read(Path(directory) / CREDENTIAL)
    if api.key_file is not None:
        path = Path(api.key_file)
        problem = exposed(path)
        return (None, problem) if problem else _read(path)
    if api.key is not None and config is not None and (problem := exposed(config)):
        return None, problem
    return api.key, None


def _is_missing(path: Path) -> bool:
    """Not: whether it can be read. A credential that systemd could not hand over is told, and not passed over."""
    try:
        path.stat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def _read(path: Path) -> tuple[str | None, str | None]:
    try:
        with path.open("rb") as stream:
            content = stream.read(_MAX_BYTES)
    except OSError as error:
        return None, f"{path}: the API key can't be read: {error.strerror}"
    return content.decode("utf-8", "replace").strip(), None
