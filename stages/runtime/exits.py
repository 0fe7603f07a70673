"""Exit codes: documented in README, and few."""

from enum import IntEnum


class Exit(IntEnum):
    OK = 0
    """Done."""
    NO = 1
    """Done with a bad result: a scan failed or was refused, something is damaged or undelivered."""
    USAGE = 2
    """The command line or the configuration is wrong; nothing was done."""
    UNUSABLE = 3
    """The spool or the host can't be used as it is; the message has the remedy."""
    BUSY = 4
    """Another instance of this stage is running."""
    BUG = 70
    """An internal error; the traceback is in the log."""
    UNAVAILABLE = 75
    """The disk does not allow the start now; a service manager tries again."""
    INTERRUPTED = 130
    """Interrupted from the keyboard."""
    PIPE = 141
    """The reader of the output has gone (`| head`): as after SIGPIPE."""
