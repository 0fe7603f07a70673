"""Messages for wrong values of settings that a scanner of another program may have."""

from typing import Annotated, Any

import pytest
from msgspec import Meta

from schemas.expected import mismatch


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        (7, str, "must be a text; it is a number: put it in quotes"),
        ([], Annotated[str, Meta(max_length=9)], "must be a text of at most 9 characters; it is a"),
        ("", Annotated[str, Meta(min_length=2)], "must be a text of at least 2 characters"),
        (
            {"a": "x"},
            dict[str, int],
            "must be a mapping of keys: each key a text, each value a whole number",
        ),
        ([1], dict[str, int] | None, "each value a whole number; it is a list"),
        ("x", dict, "must be a mapping of keys; it is a text"),
    ],
)
def test_the_type_alone_gives_the_message(value: object, kind: Any, message: str) -> None:
    found = mismatch(value, kind)
    assert message in found
    assert "None" not in found
