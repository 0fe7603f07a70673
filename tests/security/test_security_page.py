"""docs/security.md: each statement in its tables names a test that exists."""

import re
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[1]
TEXT = (TESTS.parent / "docs/security.md").read_text()
# Who is hostile, or what is left: a header cell, then "test".
_HEADER = re.compile(r"^\| [^|]+ \| test \|$", re.MULTILINE)
_ROW = re.compile(r"^\| (?P<statement>[^|]+) \| `(?P<test>\w+)` \|$")


@cache
def known_tests() -> frozenset[str]:
    found: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        found.update(re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE))
    return frozenset(found)


def rows() -> list[str]:
    lines = [line for line in TEXT.splitlines() if line.startswith("|")]
    return [line for line in lines if not _HEADER.match(line) and set(line) != set("|-")]


def test_each_row_names_its_test() -> None:
    assert len(rows()) > 25
    for row in rows():
        match = _ROW.match(row)
        assert match, row
        assert match["test"] in known_tests(), row


def test_each_part_of_the_agent_has_its_section() -> None:
    sections = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    parts = ["trigger", "parse", "ship", "scan", "The server", "The scanner's output"]
    assert set(parts) <= set(sections)
    for part in sections:
        section = TEXT.split(f"## {part}\n", 1)[1].split("\n## ", 1)[0]
        assert _HEADER.search(section), f"{part}: has no table"


def test_every_attack_by_a_real_user_is_on_the_page() -> None:
    files = sorted((TESTS / "security").glob("test_hostile_*.py"))
    attacks = "\n".join(file.read_text() for file in files)
    named = {match["test"] for row in rows() if (match := _ROW.match(row))}
    for test in re.findall(r"^def (test_\w+)", attacks, re.MULTILINE):
        assert test in named or test.startswith("test_every_stage_works"), test
