"""Columns: nothing is ever cut, and no line ends in blanks."""

from hypothesis import given
from hypothesis import strategies as st

from stages.console.table import Cell, lines, shortened, text_width
from tests.console.program import agent

ID = "20261123T060301Z-openscap-3f9c2a17"
PATH = f"/var/lib/compliance-agent/spool/raw/{ID}"
ROWS = [
    ["scan", "state", "why"],
    [ID, "ship-pending", f"the connection failed: refused; see {PATH}"],
]


def shown(rows: list[list[str]], width: int | None, *, firm: int = 0) -> list[str]:
    cells = [[Cell(text) for text in row] for row in rows]
    return ["".join(part.text for part in line) for line in lines(cells, width, firm)]


def test_on_a_terminal_of_any_width_ids_and_paths_stay_whole() -> None:
    for width in (1, 20, 40, 80, 132, 300):
        text = "\n".join(shown(ROWS, width))
        assert ID in text
        assert PATH in text
        assert "…" not in text


def test_lines_fit_the_terminal_unless_a_single_word_does_not() -> None:
    rows = [["rule", "finding"], ["a b c d e f g h", "one two three four five six seven"]]
    assert max(map(len, shown(rows, 24))) <= 24


def test_piped_a_row_is_a_line() -> None:
    assert len(shown(ROWS, None)) == len(ROWS)


def test_firm_columns_are_not_wrapped() -> None:
    assert shown([["requested by", "one two three four five"]], 20, firm=1)[0].startswith(
        "requested by  one"
    )


@given(
    st.lists(
        st.lists(st.text(alphabet="ab é漢\n", max_size=12), min_size=3, max_size=3), max_size=4
    ),
    st.one_of(st.none(), st.integers(1, 40)),
)
def test_every_word_is_shown_whole_and_no_line_ends_in_blanks(
    rows: list[list[str]], width: int | None
) -> None:
    found = shown(rows, width)
    assert all(line == line.rstrip() for line in found)
    words = [word for row in rows for cell in row for word in cell.split()]
    assert sorted(word for line in found for word in line.split()) == sorted(words)


def test_a_long_name_is_cut_in_its_middle_and_keeps_more_of_its_end() -> None:
    name = "CIS Debian Linux 12 Benchmark for Level 1 - Server"
    assert shortened(name, 19) == "CIS D... 1 - Server"
    assert shortened(name, 80) == name
    assert text_width(shortened("漢字" * 20, 11)) <= 11


def test_piped_output_of_the_program_has_no_trailing_blanks() -> None:
    printed = agent("config", "keys").stdout.splitlines()
    assert printed == [line.rstrip() for line in printed]
