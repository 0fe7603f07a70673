"""What msgspec finds wrong with JSON or with plain values, in plain English. Pure."""

import re

_NAMES = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping of keys",
    "null": "empty",
    "datetime": "a time",
}
_PLACE = re.compile(r" - at `(?:key in )?\$\.?(?P<path>[^`]*)`\Z")
_TYPES = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<found>[^`]+)`")
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<field>[^`]+)`")
_PATTERN = "Expected `str` matching regex "
_MALFORMED = re.compile(r"JSON is malformed: (?P<why>.*)")


def explained(message: str) -> str:
    """A message of msgspec: the field first, then what it must be."""
    place = _PLACE.search(message)
    path = ""
    if place is not None:
        path = place["path"]
        message = message[: place.start()]
    missing = _MISSING.fullmatch(message)
    if missing is not None:
        return f"{_joined(path, missing['field'])}: is missing"
    unknown = _UNKNOWN.fullmatch(message)
    if unknown is not None:
        return f"{_joined(path, unknown['field'])}: no such key"
    malformed = _MALFORMED.fullmatch(message)
    if malformed is not None:
        return f"is not JSON: {malformed['why']}"
    if message == "Input data was truncated":
        return "is not JSON: it ends too early"
    types = _TYPES.fullmatch(message)
    if types is not None:
        message = f"must be {_names(types['wanted'])}, is {_names(types['found'])}"
    elif message.startswith(_PATTERN):
        message = "has a form that is not allowed"
    elif message.startswith("Expected "):
        message = f"must be {message.removeprefix('Expected ').replace('`', '')}"
    if path:
        return f"{path}: {message}"
    return message


def _joined(path: str, field: str) -> str:
    if path:
        return f"{path}.{field}"
    return field


def _names(kinds: str) -> str:
    names = [_NAMES.get(kind.strip(), kind.strip()) for kind in kinds.split("|")]
    return " or ".join(names)
