"""Structured lines for systemd's journal, over its native protocol.

A line carries `SCAN_ID=`, `STAGE=` and `EVENT=` as fields of their own, so `journalctl SCAN_ID=…`
shows one scan through all stages. Used only where standard error is the journal; a line that can't
be sent so (no socket, too long) goes to standard error.

Source: systemd's "Native Journal Protocol" and the description of JOURNAL_STREAM in
systemd.exec(5).
"""

import os
import socket
import struct
from collections.abc import Mapping

SOCKET = "/run/systemd/journal/socket"


class Journal:
    """The journal's socket."""

    def __init__(self, address: str) -> None:
        self._address = address
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_UNIX, kind)
        # A journal that does not read must not stop the work.
        self._socket.setblocking(False)

    def send(self, fields: Mapping[str, str]) -> bool:
        """Whether the journal has taken the line."""
        try:
            self._socket.sendto(encoded(fields), self._address)
        except OSError:
            return False
        return True


def journal_of(descriptor: int) -> Journal | None:
    """The journal, where this descriptor leads to it; None where it was redirected or never did."""
    try:
        device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
        stream = os.fstat(descriptor)
        leads_there = (int(device), int(inode)) == (stream.st_dev, stream.st_ino)
    except (ValueError, OSError):
        return None
    if not leads_there:
        return None
    return Journal(SOCKET)


def encoded(fields: Mapping[str, str]) -> bytes:
    """One datagram. A value with line breaks is sent with its length: it can't add fields."""
    parts = []
    for name, value in fields.items():
        text = value.encode(errors="backslashreplace")
        if b"\n" in text:
            parts.append(name.encode() + b"\n" + struct.pack("<Q", len(text)) + text + b"\n")
        else:
            parts.append(name.encode() + b"=" + text + b"\n")
    return b"".join(parts)
