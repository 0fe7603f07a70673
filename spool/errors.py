"""The errors of a spool, one class for each way to handle them."""

import errno
import os
from contextlib import suppress
from pathlib import Path

_REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "raise the quota or free some space",
    errno.EROFS: "the file system has gone read-only: check the disk and remount it",
    errno.EIO: "the disk reports an error: check it",
    errno.EMFILE: "raise LimitNOFILE",
    errno.ENFILE: "the system is out of file handles: raise fs.file-max",
    errno.EACCES: "check its owner and mode",
    errno.EPERM: "check its owner and mode",
    errno.ENOMEM: "free some memory, or raise MemoryMax",
    errno.EFBIG: "raise LimitFSIZE",
    errno.EAGAIN: "the limit of processes is reached: raise TasksMax",
}
_DENIED = (errno.EACCES, errno.EPERM)
_OF_ONE_NAME = (errno.EPERM, errno.EBUSY)
_OF_THE_MACHINE = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.EAGAIN,
        errno.ENOBUFS,
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.EIO,
    }
)


class SpoolError(Exception):
    """The base of all spool errors; the text is one line for the operator."""


class SpoolUnusableError(SpoolError):
    """The spool can't be used as it is: wrong owner or mode, not a directory. The message ends with
    the remedy.
    """


class SpoolBusyError(SpoolError):
    """Another instance of the same stage holds the lock."""


class StorageError(SpoolError):
    """The disk failed to read or write. Transient: nothing was acknowledged, try again later."""

    is_denied = False
    """This user has no right to it: that stays so until an administrator changes owner or mode."""

    def __init__(self, doing: str, where: Path, cause: OSError) -> None:
        self.is_denied = cause.errno in _DENIED
        self.why = f"{where}: {doing}: {_reason(where, cause)}; {remedy(cause)}"
        """The message for callers that have no pending work."""
        super().__init__(f"{self.why}; the work stays pending")


class NameBlockedError(StorageError):
    """The file is immutable, or something is mounted on it: others can be moved and removed."""


class MachineError(SpoolError):
    """The machine is at one of its limits, or its disk fails. Transient: nothing is wrong with the
    work, which stays pending.
    """


class QuotaError(SpoolError):
    """A box holds as many entries as are handled, or there is no greater scan id: nothing more is
    written, and the work waits.
    """


class EntryError(SpoolError):
    """The base of all errors of one entry; the rest of the spool is not affected."""


class EntryMissingError(EntryError):
    """There is no such entry."""


class EntryDamagedError(EntryError):
    """An entry is not what was written: cut short, altered, or not a plain file."""


class EntryTooLargeError(EntryError):
    """What was to be written is larger than what is ever read."""


class EntryUnreadableError(EntryError):
    """The disk or the mode of its file refuses one entry: a bad sector, another owner. It is
    neither damaged nor lost: it may be read later.
    """

    is_denied = False
    """This user has no right to it: that stays so until an administrator changes owner or mode."""


class NewerFormatError(EntryError):
    """A later version wrote this entry. It is not damaged: it stays where it is, pending."""


def storage_error(doing: str, where: Path, cause: OSError) -> StorageError:
    """The error of work on the names in a directory."""
    if cause.errno in _OF_ONE_NAME:
        return NameBlockedError(doing, where, cause)
    return StorageError(doing, where, cause)


def read_error(where: Path, cause: OSError) -> EntryUnreadableError | StorageError:
    """The error of an entry's file that can't be read. What the machine lacks is not of the entry;
    a failing disk may fail at this entry alone.
    """
    if is_of_the_machine(cause) and cause.errno != errno.EIO:
        return StorageError("can't be read", where, cause)
    unreadable = EntryUnreadableError(f"{where}: can't be read: {cause.strerror}; {remedy(cause)}")
    unreadable.is_denied = cause.errno in _DENIED
    return unreadable


def _reason(where: Path, cause: OSError) -> str:
    if cause.errno == errno.ENOSPC:
        with suppress(OSError):
            # A file that could not be made is not there: its directory is on the same disk.
            inodes = os.statvfs(where.parent)
            # btrfs counts none at all.
            if inodes.f_files and inodes.f_favail == 0:
                return "no free inodes left"
    return cause.strerror or str(cause)


def is_of_the_machine(error: OSError) -> bool:
    """Whether this is trouble of the machine, whatever it was asked for: no file handles, no
    memory, no processes, a disk that is full or fails.
    """
    return error.errno in _OF_THE_MACHINE


def is_without_thread(error: RuntimeError) -> bool:
    """Whether no thread can be started: Python has neither a class nor a number for that."""
    return str(error) == "can't start new thread"


def of_the_machine(doing: str, error: OSError) -> MachineError:
    """The error of an OSError that `is_of_the_machine`."""
    return MachineError(f"{doing}: {error.strerror}; {remedy(error)}; the work stays pending")


def remedy(cause: OSError) -> str:
    """What an operator can do about it."""
    return _REMEDIES.get(cause.errno or 0, "see the system's log")
