import os
import stat
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.ids import ScanId
from schemas.manifest import Manifest
from spool import frame
from spool.errors import EntryDamagedError, EntryError
from spool.packing import PackingError
from spool.raw import Output
from spool.spool import Spool

AT = datetime(2026, 11, 23, 6, 3, 1, tzinfo=UTC)
ID = ScanId("20261123T060301Z-openscap-3f9c2a17")
CONTENT = b"<Benchmark>" + b"evidence " * 5000


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    spool = Spool(tmp_path / "spool")
    spool.claim("scan")
    return spool


def a_manifest() -> Manifest:
    return Manifest(
        scan_id=ID,
        scanner="openscap",
        outcome="finished",
        started_at=AT,
        completed_at=AT,
        agent_version="1",
    )


def publish(spool: Spool) -> Manifest:
    draft = spool.raw.draft(ID)
    (draft / "results.xml").write_bytes(CONTENT)
    (draft / "scratch").write_text("not wanted")
    return spool.raw.publish(a_manifest(), (Output("xccdf-results", "results.xml"),))


def read_whole(spool: Spool) -> None:
    for file in spool.raw.manifest(ID).files:
        spool.raw.open_file(ID, file).close()


def test_what_the_scanner_wrote_comes_back_byte_for_byte(spool: Spool) -> None:
    publish(spool)
    manifest = spool.raw.manifest(ID)
    with spool.raw.open_file(ID, manifest.files[0]) as stream:
        assert stream.read() == CONTENT
    assert manifest.files[0].original_bytes == len(CONTENT)
    assert manifest.files[0].stored_bytes < len(CONTENT) / 10


def test_a_draft_is_not_an_entry_and_leaves_nothing_behind_but_its_outputs(spool: Spool) -> None:
    spool.raw.draft(ID)
    assert spool.raw.scan_ids() == []
    publish(spool)
    assert spool.raw.scan_ids() == [ID]
    assert sorted(p.name for p in (spool.raw.path / ID).iterdir()) == [
        "manifest",
        "results.xml.zst",
    ]


@pytest.mark.slow
@settings(max_examples=200)
@given(
    st.sampled_from(["manifest", "results.xml.zst"]),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 7),
)
def test_a_bit_flipped_anywhere_is_damage(file: str, place: float, bit: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        spool = Spool(Path(directory) / "spool")
        spool.prepare()
        publish(spool)
        path = spool.raw.path / ID / file
        content = bytearray(path.read_bytes())
        content[int(len(content) * place)] ^= 1 << bit
        path.write_bytes(content)
        with pytest.raises(EntryError, match=str(spool.raw.path)):
            read_whole(spool)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"x":' + b"[" * 200_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[]",
        b"",
        b"NaN",
        b"\xff",
        b"{}",
    ],
)
def test_a_manifest_that_is_not_a_manifest_is_damage_also_where_its_digest_is_right(
    spool: Spool, payload: bytes
) -> None:
    publish(spool)
    (spool.raw.path / ID / "manifest").write_bytes(frame.seal("manifest", payload))
    with pytest.raises(EntryDamagedError, match="manifest: "):
        spool.raw.manifest(ID)


@pytest.mark.parametrize("trap", ["symlink", "fifo", "file", "socket"])
@pytest.mark.parametrize("what", ["", "manifest", "results.xml.zst"])
def test_a_trap_in_place_of_an_entry_or_a_part_of_it_is_damage(
    spool: Spool, tmp_path: Path, trap: str, what: str
) -> None:
    publish(spool)
    path = spool.raw.path / ID / what
    path.rename(tmp_path / "aside")
    if trap == "symlink":
        path.symlink_to(tmp_path / "aside")
    elif trap == "fifo":
        os.mkfifo(path)
    elif trap == "socket":
        os.mknod(path, stat.S_IFSOCK | 0o600)
    else:
        path.write_text("mine")
    with pytest.raises(EntryDamagedError, match=ID):
        read_whole(spool)


@pytest.mark.parametrize("at", [0, 5, -1])
def test_a_flipped_bit_is_damage_that_names_the_file(spool: Spool, at: int) -> None:
    manifest = publish(spool)
    path = spool.raw.path / ID / "results.xml.zst"
    content = bytearray(path.read_bytes())
    content[at] ^= 4
    path.write_bytes(content)
    with pytest.raises(EntryDamagedError, match=f"{path}: SHA-256 differs"):
        spool.raw.open_file(ID, manifest.files[0])


def test_a_missing_file_is_damage(spool: Spool) -> None:
    manifest = publish(spool)
    (spool.raw.path / ID / "results.xml.zst").unlink()
    with pytest.raises(EntryDamagedError, match="is missing"):
        spool.raw.open_file(ID, manifest.files[0])


def test_an_entry_without_manifest_is_damage(spool: Spool) -> None:
    publish(spool)
    (spool.raw.path / ID / "manifest").unlink()
    with pytest.raises(EntryDamagedError, match="manifest"):
        spool.raw.manifest(ID)


@pytest.mark.parametrize(
    "at",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "2026-01-01T00:00:00",
        "1969-12-31T00:00:00Z",
    ],
)
def test_a_manifest_with_a_time_that_cannot_be_calculated_with_is_damage(
    spool: Spool, at: str
) -> None:
    publish(spool)
    path = spool.raw.path / ID / "manifest"
    payload = frame.unseal("manifest", path.read_bytes())
    odd = payload.replace(
        b'"completed_at":"2026-11-23T06:03:01Z"', f'"completed_at":"{at}"'.encode()
    )
    assert odd != payload
    path.write_bytes(frame.seal("manifest", odd))
    with pytest.raises(
        EntryDamagedError,
        match=r"is not a possible time of a scan|must be a time with its offset from UTC",
    ):
        spool.raw.manifest(ID)


def test_a_manifest_of_another_scan_is_damage(spool: Spool) -> None:
    publish(spool)
    other = ScanId("20261123T060301Z-openscap-00000000")
    (spool.raw.path / ID).rename(spool.raw.path / other)
    with pytest.raises(EntryDamagedError, match=f"is the manifest of '{ID}'"):
        spool.raw.manifest(other)


def test_a_bomb_costs_no_more_than_the_manifest_allows(spool: Spool) -> None:
    manifest = publish(spool)
    liar = manifest.files[0].__class__(
        **{
            **{f: getattr(manifest.files[0], f) for f in manifest.files[0].__struct_fields__},
            "original_bytes": 10,
        }
    )
    with (
        spool.raw.open_file(ID, liar) as stream,
        pytest.raises(PackingError, match="unpacks to more than 10 bytes"),
    ):
        stream.read()


def test_a_file_name_that_leads_out_of_the_entry_is_damage(spool: Spool) -> None:
    from schemas.codec import replace

    manifest = publish(spool)
    for name in (
        "../../commands/x",
        ".hidden",
        "/etc/passwd",
        "",
        "..",
        "a\0b",
        "a\nb",
        "a" * 5000,
    ):
        with pytest.raises(EntryDamagedError, match="is not a valid name for a raw file") as caught:
            spool.raw.open_file(ID, replace(manifest.files[0], name=name))
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 500
