"""Bundles and spools into an archive: byte for byte, once, and damage set aside."""

import io
import tarfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from fleet import adding
from fleet.archive import Archive
from schemas.waiver import Waiver
from spool import raw_bundle
from spool.raw_bundle import RawBundleError
from stages.runtime.command_error import CommandError
from tests.fleet.hosts import HostSpool, scan_id

MakeHost = Callable[[str], HostSpool]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(str(tmp_path / "archive"))


def files(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def web(host: MakeHost) -> HostSpool:
    """A host with a scan in each state."""
    web = host("web1")
    for day in range(3):
        web.scan(day, "pass", "fail")
    web.parse(scan_id(0))
    web.parse(scan_id(1))
    web.deliver(scan_id(0))
    return web


def test_a_bundle_brings_every_file_as_it_was(
    archive: Archive, host: MakeHost, tmp_path: Path
) -> None:
    source = web(host)
    added = adding.add(archive, str(source.bundle(tmp_path / "web1.tar")))
    assert added.new == [scan_id(0), scan_id(1), scan_id(2)]
    key = source.host().key
    place = tmp_path / "archive" / f"host={key}/month=2026-10" / scan_id(0)
    raw = source.spool.raw.path / scan_id(0)
    assert files(place) == {
        **files(raw),
        "report": (source.spool.reports.path / f"{scan_id(0)}.report").read_bytes(),
        "receipt": (source.spool.receipts.path / f"{scan_id(0)}.receipt").read_bytes(),
    }
    index = archive.index(key)
    assert index is not None
    assert index.host == source.host()


def test_adding_again_changes_nothing(archive: Archive, host: MakeHost, tmp_path: Path) -> None:
    bundle = str(web(host).bundle(tmp_path / "web1.tar"))
    adding.add(archive, bundle)
    before = files(tmp_path / "archive")
    again = adding.add(archive, bundle)
    assert (again.new, again.completed, again.present) == ([], [], 3)
    assert files(tmp_path / "archive") == before


@pytest.mark.parametrize("damage", ["bytes", "cut", "gone"])
def test_a_file_of_the_archive_that_was_damaged_is_replaced(
    archive: Archive, host: MakeHost, tmp_path: Path, damage: str
) -> None:
    source = web(host)
    bundle = str(source.bundle(tmp_path / "web1.tar"))
    adding.add(archive, bundle)
    before = files(tmp_path / "archive")
    place = Path(archive.path(archive.scan_directory(source.host().key, scan_id(1))))
    damaged = next(place.glob("*.zst"))
    content = damaged.read_bytes()
    if damage == "gone":
        damaged.unlink()
    elif damage == "cut":
        damaged.write_bytes(content[:-1])
    else:
        damaged.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    added = adding.add(archive, bundle)
    assert (added.repaired, added.completed, added.present) == ([scan_id(1)], [], 2)
    after = files(tmp_path / "archive")
    changed = {name for name in before if after[name] != before[name]}
    assert changed == {f"index/{source.host().key}.json"}
    assert adding.add(archive, bundle).present == 3
    assert files(tmp_path / "archive") == after


def test_a_damaged_bundle_replaces_nothing(
    archive: Archive, host: MakeHost, tmp_path: Path
) -> None:
    source = web(host)
    adding.add(archive, f"web1={source.directory}")
    place = Path(archive.path(archive.scan_directory("web1", scan_id(1))))
    next(place.glob("*.zst")).write_bytes(b"rotten")
    arf = next((source.spool.raw.path / scan_id(1)).glob("*.zst"))
    arf.write_bytes(arf.read_bytes()[:-1] + b"\0")
    added = adding.add(archive, f"web1={source.directory}")
    assert (added.repaired, list(added.damaged)) == ([], [scan_id(1)])
    assert next(place.glob("*.zst")).read_bytes() == b"rotten"


def test_a_receipt_that_comes_later_completes_its_scan(
    archive: Archive, host: MakeHost, tmp_path: Path
) -> None:
    source = web(host)
    adding.add(archive, str(source.bundle(tmp_path / "one.tar")))
    source.deliver(scan_id(1))
    added = adding.add(archive, str(source.bundle(tmp_path / "two.tar")))
    assert (added.new, added.completed, added.present) == ([], [scan_id(1)], 2)


def test_a_copied_spool_needs_the_name_of_its_host(
    archive: Archive, host: MakeHost, tmp_path: Path
) -> None:
    source = web(host)
    assert len(adding.add(archive, f"web1={source.directory}").new) == 3
    with pytest.raises(CommandError, match="HOST="):
        adding.add(archive, str(source.directory))


def test_two_machines_with_one_name_and_one_scan_id_are_kept_apart(
    archive: Archive, host: MakeHost, tmp_path: Path
) -> None:
    one, two = host("web1"), host("other")
    one.scan(0, "pass")
    two.scan(0, "fail")
    namesake = two.host(hostname="web1")
    adding.add(archive, str(one.bundle(tmp_path / "one.tar")))
    adding.add(archive, str(two.bundle(tmp_path / "two.tar", namesake)))
    assert archive.hosts() == sorted([one.host().key, namesake.key])
    assert one.host().key != namesake.key


def test_a_damaged_entry_is_set_aside_and_the_rest_is_added(
    archive: Archive, host: MakeHost
) -> None:
    source = web(host)
    arf = next((source.spool.raw.path / scan_id(1)).glob("*.zst"))
    arf.write_bytes(arf.read_bytes()[:-1] + b"\0")
    added = adding.add(archive, f"web1={source.directory}")
    assert added.new == [scan_id(0), scan_id(2)]
    (damaged,) = archive.damaged()
    assert (damaged.host, damaged.scan_id) == ("web1", scan_id(1))
    assert "SHA-256" in damaged.reason


def test_an_entry_of_a_later_version_is_kept_as_it_is(archive: Archive, host: MakeHost) -> None:
    source = web(host)
    path = source.spool.receipts.path / f"{scan_id(0)}.receipt"
    fields = path.read_bytes().split(b" ", 2)
    path.write_bytes(b" ".join([fields[0], b"2", fields[2]]))
    added = adding.add(archive, f"web1={source.directory}")
    assert len(added.new) == 3
    assert added.damaged == {}


@pytest.mark.parametrize("cut", [1, 700, 5000])
def test_a_bundle_that_is_cut_short_adds_nothing(
    archive: Archive, host: MakeHost, tmp_path: Path, cut: int
) -> None:
    bundle = web(host).bundle(tmp_path / "web1.tar")
    bundle.write_bytes(bundle.read_bytes()[: -(10240 + cut)])
    with pytest.raises(CommandError, match="bundle"):
        adding.add(archive, str(bundle))
    assert archive.hosts() == []


def test_a_file_that_is_not_the_one_that_the_bundle_lists_is_set_aside(
    archive: Archive, host: MakeHost, tmp_path: Path
) -> None:
    bundle = web(host).bundle(tmp_path / "web1.tar")
    with tarfile.open(bundle) as tar:
        member = tar.getmember(f"{scan_id(2)}/arf.xml.zst")
    content = bytearray(bundle.read_bytes())
    content[member.offset_data + 20] ^= 1
    bundle.write_bytes(content)
    added = adding.add(archive, str(bundle))
    assert added.new == [scan_id(0), scan_id(1)]
    assert "is not the file that is listed" in added.damaged[scan_id(2)]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/b", ".hidden"])
def test_a_name_that_is_a_path_is_refused(
    archive: Archive, host: MakeHost, tmp_path: Path, name: str
) -> None:
    bundle = web(host).bundle(tmp_path / "web1.tar")
    evil = tmp_path / "evil.tar"
    with tarfile.open(bundle) as tar, tarfile.open(evil, "w") as target:
        for member in tar:
            stream = tar.extractfile(member)
            assert stream is not None
            content = stream.read()
            if member.name == "bundle.json":
                content = content.replace(b'"arf.xml.zst"', f'"{name}"'.encode())
            member.size = len(content)
            target.addfile(member, io.BytesIO(content))
    with pytest.raises(CommandError, match=r"bundle\.json"):
        adding.add(archive, str(evil))


def test_an_interrupted_bundle_is_continued(host: MakeHost, tmp_path: Path) -> None:
    source = web(host)
    whole = source.bundle(tmp_path / "whole.tar").read_bytes()
    for end in range(512, len(whole), 3 * 512 + 17):
        path = tmp_path / f"{end}.tar"
        Path(f"{path}.partial").write_bytes(whole[:end])
        assert source.bundle(path).read_bytes() == whole, end


def test_a_scan_of_an_interrupted_bundle_that_is_damaged_is_written_again(
    host: MakeHost, tmp_path: Path
) -> None:
    source = web(host)
    whole = source.bundle(tmp_path / "whole.tar").read_bytes()
    with tarfile.open(tmp_path / "whole.tar") as tar:
        content = tar.getmember(f"{scan_id(1)}/arf.xml.zst").offset_data
    partial = bytearray(whole[:-10240])
    partial[content] ^= 1
    (tmp_path / "again.tar.partial").write_bytes(partial)
    assert source.bundle(tmp_path / "again.tar").read_bytes() == whole


def test_a_scan_that_has_changed_since_the_interruption_is_written_once(
    archive: Archive, host: MakeHost, tmp_path: Path
) -> None:
    source = web(host)
    path = tmp_path / "web1.tar"
    whole = source.bundle(path).read_bytes()
    # Cut before the end of the bundle: all three scans are whole in it.
    (tmp_path / "again.tar.partial").write_bytes(whole[:-10240])
    source.deliver(scan_id(1))
    waiver = Waiver(rule="rule1", reason="old", approved_by="Ann", expires=date(2030, 1, 1))
    report = source.spool.reports.path / f"{scan_id(0)}.report"
    report.unlink()
    source.parse(scan_id(0), approved=(waiver,))
    added = adding.add(archive, str(source.bundle(tmp_path / "again.tar")))
    assert added.damaged == {}
    assert added.new == [scan_id(0), scan_id(1), scan_id(2)]
    with tarfile.open(tmp_path / "again.tar") as tar:
        names = tar.getnames()
    assert len(names) == len(set(names))


def test_a_bundle_never_replaces_another(host: MakeHost, tmp_path: Path) -> None:
    source = web(host)
    source.bundle(tmp_path / "web1.tar")
    with pytest.raises(RawBundleError, match="exists"):
        source.bundle(tmp_path / "web1.tar")


def test_a_link_in_a_spool_is_not_followed(host: MakeHost, tmp_path: Path) -> None:
    source = web(host)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (source.spool.raw.path / scan_id(0) / "more.zst").symlink_to(secret)
    with pytest.raises(OSError, match="symbolic links"):
        list(raw_bundle.scans_of_spool(source.spool))


def test_what_is_neither_a_bundle_nor_a_spool_is_refused(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello")
    for source in (str(tmp_path / "x"), str(tmp_path / "missing")):
        with pytest.raises(CommandError):
            adding.add(archive, source)
    assert archive.hosts() == []
