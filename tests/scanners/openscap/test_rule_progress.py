"""The progress that oscap prints: rules, results, durations, and the rule that it was ended at."""

import pytest

from stages.scanners.captured_output import Line
from stages.scanners.openscap.rule_progress import ProgressReader, RuleProgress, UnfinishedRule

FULL = (
    Line("---evaluation", 1.0, 1.0),
    Line("xccdf_rule_a|Title: of | a|pass", 1.0, 1.5),
    Line("xccdf_rule_b|Title of b|fail", 1.5, 4.5),
    Line("xccdf_rule_c|Title of c|", 4.5, 6.0),
)
BY_ID = (
    Line("xccdf_rule_a:pass", 1.0, 1.5),
    Line("xccdf_rule_b:fail", 1.5, 4.5),
    Line("xccdf_rule_c:", 4.5, 6.0),
)
IN_TRIPLES = (
    Line("WARNING: Datastream component points out to the remote: error", 0.5, 0.5),
    Line("Title Title: of | a", 1.0, 1.0),
    Line("Rule xccdf_rule_a", 1.0, 1.0),
    Line("Ident CCE-1", 1.0, 1.0),
    Line("Result pass", 1.5, 1.5),
    Line("Title Title of b", 1.5, 1.5),
    Line("Rule xccdf_rule_b", 1.5, 1.5),
    Line("Result fail", 4.5, 4.5),
    Line("Title Title of c", 4.5, 4.5),
    Line("Rule xccdf_rule_c", 4.5, 4.5),
)


@pytest.mark.parametrize(
    ("lines", "titles"),
    [
        (FULL, ["Title: of | a", "Title of b", "Title of c"]),
        (BY_ID, ["xccdf_rule_a", "xccdf_rule_b", "xccdf_rule_c"]),
        (IN_TRIPLES, ["Title: of | a", "Title of b", "Title of c"]),
    ],
    ids=["full", "by id", "triples"],
)
def test_every_form_gives_results_durations_and_the_rule_in_progress(
    lines: tuple[Line, ...], titles: list[str]
) -> None:
    reader = ProgressReader()
    reported = [rule for line in lines if (rule := reader.read(line))]
    reader.ended(6.0)
    progress = reader.report()
    assert list(progress.evaluated) == reported
    assert [(rule.rule, rule.results, rule.duration_s) for rule in reported] == [
        ("xccdf_rule_a", ("pass",), 0.5),
        ("xccdf_rule_b", ("fail",), 3.0),
    ]
    assert progress.unfinished == UnfinishedRule(
        rule="xccdf_rule_c", title=titles[2], duration_s=1.5
    )
    assert [rule.title for rule in reported] == titles[:2]


def test_a_rule_that_is_checked_several_times_is_one_rule_with_several_results() -> None:
    reader = ProgressReader()
    lines = (
        Line("xccdf_rule_a|Title|pass", 1.0, 2.0),
        Line("fail", 2.0, 3.5),
        Line("xccdf_rule_b|Title|pass", 3.5, 4.0),
    )
    assert [bool(reader.read(line)) for line in lines] == [True, False, True]
    (first, second) = reader.report().evaluated
    assert (first.results, first.duration_s) == (("pass", "fail"), 2.5)
    assert second.results == ("pass",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pass",
        "xccdf_rule_c|Title|no such result",
        "WARNING: Datastream component points out to the remote:",
        "Rule without a title",
    ],
)
def test_other_lines_are_not_rules(text: str) -> None:
    reader = ProgressReader()
    assert reader.read(Line(text)) is None
    assert reader.report() == RuleProgress()
