import pytest
from hypothesis import given
from hypothesis import strategies as st

from spool.errors import EntryDamagedError, EntryError, NewerFormatError
from spool.frame import header_of, parse_first_line, seal, unseal


@given(st.binary(max_size=2000))
def test_what_was_sealed_comes_back(payload: bytes) -> None:
    assert unseal("report", seal("report", payload)) == payload


@given(st.binary(min_size=1, max_size=300), st.data())
def test_every_flipped_bit_is_noticed(payload: bytes, data: st.DataObject) -> None:
    sealed = bytearray(seal("report", payload))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(EntryError):
        unseal("report", bytes(sealed))


@given(st.binary(max_size=300), st.data())
def test_every_cut_is_noticed(payload: bytes, data: st.DataObject) -> None:
    sealed = seal("report", payload)
    with pytest.raises(EntryDamagedError):
        unseal("report", sealed[: data.draw(st.integers(0, len(sealed) - 1))])


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 4096, b"\n", b"{}", b"compliance-agent-spool x report 0 x\n"]
)
def test_what_is_not_an_entry_is_damage(content: bytes) -> None:
    with pytest.raises(EntryDamagedError):
        unseal("report", content)


def test_a_receipt_is_not_a_report() -> None:
    with pytest.raises(EntryDamagedError, match="holds a receipt, not a report"):
        unseal("report", seal("receipt", b"{}"))


@given(st.binary(max_size=300), st.binary(max_size=100).filter(lambda h: b"\n" not in h))
def test_a_header_is_readable_without_the_payload(payload: bytes, header: bytes) -> None:
    sealed = seal("report", payload, header)
    assert unseal("report", sealed) == payload
    line, _, rest = sealed[: len(sealed) - len(payload)].partition(b"\n")
    assert header_of(parse_first_line("report", line), rest) == header


@given(st.binary(max_size=300), st.binary(max_size=100), st.data())
def test_every_flipped_bit_of_an_entry_with_a_header_is_noticed(
    payload: bytes, header: bytes, data: st.DataObject
) -> None:
    sealed = bytearray(seal("report", payload, header))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(EntryError):
        unseal("report", bytes(sealed))


@pytest.mark.parametrize("content", [b"", b" anything at all", b" report 0 x\n", b"\n\0"])
def test_an_entry_of_a_later_format_is_not_damage_whatever_it_holds(content: bytes) -> None:
    with pytest.raises(NewerFormatError, match="of format 2"):
        unseal("report", b"compliance-agent-spool 2" + content + b"\n")
