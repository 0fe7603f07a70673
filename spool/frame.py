"""The envelope of an entry: format, kind, length and digest before the payload. Pure.

    compliance-agent-spool 1 report 8123 <sha256 of the payload, hex>\\n
    {...}

Diagnostics: anything else raises `EntryDamagedError` with what differs.
"""

import hashlib

from spool.errors import EntryDamagedError

_MAGIC = b"compliance-agent-spool"
_FORMAT = b"1"
MAX_ENTRY_BYTES = 64 * 1024 * 1024


def seal(kind: str, payload: bytes) -> bytes:
    digest = hashlib.sha256(payload).hexdigest()
    return b"%s %s %s %d %s\n%s" % (
        _MAGIC,
        _FORMAT,
        kind.encode(),
        len(payload),
        digest.encode(),
        payload,
    )


def unseal(kind: str, sealed: bytes) -> bytes:
    """The payload of a sealed entry of that kind. Raises EntryDamagedError."""
    head, newline, payload = sealed.partition(b"\n")
    fields = head.split(b" ")
    if not newline or len(fields) != 5 or fields[0] != _MAGIC:
        raise EntryDamagedError(
            "no entry header" if sealed.strip(b"\0") else "empty or filled with zeros"
        )
    if fields[1] != _FORMAT:
        raise EntryDamagedError(f"format {fields[1]!r} is not one this version reads (1)")
    if fields[2] != kind.encode():
        raise EntryDamagedError(f"holds a {fields[2].decode('ascii', 'replace')}, not a {kind}")
    if not fields[3].isdigit() or int(fields[3]) != len(payload):
        raise EntryDamagedError(
            f"{len(payload)} bytes of payload, header says {fields[3].decode('ascii', 'replace')}"
        )
    if hashlib.sha256(payload).hexdigest().encode() != fields[4]:
        raise EntryDamagedError("SHA-256 differs from the header's")
    return payload
