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
_OF_A_FIELD = {
    re.compile(r"Object missing required field `(?P<field>[^`]+)`"): "is missing",
    re.compile(r"Object contains unknown field `(?P<field>[^`]+)`"): "no such key",
}
_PATTERN = "Expected `str` matching regex "
_MALFORMED = re.compile(r"JSON is malformed: (?P<why>.*)")


def explained(message: str) -> str:
    """A message of msgspec: the field first, then what it must be."""
    place = _PLACE.search(message)
    path = ""
    if place is not None:
        path = place["path"]
        message = message[: place.start()]
    for pattern, problem in _OF_A_FIELD.items():
        of_a_field = pattern.fullmatch(message)
        if of_a_field is not None:
            return f"{_joined(path, of_a_field['field'])}: {problem}"
    malformed = _MALFORMED.fullmatch(message)
    if malformed is not None:
        return f"is not JSON: {malformed['why']}"
    if message == "Input data was truncated":
        return "is not JSON: it ends too early"
    problem = _of_a_value(message)
    if path:
        return f"{path}: {problem}"
    return problem


def _of_a_value(message: str) -> str:
    types = _TYPES.fullmatch(message)
    if types is not None:
        return f"must be {_names(types['wanted'])}, is {_names(types['found'])}"
    if message.startswith(_PATTERN):
        return "has a form that is not allowed"
    if message == "Expected `datetime` with a timezone component":
        return "must be a time with its offset from UTC"
    if message.startswith("Expected "):
        return f"must be {message.removeprefix('Expected ').replace('`', '')}"
    return message


def _joined(path: str, field: str) -> str:
    if path:
        return f"{path}.{field}"
    return field


def _names(kinds: str) -> str:
    names = [_NAMES.get(kind.strip(), kind.strip()) for kind in kinds.split("|")]
    return " or ".join(names)
