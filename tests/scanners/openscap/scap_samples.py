"""Small SCAP files written by hand: results and ARFs as several scanners write them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO

XCCDF = "http://checklists.nist.gov/xccdf/1.2"
XCCDF_11 = "http://checklists.nist.gov/xccdf/1.1"
OVAL = "http://oval.mitre.org/XMLSchema/oval-definitions-5"
_RULE = "xccdf_org.example_rule_"


def opener(text: str | bytes) -> Callable[[], BinaryIO]:
    whole = text.encode() if isinstance(text, str) else text
    return lambda: BytesIO(whole)


@dataclass
class Test:
    """One OVAL test with all that belongs to it."""

    __test__ = False

    kind: str
    object: str
    state: str | None = None
    items: Sequence[tuple[str, str]] = ()
    """Each item's result and XML: its fields, without the item element."""
    result: str = "false"
    item: str | None = None
    check: str = "all"
    existence: str = "at_least_one_exists"
    operator: str = "AND"
    """How the state combines its fields."""
    variables: Sequence[tuple[str, str]] = ()
    definitions: str = ""
    """Variables, as elements."""
    comment: str = "a comment"
    message: str = ""
    flag: str = "complete"
    total: int | None = None


@dataclass
class Rule:
    name: str
    result: str = "fail"
    tests: Sequence[Test] = ()
    criteria: str | None = None
    """The criteria of the results, where they are not just all tests."""
    definition: str = "false"
    kind: str = "compliance"
    body: str = ""
    extra: str = ""
    """More elements of the rule-result."""
    check: str | None = None
    negate: bool = False
    attributes: str = 'severity="medium"'
    extends: Sequence[tuple[str, str, str]] = field(default_factory=tuple)
    """More definitions: id, result and criteria."""


def results(rules: Sequence[Rule], *, namespace: str = XCCDF, more: str = "", run: str = "") -> str:
    """An XCCDF results file: the benchmark with its rules, and one TestResult."""
    bodies = "".join(
        f'<Rule id="{_RULE}{rule.name}" {rule.attributes}><title>Title of {rule.name}</title>'
        f"{rule.body}</Rule>"
        for rule in rules
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Benchmark xmlns="{namespace}" id="bench" '
        'xmlns:h="http://www.w3.org/1999/xhtml">'
        "<status>draft</status><title>A benchmark</title><version>1.0</version>"
        '<Profile id="xccdf_org.example_profile_standard"><title>The standard profile</title>'
        "</Profile>"
        f'<Value id="v"><value>7</value></Value>'
        f'<Group id="g"><title>Outer</title><Group id="g2"><title>Inner</title>{bodies}</Group>'
        f"</Group>{more}"
        f"{run or run_of(rules)}</Benchmark>"
    )


def run_of(
    rules: Sequence[Rule],
    *,
    identifier: str = "xccdf_org.example_testresult_one",
    start: str = "2026-11-23T06:12:18+00:00",
    end: str = "2026-11-23T06:12:20+00:00",
    head: str = 'test-system="cpe:/a:redhat:openscap:1.3.7"',
) -> str:
    lines = "".join(_rule_result(rule) for rule in rules)
    return (
        f'<TestResult id="{identifier}" start-time="{start}" end-time="{end}" version="1.0" {head}>'
        '<benchmark id="bench" href="#b"/><title>OSCAP Scan Result</title>'
        '<profile idref="xccdf_org.example_profile_standard"/>'
        f'<target>host</target><set-value idref="v">42</set-value>{lines}<score maximum="100">0'
        "</score></TestResult>"
    )


def _rule_result(rule: Rule) -> str:
    check = rule.check
    if check is None and (rule.tests or rule.criteria):
        negate = ' negate="true"' if rule.negate else ""
        reference = f'<check-content-ref href="#oval0" name="oval:x-{rule.name}:def:1"/>'
        check = f'<check system="{OVAL}"{negate}>{reference}</check>'
    return (
        f'<rule-result idref="{_RULE}{rule.name}" role="full" severity="medium">'
        f"<result>{rule.result}</result>{rule.extra}{check or ''}</rule-result>"
    )


def arf(
    rules: Sequence[Rule], *, source: bool = True, run: str = "", oval_first: bool = False
) -> str:
    """An ARF: the content, the TestResult and the OVAL results."""
    run = run or run_of(rules)
    run = run.replace("<TestResult ", f'<TestResult xmlns="{XCCDF}" ', 1)
    content = results(rules, run=" ").partition("?>")[2] if source else ""
    reports = [
        f'<arf:report id="xccdf1"><arf:content>{run}</arf:content></arf:report>',
        f'<arf:report id="oval0"><arf:content>{oval_results(rules)}</arf:content></arf:report>',
    ]
    if oval_first:
        reports.reverse()
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        "<arf:asset-report-collection "
        'xmlns:arf="http://scap.nist.gov/schema/asset-reporting-format/1.1">'
        '<arf:report-requests><arf:report-request id="c"><arf:content>'
        '<ds:data-stream-collection xmlns:ds="http://scap.nist.gov/schema/scap/source/1.2">'
        f'<ds:component id="b">{content}</ds:component></ds:data-stream-collection>'
        f"</arf:content></arf:report-request></arf:report-requests><arf:reports>{''.join(reports)}"
        "</arf:reports>"
        "</arf:asset-report-collection>"
    )


