"""XML as it comes from scanners and content: read in pieces, with limits, and never trusted.

`records` gives every complete subtree that lies directly below a structural element, in document order, and lets go of
it once the next is asked for; so memory follows the largest piece and not the file.

Diagnostics: whatever is wrong with a file is a ScapError of one line; errors of the stream pass through.
Security: a document type declaration is refused, with all that it could declare (entities, external subsets); the
parser opens nothing and expands nothing; bytes, depth, elements and time are bounded.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import BinaryIO, TypeAlias, cast

from lxml import etree

from stages.scap.xml_errors import told

Element: TypeAlias = etree._Element
Record: TypeAlias = tuple[Element, Element]
"""A record's parent, and the record."""
Clock: TypeAlias = Callable[[], float]

_CHUNK_BYTES = 128 * 1024
_MAX_PROLOG_BYTES = 1024 * 1024
_MAX_INSTRUCTIONS = 10_000
"""Scanners write one or two; to take them out of a text takes the square of their number."""
_MIN_ELEMENT_BYTES = len("<a/>")
_DECLARED = re.compile(rb"<!\s*(DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)", re.IGNORECASE)
_ENCODING = re.compile(
    rb"""^(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']"""
)
_PLAIN_ENCODINGS = re.compile(rb"utf-?8|us-ascii|ascii|iso-8859-\d+|windows-125\d", re.IGNORECASE)
_BOM = b"\xef\xbb\xbf"
_DECLARING = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml\s")
_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?(?:<\?xml\s.*?\?>)?", re.DOTALL)
_DECLARED_FROM = len(_BOM) + len(b"<?xml ")
"""So many bytes tell whether a file begins with an XML declaration."""
_MARK = b"<?outermost?>"
"""Leads to the outermost element. To be told of elements as they begin would cost a tenth of the whole reading."""
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
"""One that has no end takes all the rest: to look for the end of each anew takes the square of their number."""
_ROOT = re.compile(rb"<(?:[\w.-]+:)?([A-Za-z_][\w.-]*)[\s>/]")


class ScapError(ValueError):
    """A file that can't be read as SCAP; the text is one line that says why."""


@dataclass(frozen=True)
class Limits:
    """What one file may cost. Depth is bounded too, by the parser: 256 levels."""

    bytes: int = 2 * 1024 * 1024 * 1024
    elements: int = 1_000_000
    """In memory at one time: no single record is larger. What has been read is freed and does not count."""
    seconds: float = 300.0


@dataclass(frozen=True)
class RecordLayout:
    """Where the records of a kind of file lie, by local names."""

    roots: frozenset[str]
    structure: frozenset[str]
    """Elements to look into; whatever else lies in them is a record."""
    skipped: frozenset[str] = frozenset()
    """Elements to leave out, as a name or as `parent/name`."""


def records(
    stream: BinaryIO,
    layout: RecordLayout,
    limits: Limits | None = None,
    clock: Clock = time.monotonic,
) -> Iterator[Record]:
    """Every record of the file. One that is kept is cut off from its parent. Raises ScapError."""
    reader = _RecordReader(stream, layout, limits or Limits(), clock)
    while not reader.done:
        yield from reader.next_batch()
        reader.release()


def fragment(xml: bytes) -> Element:
    """A subtree that `frozen` has kept. Raises ScapError."""
    try:
        return etree.fromstring(
            xml, parser=etree.XMLParser(resolve_entities=False, no_network=True)
        )
    except etree.XMLSyntaxError as error:
        raise ScapError(told(str(error))) from error


def frozen(element: Element) -> bytes:
    """A subtree as bytes: a fifth of the memory, for those that may never be looked at."""
    return etree.tostring(element, with_tail=False)


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return _local_name(element.tag)


@lru_cache(maxsize=4096)
def _local_name(tag: str) -> str:
    return tag.rpartition("}")[2]


def children_by_name(element: Element) -> dict[str, list[Element]]:
    """The children, by their local names."""
    found: dict[str, list[Element]] = {}
    for child in element:
        tag = child.tag
        if tag in found:
            found[tag].append(child)
        else:
            found[tag] = [child]
    return {_local_name(tag): children for tag, children in found.items()}


