"""One test that came out otherwise than wanted, in three texts: expected, actual and finding. Pure."""

from dataclasses import dataclass

from stages.scanners.openscap.oval import item_wording
from stages.scanners.openscap.oval.criteria import FailedCriterion
from stages.scanners.openscap.oval.entity_wording import (
    MODE_FIELDS,
    is_mask,
    mode,
    mode_demand,
    short_id,
    with_octal,
)
from stages.scanners.openscap.oval.kinds import KINDS, Kind, label
from stages.scanners.openscap.oval.object_wording import (
    TEXT_KINDS,
    Scope,
    demand_phrase,
    entity_phrases,
    is_later_line,
    line_phrase,
    noun,
    setting,
    state_phrase,
    without_names,
)
from stages.scanners.openscap.oval.oval_model import (
    Entity,
    EvaluatedTest,
    Item,
    Object,
    OvalResults,
    State,
    Test,
)

_ANY_KIND = Kind("item", "", "")
_EXISTENCE = {
    "at_least_one_exists": "at least one {}",
    "all_exist": "at least one {}",
    "any_exist": "where there is any {}",
    "none_exist": "no {}",
    "only_one_exists": "exactly one {}",
}
_PLURAL_KINDS = frozenset(("systemdunitdependency",))
_PLURAL_LABELS = frozenset(("mount options", "flags"))
_SOME = frozenset(("at_least_one_exists", "all_exist", "any_exist"))
_CHECK = {
    "all": "",
    "at least one": "; at least one of them so",
    "none satisfy": "; none of them so",
    "none exist": "; none of them so",
    "only one": "; exactly one of them so",
}


@dataclass(frozen=True)
class Explanation:
    expected: str
    actual: str
    finding: str


def tell(demand: FailedCriterion, findings: OvalResults) -> Explanation:
    """Why the test is not as it should be."""
    test = findings.tests.get(demand.test)
    tested = findings.tested.get(demand.test)
    if test is None:
        wanted = "true" if demand.wanted else "false"
        name = short_id(demand.test)
        return Explanation(
            f"test {name} is {wanted}", f"it is {demand.result}", f"test {name} is {demand.result}"
        )
    return _Teller(test, tested, demand, findings).tell()


