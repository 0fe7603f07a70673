"""Line breaks in content that has no white space between the elements of its checklist."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.scanners.openscap.white_space import LineBreaks, lacks_white_space

COMPACT = (
    b'<x:Profile id="p"><x:title>A <b>bold</b><i>title</i></x:title><x:select idref="a"/>'
    b'<x:select idref="b"/></x:Profile><x:Rule id="a"><fix>echo <sub idref="v"/><sub idref="w"/>'
    b"</fix><x:check/></x:Rule>\n<x:Rule id='b'/>"
)
SPACED = (
    b'<x:Profile id="p"><x:title>A <b>bold</b><i>title</i></x:title>\n<x:select idref="a"/>'
    b'\n<x:select idref="b"/></x:Profile>\n<x:Rule id="a"><fix>echo <sub idref="v"/>'
    b"<sub idref=\"w\"/></fix>\n<x:check/></x:Rule>\n<x:Rule id='b'/>"
)


@given(st.lists(st.integers(min_value=1, max_value=len(COMPACT)), max_size=20))
def test_the_pieces_make_no_difference_and_text_stays_as_it_is(cuts: list[int]) -> None:
    line_breaks = LineBreaks()
    ends = [*sorted(cuts), len(COMPACT)]
    written = b""
    at = 0
    for end in ends:
        written += line_breaks.add(COMPACT[at:end])
        at = end
    assert written + line_breaks.rest() == SPACED
    assert line_breaks.count == 4


@pytest.mark.parametrize(("content", "lacks"), [(COMPACT, True), (SPACED, False), (b"", False)])
def test_only_compact_content_lacks_white_space(content: bytes, lacks: bool) -> None:
    assert lacks_white_space(io.BytesIO(content)) is lacks
