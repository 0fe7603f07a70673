"""The content as this oscap can read it: the file itself, or a copy in the draft of the scan.

A copy is made of a compressed file, because no version of oscap reads all kinds. One is also made,
for oscap before 1.3, of a datastream that refers to parts on other hosts: that version refuses the
whole file where a part is not fetched. The copy is the datastream without these references, and the
same byte for byte otherwise; rules that need such a part are not checked, as with newer versions.

The third reason is content without white space between its elements: oscap skips an element of the
checklist that follows another directly, and so loses rules, or their selection by a profile. The
copy has a line break before each such element.

Security: the draft is the scan stage's own directory. What is unpacked is bounded, and files that
come with a digest are compared with it.

Diagnostics: ContentError with the file, the reason and the remedy; OSError for trouble of the
machine, such as a full disk.
"""

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from io import BufferedReader
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from schemas.codec import replace
from schemas.records import Struct
from spool import packing
from spool.errors import is_of_the_machine
from stages.scanners.openscap.white_space import LineBreaks, lacks_white_space

_COPY = "content.xml"
MAX_BYTES = 512 << 20
_MAX_HEAD_BYTES = 16 << 20
_CHUNK = 256 * 1024
_FIRST_COMPONENT = re.compile(rb"<(?:[\w.-]+:)?component\s")
_COMPONENT_REF = re.compile(
    rb"<(?:[\w.-]+:)?component-ref\b(?P<attributes>[^<>]*?)"
    rb"(?:/>|>\s*</(?:[\w.-]+:)?component-ref\s*>)"
)
_HREF = re.compile(rb"\bhref\s*=\s*[\"']([^\"']*)[\"']")
_ID = re.compile(rb"(?<![\w:-])id\s*=\s*[\"']([^\"']*)[\"']")
_URI = re.compile(
    rb"<(?:[\w.-]+:)?uri\b[^<>]*?\buri\s*=\s*[\"']#(?P<reference>[^\"']*)[\"'][^<>]*?/>"
)


class ContentError(Exception):
    """The content can't be used; the text is one line."""


class UsableContent(Struct, frozen=True):
    """The file to give to oscap."""

    path: Path
    sha256: str
    """Of the original file, also where a copy is used."""
    warnings: tuple[str, ...] = ()


class _Copy(Struct, frozen=True):
    """A copy that was made."""

    sha256: str
    """Of the copy without the line breaks."""
    line_breaks: int
    """How many were added."""
    remote: Sequence[str] = ()
    """The addresses of parts on other hosts that the copy does not refer to."""


def usable_content(
    source: Path,
    draft: Path,
    *,
    refuses_remote_parts: bool,
    published_sha256: str | None = None,
    must_copy: bool = False,
) -> UsableContent:
    """The file itself, or a copy in `draft`.

    Raises ContentError, and OSError only for trouble of the machine.

    `must_copy`: another user could change the file during the scan, so a copy is used, whose digest
    is compared with the recorded one.
    """
    try:
        return _usable_content(source, draft, refuses_remote_parts, published_sha256, must_copy)
    except OSError as error:
        if is_of_the_machine(error):
            raise
        raise ContentError(f"{source}: the content can't be read: {error.strerror}") from error


def _usable_content(
    source: Path,
    draft: Path,
    refuses_remote_parts: bool,
    published_sha256: str | None,
    must_copy: bool,
) -> UsableContent:
    with _opened(source) as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        if published_sha256 not in (None, sha256):
            raise ContentError(f"{source}: its SHA-256 is not the published one: install it again")
        stream.seek(0)
        if must_copy:
            return _exact_copy(source, stream, draft, sha256)
        try:
            copy = _readable_copy(stream, draft, removes_remote_parts=refuses_remote_parts)
        except packing.PackingError as error:
            raise ContentError(
                f"{source}: the content can't be unpacked: {error}: install it again"
            ) from error
    if copy is None:
        return UsableContent(source, sha256)
    _link_parts(source, draft)
    warnings = (*_remote_warning(source, copy.remote), *_line_break_warning(source, copy))
    return UsableContent(draft / _COPY, sha256, warnings)


def _exact_copy(source: Path, stream: BinaryIO, draft: Path, sha256: str) -> UsableContent:
    copy = _copy(b"", stream, draft / _COPY)
    if copy.sha256 != sha256:
        raise ContentError(f"{source}: was changed while it was read: scan again")
    return UsableContent(draft / _COPY, sha256, _line_break_warning(source, copy))


