"""Both readers of submissions decode as Go does."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.submission_reading import (
    BodyError,
    NoScansError,
    Submission,
    read_released,
    read_specification,
)

RESULT = {
    "rule_ref": "r1",
    "title": "t",
    "status": "pass",
    "finding": "f",
    "actual": "a",
    "expected": "e",
    "section": "1.1",
    "description": "d",
    "severity": "low",
    "remediation": "m",
}
SCAN: dict[str, Any] = {
    "profile_name": "Linux Baseline - Standard",
    "profile_type": "openscap",
    "status": "completed",
    "started_at": "2026-11-20T10:00:00Z",
    "completed_at": "2026-11-20T10:05:00.123456789+01:00",
    "score": 50.5,
    "total_rules": 2,
    "passed": 1,
    "failed": 1,
    "warnings": 0,
    "skipped": 0,
    "not_applicable": 0,
    "results": [RESULT, {"rule_ref": "r2"}],
    "error": "none",
}
SPECIFIED: dict[str, Any] = {
    "profile": {"name": "CIS Ubuntu 22.04 L1", "type": "openscap", "version": "1.0.0"},
    "started_at": "2024-01-15T10:30:00Z",
    "completed_at": "2024-01-15T10:35:42Z",
    "status": "completed",
    "summary": {
        "total_rules": 2,
        "passed": 1,
        "failed": 1,
        "warnings": 0,
        "skipped": 0,
        "score": 50,
    },
    "results": [{**RESULT, "rationale": "because"}],
    "raw_output": "out",
}
READERS = {
    "flat": (read_released, SCAN),
    "array": (read_released, {"scans": [SCAN, SCAN], "hostname": "h", "compliance_hash": "00"}),
    "specification": (read_specification, SPECIFIED),
}
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
)


def paths(document: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all leaves, and of all arrays and objects but the outermost."""
    inner = document.items() if isinstance(document, dict) else enumerate(document)
    found = []
    for key, value in inner:
        found.append((*here, key))
        if isinstance(value, dict | list):
            found += paths(value, (*here, key))
    return found


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(document))
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return copy


def encoded(document: Any) -> bytes:
    return json.dumps(document).encode()


@pytest.mark.parametrize("shape", READERS)
def test_a_whole_body_is_read(shape: str) -> None:
    reader, document = READERS[shape]
    submission = reader(encoded(document))
    assert [len(scan["results"]) for scan in submission.scans] == {
        "flat": [2],
        "array": [2, 2],
    }.get(shape, [1])


def test_the_specification_is_read_into_the_flat_keys() -> None:
    (scan,) = read_specification(encoded(SPECIFIED)).scans
    assert scan["profile_name"] == "CIS Ubuntu 22.04 L1"
    assert scan["profile_version"] == "1.0.0"
    assert (scan["total_rules"], scan["score"], scan["raw_output"]) == (2, 50.0, "out")
    assert scan["results"][0]["rationale"] == "because"


@pytest.mark.parametrize("shape", READERS)
@given(choice=st.data())
def test_one_wrong_type_anywhere_refuses_the_whole_body(shape: str, choice: st.DataObject) -> None:
    reader, document = READERS[shape]
    path = choice.draw(st.sampled_from(paths(document)))
    value: Any = document
    for key in path:
        value = value[key]
    wrong: list[Any] = [True, {"a": 1} if not isinstance(value, dict) else [1]]
    if isinstance(value, str):
        wrong += [7, 7.5, [], ["a"]]
    else:
        wrong += ["text", "5", [1]]
    if isinstance(value, int):
        wrong += [5.0, 5.5, 2**63, -(2**63) - 1]
    if path[-1] == "score":
        wrong = ["66.67", True, [], {}, 10**400]
    with pytest.raises(BodyError):
        reader(encoded(changed(document, path, choice.draw(st.sampled_from(wrong)))))


@pytest.mark.parametrize("shape", READERS)
@given(choice=st.data())
def test_null_is_the_same_as_absent(shape: str, choice: st.DataObject) -> None:
    reader, document = READERS[shape]
    keys = [path for path in paths(document) if isinstance(path[-1], str)]
    path = choice.draw(st.sampled_from(keys))
    without = changed(document, path, None)
    place = without
    for key in path[:-1]:
        place = place[key]
    with_null = encoded(without)
    del place[path[-1]]
    assert attempt(reader, with_null) == attempt(reader, encoded(without))


