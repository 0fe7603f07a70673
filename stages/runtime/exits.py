"""Exit codes: documented in README, and few."""

from enum import IntEnum


class Exit(IntEnum):
    OK = 0
    """Done."""
    NO = 1
    """Done, and the answer is bad: the scan failed, the server refused, something is damaged or not delivered."""
    USAGE = 2
    """The command line or the configuration is wrong; nothing was done."""
    UNUSABLE = 3
    """The spool or the host can't be used as it is; the message says what to mend."""
    BUSY = 4
    """Another instance of this stage is running."""
    BUG = 70
    """A fault in the agent itself; the traceback is in the log."""
    INTERRUPTED = 130
    """Ended by the keyboard."""
    PIPE = 141
    """Whoever read the output has gone (`| head`): as if SIGPIPE had ended us."""
