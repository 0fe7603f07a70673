"""`content`: what there is, what is used and why, and what is refused when it is added."""

import bz2
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from stages.scanners.host import this_platform
from stages.scanners.openscap.products import product_of
from tests.console.program import agent
from tests.scanners.openscap.content_samples import SCE, datastream

pytestmark = pytest.mark.slow

PLAIN = b"""<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2" id="b">
<Profile id="p"><title>P</title></Profile></Benchmark>"""
PRODUCT = "".join(product_of(this_platform()))


@pytest.fixture
def configured(config: Path, tmp_path: Path) -> Path:
    settings = json.loads(config.read_text())
    directory = tmp_path / "packages"
    directory.mkdir()
    settings["compliance"] = {"openscap": {"content_dirs": [str(directory)]}}
    config.write_text(json.dumps(settings))
    return config


def listed(config: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(agent("content", "--json", config=config).stdout)[
        "content"
    ]
    return found


@pytest.mark.parametrize(
    ("ending", "pack"), [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress)]
)
def test_an_added_file_is_used_named_and_removed(
    configured: Path, tmp_path: Path, ending: str, pack: Any
) -> None:
    file = tmp_path / "mine"
    file.write_bytes(pack(datastream(PRODUCT, "0.1.77")))
    added = json.loads(agent("content", "add", str(file), "--json", config=configured).stdout)
    assert (added["file"], added["product"]) == (f"ssg-{PRODUCT}-ds.xml{ending}", PRODUCT)
    first, *_ = listed(configured)
    assert (first["used"], first["source"], first["version"]) == (True, "added", "0.1.77")
    assert first["origin"] == f"added from {file}"
    shown = agent("detect", config=configured, code=0 if _has_oscap() else 1).stdout
    assert "version 0.1.77" in shown
    assert f"added from {file}" in shown
    again = tmp_path / "newer"
    again.write_bytes(datastream(PRODUCT, "0.1.78"))
    agent("content", "add", str(again), config=configured)
    assert [entry["version"] for entry in listed(configured) if entry["source"] == "added"] == [
        "0.1.78"
    ]
    agent("content", "remove", f"ssg-{PRODUCT}-ds.xml", config=configured)
    assert [entry for entry in listed(configured) if entry["source"] == "added"] == []
    assert (
        "neither added nor fetched"
        in agent("content", "remove", f"ssg-{PRODUCT}-ds.xml", config=configured, code=1).stderr
    )


def test_without_content_the_list_has_the_reason_and_what_to_do(configured: Path) -> None:
    settings = json.loads(configured.read_text())
    settings["compliance"]["openscap"]["content_fallback"] = "none"
    configured.write_text(json.dumps(settings))
    whole = json.loads(agent("content", "--json", config=configured).stdout)
    assert whole["content"] == []
    (remark,) = whole["remarks"]
    assert remark.startswith("no SCAP content in ")
    assert agent("content", config=configured).stdout.strip() == remark


def test_advice_stands_below_the_list_and_not_in_it(configured: Path) -> None:
    whole = json.loads(agent("content", "--json", config=configured).stdout)
    (entry,) = whole["content"]
    assert (entry["used"], entry["source"]) == (True, "own")
    assert entry["reason"] == "no other content applies to this host"
    (remark,) = whole["remarks"]
    assert remark.startswith(
        "this host is scanned with the built-in baseline for any Linux. No SCAP content"
    )


def _has_oscap() -> bool:
    from stages.scanners.openscap import oscap_program

    return oscap_program.where() is not None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not content that can be used"),
        (b"<html/>", "is not content that can be used"),
        (datastream(PRODUCT)[:-100], "is not content that can be used"),
        (gzip.compress(datastream(PRODUCT))[:-20], "is not content that can be used"),
        (datastream("rhel9999"), "is for rhel9999, and this host is "),
        (datastream(PRODUCT, profiles=()), "has no profile"),
        (b"\0" * 1000, "is not content that can be used"),
        (PLAIN, "a plain XCCDF file: name it by compliance.openscap.content"),
    ],
    ids=["empty", "html", "cut", "cut-gz", "product", "profiles", "zeros", "xccdf"],
)
def test_a_file_that_can_not_be_used_is_refused_with_its_name_and_the_reason(
    configured: Path, tmp_path: Path, content: bytes, reason: str
) -> None:
    file = tmp_path / "mine.xml"
    file.write_bytes(content)
    refused = agent("content", "add", str(file), config=configured, code=1).stderr
    assert str(file) in refused
    assert reason in refused
    assert len(refused.strip().splitlines()) == 1
    assert not list((tmp_path / "spool/content/added").glob("[!.]*"))


def test_a_bomb_costs_no_more_than_the_limit(configured: Path, tmp_path: Path) -> None:
    file = tmp_path / "bomb.gz"
    with gzip.open(file, "wb", compresslevel=9) as target:
        target.write(b"<Benchmark>")
        for _ in range(600):
            target.write(b" " * (1 << 20))
    assert file.stat().st_size < 2 << 20
    refused = agent("content", "add", str(file), config=configured, code=1).stderr
    assert f"{file}: is not content that can be used: " in refused


def test_scripts_in_added_content_are_the_operators_business(
    configured: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.xml"
    file.write_bytes(datastream(PRODUCT, system=SCE))
    agent("content", "add", str(file), config=configured)


def test_the_list_says_of_each_file_whether_it_is_used_and_why(
    configured: Path, tmp_path: Path
) -> None:
    directory = tmp_path / "packages"
    (directory / f"ssg-{PRODUCT}-ds.xml").write_bytes(datastream(PRODUCT, "0.1.70"))
    (directory / "ssg-rhel9999-ds.xml").write_bytes(datastream("rhel9999"))
    unsafe = directory / "ssg-al2023-ds.xml"
    unsafe.write_bytes(datastream("al2023"))
    unsafe.chmod(0o666)
    entries = {Path(entry["file"]).name: entry for entry in listed(configured)}
    used = entries[f"ssg-{PRODUCT}-ds.xml"]
    assert (used["used"], used["fit"]) == (True, "exact")
    assert used["reason"] == "is made for this release"
    other = entries["ssg-rhel9999-ds.xml"]
    assert (other["used"], other["fit"], other["reason"]) == (False, None, "is for another system")
    assert "refused: mode 0666 lets other users write" in entries["ssg-al2023-ds.xml"]["reason"]
    assert "is made for this release" in agent("content", config=configured).stdout


def test_fetching_that_is_not_allowed_is_refused_with_the_setting(configured: Path) -> None:
    agent("scan", config=configured)
    refused = agent("content", "fetch", config=configured, code=2).stderr
    assert "set compliance.openscap.content_from_server: missing, or newer" in refused


@pytest.mark.parametrize("arguments", [("add",), ("remove",), ("list", "x"), ("fetch", "x")])
def test_wrong_arguments_are_wrong_usage(configured: Path, arguments: tuple[str, ...]) -> None:
    agent("content", *arguments, config=configured, code=2)