class _Teller:
    def __init__(
        self,
        test: Test,
        tested: EvaluatedTest | None,
        demand: FailedCriterion,
        findings: OvalResults,
    ) -> None:
        self._test, self._demand, self._findings = test, demand, findings
        self._tested = tested or EvaluatedTest(test.id, demand.result)
        self._object: Object | None = findings.objects.get(test.object or "")
        self._collected = findings.collected.get(test.object or "")
        self._scope = Scope(findings, tested, self._collected)
        names = () if test.existence == "none_exist" else test.states
        states = [findings.states[name] for name in names if name in findings.states]
        self._states = [without_names(state, self._object) for state in states]
        self._kind = KINDS.get(test.kind, _ANY_KIND)
        self._is_text = test.kind in TEXT_KINDS
        self._noun = noun(self._object, self._scope) or test.comment or short_id(test.id)
        self._setting = (
            setting(self._object, self._scope) if self._object and self._is_text else None
        )
        if test.kind == "variable":
            self._setting = item_wording.variable_name(self._noun)
        self._items = self._found_items()
        self._total = sum(self._tested.counts.values()) if self._items else 0

    def tell(self) -> Explanation:
        expected = self._expected()
        if self._demand.result not in ("true", "false"):
            return self._untested(expected)
        if not self._items:
            return self._nothing_found(expected)
        if self._states and not self._existence_decides():
            return self._mismatch(expected)
        return self._forbidden(expected)

    def _found_items(self) -> list[tuple[Item, str]]:
        pairs = [(self._findings.items.get(name), result) for name, result in self._tested.items]
        return [
            (item, result)
            for item, result in pairs
            if item is not None and item.status not in ("does not exist", "not collected")
        ]

    def _existence_decides(self) -> bool:
        """Whether the number of items alone made the test come out as it did."""
        if not self._demand.wanted:
            return self._test.existence == "none_exist" or not self._states
        many = self._total > 1 and self._test.existence == "only_one_exists"
        return many or self._test.existence == "none_exist"

    # What was demanded

    def _expected(self) -> str:
        if not self._states:
            return self._expected_existence()
        states = (
            " or ".join(self._state_phrases())
            if self._test.operator == "OR"
            else self._all_states()
        )
        if self._is_plain_negation():
            negation = "not" if self._kind.named else "not with"
            several = " and " in states or " or " in states
            return f"{self._what()} {negation} {f'({states})' if several else states}"
        count = _EXISTENCE.get(self._test.existence, "{}").format(self._kind.unit)
        check = _CHECK.get(self._test.check, "")
        text = f"{self._what()} {states} ({count}{check})"
        return text if self._demand.wanted else f"not: {text}"

    def _is_plain_negation(self) -> bool:
        """Whether the test is to find otherwise, and it is all the same how many."""
        one = self._test.check == "at least one" or (self._test.check == "all" and self._total <= 1)
        return not self._demand.wanted and one and self._test.existence in _SOME

    def _all_states(self) -> str:
        return " and ".join(self._state_phrases())

    def _state_phrases(self) -> list[str]:
        named = self._kind.named
        phrases = []
        for state in self._states:
            joiner = " or " if state.operator == "OR" else " and "
            phrases.append(joiner.join(entity_phrases(state, self._scope, named)) or "anything")
        return list(dict.fromkeys(phrases))

    def _what(self) -> str:
        if not self._is_text:
            return f"{self._noun}:"
        if self._setting:
            return f"{self._noun}: {self._setting}"
        return f"{self._noun}: {self._line()}"

    def _expected_existence(self) -> str:
        existence = self._test.existence
        if not self._demand.wanted:
            flipped = {"none_exist": "at_least_one_exists", "only_one_exists": "any other number"}
            existence = flipped.get(existence, "none_exist")
        if self._is_text:
            count = {
                "none_exist": "no",
                "only_one_exists": "exactly one",
                "any other number": "not one",
            }
            words = count.get(existence, "at least one")
            return f"{self._noun}: {words} line with {self._line()}"
        if existence == "none_exist":
            return f"no {self._noun}"
        if existence == "only_one_exists":
            return f"exactly one {self._noun}"
        return f"{self._noun} {self._kind.present} (at least one {self._kind.unit})"

    def _line(self) -> str:
        if self._object is None:
            return self._test.comment or "(unknown)"
        words = line_phrase(self._object, self._scope)
        words += " after the first" if is_later_line(self._object) else ""
        hint = f" ({self._test.comment})" if self._test.comment and words.startswith("/") else ""
        return words + hint

    # What was there

    def _untested(self, expected: str) -> Explanation:
        result = self._demand.result
        words = {"error": "an error", "unknown": "unknown", "not applicable": "not applicable"}
        state = f"could not be evaluated: {words[result]}" if result in words else "not evaluated"
        items = [self._findings.items.get(name) for name, _ in self._tested.items]
        reason = item_wording.reason(self._tested, self._collected, items)
        actual = f"{state}{f' ({reason})' if reason else ''}"
        return Explanation(
            expected, actual, f"{self._noun}: {actual}, expected {self._short_expected(expected)}"
        )

    def _nothing_found(self, expected: str) -> Explanation:
        what: str = self._noun
        if self._is_text:
            what = (
                f"{self._setting} in {self._noun}"
                if self._set_here()
                else f"{self._line()} in {self._noun}"
            )
        finding = f"{self._absent()}, expected {self._short_expected(expected)}"
        return Explanation(expected, f"not found: {what}", finding)

    def _absent(self) -> str:
        if self._set_here():
            return f"{self._noun}: {self._setting} is not set"
        if self._is_text:
            return f"{self._noun}: no line with {self._line()}"
        return f"{self._noun} {'are' if _is_plural(self._noun) else 'is'} not {self._kind.present}"

    def _set_here(self) -> bool:
        """Whether a setting's value was demanded, and not just a line."""
        return self._is_text and self._setting is not None and bool(self._states)

    def _short_expected(self, expected: str) -> str:
        """Without what the sentence has already named."""
        if self._states and self._demand.wanted:
            return (
                self._all_states()
                if self._test.operator == "AND"
                else " or ".join(self._state_phrases())
            )
        if self._demand.wanted and self._test.existence in ("at_least_one_exists", "all_exist"):
            return "at least one" if self._is_text else self._kind.present
        if self._is_text and not self._states:
            return (
                expected.removeprefix(f"{self._noun}: ")
                .partition(" line with")[0]
                .replace("no", "none")
            )
        return expected.removeprefix(f"{self._noun}: ")

    def _forbidden(self, expected: str) -> Explanation:
        texts = [item_wording.told(item, self._noun) for item, _ in self._items]
        actual = item_wording.shown(texts, self._total)
        return Explanation(
            expected, actual, f"found {actual}; expected {self._short_expected(expected)}"
        )

    def _mismatch(self, expected: str) -> Explanation:
        items = self._culprits()
        total = self._culprit_count()
        texts = [
            item_wording.with_states(item, self._states, self._setting, self._noun)
            for item in items
        ]
        actual = item_wording.shown(texts, total)
        if not self._demand.wanted or self._test.check not in ("all", "at least one"):
            return Explanation(expected, actual, f"found {actual}; expected {expected}")
        first = self._sentence(items[0])
        others = f" (and {total - 1} more)" if total > 1 else ""
        return Explanation(expected, actual, first + others)

    def _culprit_results(self) -> tuple[str, ...] | None:
        """The results of the items that matter; None for all."""
        satisfied = self._test.check in ("none satisfy", "none exist") and self._demand.wanted
        satisfied |= self._test.check == "only one" and "true" in self._tested.counts
        satisfied |= not self._demand.wanted and self._test.check == "at least one"
        if satisfied:
            return ("true",)
        if self._demand.wanted and self._test.check == "all":
            return ("false", "error", "unknown", "not evaluated")
        return None

    def _culprits(self) -> list[Item]:
        wanted = self._culprit_results()
        items = [item for item, result in self._items if wanted is None or result in wanted]
        return items or [item for item, _ in self._items]

    def _culprit_count(self) -> int:
        wanted = self._culprit_results()
        counts = self._tested.counts
        total = sum(count for result, count in counts.items() if wanted is None or result in wanted)
        return total or self._total

    def _sentence(self, item: Item) -> str:
        """`/etc/login.defs: PASS_MAX_DAYS is 99999, expected at most 365`."""
        name = self._setting or (item_wording.setting_of(item) if self._is_text else None)
        unmet = [(state, item_wording.unmet(item, state, self._scope)) for state in self._states]
        if self._test.operator == "OR" or not any(entities for _, entities in unmet):
            unmet = [(state, list(state.entities)) for state in self._states]
        parts = [
            part for state, entities in unmet for part in self._parts(item, state, entities, name)
        ]
        if not parts:
            words = " or ".join(state_phrase(state, self._scope) for state in self._states)
            return f"{item_wording.told(item, self._noun)}, expected {words}"
        separator = ": " if self._is_text or self._kind.named is None else " "
        joiner = " or " if self._test.operator == "OR" else "; "
        return f"{item_wording.subject(item, self._noun)}{separator}" + joiner.join(
            dict.fromkeys(parts)
        )

    def _parts(
        self, item: Item, state: State, unmet: list[Entity], setting_name: str | None
    ) -> list[str]:
        parts = []
        unmet = [entity for entity in unmet if not entity.masked] or unmet
        for entity in unmet:
            if entity.name in MODE_FIELDS:
                continue
            parts.append(
                f"{self._is(item, state, entity, setting_name)}, expected {demand_phrase(entity, self._scope)}"
            )
        bits = [entity for entity in unmet if entity.name in MODE_FIELDS]
        if bits and (permitted := mode_demand(state.entities)):
            parts.append(f"mode is {mode(item) or 'unknown'}, expected {permitted}")
        return parts

    def _is(self, item: Item, state: State, entity: Entity, setting_name: str | None) -> str:
        """`PASS_MAX_DAYS is 99999`; a line without a name of its own is `found …`."""
        value = item_wording.value_words(item, entity.name, setting_name)
        if value is not None and is_mask(entity):
            value = with_octal(value)
        words: str = value if value is not None else "not there"
        if entity.name == self._kind.named:
            if self._is_text and not setting_name:
                return f"found {words}"
            name = f"{setting_name} " if setting_name and self._is_text else ""
            return f"{name}{'are' if state.kind in _PLURAL_KINDS else 'is'} {words}"
        name = label(state.kind, entity.name)
        return f"{name} {'are' if name in _PLURAL_LABELS else 'is'} {words}"


def _is_plural(noun: str) -> bool:
    return noun.startswith(("files ", "directories "))
