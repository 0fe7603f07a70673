"""The API key: from systemd's credential `api-key`, from a file, or from the settings.

Security: a secret that everyone can read is refused, with the command that fixes it. The key is in
no log, no `repr`, no command line and no spool entry.
"""

import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from schemas.records import Struct
from schemas.settings import ApiSettings, ServerSettings, Settings
from schemas.settings_check import KeyProblem
from stages.runtime import plain_file

_MAX_BYTES = 4096
CREDENTIAL = "api-key"


class Credentials(Struct, frozen=True):
    id: str
    key: str

    def __repr__(self) -> str:
        return f"Credentials(id={self.id!r})"


class NoCredentials(Struct, frozen=True):
    """The problem, and what to do; `key` is the setting that it is about."""

    key: str
    problem: str

    @property
    def reason(self) -> str:
        return f"{self.key}: {self.problem}"


def find(
    api: ApiSettings, config: Path | None, environment: Mapping[str, str]
) -> Credentials | NoCredentials:
    """The credentials, looked up again at every call, so that a rotated key is used."""
    if api.id is None:
        return NoCredentials(
            "api.id", "not set: put the host's id and key from the server into the settings"
        )
    source, key = _key(api, config, environment)
    if isinstance(key, NoCredentials):
        return key
    if not key:
        return NoCredentials(
            source, "no API key: write it, and nothing else, into a file of mode 0600"
        )
    if not key.isascii() or not key.isprintable():
        return NoCredentials(
            source,
            "contains characters that are not allowed in an HTTP header: "
            "copy the key from the server again",
        )
    return Credentials(api.id, key)


def exposures(settings: Settings, config: Path | None) -> list[KeyProblem]:
    """Every secret of the settings that everyone on this host can read, each with its setting and
    what to do.
    """
    files: dict[str, str | Path | None] = {"api.key_file": settings.api.key_file}
    if settings.api.key:
        files["api.key"] = config
    files |= connection_secrets(settings.server, config)
    return [KeyProblem(key, problem) for key, problem in exposed_files(files)]


def connection_secrets(server: ServerSettings, config: Path | None) -> dict[str, str | Path | None]:
    """Where the secrets of the connection are, by their setting."""
    files: dict[str, str | Path | None] = {"server.client_key": server.client_key}
    if not server.client_key:
        # Then the key is in the certificate's file.
        files = {"server.client_certificate": server.client_certificate}
    if "@" in (server.proxy or ""):
        files["server.proxy"] = config
    return files


def exposed_files(files: Mapping[str, str | Path | None]) -> Iterator[tuple[str, str]]:
    """What is wrong with files that hold secrets, by their setting."""
    for key, path in files.items():
        if path is None:
            continue
        problem = exposed(Path(path))
        if problem is not None:
            yield key, problem


def exposed(path: Path) -> str | None:
    """Why this file must not hold a secret; None where it may. Also None where there is no such
    file: reading it fails with a reason of its own.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return None
    if stat.S_ISREG(mode) and mode & 0o007:
        return (
            f"{path}: everyone can read or change this secret "
            f"(mode {stat.S_IMODE(mode):04o}): chmod 640 {path}"
        )
    return None


def _key(
    api: ApiSettings, config: Path | None, environment: Mapping[str, str]
) -> tuple[str, str | NoCredentials | None]:
    """Where the key is, and the key."""
    directory = environment.get("CREDENTIALS_DIRECTORY")
    if directory and not _is_missing(Path(directory) / CREDENTIAL):
        source = f"credential {CREDENTIAL}"
        return source, _read(source, Path(directory) / CREDENTIAL)
    if api.key_file is not None:
        source, path = "api.key_file", Path(api.key_file)
        problem = exposed(path)
        if problem:
            return source, NoCredentials(source, problem)
        return source, _read(source, path)
    if api.key is None:
        return "api.key_file", None
    if config is not None:
        problem = exposed(config)
        if problem is not None:
            return "api.key", NoCredentials("api.key", problem)
    return "api.key", api.key


def _is_missing(path: Path) -> bool:
    """Whether there is no such file. One that can't be read is not missing: that is reported."""
    try:
        path.stat()
    except OSError as error:
        return isinstance(error, FileNotFoundError)
    return False


def _read(source: str, path: Path) -> str | NoCredentials:
    try:
        content = plain_file.read(path, _MAX_BYTES)
    except OSError as error:
        return NoCredentials(source, f"{path}: the API key can't be read: {error.strerror}")
    return content.decode("utf-8", "replace").strip()
