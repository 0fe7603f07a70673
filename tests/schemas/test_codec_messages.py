"""Messages about records name the field and what it must be, in plain words."""

import pytest

from schemas import codec
from schemas.codec import SchemaError
from schemas.request import Request

REASON = '{"source": "operator", "at": "2026-11-23T03:00:00Z"}'
ID = "20261123T030000Z-openscap-00000001"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON: it ends too early"),
        ("{]", "is not JSON: "),
        ("[]", "must be a mapping of keys, is a list"),
        ("{}", "scan_id: is missing"),
        (f'{{"scan_id": "{ID}", "scanner": 5}}', "scanner: must be a text, is a whole number"),
        (
            f'{{"scan_id": "{ID}", "scanner": "openscap", "profile": 5, "reason": {REASON}}}',
            "profile: must be a text or a list or empty, is a whole number",
        ),
        (
            f'{{"scan_id": "{ID}", "scanner": "openscap", "reason": {{"source": "x"}}}}',
            "reason.source: Invalid",
        ),
    ],
)
def test_a_mistake_is_explained(text: str, message: str) -> None:
    with pytest.raises(SchemaError) as error:
        codec.decode(text, Request)
    assert str(error.value).startswith(message), str(error.value)
