"""The part of an XML file before its outermost element: encoding, and what is refused. Pure.

Security: a document type declaration is refused before the parser sees it, with all that it could
declare (entities, external subsets). The search is linear in the text.
"""

import re

from stages.scap.xml_errors import ScapError

MAX_PROLOG_BYTES = 1024 * 1024
MARK = b"<?outermost?>"
"""A processing instruction that is put before the outermost element, to find it again.

The parser is asked to report processing instructions only. If it also reported each element as it
begins, the whole reading would take a tenth longer.
"""

_BOM = b"\xef\xbb\xbf"
_DECLARED = re.compile(rb"<!\s*(DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)", re.IGNORECASE)
_ENCODING = re.compile(
    rb"""^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']"""
)
_ASCII_ENCODINGS = re.compile(rb"utf-?8|us-ascii|ascii|iso-8859-\d+|windows-125\d", re.IGNORECASE)
"""Encodings in which the expressions here find what they look for."""
_DECLARATION_START = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml\s")
_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml\s.*?\?>", re.DOTALL)
_ENOUGH_FOR_DECLARATION = len(_BOM) + len(b"<?xml ")
"""With so many bytes it is certain whether a file begins with an XML declaration."""
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
"""One without an end takes all the rest: to search for the end of each takes quadratic time."""
_OUTERMOST = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)[\s>/]")


def check_prolog(prolog: bytes) -> None:
    """Check what has been read of a prolog so far. Raises ScapError where it is refused."""
    may_be_in_bom = _BOM.startswith(prolog)
    if not may_be_in_bom and not prolog.removeprefix(_BOM).lstrip().startswith(b"<"):
        raise ScapError("the file is not XML in UTF-8: it does not begin with <")
    encoding = _ENCODING.match(prolog)
    if encoding and not _ASCII_ENCODINGS.fullmatch(encoding[1]):
        raise ScapError(f"the file is in {encoding[1].decode()}, expected UTF-8")
    before_outermost, *_ = _OUTERMOST.split(_COMMENT.sub(b"", prolog), maxsplit=1)
    if _DECLARED.search(before_outermost):
        raise ScapError("the file declares a document type or entities, which is refused")


def with_mark(prolog: bytes, *, ended: bool) -> bytes | None:
    """The start of a file with the mark behind its XML declaration; None while that is incomplete.

    `ended`: the file has no more bytes, so what looks like a declaration is not going to end.
    """
    position = _mark_position(prolog)
    if position is None and ended:
        position = _bom_length(prolog)
    if position is None:
        return None
    return prolog[:position] + MARK + prolog[position:]


def _mark_position(prolog: bytes) -> int | None:
    """Where the mark goes; None where more has to be read to know that."""
    if declaration := _DECLARATION.match(prolog):
        return declaration.end()
    may_be_declaration = _DECLARATION_START.match(prolog) is not None
    if may_be_declaration or len(prolog) < _ENOUGH_FOR_DECLARATION:
        return None
    return _bom_length(prolog)


def _bom_length(prolog: bytes) -> int:
    if prolog.startswith(_BOM):
        return len(_BOM)
    return 0
