"""The XML reader: every record once, bounded memory, and hostile files are refused."""

import re
from collections.abc import Callable
from io import BytesIO
from itertools import count
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.scap.xml_elements import Element, fragment, frozen, local
from stages.scap.xml_errors import ScapError, explain_xml_error
from stages.scap.xml_records import RecordLayout, XmlLimits, records

pytestmark = pytest.mark.slow

LAYOUT = RecordLayout(
    frozenset(("root",)), frozenset(("root", "inner", "deep")), frozenset(("gone", "inner/left"))
)


class Dripping(BytesIO):
    """A stream that returns as little at a time as it likes."""

    def __init__(self, content: bytes, step: int) -> None:
        super().__init__(content)
        self._step = step

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self._step)


def read(stream: BinaryIO | bytes, limits: XmlLimits | None = None) -> list[tuple[str, str, str]]:
    source = BytesIO(stream) if isinstance(stream, bytes) else stream
    return [
        (local(parent), local(record), "".join(map(str, record.itertext())))
        for parent, record in records(source, LAYOUT, limits)
    ]


NAMES = st.sampled_from(["a", "b", "inner", "deep", "gone", "left"])
NO_TEXT = re.compile(r"<!--.*?-->|<\?.*?\?>")
PARTED = st.lists(
    st.sampled_from(["x", "y", "z", " ", "\n", "<!-- c -->", "<?p i?>", "<?p?>"]), max_size=5
)
TEXTS = PARTED.map("".join)
TREES: st.SearchStrategy[str] = st.recursive(
    st.builds(lambda name, text: f"<{name}>{text}</{name}>", NAMES, TEXTS),
    lambda inner: st.builds(
        lambda name, parts, tail: f"<{name}>{''.join(parts)}</{name}>{tail}",
        NAMES,
        st.lists(inner, max_size=5),
        TEXTS,
    ),
    max_leaves=30,
)


def slowly(parent: object, element: object, found: list[tuple[str, str, str]]) -> None:
    """What `records` has to yield, by a slow and simple walk."""
    assert isinstance(parent, Element)
    assert isinstance(element, Element)
    name = local(element)
    if name == "gone" or (local(parent), name) == ("inner", "left"):
        return
    if name in LAYOUT.structure:
        for child in element:
            slowly(element, child, found)
    else:
        found.append((local(parent), name, "".join(map(str, element.itertext()))))


@given(st.lists(TREES, max_size=6), st.integers(1, 40))
def test_every_record_comes_once_and_whole_however_the_file_arrives(
    trees: list[str], step: int
) -> None:
    content = f"<root>{''.join(trees)}</root>".encode()
    expected: list[tuple[str, str, str]] = []
    root = fragment(NO_TEXT.sub("", content.decode()).encode())
    for child in root:
        slowly(root, child, expected)
    assert read(Dripping(content, step)) == expected


HOSTILE = {
    "an empty file": (b"", "the file is empty"),
    "not XML": (b"hello world", "not XML"),
    "binary": (b"\x00\x01\x02", "not XML"),
    "a blank file": (b"   \n", "not XML"),
    "cut off": (b"<root><a>x</a>", "broken or cut off"),
    "cut inside a tag": (b"<root><a", "broken or cut off"),
    "another root": (b"<other/>", "outermost element is other, expected root"),
    "10,000 levels": (
        b"<root>" + b"<a>" * 10_000 + b"</a>" * 10_000 + b"</root>",
        "deeper than 256",
    ),
    "an entity bomb": (
        (
            b'<!DOCTYPE root [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><root><a>&b;</a>'
            b"</root>"
        ),
        "document type or entities, which is refused",
    ),
    "an external entity": (
        (
            b'<?xml version="1.0"?><!DOCTYPE root [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
            b"<root><a>&x;</a></root>"
        ),
        "document type or entities, which is refused",
    ),
    "an external DTD": (
        b'<!DOCTYPE root SYSTEM "http://localhost/x.dtd"><root/>',
        "which is refused",
    ),
    "a hidden DTD": (
        b'<!-- <root> --><?p <root?><!DOCTYPE root [<!ENTITY x "y">]><root/>',
        "refused",
    ),
    "an undeclared entity": (b"<root><a>&x;</a></root>", "broken or cut off"),
    "UTF-16": ("<root/>".encode("utf-16"), "not XML in UTF-8"),
    "UTF-7": (b'<?xml version="1.0" encoding="UTF-7"?><root/>', "in UTF-7, expected UTF-8"),
    "two roots": (b"<root/><root/>", "broken or cut off"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("step", [7, 1_000_000])
def test_a_hostile_or_broken_file_is_refused_in_one_line(name: str, step: int) -> None:
    content, reason = HOSTILE[name]
    with pytest.raises(ScapError, match=reason) as refused:
        read(Dripping(content, step))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"<root><a>" + b"x" * 11_000_000, b"<root><a>" + b"<b>" * 300])