def oval_results(rules: Sequence[Rule]) -> str:
    parts: dict[str, list[str]] = {name: [] for name in _SECTIONS}
    for rule in rules:
        _add_definition(rule, parts)
        for number, test in enumerate(rule.tests):
            _add_test(f"{rule.name}{number}", test, parts)
    merged = {name: "".join(texts) for name, texts in parts.items()}
    return (
        '<oval_results xmlns="http://oval.mitre.org/XMLSchema/oval-results-5"><generator/>'
        "<directives/>"
        f'<oval_definitions xmlns="{OVAL}"><definitions>{merged["definitions"]}</definitions>'
        f"<tests>{merged['tests']}</tests><objects>{merged['objects']}</objects>"
        f"<states>{merged['states']}</states><variables>{merged['variables']}</variables>"
        "</oval_definitions>"
        f"<results><system><definitions>{merged['results']}</definitions><tests>{merged['tested']}"
        "</tests>"
        "<oval_system_characteristics "
        'xmlns="http://oval.mitre.org/XMLSchema/oval-system-characteristics-5">'
        f"<collected_objects>{merged['collected']}</collected_objects>"
        f"<system_data>{merged['items']}</system_data></oval_system_characteristics>"
        "</system></results></oval_results>"
    )


_SECTIONS = (
    "definitions",
    "tests",
    "objects",
    "states",
    "variables",
    "results",
    "tested",
    "collected",
    "items",
)


def _add_definition(rule: Rule, parts: dict[str, list[str]]) -> None:
    leaves = "".join(
        f'<criterion test_ref="oval:x-{rule.name}{number}:tst:1" result="{test.result}"/>'
        for number, test in enumerate(rule.tests)
    )
    tree = (
        rule.criteria or f'<criteria operator="AND" result="{rule.definition}">{leaves}</criteria>'
    )
    own = (f"oval:x-{rule.name}:def:1", rule.definition, tree)
    for identifier, result, criteria in (own, *rule.extends):
        parts["definitions"].append(
            f'<definition id="{identifier}" class="{rule.kind}"><metadata><title>Definition of '
            f"{rule.name}"
            f"</title></metadata>{criteria}</definition>"
        )
        parts["results"].append(
            f'<definition definition_id="{identifier}" result="{result}">{criteria}</definition>'
        )


def _add_test(name: str, test: Test, parts: dict[str, list[str]]) -> None:
    state = f'<state state_ref="oval:x-{name}:ste:1"/>' if test.state is not None else ""
    parts["tests"].append(
        f'<{test.kind}_test id="oval:x-{name}:tst:1" check="{test.check}" '
        f'check_existence="{test.existence}" '
        f'comment="{test.comment}"><object object_ref="oval:x-{name}:obj:1"/>{state}'
        f"</{test.kind}_test>"
    )
    parts["objects"].append(
        f'<{test.kind}_object id="oval:x-{name}:obj:1">{test.object}</{test.kind}_object>'
    )
    if test.state is not None:
        parts["states"].append(
            f'<{test.kind}_state id="oval:x-{name}:ste:1" operator="{test.operator}">{test.state}'
            f"</{test.kind}_state>"
        )
    parts["variables"].append(test.definitions)
    kind = test.item or test.kind
    pairs = list(test.items) * (test.total or 1) if test.total else list(test.items)
    tested = "".join(
        f'<tested_item item_id="{name}-{number}" result="{result}"/>'
        for number, (result, _) in enumerate(pairs)
    )
    variables = "".join(
        f'<tested_variable variable_id="{variable}">{value}</tested_variable>'
        for variable, value in test.variables
    )
    parts["tested"].append(
        f'<test test_id="oval:x-{name}:tst:1" check="{test.check}" '
        f'check_existence="{test.existence}" '
        f'result="{test.result}">{test.message}{tested}{variables}</test>'
    )
    parts["collected"].append(f'<object id="oval:x-{name}:obj:1" flag="{test.flag}"/>')
    for number, (_, item) in enumerate(pairs):
        parts["items"].append(
            f'<{kind}_item id="{name}-{number}" status="exists">{item}</{kind}_item>'
        )
