"""Following the settings file while a stage runs.

A changed file is read when it has not changed for a second, because editors empty a file before
they write it; SIGHUP reads it at once. A file with problems changes nothing: the old settings stay
in force and the log names each problem.
"""

import time
from pathlib import Path

from schemas.settings import Settings
from stages.runtime import settings_file
from stages.runtime.logs import Log

_SETTLED_S = 1.0
Signature = tuple[int, int, int] | None
"""Differs where the file has changed; None where there is no file."""


class SettingsReload:
    """The settings file of one process."""

    def __init__(
        self,
        path: Path | None,
        load: settings_file.Load,
        log: Log,
        applied: Signature,
    ) -> None:
        """`applied` is the signature of the file as it was read at the start."""
        self._path = path
        self._load = load
        self._log = log
        self._applied = applied
        self._changed: tuple[Signature, float] | None = None
        """The signature of a changed file, and since when it has had that one."""
        self._requested = False
        self._retrying = False

    def request(self) -> None:
        """Read the file at the next opportunity, changed or not; for a signal handler."""
        self._requested = True

    def due_in_s(self) -> float:
        """Seconds until a changed file may have settled."""
        if self._changed is None:
            return float("inf")
        return max(0.0, self._changed[1] + _SETTLED_S - time.monotonic())

    def new_settings(self, current: Settings) -> Settings | None:
        """The settings to apply now; None where there is nothing new, or the file has problems."""
        if not self._is_due():
            return None
        loaded = self._load(self._path)
        # The machine could not read it just now, which says nothing about the file: it is logged
        # once, and read again in the next pass.
        if loaded.may_pass and not self._retrying:
            self._log.error("settings not read, trying again", problem=str(loaded.problems[0]))
        self._retrying = loaded.may_pass
        if loaded.may_pass:
            self._requested = True
            return None
        problems = loaded.problems or self._emptied(loaded.settings, current)
        for problem in problems:
            self._log.error(
                "settings not applied, the old ones stay in force", problem=str(problem)
            )
        if problems:
            return None
        self._log.info("settings applied", file=self._path)
        return loaded.settings

    def _is_due(self) -> bool:
        found = signature(self._path)
        if not self._requested:
            if found == self._applied:
                self._changed = None
                return False
            # Each further change starts the second anew: an editor may still be writing.
            if self._changed is None or self._changed[0] != found:
                self._changed = (found, time.monotonic() - _unchanged_for_s(self._path))
            if self.due_in_s() > 0:
                return False
        self._applied = found
        self._changed = None
        self._requested = False
        return True

    def _emptied(self, new: Settings, current: Settings) -> tuple[str, ...]:
        """An empty file is what an editor or a full disk leaves; its defaults name no server."""
        defaults = type(new)()
        if new == defaults and current != defaults:
            return (
                f"{self._path}: is empty: fill it, or restart the stages to run with the defaults",
            )
        return ()


def _unchanged_for_s(path: Path | None) -> float:
    """For how long a file has been as it is now: a stage that was busy sees a change late."""
    if path is None:
        return 0.0
    try:
        return max(0.0, time.time() - path.stat().st_ctime)
    except OSError:
        return 0.0


def signature(path: Path | None) -> Signature:
    """The signature of a file as it is now."""
    if path is None:
        return None
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
