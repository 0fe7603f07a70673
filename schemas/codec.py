"""The one codec: records to bytes and back.

Encoding is deterministic (fields in the order of their record, no blanks), so the same record gives
the same bytes. Decoding is strict: a wrong type, a missing field, a number out of range and bytes
that are not JSON all raise `SchemaError` with one line that names the field. Unknown fields are
ignored, so that an older agent reads what a newer one wrote; settings are the exception
(`schemas.settings`).
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar, cast

import msgspec

T = TypeVar("T")

_ENCODER = msgspec.json.Encoder()
_INVISIBLE = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)


class SchemaError(ValueError):
    """Bytes or values that do not match their record; the message names field and reason."""


def encode(record: object) -> bytes:
    """The record as compact JSON."""
    return _ENCODER.encode(record)


def pretty(record: object) -> str:
    """The record as indented JSON, for people and for `--json`.

    Characters that a terminal does not show, or that change the direction of writing, are escaped.
    """
    text = msgspec.json.format(_ENCODER.encode(record), indent=2).decode()
    if text.isascii():
        return text
    return _INVISIBLE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def decode(payload: bytes | str, kind: type[T]) -> T:
    """JSON to a record. Raises SchemaError."""
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise SchemaError(_one_line(error)) from error


def decode_any(payload: bytes | str) -> Any:
    """JSON to plain values, for output that is not ours. Raises SchemaError."""
    return decode(payload, cast(type[Any], Any))


def repeated_key(payload: bytes) -> str | None:
    """The first key that comes twice in one object of valid JSON, where `decode` keeps the last."""
    import json  # needed only for answers of a server

    repeated: list[str] = []

    def check(pairs: list[tuple[str, object]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                repeated.append(key)
            seen.add(key)

    try:
        json.loads(payload, object_pairs_hook=check)
    except (ValueError, RecursionError) as error:
        raise SchemaError(_one_line(error)) from error
    return next(iter(repeated), None)


def convert(value: object, kind: type[T]) -> T:
    """Plain values (from YAML, from a message) to a record. Raises SchemaError."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise SchemaError(_one_line(error)) from error


def plain(record: object) -> Any:
    """A record as plain values: what JSON would hold."""
    return msgspec.to_builtins(record)


def replace(record: T, **changes: Any) -> T:
    """The record with some fields changed."""
    return msgspec.structs.replace(record, **changes)  # type: ignore[type-var]


def json_schema(kind: type) -> Mapping[str, Any]:
    """The JSON Schema (2020-12) of a record."""
    schema: dict[str, Any] = msgspec.json.schema(kind)
    _clean_descriptions(schema)
    return schema


def _clean_descriptions(part: Any) -> None:
    """Descriptions are docstrings, whose indentation depends on the version of Python."""
    from inspect import cleandoc  # large, and needed only when schemas are published

    if isinstance(part, list):
        for value in part:
            _clean_descriptions(value)
    if isinstance(part, dict):
        if isinstance(part.get("description"), str):
            part["description"] = cleandoc(part["description"])
        for value in part.values():
            _clean_descriptions(value)


def _one_line(error: BaseException) -> str:
    from schemas.codec_messages import explained  # only a mistake needs it

    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start}: is not UTF-8"
    return explained(" ".join(str(error).split())) or type(error).__name__
