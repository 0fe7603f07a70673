"""The frame of an entry: format, kind, length and digest before the payload. Pure.

    compliance-agent-spool 1 receipt 612 <sha256 of the payload, hex>\\n
    {...}

An entry with a header of its own (a report) has the header's length and digest in the first line,
too, so that the header can be read and checked without the payload:

    compliance-agent-spool 1 report 8123 <sha256 of the payload> 96 <sha256 of the header>\\n
    {... the header ...}\\n
    {... the payload ...}

The format number is the only version of an entry, for the frame and what it contains. The first two
fields of the first line are the same in every format, also in later ones.

Diagnostics: `NewerFormatError` for a later format; `EntryDamagedError` with what differs for
anything else.
"""

import re

from schemas.records import Struct
from spool.errors import EntryDamagedError, NewerFormatError

MAX_ENTRY_BYTES = 64 * 1024 * 1024
MAX_FIRST_LINE_BYTES = 256
_MAGIC = b"compliance-agent-spool"
_FORMAT = 1
_OPENING = re.compile(_MAGIC + rb" (?P<format>[1-9][0-9]{0,5})(?: .*)?", re.DOTALL)
"""The first line of an entry of any format."""
_FIELDS = re.compile(
    _MAGIC + rb" [0-9]+ (?P<kind>[a-z]+) (?P<length>[0-9]{1,12}) (?P<digest>[0-9a-f]+)"
    rb"(?: (?P<header_length>[0-9]{1,12}) (?P<header_digest>[0-9a-f]+))?"
)


class FirstLine(Struct, frozen=True):
    """The fields of the first line. Lengths in bytes, digests in hex."""

    kind: str
    length: int
    digest: bytes
    header_length: int | None = None
    header_digest: bytes = b""


def seal(kind: str, payload: bytes, header: bytes | None = None) -> bytes:
    """A sealed entry."""
    return opening(kind, payload, header) + payload


def opening(kind: str, payload: bytes, header: bytes | None = None) -> bytes:
    """What goes before the payload of an entry: its first line, and its header where it has one."""
    fields = [_MAGIC, b"%d" % _FORMAT, kind.encode(), b"%d" % len(payload), _digest(payload)]
    if header is None:
        return b" ".join(fields) + b"\n"
    fields += [b"%d" % len(header), _digest(header)]
    return b"%s\n%s\n" % (b" ".join(fields), header)


def unseal(kind: str, sealed: bytes) -> bytes:
    """The payload of a sealed entry of that kind. Raises EntryDamagedError, NewerFormatError."""
    if not sealed.strip(b"\0"):
        raise EntryDamagedError("empty or filled with zeros")
    line, newline, rest = sealed.partition(b"\n")
    if not newline:
        # Raises for a later format, whose entries may have no line break.
        parse_first_line(kind, line[:MAX_FIRST_LINE_BYTES])
        raise EntryDamagedError("no entry header")
    first = parse_first_line(kind, line)
    if first.header_length is None:
        payload = rest
    else:
        header_of(first, rest)
        if rest[first.header_length : first.header_length + 1] != b"\n":
            raise EntryDamagedError("its header does not end with a line break")
        payload = rest[first.header_length + 1 :]
    if len(payload) != first.length:
        raise EntryDamagedError(
            f"{len(payload)} bytes of payload instead of the {first.length} in its header"
        )
    if _digest(payload) != first.digest:
        raise EntryDamagedError("SHA-256 differs from the one in its header")
    return payload


def parse_first_line(kind: str, line: bytes) -> FirstLine:
    """The first line of an entry of that kind, without its end. Raises EntryDamagedError,
    NewerFormatError.
    """
    opening = _OPENING.fullmatch(line)
    if opening is None:
        raise EntryDamagedError("no entry header")
    number = int(opening["format"])
    if number > _FORMAT:
        raise NewerFormatError(
            f"is of format {number}, this version reads up to {_FORMAT}: install the newer version "
            "again"
        )
    fields = _FIELDS.fullmatch(line)
    if fields is None:
        raise EntryDamagedError("no entry header")
    if fields["kind"] != kind.encode():
        raise EntryDamagedError(f"holds a {fields['kind'].decode()}, not a {kind}")
    length, digest = int(fields["length"]), fields["digest"]
    if fields["header_length"] is None:
        return FirstLine(kind, length, digest)
    return FirstLine(kind, length, digest, int(fields["header_length"]), fields["header_digest"])


def entry_bytes(line: bytes, first: FirstLine) -> int:
    """The length of a whole entry, by its first line."""
    length = len(line) + 1 + first.length
    if first.header_length is not None:
        length += first.header_length + 1
    return length


def header_of(first: FirstLine, rest: bytes) -> bytes:
    """The header, out of what comes after the first line. Raises EntryDamagedError."""
    if first.header_length is None:
        raise EntryDamagedError("has no header of its own")
    header = rest[: first.header_length]
    if _digest(header) != first.header_digest:
        raise EntryDamagedError("SHA-256 of its header differs")
    return header


def _digest(content: bytes) -> bytes:
    import hashlib  # loads OpenSSL, which a command that reads no entry does not need

    return hashlib.sha256(content).hexdigest().encode()
