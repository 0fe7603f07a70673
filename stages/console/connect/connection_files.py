"""Writing the settings and the API key of a connection.

Promises: each file is replaced whole, or stays as it is; the key is written first, so settings that
name it never lack it. Comments and layout of the settings stay. No mode is loosened: an existing
file keeps owner and mode, except that the key loses what is more than 0640; new files are readable
by root alone (the key), or by root and the agent's group (the settings).

Diagnostics: CommandError, before anything was written where the settings are the reason.
"""

import grp
import os
import stat
from contextlib import suppress
from pathlib import Path

from schemas.records import Struct
from schemas.settings import Settings
from spool.layout import AGENT_GROUP
from stages.console.replaced_file import replace_file
from stages.patchmon.credentials import Credentials
from stages.runtime import plain_file, settings_edit
from stages.runtime.command_error import CommandError, file_errors
from stages.runtime.exits import Exit
from stages.runtime.settings_edit import SettingsEditError, SettingsKey
from stages.scanners.settings import parse_settings

_MAX_BYTES = 1024 * 1024
_KEY_MODE, _WIDEST_KEY_MODE = 0o600, 0o640
_SETTINGS_MODE = 0o640


class SettingsChange(Struct, frozen=True):
    """What the settings shall say, and where they are."""

    path: Path
    current: Settings
    url: str
    ca_file: Path | None


class ConnectionFiles(Struct, frozen=True):
    """What is going to be written."""

    settings_path: Path
    settings_text: str
    settings: Settings
    """As they will be."""
    key_path: Path
    changes_settings: bool

    def check_writable(self) -> None:
        """Raises CommandError where a file could not be written: a token would be lost, or a key
        written without its id.
        """
        for path in (self.key_path, self.settings_path):
            directory = path.resolve().parent
            while not directory.exists():
                directory = directory.parent
            if not os.access(directory, os.W_OK):
                raise CommandError(f"{path}: can't be written: run this as root")

    def write(self, credentials: Credentials) -> list[Path]:
        """Both files, as far as they change; the paths are returned. Raises CommandError."""
        written = []
        key = f"{credentials.key}\n".encode()
        if _content(self.key_path) != key:
            _replace(self.key_path, key, _KEY_MODE, _WIDEST_KEY_MODE)
            written.append(self.key_path)
        if self.changes_settings:
            self._write_settings(credentials.id)
            written.append(self.settings_path)
        return written

    def _write_settings(self, api_id: str) -> None:
        try:
            _replace(self.settings_path, self.settings_text.encode(), _SETTINGS_MODE, 0o7777)
        except CommandError as error:
            # A token has given the id, and gives it only once.
            raise CommandError(
                f"{error}; the key is in {self.key_path}: set server.url: "
                f"{self.settings.server.url}, api.id: {api_id} and api.key_file by hand, or "
                "connect again",
                error.code,
            ) from error


def planned(change: SettingsChange, api_id: str | None) -> ConnectionFiles:
    """The files for a server and a host id. Raises CommandError where the settings can't have them.

    The key goes to the file that the settings name, else to `api-key` beside them.
    """
    path, current = change.path, change.current
    key_path = path.parent / "api-key"
    if current.api.key_file is not None:
        key_path = Path(current.api.key_file)
    values: dict[SettingsKey, str | None] = {("server", "url"): change.url}
    if change.ca_file is not None:
        values["server", "ca_file"] = str(change.ca_file.absolute())
    # What is missing is put in as the first of its section, so the id comes last here.
    values["api", "key_file"] = str(key_path)
    if api_id is not None:
        values["api", "id"] = api_id
    if current.api.key is not None:
        # It would be readable by all stages, and would contradict the file.
        values["api", "key"] = None
    before = (_content(path) or b"").decode("utf-8", "surrogateescape")
    try:
        text = settings_edit.changed(before, values)
    except SettingsEditError as error:
        wanted = ", ".join(f"{section}.{key}: {values[section, key]}" for section, key in values)
        raise CommandError(f"{path}: {error}; set by hand: {wanted}", Exit.USAGE) from error
    settings, problems = parse_settings(text.encode("utf-8", "surrogateescape"))
    if problems:
        lines = "\n".join(f"{path}: {problem}" for problem in problems)
        raise CommandError(f"nothing was written:\n{lines}", Exit.USAGE)
    return ConnectionFiles(
        settings_path=path,
        settings_text=text,
        settings=settings,
        key_path=key_path,
        changes_settings=text != before,
    )


def _content(path: Path) -> bytes | None:
    """None where there is no such file. Raises CommandError."""
    with file_errors(path, "can't be read"):
        try:
            return plain_file.read(path, _MAX_BYTES)
        except FileNotFoundError:
            return None


def _replace(path: Path, content: bytes, new_mode: int, widest: int) -> None:
    with file_errors(path, "can't be written"):
        path.resolve().parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        replace_file(path, (content,), new_mode, owner=_new_owner(new_mode), widest=widest)


def _new_owner(mode: int) -> tuple[int, int]:
    """The agent's group reads the settings, where root writes them and there is such a group."""
    user, group = os.geteuid(), os.getegid()
    if user == 0 and mode & stat.S_IRGRP:
        with suppress(KeyError):
            group = grp.getgrnam(AGENT_GROUP).gr_gid
    return user, group
