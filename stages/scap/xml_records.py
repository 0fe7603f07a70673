"""XML from scanners and content: read in pieces, with limits, and never trusted.

`records` yields each subtree directly below a structural element as soon as it is complete, in
document order, and frees it once the next is requested: memory follows the largest record, not the
file.

How it works. The parser builds its tree while the file is fed to it in chunks. After each chunk the
tree is walked along the *last* children: only these can be incomplete, everything before them is
complete. With `Benchmark` and `Group` as structure, and the file read up to the `|`:

    <Benchmark>
      <Profile/>            complete: a record
      <Group>               last child, structure: walk into it
        <Rule/>             complete: a record
        <Rule><title>a|     last child, no structure: stop, the next chunk may complete it

Before the next chunk is fed, the records that were yielded are deleted from the tree. The last
child of each element stays, since the parser may still write text behind it.

Promises
- A document type declaration is refused, with all that it could declare.
- The parser opens nothing and expands nothing: no entities, no network, no external subset.
- Bytes, depth, elements held at one time, processing instructions and time are bounded.
- Any fault of a file raises a ScapError of one line; errors of the stream pass through.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import BinaryIO, Literal, TypeAlias, cast

from lxml import etree

from schemas.records import Struct
from stages.scap.xml_elements import (
    Element,
    local,
    local_name,
)
from stages.scap.xml_errors import ScapError, explain_xml_error
from stages.scap.xml_prolog import MAX_PROLOG_BYTES, check_prolog, with_mark

Record: TypeAlias = tuple[Element, Element]
"""A record's parent, and the record."""
Clock: TypeAlias = Callable[[], float]
_Kind: TypeAlias = Literal["record", "structure", "skipped"]

_CHUNK_BYTES = 128 * 1024
_MAX_INSTRUCTIONS = 10_000
"""Scanners write one or two; removing them from a text takes time quadratic in their number."""
_MIN_ELEMENT_BYTES = len("<a/>")


class XmlLimits(Struct, frozen=True):
    """What one file may cost. The parser itself bounds the depth: 256 levels."""

    bytes: int = 2 * 1024 * 1024 * 1024
    elements: int = 1_000_000
    """In memory at one time: no single record is larger. What has been freed does not count."""
    seconds: float = 300.0


class RecordLayout(Struct, frozen=True):
    """Where the records of a kind of file lie, by local names."""

    roots: frozenset[str]
    structure: frozenset[str]
    """Elements to look into; every other child of them is a record."""
    skipped: frozenset[str] = frozenset()
    """Elements to leave out, by `name` or `parent/name`."""

    def kind(self, parent: str, name: str) -> _Kind:
        if name in self.skipped or f"{parent}/{name}" in self.skipped:
            return "skipped"
        if name in self.structure:
            return "structure"
        return "record"


class _Kinds(dict[str, _Kind]):
    """What the children of an element are, by their tags. The layout is asked once for each tag,
    not for every record of a file.
    """

    def __init__(self, layout: RecordLayout, parent: Element) -> None:
        super().__init__()
        self._layout = layout
        self._parent = local(parent)

    def __missing__(self, tag: str) -> _Kind:
        self[tag] = self._layout.kind(self._parent, local_name(tag))
        return self[tag]


def records(
    stream: BinaryIO,
    layout: RecordLayout,
    limits: XmlLimits | None = None,
    clock: Clock = time.monotonic,
) -> Iterator[Record]:
    """Every record of the file, with its parent. Raises ScapError.

    A record that the caller keeps loses its parent once the next chunk is read.
    """
    reader = _RecordReader(stream, layout, limits or XmlLimits(), clock)
    while not reader.done:
        yield from reader.next_batch()
        reader.release()


