"""Finding one rule of a report by what an operator has read of it. Pure."""

from collections.abc import Sequence

from schemas.ids import ScanId, short_rule_id
from schemas.report import RuleResult
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.runtime.printable import listed

_MOST_NAMED = 10


def find_rule(results: Sequence[RuleResult], named: str, scan_id: ScanId) -> RuleResult:
    """The one rule with that id, title or section; else the one whose id ends so, or contains it.

    Raises CommandError that names the candidates.
    """
    wanted = named.casefold()
    found: list[RuleResult] = []
    for is_meant in (_is_named, _ends_so, _contains):
        found = [result for result in results if is_meant(result, wanted)]
        if found:
            break
    if not found:
        raise CommandError(f"{scan_id} has no rule {named}{suggestion(results, wanted)}", Exit.NO)
    if len(found) > 1:
        rules = [short_rule_id(result.rule_ref) for result in found]
        candidates = listed(rules, _MOST_NAMED)
        raise CommandError(f"{named} can mean {len(found)} rules: {candidates}", Exit.NO)
    return found[0]


def _is_named(result: RuleResult, wanted: str) -> bool:
    names = (result.rule_ref, short_rule_id(result.rule_ref), result.title, result.section)
    return wanted in map(str.casefold, filter(None, names))


def _ends_so(result: RuleResult, wanted: str) -> bool:
    return result.rule_ref.casefold().endswith(f"_{wanted}")


def _contains(result: RuleResult, wanted: str) -> bool:
    return wanted in short_rule_id(result.rule_ref).casefold() or wanted in result.title.casefold()


def suggestion(results: Sequence[RuleResult], wanted: str) -> str:
    """The rules whose id or title is most like `wanted`, to end a message with."""
    # Imported late: it is needed for a mistake alone.
    from difflib import get_close_matches

    names: dict[str, str] = {}
    for result in results:
        rule = short_rule_id(result.rule_ref)
        names[rule.casefold()] = rule
        names[result.title.casefold()] = rule
    matches = get_close_matches(wanted, names, n=3, cutoff=0.6)
    if not matches:
        return "; compliance-agent show ID --all lists the rules"
    # An id and a title may be those of one rule.
    rules = dict.fromkeys(map(names.__getitem__, matches))
    return f"; did you mean {' or '.join(rules)}?"
