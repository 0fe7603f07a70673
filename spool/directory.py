"""A directory of the spool that stays open, and what it holds.

Promises: a directory that was removed and made again is noticed at the next use. A listing is kept
for as long as the directory has not changed, so that a pass at which nothing has changed lists
nothing; no change is missed by it.

Diagnostics: SpoolUnusableError where the directory is gone; StorageError for what the disk refuses.
"""

import os
import time
from bisect import insort
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from schemas.records import Struct
from spool import durable, layout
from spool.errors import QuotaError, SpoolUnusableError, StorageError, storage_error

_NS = 10**9
# The kernel stamps a change with the time of its last tick, which is up to 10 ms ago. File systems
# that count whole seconds (ext3, some network and removable ones) are known by their stamps.
_FINE_TICK_NS, _COARSE_TICK_NS = _NS // 10, 5 * _NS // 2
_LONGEST_KEPT_S = 60.0
MOST_NAMES = 100_000
"""Of one directory; a box that holds so many takes no further entry."""

Mark = tuple[int, int, int, int, int]


class _Listing(Struct):
    names: list[str]
    mark: Mark
    is_settled: bool
    """No later change can have the same mark."""
    is_ours: bool
    """Kept up to date with this process's own writing."""
    taken_at: float


class Directory:
    """One directory. Its handle is not for several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.generation = 0
        """Changes whenever `names` may have changed."""
        self._handle: int | None = None
        self._identity: tuple[int, int] | None = None
        self._listing: _Listing | None = None

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        handle, self._handle, self._listing = self._handle, None, None
        if handle is not None:
            os.close(handle)

    @contextmanager
    def opened(self, doing: str) -> Iterator[int]:
        """The directory, open. What the disk refuses is a StorageError that names the path and
        `doing`.
        """
        handle, _ = self._current(doing)
        try:
            yield handle
        except OSError as error:
            raise storage_error(doing, self.path, error) from error

    def names(self) -> list[str]:
        """All visible names, sorted: entries and foreign files; at most the first `MOST_NAMES`."""
        _, known = self._current_listing()
        return list(known.names)

    def is_full(self) -> bool:
        """Whether it holds as many names as are handled: then it takes no further entry."""
        _, known = self._current_listing()
        return len(known.names) >= MOST_NAMES

    def check_quota(self, entries: int = 1) -> tuple[int, Mark]:
        """The open directory and its mark. Raises QuotaError where it does not take so many further
        entries.
        """
        handle, known = self._current_listing()
        if len(known.names) + entries > MOST_NAMES:
            raise QuotaError(
                f"{self.path}: holds {len(known.names)} files, {MOST_NAMES} at most are handled: "
                "lower spool.keep_days, or move away what does not belong there; the work waits"
            )
        return handle, known.mark

    def _current_listing(self) -> tuple[int, _Listing]:
        handle, status = self._current("can't be listed")
        # Taken before the listing: a change meanwhile gives the directory another mark.
        mark = _mark(status)
        known = self._listing
        if known is None or not _is_current(known, mark):
            try:
                known = self._list(handle, mark)
            except OSError as error:
                raise StorageError("can't be listed", self.path, error) from error
        return handle, known

    def sweep(self, keep: Container[str] = ()) -> list[str]:
        """Remove what a crash left half written, except for `keep`; the names are returned."""
        with self.opened("can't be cleaned") as handle:
            hidden = [name for name in durable.names(handle) if layout.is_hidden(name)]
            left = [name for name in hidden if name not in keep]
            for name in left:
                durable.remove(handle, name)
        return left

    def write(self, name: str, *content: bytes) -> None:
        """Make an entry, and know its name without another listing. Nothing happens where it is
        there already: an entry never changes. Raises QuotaError, SpoolUnusableError, StorageError.
        """
        handle, before = self.check_quota()
        try:
            durable.write(handle, name, *content)
        except FileExistsError:
            return
        except OSError as error:
            raise storage_error("can't be written", self.path, error) from error
        self.added(handle, name, before)

    def write_all(self, entries: Mapping[str, bytes]) -> None:
        """As `write`, for many entries at once, which takes less time. Raises as `write`."""
        handle, _ = self.check_quota(len(entries))
        try:
            durable.write_all(handle, entries)
        except OSError as error:
            raise storage_error("can't be written", self.path, error) from error
        finally:
            self._listing = None

    def added(self, handle: int, name: str, before: Mark) -> None:
        """This process made `name`; `before`: the directory's mark just before that."""
        known = self._listing
        if known is None or known.mark != before:
            # Something else has changed the directory since it was listed: only a new listing
            # finds that.
            self._listing = None
            return
        insort(known.names, name)
        # The new mark may also hide the file of another writer, made in between. Not settled: the
        # directory is listed again after the tick, which finds that.
        known.mark, known.is_settled, known.is_ours = mark_of(handle), False, True
        self.generation += 1

    def _list(self, handle: int, mark: Mark) -> _Listing:
        now = time.time_ns()
        names = _first_names(handle)
        self.generation += 1
        self._listing = _Listing(
            names,
            mark,
            is_settled=_has_settled(mark, now),
            is_ours=False,
            taken_at=time.monotonic(),
        )
        return self._listing

    def _current(self, doing: str) -> tuple[int, os.stat_result]:
        """The handle and the status of what is at the path now."""
        try:
            status = os.lstat(self.path)
            # The number of an open directory is not given to another one.
            if self._handle is not None and self._identity == (status.st_dev, status.st_ino):
                return self._handle, status
            self.close()
            handle = durable.open_directory(self.path)
        except (FileNotFoundError, NotADirectoryError) as error:
            self.close()
            raise SpoolUnusableError(
                f"{self.path}: is not a directory; create it again, or restart the stage"
            ) from error
        except OSError as error:
            self.close()
            raise StorageError(doing, self.path, error) from error
        status = os.fstat(handle)
        self._handle, self._identity = handle, (status.st_dev, status.st_ino)
        return handle, status