class _RecordReader:
    """Feeds the parser, and walks along the elements that are still open."""

    def __init__(
        self, stream: BinaryIO, layout: RecordLayout, limits: Limits, clock: Clock
    ) -> None:
        self.done = False
        self._stream, self._layout, self._limits, self._clock = stream, layout, limits, clock
        self._deadline = clock() + limits.seconds
        self._bytes = self._held_bytes = self._instructions = 0
        self._parser = etree.XMLPullParser(
            events=("pi",),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            remove_comments=True,
            huge_tree=False,
        )
        self._prolog = b""
        self._marked = False
        self._mark: Element | None = None
        self._root: Element | None = None
        self._spent: list[tuple[Element, int]] = []
        self._kinds: dict[str, dict[str, str]] = {}
        """What an element is, by its parent's tag and its own."""

    def next_batch(self) -> list[Record]:
        """The records that the next piece of the file completes."""
        chunk = self._stream.read(_CHUNK_BYTES)
        self._count(chunk)
        if self._root is None:
            self._prolog += chunk
            _check_prolog(self._prolog)
        try:
            self._feed(chunk)
        except etree.XMLSyntaxError as error:
            raise ScapError(told(str(error))) from error
        self._check_errors()
        self.done = not chunk
        if self._root is None:
            self._root = self._find_root()
        batch: list[Record] = []
        if self._root is not None:
            self._walk(self._root, batch)
        return batch

    def release(self) -> None:
        """Free what has been read. The last child stays: the parser may still be writing behind it."""
        for parent, count in self._spent:
            del parent[:count]
        self._spent = []

    def _check_errors(self) -> None:
        """Some errors (an undeclared entity) end the document without being raised; a new one would begin then."""
        for error in self._parser.feed_error_log.filter_from_errors():
            raise ScapError(told(f"{error.message}, line {error.line}, column {error.column}"))

    def _feed(self, chunk: bytes) -> None:
        ended = not chunk
        if not self._marked:
            chunk = self._with_mark(ended=ended)
        if chunk:
            self._parser.feed(chunk)
        if ended:
            if not self._bytes:
                raise ScapError("the file is empty")
            self._parser.close()
        for _, instruction in cast("Iterator[tuple[str, Element]]", self._parser.read_events()):
            self._take(instruction)

    def _with_mark(self, *, ended: bool) -> bytes:
        """The file so far, a mark behind its XML declaration; nothing while that may still go on."""
        at = cast("re.Match[bytes]", _DECLARATION.match(self._prolog)).end()
        begun = len(self._prolog) >= _DECLARED_FROM and not (
            at <= len(_BOM) and _DECLARING.match(self._prolog)
        )
        if not (begun or ended):
            return b""
        self._marked = True
        return self._prolog[:at] + _MARK + self._prolog[at:]

    def _take(self, instruction: Element) -> None:
        """The first is the mark; all others are left out, and what they part is one text."""
        self._instructions += 1
        if self._instructions > _MAX_INSTRUCTIONS:
            raise ScapError(
                f"the file has more than {_MAX_INSTRUCTIONS} processing instructions, the limit"
            )
        parent = instruction.getparent()
        if self._mark is None:
            self._mark = instruction
        elif parent is not None:
            etree.strip_elements(parent, etree.ProcessingInstruction, with_tail=False)

    def _count(self, chunk: bytes) -> None:
        self._bytes += len(chunk)
        self._held_bytes += len(chunk)
        limits = self._limits
        if self._bytes > limits.bytes:
            raise ScapError(f"the file is larger than {limits.bytes} bytes, the limit")
        if self._clock() > self._deadline:
            raise ScapError(f"reading took longer than {limits.seconds:g} s, the limit")
        if self._held_bytes > limits.elements * _MIN_ELEMENT_BYTES and self._root is not None:
            self._held_bytes = 0
            if _size(self._root) > limits.elements:
                raise ScapError(f"one record has more than {limits.elements} elements, the limit")

    def _find_root(self) -> Element | None:
        tree = None if self._mark is None else self._mark.getroottree()
        root = None if tree is None else tree.getroot()
        if root is not None and tree is not None and local(root) in self._layout.roots:
            if tree.docinfo.doctype:  # type: ignore[attr-defined]
                raise ScapError("the file declares a document type, which is refused")
            self._prolog = b""
            return root
        if self.done or root is not None or len(self._prolog) > _MAX_PROLOG_BYTES:
            what = (
                "it has no outermost element"
                if root is None
                else f"its outermost element is {local(root)}"
            )
            expected = " or ".join(sorted(self._layout.roots))
            raise ScapError(f"not the file expected: {what}, expected {expected}")
        return None

    def _walk(self, node: Element, batch: list[Record]) -> None:
        """Along the last children, which alone may be incomplete; what lies before them is complete."""
        skipping = False
        while True:
            count = len(node)
            children = count if self.done else count - 1
            if children > 0:
                if not skipping:
                    self._complete(node, islice(node, children), batch)
                self._spent.append((node, count - 1))
            if self.done or not count:
                return
            last = node[-1]
            kind = "skipped" if skipping else self._kind(node, last)
            if kind == "record":
                return
            skipping = kind == "skipped"
            node = last

    def _complete(self, parent: Element, children: Iterable[Element], batch: list[Record]) -> None:
        """This runs for every record of a file: what is known of a tag is looked up, and not asked for."""
        known = self._kinds.setdefault(parent.tag, {})
        for child in children:
            kind = known.get(child.tag) or self._kind(parent, child)
            if kind == "record":
                batch.append((parent, child))
            elif kind == "structure":
                self._complete(child, child, batch)

    def _kind(self, parent: Element, element: Element) -> str:
        known = self._kinds.setdefault(parent.tag, {})
        kind = known.get(element.tag)
        if kind is None:
            name = local(element)
            if name in self._layout.skipped or f"{local(parent)}/{name}" in self._layout.skipped:
                kind = "skipped"
            else:
                kind = "structure" if name in self._layout.structure else "record"
            known[element.tag] = kind
        return kind


def _check_prolog(prolog: bytes) -> None:
    """What comes before the outermost element, as far as it is known."""
    if not _BOM.startswith(prolog) and not prolog.removeprefix(_BOM).lstrip().startswith(b"<"):
        raise ScapError("the file is no XML in UTF-8: it does not begin with <")
    encoding = _ENCODING.match(prolog)
    if encoding and not _PLAIN_ENCODINGS.fullmatch(encoding[1]):
        raise ScapError(f"the file is in {encoding[1].decode()}, expected UTF-8")
    bare = _COMMENT.sub(b"", prolog)
    root = _ROOT.search(bare)
    if _DECLARED.search(bare, 0, root.start() if root else len(bare)):
        raise ScapError("the file declares a document type or entities, which is refused")


def _size(root: Element) -> int:
    return int(cast(float, root.xpath("count(//*)")))
