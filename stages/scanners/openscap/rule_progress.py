"""The progress that oscap prints while it evaluates: each rule, its result, and how long it took.

oscap prints the name of a rule before it evaluates it, and the result behind that name. So the
time between the first byte of a line and its end is the rule's, and a line without a result names
the rule that was being evaluated when oscap was ended. There are three forms:

    rule id|title|result        --progress-full (1.3 and later)
    rule id:result              --progress
    Title<tab>title             no option; the lines of one rule, of which the last one has the
    Rule<tab>rule id            result
    Result<tab>result

A rule that is checked several times has further lines with nothing but a result.

The file `rule-progress.json` of a raw entry holds one `RuleProgress`.
"""

from schemas.records import Record, Struct
from stages.scanners.captured_output import Line

FILE, ROLE = "rule-progress.json", "rule-progress"
MAX_BYTES = 32 << 20
_MAX_TITLE = 512
_RESULTS = frozenset(
    (
        *("pass", "fail", "error", "unknown", "notapplicable", "notchecked"),
        *("notselected", "informational", "fixed"),
    )
)


class EvaluatedRule(Record, frozen=True, kw_only=True):
    """One rule that has a result."""

    rule: str
    title: str
    """The rule's id where the progress has no titles."""
    results: tuple[str, ...]
    """XCCDF results, several where the rule was checked several times."""
    duration_s: float


class UnfinishedRule(Record, frozen=True, kw_only=True):
    """The rule that was being evaluated when oscap ended."""

    rule: str
    title: str
    duration_s: float


class RuleProgress(Record, frozen=True, kw_only=True):
    """What the progress of one run reports."""

    evaluated: tuple[EvaluatedRule, ...] = ()
    unfinished: UnfinishedRule | None = None


class _Rule(Struct):
    """A rule from its name on."""

    rule: str
    title: str
    began_s: float
    ended_s: float
    results: tuple[str, ...] = ()


class ProgressReader:
    """Follows the lines of one run."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._title: str | None = None
        """The title of the rule whose name comes next."""

    def read(self, line: Line) -> EvaluatedRule | None:
        """The rule that gets its first result by this line, if any."""
        text = line.text
        if text.startswith("Title "):
            self._title = text.removeprefix("Title ")
            return None
        if text.startswith("Rule ") and self._title is not None:
            rule = text.removeprefix("Rule ")
            self._rules.append(_Rule(rule, self._title, line.ended_s, line.ended_s))
            self._title = None
            return None
        result = text.removeprefix("Result ")
        if result in _RESULTS:
            return self._further_result(result, line)
        return self._whole_line(line)

    def report(self) -> RuleProgress:
        """Everything that was read so far."""
        evaluated = tuple(_evaluated(rule) for rule in self._rules if rule.results)
        unfinished = None
        last = self._without_result()
        if last is not None:
            unfinished = UnfinishedRule(
                rule=last.rule, title=last.title, duration_s=_duration_s(last)
            )
        return RuleProgress(evaluated=evaluated, unfinished=unfinished)

    def ended(self, at_s: float) -> None:
        """The scanner has ended: a rule without a result took until now."""
        last = self._without_result()
        if last is not None:
            last.ended_s = at_s

    def _without_result(self) -> _Rule | None:
        """The last rule, if it has no result yet."""
        if self._rules and not self._rules[-1].results:
            return self._rules[-1]
        return None

    def _further_result(self, result: str, line: Line) -> EvaluatedRule | None:
        if not self._rules:
            return None
        last = self._rules[-1]
        is_first = not last.results
        last.results = (*last.results, result)
        last.ended_s = line.ended_s
        if is_first:
            return _evaluated(last)
        return None

    def _whole_line(self, line: Line) -> EvaluatedRule | None:
        """A line with a name, and with a result unless oscap was ended before it."""
        separator = ":"
        if "|" in line.text:
            separator = "|"
        name, _, result = line.text.rpartition(separator)
        rule, _, title = name.partition("|")
        # A line without a separator leaves the name empty; no id has a blank.
        if rule.split() != [rule] or result not in ("", *_RESULTS):
            return None
        read = _Rule(rule, (title or rule)[:_MAX_TITLE], line.began_s, line.ended_s)
        self._rules.append(read)
        if not result:
            return None
        read.results = (result,)
        return _evaluated(read)


def _evaluated(rule: _Rule) -> EvaluatedRule:
    return EvaluatedRule(
        rule=rule.rule, title=rule.title, results=rule.results, duration_s=_duration_s(rule)
    )


def _duration_s(rule: _Rule) -> float:
    return round(max(0.0, rule.ended_s - rule.began_s), 3)
