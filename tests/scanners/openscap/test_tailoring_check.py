"""What of a tailoring does not fit the content, and files that are not tailorings."""

import os
from pathlib import Path

import pytest

from schemas.capabilities import DetectedScanner
from stages.scanners.openscap.openscap_detection import detect
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from tests.scanners.openscap.test_content_choice import DEBIAN
from tests.scanners.openscap.test_tailoring import OF_WORKBENCH_FOR_1_1, tailoring

BENCHMARK = """<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2" id="xccdf_x_benchmark_b">
<status date="2026-01-01">draft</status>
<title>B</title>
<version>1</version>
<Profile id="xccdf_x_profile_p"><title>P</title>
<select idref="xccdf_x_rule_second" selected="false"/></Profile>
<Value id="xccdf_x_value_days" type="number"><title>Days</title><value>30</value>
<value selector="long">90</value><lower-bound>7</lower-bound><upper-bound>365</upper-bound></Value>
<Value id="xccdf_x_value_color" type="string"><title>Color</title><value>red</value>
<choices mustMatch="true"><choice>red</choice><choice>blue</choice></choices></Value>
<Value id="xccdf_x_value_mode" type="string"><title>Mode</title><value>027</value>
<match>[0-7]{3}</match></Value>
<Value id="xccdf_x_value_switch" type="boolean"><title>Switch</title><value>on</value>
<value selector="off">off</value></Value>
<Value id="xccdf_x_value_yes" type="boolean"><title>Yes</title><value>true</value></Value>
<Value id="xccdf_x_value_slow" type="string"><title>Slow</title><value>a</value>
<match>(a+)+b</match></Value>
<Group id="xccdf_x_group_g"><title>G</title>
<Rule id="xccdf_x_rule_first" selected="true"><title>First</title>
<check system="x"/></Rule>
<Rule id="xccdf_x_rule_second" selected="true"><title>Second</title><check system="x"/></Rule>
</Group>
</Benchmark>
"""
P = "xccdf_x_profile_p"


def detected(tmp_path: Path, file: Path) -> DetectedScanner:
    content = tmp_path / "x-xccdf.xml"
    content.write_text(BENCHMARK)
    settings = OpenSCAPSettings(content=str(content), tailoring=str(file))
    return detect(settings, DEBIAN, {}).scanner


def problems(tmp_path: Path, text: str | bytes) -> tuple[str, ...]:
    """What `config check` lists, without the key and the file."""
    file = tmp_path / "tailoring.xml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = list(map(str, detected(tmp_path, file).settings_problems))
    prefix = f"compliance.openscap.tailoring: {file}: "
    assert all(problem.startswith(prefix) for problem in found)
    content = f"{tmp_path}/x-xccdf.xml"
    return tuple(problem.removeprefix(prefix).replace(content, "CONTENT") for problem in found)