def _first_names(handle: int) -> list[str]:
    """The first of all visible names, sorted.

    Another user may have filled the directory; what this process holds of it stays bounded.
    """
    names: list[str] = []
    for name in durable.each_name(handle):
        if not layout.is_hidden(name):
            names.append(name)
        if len(names) >= 2 * MOST_NAMES:
            names.sort()
            del names[MOST_NAMES:]
    names.sort()
    del names[MOST_NAMES:]
    return names


def mark_of(handle: int) -> Mark:
    """What differs after a change, unless it comes within the same tick of the clock."""
    return _mark(os.fstat(handle))


def _mark(status: os.stat_result) -> Mark:
    return (
        status.st_ino,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_size,
        status.st_nlink,
    )


def _is_current(known: _Listing, mark: Mark) -> bool:
    """Whether a listing still holds, where the directory's mark is `mark` now.

    Equal marks are not enough: two changes within one tick of the clock have the same time. So a
    listing is kept only if it was taken when the last change was more than a tick ago: then any
    later change has a later time. Otherwise the directory is listed again. While this process
    writes to a box of its own, which has no other writer, its own changes are known without that;
    a file that was copied in within the same tick is found after the tick.

    A clock that was set back could repeat a time to the nanosecond. No listing is kept for more
    than a minute, so even that costs no more.
    """
    if known.mark != mark or time.monotonic() - known.taken_at > _LONGEST_KEPT_S:
        return False
    if known.is_settled:
        return True
    return known.is_ours and not _has_settled(mark, time.time_ns())


def _has_settled(mark: Mark, now_ns: int) -> bool:
    """Whether the last change was more than a tick of the clock before `now_ns`."""
    changed_ns = mark[1]
    tick_ns = _FINE_TICK_NS
    if changed_ns % _NS == 0:
        tick_ns = _COARSE_TICK_NS
    return now_ns - changed_ns > tick_ns