class _RecordReader:
    """Feeds the parser, and collects the records that each chunk completes."""

    def __init__(
        self, stream: BinaryIO, layout: RecordLayout, limits: XmlLimits, clock: Clock
    ) -> None:
        self.done = False
        self._stream = stream
        self._layout = layout
        self._limits = limits
        self._clock = clock
        self._deadline = clock() + limits.seconds
        self._bytes = 0
        self._bytes_since_count = 0
        """Read since the elements in memory were counted last."""
        self._instructions = 0
        self._parser = etree.XMLPullParser(
            events=("pi",),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            remove_comments=True,
            huge_tree=False,
        )
        self._prolog = b""
        """The file so far, until its outermost element is known."""
        self._is_marked = False
        self._mark: Element | None = None
        self._root: Element | None = None
        self._given: list[tuple[Element, int]] = []
        """Elements, and how many of their first children can be freed."""
        self._kinds: dict[str, _Kinds] = {}
        """By the parent's tag."""

    def next_batch(self) -> list[Record]:
        """The records that the next chunk of the file completes."""
        chunk = self._stream.read(_CHUNK_BYTES)
        self._check_limits(chunk)
        if self._root is None:
            self._prolog += chunk
            check_prolog(self._prolog)
        try:
            self._feed(chunk)
        except etree.XMLSyntaxError as error:
            raise ScapError(explain_xml_error(str(error))) from error
        self._check_errors()
        self.done = not chunk
        if self._root is None:
            self._root = self._find_root()
        batch: list[Record] = []
        if self._root is not None:
            self._walk(self._root, batch)
        return batch

    def release(self) -> None:
        """Free what has been yielded."""
        for parent, count in self._given:
            del parent[:count]
        self._given = []

    def _check_errors(self) -> None:
        """Some errors (an undeclared entity) end the document without being raised.

        The parser would then take the rest of the file for a new document.
        """
        for error in self._parser.feed_error_log.filter_from_errors():
            message = f"{error.message}, line {error.line}, column {error.column}"
            raise ScapError(explain_xml_error(message))

    def _feed(self, chunk: bytes) -> None:
        ended = not chunk
        if not self._is_marked:
            marked = with_mark(self._prolog, ended=ended)
            self._is_marked = marked is not None
            chunk = marked or b""
        if chunk:
            self._parser.feed(chunk)
        if ended:
            if not self._bytes:
                raise ScapError("the file is empty")
            self._parser.close()
        for _, instruction in cast("Iterator[tuple[str, Element]]", self._parser.read_events()):
            self._on_instruction(instruction)

    def _on_instruction(self, instruction: Element) -> None:
        """The first one is the mark. All others are removed, so that they do not split a text."""
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

    def _check_limits(self, chunk: bytes) -> None:
        self._bytes += len(chunk)
        self._bytes_since_count += len(chunk)
        limits = self._limits
        if self._bytes > limits.bytes:
            raise ScapError(f"the file is larger than {limits.bytes} bytes, the limit")
        if self._clock() > self._deadline:
            raise ScapError(f"reading took longer than {limits.seconds:g} s, the limit")
        # Counting visits every element, so it is done only when there may be too many.
        may_be_too_many = self._bytes_since_count > limits.elements * _MIN_ELEMENT_BYTES
        if may_be_too_many and self._root is not None:
            self._bytes_since_count = 0
            if _count_elements(self._root) > limits.elements:
                raise ScapError(f"one record has more than {limits.elements} elements, the limit")

    def _find_root(self) -> Element | None:
        """The outermost element; None while it has not been read. Raises ScapError."""
        if self._mark is not None:
            tree = self._mark.getroottree()
            # Without an element so far, the root is None, whatever the library's types say.
            root = cast("Element | None", tree.getroot())
            if root is not None:
                self._check_root(tree, root)
                self._prolog = b""
                return root
        if self.done or len(self._prolog) > MAX_PROLOG_BYTES:
            raise self._unexpected("it has no outermost element")
        return None

    def _check_root(self, tree: etree._ElementTree, root: Element) -> None:
        name = local(root)
        if name not in self._layout.roots:
            raise self._unexpected(f"its outermost element is {name}")
        if tree.docinfo.doctype:  # type: ignore[attr-defined]
            raise ScapError("the file declares a document type, which is refused")

    def _unexpected(self, found: str) -> ScapError:
        expected = " or ".join(sorted(self._layout.roots))
        return ScapError(f"not the file expected: {found}, expected {expected}")

    def _walk(self, node: Element, batch: list[Record]) -> None:
        """Collect all complete records, going down along the last children.

        At the end of the file the last child is complete too. A skipped element is walked as well,
        so that what has been read of it is freed.
        """
        if self.done:
            self._collect(node, node, batch)
            return
        is_skipped = False
        while len(node):
            if not is_skipped:
                self._collect(node, islice(node, len(node) - 1), batch)
            self._given.append((node, len(node) - 1))
            last = node[-1]
            if not is_skipped:
                kind = self._kinds_below(node)[last.tag]
                if kind == "record":
                    return
                is_skipped = kind == "skipped"
            node = last

    def _collect(self, parent: Element, children: Iterable[Element], batch: list[Record]) -> None:
        kinds = self._kinds_below(parent)
        for child in children:
            kind = kinds[child.tag]
            if kind == "record":
                batch.append((parent, child))
            elif kind == "structure":
                self._collect(child, child, batch)

    def _kinds_below(self, parent: Element) -> _Kinds:
        if parent.tag not in self._kinds:
            self._kinds[parent.tag] = _Kinds(self._layout, parent)
        return self._kinds[parent.tag]


def _count_elements(root: Element) -> int:
    return int(cast(float, root.xpath("count(//*)")))