def set_value(name: str, text: str) -> str:
    return f'<set-value idref="xccdf_x_value_{name}">{text}</set-value>\n'


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("days", "8", None),
        ("days", "eight", "is not a number: the benchmark has 30, 90"),
        ("days", "6", "is less than 7, its lower bound"),
        ("days", "366", "is more than 365, its upper bound"),
        ("color", "blue", None),
        ("color", "green", "is not one of its choices (red, blue)"),
        ("mode", "077", None),
        ("mode", "0778", "does not match [0-7]{3}: the benchmark has 027"),
        ("switch", "default", None),
        ("yes", "maybe", "is not a boolean: the benchmark has true"),
        ("slow", "a" * 64, None),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_its_line(
    tmp_path: Path, name: str, text: str, reason: str | None
) -> None:
    """Booleans of this content are `on` and `off`; a pattern that may take forever is not tried."""
    file = tmp_path / "tailoring.xml"
    found = problems(tmp_path, tailoring(set_value(name, text), extends=P))
    expected = [f"line 6: xccdf_x_value_{name} is set to {text!r}, which {reason}"]
    assert list(found) == (expected if reason else [])
    assert bool(detected(tmp_path, file).profiles) is (reason is None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            tailoring(extends="xccdf_x_profile_q"),
            "line 4: is for other content: its profile mine extends xccdf_x_profile_q, which",
        ),
        (
            tailoring(extends=P, benchmark='href="y" id="xccdf_x_benchmark_other"'),
            "line 2: is for other content: for the benchmark xccdf_x_benchmark_other, and CONTENT",
        ),
        (
            tailoring('<select idref="z" selected="true"/>').replace(
                ' extends="xccdf_io.github.compliance-agent.content_profile_linux_standard"', ""
            ),
            "line 4: is for other content: CONTENT has nothing that its profile mine selects",
        ),
        (
            tailoring("", extends=P).replace(
                "</Tailoring>", f'<Profile id="xccdf_x_profile_mine" extends="{P}"/></Tailoring>'
            ),
            "line 7: the profile xccdf_x_profile_mine is in line 4 too",
        ),
        (tailoring("", extends=P, identifier=""), "line 4: the profile has no id"),
        (tailoring("").replace("Tailoring", "Benchmark"), "its outermost element is Benchmark"),
        ('<Tailoring xmlns="urn:x"/>', "the tailoring has no profile"),
        ('<Tailoring xmlns="urn:x"><Profile id="p"/></Tailoring>', "its namespace is 'urn:x'"),
        ("", "the file is empty"),
        ("text", "it does not begin with <"),
        (tailoring()[:-30], "cut off"),
        (tailoring("<!-- a -->" + "<a>" * 300), "nested"),
        (f'<!DOCTYPE x [<!ENTITY y "z">]>{tailoring()}', "document type or entities"),
        (f'<?xml version="1.0"?>{tailoring("<title>&z;</title>")}', "z"),
        (tailoring().encode("utf-16"), "not XML in UTF-8"),
        (tailoring(" " * (4 << 20)), "is larger than 4194304 bytes"),
        (tailoring().encode() + b"\0", "broken"),
    ],
)
def test_a_file_that_can_not_be_used_is_refused(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    found = problems(tmp_path, text)
    assert len(found) == 1
    assert message in found[0]
    scanner = detected(tmp_path, tmp_path / "tailoring.xml")
    assert not scanner.profiles
    assert scanner.problems[-1].endswith(found[0].replace("CONTENT", f"{tmp_path}/x-xccdf.xml"))


def test_what_the_content_does_not_have_is_a_warning_with_the_most_similar_name(
    tmp_path: Path,
) -> None:
    changes = (
        '<select idref="xccdf_x_rule_frist" selected="false"/>\n'
        '<select idref="xccdf_x_rule_first" selected="false"/>\n'
        '<set-value idref="xccdf_x_value_gone">1</set-value>\n'
        '<refine-value idref="xccdf_x_value_days" selector="longer"/>\n'
        '<refine-rule idref="xccdf_x_group_g" severity="high"/>\n'
    )
    assert problems(tmp_path, tailoring(changes, extends=P)) == (
        "line 6: CONTENT has no xccdf_x_rule_frist: remove the line; similar: xccdf_x_rule_first",
        "line 8: CONTENT has no xccdf_x_value_gone: remove the line",
        "line 9: xccdf_x_value_days has no selector 'longer' in CONTENT: it has long",
    )
    assert detected(tmp_path, tmp_path / "tailoring.xml").profiles[0].title == "Mine (tailored)"


def test_many_unknown_rules_take_little_time_and_few_lines(tmp_path: Path) -> None:
    many = "".join(f'<select idref="xccdf_x_rule_{n}" selected="true"/>\n' for n in range(20_000))
    assert len(problems(tmp_path, tailoring(many, extends=P))) == 20


def test_a_file_that_others_may_change_or_that_is_none_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "open"
    directory.mkdir()
    file = directory / "t.xml"
    file.write_text(tailoring(extends=P))
    directory.chmod(0o777)
    link = tmp_path / "link.xml"
    link.symlink_to(file)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, message in (
        (file, "lets other users write"),
        (link, "lets other users write"),
        (directory, "is a directory"),
        (pipe, "is a pipe, not a plain file"),
        (tmp_path / "missing.xml", "No such file"),
    ):
        found = detected(tmp_path, path)
        assert not found.ready
        assert message in found.settings_problems[0].message, path
        assert found.settings_problems[0].key == "compliance.openscap.tailoring"


def test_a_tailoring_of_the_same_id_as_its_profile_hides_that(tmp_path: Path) -> None:
    file = tmp_path / "tailoring.xml"
    file.write_text(tailoring("", extends=P, identifier=P))
    found = detected(tmp_path, file)
    assert [(profile.id, profile.title) for profile in found.profiles] == [(P, "Mine (tailored)")]
    assert found.details["rule_counts"] == {P: 1}


def test_the_form_for_xccdf_1_1_is_read(tmp_path: Path) -> None:
    text = (
        f'<t:Tailoring xmlns:t="{OF_WORKBENCH_FOR_1_1}" '
        'xmlns:x="http://checklists.nist.gov/xccdf/1.1" id="xccdf_x_tailoring_t">\n'
        '<t:benchmark href="x"/>\n'
        '<t:version time="2026-11-26T00:00:00">1</t:version>\n'
        f'<x:Profile id="mine" extends="{P}">\n'
        '<x:title override="true">Mine</x:title>\n'
        '<x:select idref="xccdf_x_rule_first" selected="false"/>\n</x:Profile>\n</t:Tailoring>\n'
    )
    assert problems(tmp_path, text) == ()


@pytest.mark.oscap
def test_what_the_schemas_of_oscap_do_not_allow_is_refused(tmp_path: Path) -> None:
    text = tailoring("", extends=P).replace('id="xccdf_x_tailoring_t"', 'id="t"')
    (found,) = problems(tmp_path, text)
    assert found.startswith("line 1: oscap refuses the file: Element 'Tailoring', attribute 'id'")
