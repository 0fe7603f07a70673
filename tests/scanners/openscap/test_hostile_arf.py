"""Hostile, broken and truncated ARFs give a refusal of one line or a report, in bounded time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.report import Report
from stages.scanners.openscap.openscap_report import Options, read_openscap
from stages.scap.xml_errors import ScapError
from stages.scap.xml_records import XmlLimits
from tests.scanners.openscap.scap_samples import Rule, Test, arf, opener, results, run_of

ITEM = "<filepath>/etc/x</filepath><text>a b</text><subexpression>b</subexpression>"
TEXT = Test(
    "textfilecontent54",
    r'<filepath>/etc/x</filepath><pattern operation="pattern match">^a (.*)</pattern>',
    '<subexpression var_ref="oval:x-v:var:1"/>',
    [("false", ITEM)],
    item="textfilecontent",
    variables=[("oval:x-v:var:1", "c")],
)
SAMPLE = arf([Rule("a", tests=[TEXT]), Rule("b", "pass")]).encode()
FRAGMENTS = [
    "true",
    "false",
    "AND",
    "",
    "\x7f",
    "oval:x-a0:tst:1",
    "99999999999999999999",
    "pattern match",
    "<a/>",
]


def outcome(content: bytes) -> Report | str:
    try:
        return read_openscap(
            None, opener(content), Options(limits=XmlLimits(bytes=10**7, seconds=20))
        )
    except ScapError as error:
        return str(error)


@given(st.integers(0, len(SAMPLE) - 1))
def test_an_arf_that_is_cut_off_anywhere_is_refused(length: int) -> None:
    refusal = outcome(SAMPLE[:length])
    assert isinstance(refusal, str)
    assert "\n" not in refusal


@given(st.integers(0, len(SAMPLE) - 1), st.binary(max_size=8))
def test_an_arf_with_wrong_bytes_is_refused_or_read(at: int, noise: bytes) -> None:
    assert outcome(SAMPLE[:at] + noise + SAMPLE[at + len(noise) :]) is not None


@given(
    st.sampled_from(
        ["result", "id", "test_ref", "operation", "var_ref", "item_id", "check", "end-time"]
    ),
    st.data(),
)
def test_an_arf_with_wrong_values_is_refused_or_read(attribute: str, data: st.DataObject) -> None:
    value = data.draw(st.sampled_from([fragment for fragment in FRAGMENTS if "<" not in fragment]))
    parts = SAMPLE.decode().split(f' {attribute}="')
    at = data.draw(st.integers(1, len(parts) - 1))
    parts[at] = f'{value}"' + parts[at].partition('"')[2]
    assert outcome(f' {attribute}="'.join(parts).encode()) is not None


def test_criteria_nested_beyond_the_limit_are_refused() -> None:
    deep = '<criteria operator="AND" result="false">' * 400 + "</criteria>" * 400
    assert "deeper than 256" in str(outcome(arf([Rule("a", criteria=deep)]).encode()))


def test_criteria_nested_up_to_the_limit_are_explained() -> None:
    leaf = '<criterion test_ref="oval:x-a0:tst:1" result="false"/>'
    deep = '<criteria operator="AND" result="false">' * 200 + leaf + "</criteria>" * 200
    report = outcome(arf([Rule("a", tests=[TEXT], criteria=deep)]).encode())
    assert isinstance(report, Report)
    assert report.results[0].finding == "/etc/x: a is b, expected c"


@pytest.mark.timeout(20)
def test_definitions_that_extend_each_other_in_ever_more_ways_are_bounded() -> None:
    def twice(number: int) -> str:
        one = f'<extend_definition definition_ref="oval:x-d{number + 1}:def:1" result="false"/>'
        return f'<criteria operator="AND" result="false">{one}{one}</criteria>'

    chain = [(f"oval:x-d{number}:def:1", "false", twice(number)) for number in range(1, 40)]
    report = outcome(arf([Rule("a", criteria=twice(0), extends=chain)]).encode())
    assert isinstance(report, Report)
    assert report.results[0].finding


@pytest.mark.timeout(20)
def test_objects_and_variables_that_refer_to_each_other_are_bounded() -> None:
    circle = Test(
        "variable",
        "<set><object_reference>oval:x-a0:obj:1</object_reference></set><var_ref>oval:x-v:var:1"
        "</var_ref>",
        "<value>1</value>",
        definitions=(
            '<local_variable id="oval:x-v:var:1"><concat><object_component '
            'object_ref="oval:x-a0:obj:1"/>'
            '<variable_component var_ref="oval:x-v:var:1"/></concat></local_variable>'
        ),
    )
    report = outcome(arf([Rule("a", tests=[circle])]).encode())
    assert isinstance(report, Report)
    assert report.results[0].actual


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "text", ["a" * 200_000, "a " * 100_000, "a-" * 100_000, "a=" * 100_000, "://" * 60_000]
)
def test_a_long_text_is_read_quickly(text: str) -> None:
    test = Test(
        "textfilecontent54",
        TEXT.object,
        TEXT.state,
        [("false", ITEM.replace("a b", text))],
        item="textfilecontent",
    )
    report = outcome(arf([Rule("a", tests=[test], extra=f"<message>{text}</message>")]).encode())
    assert isinstance(report, Report)
    assert len(report.results[0].finding or "") <= 4000


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "pattern", ["(" * 1500 + ")" * 1500, "(a|" * 600 + "b" + ")" * 600, "[" * 1900, "(a+)+$"]
)
def test_a_hostile_pattern_is_read_quickly(pattern: str) -> None:
    looked_for = (
        f'<filepath>/etc/x</filepath><pattern operation="pattern match">{pattern}</pattern>'
    )
    state = f'<subexpression operation="pattern match">{pattern}</subexpression>'
    item = ITEM.replace(">b<", f">{'a' * 40}!<")
    test = Test("textfilecontent54", looked_for, state, [("false", item)], item="textfilecontent")
    assert isinstance(outcome(arf([Rule("a", tests=[test])]).encode()), Report)


def test_results_that_are_cut_off_are_refused_even_beside_a_good_arf() -> None:
    rules = [Rule("a", "pass")]
    with pytest.raises(ScapError, match="broken or cut off"):
        read_openscap(opener(results(rules)[:-30]), opener(arf(rules)))


def test_a_rule_id_of_any_length_is_carried() -> None:
    name = "x" * 50_000
    report = read_openscap(
        opener(results([Rule(name, "pass")], run=run_of([Rule(name, "pass")]))), None
    )
    assert report.results[0].rule_ref.endswith(name)
