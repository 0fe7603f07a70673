"""Profiles are read as the scanner itself shows them."""

import json
import lzma
import os
import subprocess
from pathlib import Path

import pytest

import stages.scanners.openscap.content
from stages.scap.content_profiles import Datastream, ProfileCache, discover
from stages.scap.rule_counts import count_rules
from stages.scap.xml_errors import ScapError

OWN = sorted(Path(stages.scanners.openscap.content.__file__).parent.glob("*.xml"))
INSTALLED = sorted(Path("/usr/share/xml/scap/ssg/content").glob("ssg-*-ds*.xml"))

PLAIN = """<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.1" id="old"><title>Old</title>
<platform idref="cpe:/o:x"/><version>3</version>
<Profile id="p1"><title>First</title>
<description>One<br xmlns="http://www.w3.org/1999/xhtml"/>two</description>
<select idref="rule-1" selected="true"/><select idref="rule-2" selected="false"/></Profile>
<Group id="g"><title>G</title><Rule id="rule-1"/></Group></Benchmark>"""


def oscap(*arguments: str) -> str:
    done = subprocess.run(
        ["oscap", "info", *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def assert_same_profiles(path: Path) -> None:
    mine = [f"{profile.id}:{profile.title}" for profile in discover(path).profiles]
    assert mine == oscap("--profiles", str(path)).splitlines()


def assert_same_description(path: Path, found: Datastream) -> None:
    for profile in found.profiles[:3]:
        shown = oscap("--profile", profile.id, str(path)).partition("Description: ")[2]
        assert profile.description.split() == shown.split()


@pytest.mark.oscap
@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_the_own_content_has_the_profiles_that_oscap_lists(path: Path) -> None:
    assert_same_profiles(path)
    assert_same_description(path, discover(path))


@pytest.mark.oscap
@pytest.mark.parametrize("path", INSTALLED[:20], ids=lambda path: path.name)
def test_installed_content_has_the_profiles_that_oscap_lists(path: Path) -> None:
    assert_same_profiles(path)


@pytest.mark.oscap
@pytest.mark.shared
def test_a_large_datastream_has_the_profiles_that_oscap_lists(
    captures: Path, tmp_path: Path
) -> None:
    path = tmp_path / "ds.xml"
    path.write_bytes(lzma.decompress((captures / "ssg-debian12-ds.xml.xz").read_bytes()))
    assert_same_profiles(path)
    found = discover(path)
    assert_same_description(path, found)
    assert found.version == "0.1.76"
    (counts,) = count_rules(path).selected
    assert counts["xccdf_org.ssgproject.content_profile_standard"] == 44


def test_a_plain_file_of_the_old_version_is_read(tmp_path: Path) -> None:
    path = tmp_path / "old.xml"
    path.write_text(PLAIN)
    found = discover(path)
    assert (found.benchmark, found.title, found.version, found.platforms) == (
        "old",
        "Old",
        "3",
        ("cpe:/o:x",),
    )
    assert [(p.id, p.title, p.description) for p in found.profiles] == [("p1", "First", "One\ntwo")]
    assert found.profiles[0].file_path == str(path)
    assert found.selected is None


def test_a_datastream_with_two_benchmarks_gives_the_profiles_of_both(tmp_path: Path) -> None:
    path = tmp_path / "two.xml"
    second = PLAIN.replace('"old"', '"new"').replace("p1", "p2").replace("First", "Second")
    path.write_text(
        '<d:data-stream-collection xmlns:d="http://scap.nist.gov/schema/scap/source/1.2" '
        'xmlns:xlink="http://www.w3.org/1999/xlink"><d:data-stream><d:checklists>'
        '<d:component-ref xlink:href="#a"/><d:component-ref xlink:href="#b"/></d:checklists>'
        "</d:data-stream>"
        f'<d:component id="a">{PLAIN}</d:component><d:component id="b">{second}</d:component>'
        "</d:data-stream-collection>"
    )
    found = discover(path)
    assert [profile.id for profile in found.profiles] == ["p1", "p2"]
    assert found.benchmark == "old"


def test_reading_stops_at_the_first_group(tmp_path: Path) -> None:
    path = tmp_path / "cut.xml"
    path.write_text(PLAIN.partition('<Rule id="rule-1"/>')[0] + "<Rule>" + "x" * 400_000)
    assert len(discover(path).profiles) == 1


@pytest.mark.parametrize("content", ["", "no", "<other/>", PLAIN[:200], "<!DOCTYPE a><Benchmark/>"])
def test_a_file_that_is_not_content_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_text(content)
    with pytest.raises(ScapError):
        discover(path)


def test_a_file_is_read_again_only_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "c.xml"
    path.write_text(PLAIN)
    os.utime(path, ns=(1, 1))
    cache = ProfileCache({})
    first = cache.get(path)
    path.write_text(PLAIN.replace("First", "Other"))
    os.utime(path, ns=(1, 1))
    assert cache.get(path) is first, "same size, same time: not read"
    os.utime(path, ns=(2, 2))
    assert cache.get(path).profiles[0].title == "Other"


def test_rules_are_counted_once_where_somebody_wants_to_know(tmp_path: Path) -> None:
    path = tmp_path / "c.xml"
    path.write_text(PLAIN)
    cache = ProfileCache({})
    assert cache.get(path).selected is None
    assert cache.counted(path).selected == {"p1": 1}
    kept = ProfileCache(json.loads(json.dumps(cache.dump())))
    assert kept.get(path).selected == {"p1": 1}


def test_a_cache_survives_as_json_and_drops_invalid_entries(tmp_path: Path) -> None:
    path = tmp_path / "c.xml"
    path.write_text(PLAIN)
    os.utime(path, ns=(1, 1))
    cache = ProfileCache({})
    found = cache.get(path)
    kept = json.loads(json.dumps(cache.dump()))
    path.write_text("x" * len(PLAIN))
    os.utime(path, ns=(1, 1))
    assert ProfileCache(kept).get(path) == found
    assert ProfileCache({"a": 1, "b": {"stamp": "x"}}).dump() == {}
