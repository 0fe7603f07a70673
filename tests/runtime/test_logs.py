import io

from hypothesis import given
from hypothesis import strategies as st

from stages.runtime.logs import Log


def test_a_line_is_a_fact_then_values() -> None:
    stream = io.StringIO()
    Log("scan", stream=stream).info(
        "scan finished", scan_id="20261123T060301Z-openscap-3f9c2a17", why=None, exit=2
    )
    assert stream.getvalue().endswith(
        " scan info: scan finished scan_id=20261123T060301Z-openscap-3f9c2a17 exit=2\n"
    )


@given(st.text(), st.text())
def test_any_text_stays_one_harmless_line(message: str, value: str) -> None:
    stream = io.StringIO()
    Log("scan", stream=stream).error(message, why=value)
    line = stream.getvalue()
    assert line.count("\n") == 1
    assert line[:-1].isprintable()


def test_lines_below_the_level_are_left_out() -> None:
    stream = io.StringIO()
    log = Log("scan", "warning", stream)
    log.info("no")
    log.warning("yes")
    assert "no" not in stream.getvalue()
    assert "yes" in stream.getvalue()
