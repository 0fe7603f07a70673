"""compliance_hash: the known vectors, and the laws that make it a hash of meaning rather than of
bytes.
"""

import hashlib
import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.patchmon.compliance_hash import compliance_hash

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
results = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("rule_ref", "status", "title", "finding"), texts)
)
scans = st.fixed_dictionaries(
    {"profile_name": texts},
    optional={
        "profile_type": texts,
        "score": st.none() | st.floats(0, 100),
        "passed": st.integers(0, 10**6),
        "results": st.lists(results, max_size=5),
    },
)
submissions = st.lists(scans, max_size=4)


def one(**fields: Any) -> str:
    return compliance_hash([{"profile_name": "x", **fields}])


def finding(text: str) -> str:
    return one(results=[{"rule_ref": "r", "finding": text}])


@pytest.mark.parametrize(
    ("submission", "expected"),
    [
        ([], "de5a537b8de7d61070df77d9f03f7c02fa6928ff8f33cf0540526e63359d3f0e"),
        (
            [{"profile_name": "x"}],
            "bd481274837f3c5810de13d853f43df54def99fec9bc79553962c814463f745f",
        ),
    ],
)
def test_the_known_vectors(submission: list[dict[str, Any]], expected: str) -> None:
    assert compliance_hash(submission) == expected


@given(submissions)
def test_what_is_missing_is_the_same_as_what_is_null(submission: list[dict[str, Any]]) -> None:
    nulls = [
        {"status": None, "score": None, "passed": None, "results": None, **scan}
        for scan in submission
    ]
    assert compliance_hash(nulls) == compliance_hash(submission)


@given(submissions)
def test_json_on_the_way_changes_nothing(submission: list[dict[str, Any]]) -> None:
    assert compliance_hash(json.loads(json.dumps(submission))) == compliance_hash(submission)


@given(submissions, st.sampled_from(["NFC", "NFD"]))
def test_the_form_of_unicode_and_blanks_around_change_nothing(
    submission: list[dict[str, Any]], form: Any
) -> None:
    def other(value: Any) -> Any:
        match value:
            case str():
                return "\u2003\t" + unicodedata.normalize(form, value) + "\u0085\n"
            case dict():
                return {key: other(inner) for key, inner in value.items()}
            case list():
                return [other(inner) for inner in value]
        return value

    assert compliance_hash(other(submission)) == compliance_hash(submission)


@given(
    st.permutations(
        [{"rule_ref": ref, "status": status} for ref in "abc" for status in ("fail", "pass")]
    )
)
def test_the_order_of_results_changes_nothing(shuffled: list[dict[str, str]]) -> None:
    assert one(results=shuffled) == one(
        results=sorted(shuffled, key=lambda result: tuple(result.values()))
    )


@given(
    st.permutations(
        [{"profile_name": name, "profile_type": kind} for name in "ab" for kind in "xy"]
    )
)
def test_the_order_of_scans_changes_nothing(shuffled: list[dict[str, str]]) -> None:
    assert compliance_hash(shuffled) == compliance_hash(shuffled[::-1])


@given(scans, scans)
def test_a_result_more_or_less_is_seen(scan: dict[str, Any], other: dict[str, Any]) -> None:
    more = {**scan, "results": [*scan.get("results", []), {"title": "one more"}]}
    assert compliance_hash([more]) != compliance_hash([scan])


def test_a_file_separator_is_not_a_blank() -> None:
    assert finding("\x1ctext\x1f") != finding("text")


def test_a_lone_surrogate_counts_as_what_the_server_reads() -> None:
    assert finding("a\ud800b") == finding("a\ufffdb")


@pytest.mark.parametrize(
    ("score", "same_as"),
    [
        (80.0, 80),
        (None, 0),
        (66.66666, 66.6667),
        (0.00005, 0.0001),
        (0.00004, 0),
        (-0.00005, -0.0001),
    ],
)
def test_scores_are_compared_to_four_decimals(score: float | None, same_as: float) -> None:
    assert one(score=score) == one(score=same_as)


def test_different_scores_give_different_hashes() -> None:
    assert one(score=66.6667) != one(score=66.6666)


def test_the_text_that_is_hashed_is_what_go_would_write() -> None:
    scan = {
        "profile_name": " Caf\u0065\u0301 <1> & 2 ",
        "profile_type": "openscap",
        "status": "completed",
        "score": 66.666666,
        "total_rules": 3,
        "not_applicable": 1,
        "rationale": "no server hashes this",
        "results": [
            {
                "rule_ref": "b",
                "status": "pass",
                "finding": 'tab\t, quote ", bell \x07, form feed \f, line \u2028 end',
            },
            {"rule_ref": "a", "status": "fail", "actual": "\x7f \U0001f600"},
        ],
    }
    keys = '"severity":"","section":"","title":"","description":""'
    expected = (
        '{"scans":[{"profileName":"Caf\u00e9 \\u003c1\\u003e \\u0026 '
        '2","profileType":"openscap","status":"completed",'
        '"score":66.6667,"totalRules":3,"passed":0,"failed":0,"warnings":0,"skipped":0,"notApplicable":1,'
        '"remediationApplied":false,"remediationCount":0,"results":['
        f'{{"ruleRef":"a","status":"fail",{keys},"finding":"","actual":"\x7f \U0001f600",'
        '"expected":"","remediation":""},'
        f'{{"ruleRef":"b","status":"pass",{keys},"finding":"tab\\t, quote \\", bell \\u0007, form '
        "feed \\f, "
        'line \\u2028 end","actual":"","expected":"","remediation":""}]}]}'
    )
    assert compliance_hash([scan]) == hashlib.sha256(expected.encode()).hexdigest()
