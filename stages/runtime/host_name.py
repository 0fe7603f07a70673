"""The name of this host, as text that can be encoded: the kernel takes any bytes for one."""

import os
import socket


def host_name() -> str:
    """What is not UTF-8 in it is replaced by U+FFFD."""
    return os.fsencode(socket.gethostname()).decode("utf-8", "replace")
