"""The scanner's own HTML report: the tests of each failed rule, and the items they found."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class ShownTest:
    """One test of a rule: its result, and the rows of what it found."""

    result: str
    rows: list[list[str]] = field(default_factory=list)


@dataclass
class ShownRule:
    result: str
    tests: list[ShownTest] = field(default_factory=list)


def shown_rules(html: str) -> dict[str, ShownRule]:
    """Rules by id."""
    reader = _Reader()
    reader.feed(re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL))
    return reader.rules


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rules: dict[str, ShownRule] = {}
        self._rule: ShownRule | None = None
        self._heading: list[str] | None = None
        self._found = False
        self._row: list[str] | None = None
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if "rule-detail" in classes:
            name = next(word for word in classes if word.startswith("rule-detail-id-"))
            result = next(word for word in classes if re.fullmatch(r"rule-detail-[a-z]+", word))
            self._rule = ShownRule(result.removeprefix("rule-detail-"))
            self.rules[name.removeprefix("rule-detail-id-")] = self._rule
            self._found = False
        if tag in ("h4", "h5"):
            self._heading = []
        elif tag == "tr":
            self._row = []
        elif tag == "td":
            self._cell = []

    def handle_data(self, data: str) -> None:
        for texts in (self._heading, self._cell):
            if texts is not None:
                texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("h4", "h5") and self._heading is not None:
            self._end_heading(tag, " ".join("".join(self._heading).split()))
            self._heading = None
        elif tag == "td" and self._cell is not None:
            if self._row is not None:
                self._row.append("".join(self._cell).strip())
            self._cell = None
        elif tag == "tr" and self._row:
            if self._rule and self._rule.tests and self._found:
                self._rule.tests[-1].rows.append(self._row)
            self._row = None

    def _end_heading(self, tag: str, text: str) -> None:
        if self._rule is None:
            return
        if tag == "h4" and ":tst:" in text:
            self._rule.tests.append(ShownTest(text.rsplit(" ", 1)[-1]))
            self._found = False
        elif tag == "h5":
            self._found = "Following items have been found" in text or "items that" in text
