"""What a profile selects is what the scanner evaluates."""

import subprocess
from pathlib import Path

import pytest

from stages.scanners.openscap.content import EVERY_RESULT, LINUX
from stages.scap.rule_counts import count_rules
from stages.scap.xml_errors import ScapError

BENCHMARK = """<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2" id="b">
<Profile id="plain"><title>P</title></Profile>
<Profile id="fewer"><title>F</title><select idref="r-default" selected="false"/></Profile>
<Profile id="more"><title>M</title>
<select idref="r-off" selected="true"/><select idref="r-gone" selected="1"/></Profile>
<Profile id="both" extends="fewer"><title>B</title><select idref="r-off" selected="true"/></Profile>
<Profile id="back" extends="both"><title>K</title>
<select idref="r-default" selected="true"/></Profile>
<Profile id="group" extends="nowhere"><title>G</title>
<select idref="g-off" selected="true"/></Profile>
<Profile id="ring" extends="ring2"><title>R</title></Profile>
<Profile id="ring2" extends="ring"><title>R</title><select idref="g-on" selected="0"/></Profile>
<Rule id="r-top"/>
<Group id="g-on"><title>On</title><Rule id="r-default"/><Rule id="r-off" selected="false"/>
<Group id="g-off" selected="false"><Rule id="r-inner"/>
<Rule id="r-inner2" selected="0"/></Group></Group>
<Value id="v"/></Benchmark>"""


def test_rules_are_selected_by_default_by_profile_and_by_the_profile_that_it_extends(
    tmp_path: Path,
) -> None:
    path = tmp_path / "b.xml"
    path.write_text(BENCHMARK)
    (counts,) = count_rules(path).selected
    assert counts == {
        "plain": 2,
        "fewer": 1,
        "more": 3,
        "both": 2,
        "back": 3,
        "group": 3,
        "ring": 1,
        "ring2": 1,
    }


def test_the_own_content_is_counted_where_the_profile_names_no_rule() -> None:
    (counts,) = count_rules(LINUX).selected
    assert set(counts.values()) == {15}


@pytest.mark.oscap
@pytest.mark.parametrize(
    ("path", "profile"), [(LINUX, "linux_strict"), (EVERY_RESULT, "every_result")]
)
def test_as_many_results_come_as_were_counted(path: Path, profile: str) -> None:
    (of_benchmark,) = count_rules(path).selected
    counts = {
        name.rpartition("_profile_")[2]: (name, count) for name, count in of_benchmark.items()
    }
    name, count = counts[profile]
    done = subprocess.run(
        ["oscap", "xccdf", "eval", "--profile", name, "--progress-full", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (
        len({line.partition("|")[0] for line in done.stdout.splitlines() if line.count("|") == 2})
        == count
    )


@pytest.mark.parametrize("content", ["", "no", "<other/>", BENCHMARK[:400]])
def test_a_file_that_is_not_content_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_text(content)
    with pytest.raises(ScapError):
        count_rules(path)
