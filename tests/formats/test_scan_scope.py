"""What a tailoring changes and what was not searched, in every format and in comparisons."""

import json
from types import ModuleType

import pytest

from schemas import codec
from schemas.report import AppliedTailoring, Report
from stages.formats import as_csv, as_html, as_json, as_junit, as_oscal, as_sarif, as_text
from stages.formats.compare import compare
from tests.formats import reports
from tests.formats.reports import rule

TAILORING = AppliedTailoring(
    path="/etc/compliance-agent/<t>.xml",
    sha256="5" * 64,
    unselected=("xccdf_x_rule_umask",),
    selected=tuple(f"xccdf_x_rule_{n}" for n in range(30)),
    values={"xccdf_x_value_days": "77"},
)
LEFT_OUT = "/var/lib/docker/overlay2"


def report() -> Report:
    found = reports.report(rule("walk", "pass", finding=f"not searched: {LEFT_OUT}"))
    return codec.replace(found, tailoring=TAILORING, not_searched=(LEFT_OUT,))


def rendered(format_: ModuleType) -> str:
    return b"".join(format_.render(reports.source(report()))).decode()


@pytest.mark.parametrize("format_", [as_text, as_html, as_junit, as_sarif, as_oscal, as_json])
def test_a_format_names_the_tailoring_and_what_was_not_searched(format_: ModuleType) -> None:
    text = rendered(format_)
    for part in ("t&gt;.xml", "t\\u003e.xml", "t>.xml"):
        if part in text:
            break
    else:
        pytest.fail("the tailoring is not named")
    for part in ("5" * 64, "umask", "77", LEFT_OUT):
        assert part in text, part


@pytest.mark.parametrize("format_", [as_csv, as_html, as_junit, as_sarif, as_oscal, as_json])
def test_a_rule_that_passes_says_what_it_did_not_search(format_: ModuleType) -> None:
    assert f"not searched: {LEFT_OUT}" in rendered(format_)


def test_long_lists_are_cut_for_people_and_whole_for_machines() -> None:
    assert "18, 19 and 10 more" in rendered(as_text)
    properties = json.loads(rendered(as_sarif))["runs"][0]["properties"]
    assert len(properties["tailoring"]["selected"]) == 30
    assert properties["notSearched"] == [LEFT_OUT]


def test_a_report_without_both_says_nothing_of_them() -> None:
    for format_ in (as_text, as_html, as_junit, as_oscal):
        text = b"".join(format_.render(reports.source(reports.report(rule("a"))))).decode()
        assert "ailoring" not in text
        assert "ot searched" not in text


def test_a_comparison_names_both() -> None:
    changes = {change.name: change for change in compare(reports.report(rule("a")), report()).facts}
    assert changes["tailoring"].after == f"{TAILORING.path} (sha256 555555555555)"
    assert changes["not searched"].after == LEFT_OUT
