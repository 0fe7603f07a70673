import json

import pytest
from jsonschema import Draft202012Validator

from schemas.published import DIRECTORY, texts


def test_the_schemas_on_disk_are_those_of_the_records() -> None:
    on_disk = {path.name: path.read_text() for path in DIRECTORY.glob("*.json")}
    assert on_disk == texts(), "run: python -m schemas.published"


@pytest.mark.parametrize("name", sorted(texts()))
def test_every_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(json.loads(texts()[name]))
