import pytest
from hypothesis import given
from hypothesis import strategies as st

from spool.errors import EntryDamagedError
from spool.frame import seal, unseal


@given(st.binary(max_size=2000))
def test_what_was_sealed_comes_back(payload: bytes) -> None:
    assert unseal("report", seal("report", payload)) == payload


@given(st.binary(min_size=1, max_size=300), st.data())
def test_every_flipped_bit_is_noticed(payload: bytes, data: st.DataObject) -> None:
    sealed = bytearray(seal("report", payload))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(EntryDamagedError):
        unseal("report", bytes(sealed))


@given(st.binary(max_size=300), st.data())
def test_every_cut_is_noticed(payload: bytes, data: st.DataObject) -> None:
    sealed = seal("report", payload)
    with pytest.raises(EntryDamagedError):
        unseal("report", sealed[: data.draw(st.integers(0, len(sealed) - 1))])


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 4096, b"\n", b"{}", b"compliance-agent-spool 2 report 0 x\n"]
)
def test_what_is_no_entry_is_damage(content: bytes) -> None:
    with pytest.raises(EntryDamagedError):
        unseal("report", content)


def test_a_receipt_is_no_report() -> None:
    with pytest.raises(EntryDamagedError, match="holds a receipt, not a report"):
        unseal("report", seal("receipt", b"{}"))
