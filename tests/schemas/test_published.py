import json

import pytest
from jsonschema import Draft202012Validator

from schemas import published
from schemas.published import DIRECTORY
from stages.scanners import published as published_by_scanners

TEXTS = {**published.texts(), **published_by_scanners.texts()}


def test_the_schemas_on_disk_are_those_of_the_records() -> None:
    on_disk = {path.name: path.read_text() for path in DIRECTORY.glob("*.json")}
    assert on_disk == TEXTS, "run: python -m schemas.published; python -m stages.scanners.published"


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_every_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(json.loads(TEXTS[name]))