def _opened(source: Path) -> BufferedReader:
    """Opening never blocks, and nothing but a plain file is read."""
    handle = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(handle)
    reason = None
    if not stat.S_ISREG(status.st_mode):
        reason = "is not a plain file"
    elif status.st_size > MAX_BYTES:
        reason = f"the content is larger than {MAX_BYTES >> 20} MiB"
    if reason:
        os.close(handle)
        raise ContentError(f"{source}: {reason}: install it again")
    return os.fdopen(handle, "rb")


def _is_packed(stream: BinaryIO) -> bool:
    beginning = stream.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    stream.seek(0)
    return not beginning.startswith(b"<")


def _is_compact(stream: BinaryIO) -> bool:
    result = lacks_white_space(stream)
    stream.seek(0)
    return result


def _readable_copy(stream: BinaryIO, draft: Path, *, removes_remote_parts: bool) -> _Copy | None:
    """A copy that oscap can read; None where it can read the file itself.

    Raises PackingError, OSError.
    """
    is_readable = not _is_packed(stream) and not _is_compact(stream)
    if is_readable and not removes_remote_parts:
        return None
    with closing(packing.unpacked(stream, MAX_BYTES)) as content:
        head = b""
        remote: Sequence[str] = ()
        if removes_remote_parts:
            head, remote = without_remote_parts(_head(content))
        if is_readable and not remote:
            return None
        return replace(_copy(head, content, draft / _COPY), remote=remote)


def _link_parts(source: Path, draft: Path) -> None:
    """A plain XCCDF file names its checks relative to itself: they must lie beside the copy."""
    stem, ending, _ = source.name.partition("-xccdf.xml")
    if not ending:
        return
    for part in source.parent.glob(f"{stem}-*.xml"):
        link = draft / part.name
        if part != source and not link.exists():
            link.symlink_to(part)


def copy_without_remote_parts(content: BinaryIO, target: BinaryIO) -> Sequence[str]:
    """Copy a datastream without its references to other hosts, whose addresses are returned."""
    head, remote = without_remote_parts(_head(content))
    target.write(head)
    shutil.copyfileobj(content, target, _CHUNK)
    target.flush()
    return remote


def without_remote_parts(head: bytes) -> tuple[bytes, Sequence[str]]:
    """The head of a datastream without references to other hosts, and the addresses in these."""
    addresses: list[str] = []
    references: set[bytes] = set()

    def local_only(match: re.Match[bytes]) -> bytes:
        href = _HREF.search(match["attributes"])
        if href is None or href[1].startswith(b"#"):
            return match[0]
        addresses.append(href[1].decode("utf-8", "replace"))
        identifier = _ID.search(match["attributes"])
        if identifier:
            references.add(identifier[1])
        return b""

    def known_only(match: re.Match[bytes]) -> bytes:
        if match["reference"] in references:
            return b""
        return match[0]

    head = _COMPONENT_REF.sub(local_only, head)
    return _URI.sub(known_only, head), tuple(addresses)


def _head(content: BinaryIO) -> bytes:
    """Everything before the first component, and what was read beyond it.

    References come before the components. Where no component follows, nothing was recognized, and
    the copy would be the same.
    """
    head = b""
    while len(head) < _MAX_HEAD_BYTES and not _FIRST_COMPONENT.search(head):
        chunk = content.read(_CHUNK)
        if not chunk:
            break
        head += chunk
    return head


def _copy(head: bytes, rest: BinaryIO, target: Path) -> _Copy:
    digest = hashlib.sha256()
    line_breaks = LineBreaks()
    with target.open("wb") as copy:
        for chunk in chain([head], iter(partial(rest.read, _CHUNK), b"")):
            digest.update(chunk)
            copy.write(line_breaks.add(chunk))
        copy.write(line_breaks.rest())
    return _Copy(digest.hexdigest(), line_breaks.count)


def _remote_warning(source: Path, remote: Sequence[str]) -> tuple[str, ...]:
    if not remote:
        return ()
    warning = (
        f"this oscap refuses {source.name} for its parts on other hosts ({', '.join(remote)}): "
        "scanned with a copy without them"
    )
    return (warning,)


def _line_break_warning(source: Path, copy: _Copy) -> tuple[str, ...]:
    if not copy.line_breaks:
        return ()
    warning = (
        f"{source.name} lacks white space before {copy.line_breaks} elements of its checklist, "
        "which oscap would drop: scanned with a copy that has line breaks there"
    )
    return (warning,)