@pytest.mark.parametrize("shape", READERS)
@given(value=anything)
def test_unknown_keys_are_ignored_whatever_they_hold(shape: str, value: Any) -> None:
    reader, document = READERS[shape]
    assert reader(encoded({**document, "not_a_key": value})) == reader(encoded(document))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_refused(body: bytes) -> None:
    for reader in (read_released, read_specification):
        assert isinstance(attempt(reader, body), Submission | BodyError | NoScansError | str)


def attempt(reader: Any, body: bytes) -> Any:
    try:
        return reader(body)
    except (BodyError, NoScansError) as problem:
        return type(problem).__name__


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-20T10:00:00Z",
        "2026-11-20T10:00:00.1Z",
        "2026-11-20T10:00:00.123456789012Z",
        "2024-02-29T23:59:59-23:59",
        "0000-02-29T00:00:00+00:00",
    ],
)
def test_a_time_with_zone_is_read(time: str) -> None:
    assert (
        read_released(encoded({"profile_name": "x", "started_at": time})).scans[0]["started_at"]
        == time
    )


@pytest.mark.parametrize(
    "time",
    [
        "2026-11-20T10:00:00",
        "2026-11-20 10:00:00Z",
        "2026-11-20t10:00:00z",
        "2026-11-20T10:00Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20T10:00:60Z",
        "2026-02-29T10:00:00Z",
        "2026-11-20T10:00:00,5Z",
        "2026-11-20T10:00:00.Z",
        "2026-11-20T10:00:00+0100",
        "2026-11-20T10:00:00+24:00",
        "2026-11-20T10:00:00Z\n",
        "\u0662026-11-20T10:00:00Z",
        "",
        1763632800,
    ],
)
def test_any_other_time_refuses_the_body(time: object) -> None:
    with pytest.raises(BodyError):
        read_released(encoded({"profile_name": "x", "completed_at": time}))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"x"',
        b"{",
        b"{'profile_name': 'x'}",
        b'\xef\xbb\xbf{"profile_name": "x"}',
        b'{"profile_name": "x"} {}',
        b'{"profile_name": "x", "score": NaN}',
        b'{"profile_name": "x", "score": 1e999}',
        b'{"profile_name": "x", "score": -Infinity}',
        b'{"profile_name": "x", "passed": 1e2}',
        b'{"profile_name": "tab\there"}',
        b'{"profile_name": "x", "passed": ' + b"9" * 5000 + b"}",
        b'{"profile_name": "x", "deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        '{"profile_name": "x"}'.encode("utf-16"),
    ],
)
def test_any_other_json_is_refused(body: bytes) -> None:
    with pytest.raises(BodyError):
        read_released(body)


@pytest.mark.parametrize(
    "document",
    [
        {},
        None,
        {"scans": []},
        {"scans": None},
        {"profile_name": ""},
        {"scans": [], "profile_name": "x"},
        SPECIFIED,
    ],
)
def test_a_body_without_scans_is_a_different_error_than_a_broken_one(document: Any) -> None:
    with pytest.raises(NoScansError):
        read_released(encoded(document))


def test_the_flat_keys_are_read_only_where_there_are_no_scans() -> None:
    both = read_released(encoded({**SCAN, "scans": [{"profile_name": "other"}]}))
    assert [scan["profile_name"] for scan in both.scans] == ["other"]
    with pytest.raises(BodyError):
        read_released(encoded({"scans": [{"profile_name": "other"}], "passed": 1.0}))


def test_a_null_among_scans_or_results_is_an_empty_one() -> None:
    assert read_released(b'{"scans": [null]}').scans == ({},)
    assert read_released(b'{"profile_name": "x", "results": [null]}').scans[0]["results"] == [{}]


def test_what_is_not_utf8_or_not_a_character_becomes_the_replacement_character() -> None:
    assert read_released(b'{"profile_name": "a\xff"}').scans[0]["profile_name"] == "a\ufffd"
    assert read_released(b'{"profile_name": "a\\ud800"}').scans[0]["profile_name"] == "a\ufffd"
