"""XCCDF's marked-up texts as lines to read."""

import pytest
from lxml import etree

from stages.scap.xccdf_text import readable

TEXTS = {
    "wrapped\nby its\n  author": "wrapped by its author",
    "\n    indented\n    by its author\n  ": "indented by its author",
    "one <code>x</code>\n<code>y</code>\ntwo": "one x y two",
    "one <i>part</i>,\nno blank before the comma": "one part, no blank before the comma",
    "One\nparagraph.\n\nAnd\nanother": "One paragraph.\n\nAnd another",
    "One.\n  \n\n\nTwo": "One.\n\nTwo",
    "The owner is\n\n<code>adm</code>.\n\nSo": "The owner is adm.\n\nSo",
    "line<br/>\nline": "line\nline",
    "Run\nthis:\n<pre>\n# a\n\n  b\n</pre>\nand\nthat": "Run this:\n# a\n\n  b\nand that",
    "<code>banner\nof two lines</code>": "banner\nof two lines",
    "The\nlist:\n<ul>\n<li>one\n  more</li>\n<li>two</li>\n</ul>": "The list:\n- one more\n- two",
    "<ol><li>one</li><li>two\n<ul><li>x</li></ul></li></ol>": "1. one\n2. two\n- x",
    "The\nlist:\n- one\n  more\n- two\nThe\nend": "The list:\n- one more\n- two\nThe end",
    "Steps:\n1. one\n2) two": "Steps:\n1. one\n2) two",
    "Run:\n$ sudo aideinit\n# exit\nThen\nwait": "Run:\n$ sudo aideinit\n# exit\nThen wait",
    "no list\n-5 is less": "no list -5 is less",
    "the value <sub idref='v'/>\nis set": "the value 42 is set",
    "<p>one\ntwo</p>\n<p>three</p>": "one two\nthree",
}


@pytest.mark.parametrize("source", TEXTS)
def test_a_line_break_of_the_source_is_a_blank(source: str) -> None:
    assert readable(etree.fromstring(f"<d>{source}</d>"), {"v": "42"}) == TEXTS[source]


def test_advice_keeps_its_lines() -> None:
    element = etree.fromstring("<d>Add the line\nminlen = 15\nto x</d>")
    assert readable(element, {}, keeps_lines=True) == "Add the line\nminlen = 15\nto x"
