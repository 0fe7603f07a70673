"""An answer of the receiver, before it is sent."""

from collections.abc import Mapping
from typing import Any

from schemas.records import Struct


class Answer(Struct, frozen=True):
    """Status and JSON document."""

    status: int
    document: Mapping[str, Any]


def error(status: int, message: str) -> Answer:
    """A refusal as released servers word it."""
    return Answer(status, {"error": message})
