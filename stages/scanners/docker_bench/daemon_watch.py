"""Whether the Docker daemon ran all through a scan.

While the daemon is away the checks find no container and no image, and pass. Neither the daemon's
id nor its socket changes when it is restarted, so one connection is held open for the whole scan:
the daemon's stream of events, which has no time limit of its own. It ends when the daemon does.

Diagnostics: a daemon that does not offer the stream (behind a proxy that filters requests, say) is
not watched; messages of the scanner about a missing daemon are noticed in any case.
"""

import socket
from contextlib import suppress

_PATIENCE_S = 5.0
_FILTERS = "%7B%22type%22%3A%5B%22daemon%22%5D%7D"
"""`{"type":["daemon"]}`: hardly anything arrives."""
_REQUEST = f"GET /events?filters={_FILTERS} HTTP/1.1\r\nHost: docker\r\n\r\n".encode()
_ACCEPTED = (b"HTTP/1.1 200", b"HTTP/1.0 200")
_CHUNK_BYTES = 65_536
_MOST_CHUNKS = 1000


class DaemonWatch:
    """A connection to the daemon, held open from `start` on."""

    def __init__(self) -> None:
        self._stream: socket.socket | None = None

    def start(self, path: str) -> None:
        """Watch the daemon at this socket from now on."""
        self.close()
        with suppress(OSError):
            self._stream = _open_stream(path)

    def has_ended(self) -> bool:
        """Whether the daemon has closed the connection; False where it could not be watched."""
        if self._stream is None:
            return False
        self._stream.setblocking(False)
        try:
            # The end shows only behind all events that arrived before it.
            for _ in range(_MOST_CHUNKS):
                if not self._stream.recv(_CHUNK_BYTES):
                    return True
        except BlockingIOError:
            return False
        except OSError:
            return True
        return False

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def _open_stream(path: str) -> socket.socket | None:
    """The open stream of events; None where the daemon refuses it. Raises OSError."""
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        stream.settimeout(_PATIENCE_S)
        stream.connect(path)
        stream.sendall(_REQUEST)
        answer = stream.recv(_CHUNK_BYTES)
    except OSError:
        stream.close()
        raise
    if not answer.startswith(_ACCEPTED):
        stream.close()
        return None
    return stream