def test_a_limit_of_the_library_has_a_plain_message(content: bytes) -> None:
    with pytest.raises(ScapError) as refused:
        read(Dripping(content, 1_000_000))
    assert "limit" in str(refused.value)
    assert "XML_PARSE_HUGE" not in str(refused.value)
    assert "<string>" not in str(refused.value)


def test_a_file_larger_than_its_limit_is_refused() -> None:
    with pytest.raises(ScapError, match="larger than 20 bytes"):
        read(b"<root>" + b"<a/>" * 20 + b"</root>", XmlLimits(bytes=20))


def test_one_record_with_too_many_elements_is_refused() -> None:
    content = b"<root><a>" + b"<b/>" * 100_000 + b"</a></root>"
    with pytest.raises(ScapError, match="more than 1000 elements"):
        read(Dripping(content, 1000), XmlLimits(elements=1000))


def test_many_small_records_do_no_harm() -> None:
    content = b"<root>" + b"<a/>" * 20_000 + b"</root>"
    assert len(read(Dripping(content, 1000), XmlLimits(elements=1000))) == 20_000


def test_reading_ends_at_its_deadline() -> None:
    ticks = count()
    clock: Callable[[], float] = lambda: float(next(ticks))  # noqa: E731
    content = Dripping(b"<root>" + b"<a/>" * 1000 + b"</root>", 10)
    with pytest.raises(ScapError, match="longer than 5 s"):
        list(records(content, LAYOUT, XmlLimits(seconds=5), clock))


def test_a_comment_between_the_parts_of_a_text_is_not_a_break() -> None:
    content = b"<root><a>x<!-- c -->y<?p i?>z</a></root>"
    yielded = [(record.text, len(record)) for _, record in records(BytesIO(content), LAYOUT)]
    assert yielded == [("xyz", 0)]


@pytest.mark.parametrize("step", [1, 3, 1_000_000])
@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xef\xbb\xbf",
        b'<?xml version="1.0"?>',
        b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>\n',
        b"<?xml-stylesheet href='x'?><!-- c -->\n",
    ],
)
def test_whatever_comes_before_the_outermost_element_does_not_matter(
    head: bytes, step: int
) -> None:
    assert read(Dripping(head + b"<root><a>x</a></root><?p?>", step)) == [("root", "a", "x")]


def test_what_was_frozen_is_the_same_again() -> None:
    kept = [
        frozen(record)
        for _, record in records(BytesIO(b"<root><a n='1'>x<b/>y</a></root>"), LAYOUT)
    ]
    assert frozen(fragment(kept[0])) == kept[0]


def test_an_error_of_the_stream_passes_through() -> None:
    class Broken(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        read(Broken())


@pytest.mark.timeout(60)
@pytest.mark.parametrize("place", ["<?a?>", "<r>{}</r>", "<r><x>{}</x></r>", "<r><x>b{}</x></r>"])
def test_a_file_of_processing_instructions_is_refused_at_once(place: str) -> None:
    many = "<?a?>b" * 200_000 if "b" in place else "<?a?>" * 200_000
    xml = place.format(many) if "{}" in place else many + "<r/>"
    with pytest.raises(ScapError, match="more than 10000 processing instructions, the limit"):
        list(records(BytesIO(xml.encode()), RecordLayout(frozenset(("r",)), frozenset(("r",)))))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("piece", ["<!--", "<!", "<", "<?", "<a", "<!-- "])
def test_a_long_prolog_is_read_quickly(
    piece: str,
) -> None:
    xml = '<?xml version="1.0"?>' + piece * 200_000
    with pytest.raises(ScapError):
        list(records(BytesIO(xml.encode()), RecordLayout(frozenset(("r",)), frozenset(("r",)))))


def test_a_start_tag_over_the_limit_of_the_library_is_named() -> None:
    """The message for an attribute of 200 MB."""
    message = "Resource limit exceeded: Buffer size limit exceeded, try XML_PARSE_HUGE , line 2"
    assert explain_xml_error(message).startswith("a start tag in the XML is longer than its limit")


def test_what_the_library_reports_without_memory_is_not_called_broken() -> None:
    """Its message; real memory that ends there takes minutes."""
    assert "a lack of memory" in explain_xml_error("unknown error")
