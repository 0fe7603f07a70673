"""Rules for which oscap stopped collecting items at one of its limits."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from stages.scanners.openscap.openscap_report import read_openscap
from tests.scanners.openscap.scap_samples import opener

OVAL = "http://oval.mitre.org/XMLSchema/oval-definitions-5"
RESULTS = "http://oval.mitre.org/XMLSchema/oval-results-5"
FILES = 1200
"""oscap looks at its memory after 1,000 items."""

CONTENT = """<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2" id="xccdf_x_benchmark_b"
  resolved="1">
<status date="2026-01-01">draft</status>
<title>Limits</title>
<version>1</version>
<Profile id="xccdf_x_profile_p">
<title>P</title>
{selects}
</Profile>
{rules}
</Benchmark>
"""
RULE = """<Rule id="xccdf_x_rule_{name}" selected="false">
<title>Rule {name}</title>
<check system="http://oval.mitre.org/XMLSchema/oval-definitions-5">
<check-content-ref href="oval.xml" name="oval:x:def:{number}"/>
</check>
</Rule>
"""
RULES = ("many", "few", "extends")
DEFINITIONS = f"""<oval_definitions xmlns="{OVAL}" xmlns:unix="{OVAL}#unix"
  xmlns:oval="http://oval.mitre.org/XMLSchema/oval-common-5">
<generator><oval:schema_version>5.10</oval:schema_version>
<oval:timestamp>2026-01-01T00:00:00</oval:timestamp></generator>
<definitions>
<definition class="compliance" id="oval:x:def:1" version="1"><metadata><title>t</title>
<description>d</description></metadata><criteria><criterion test_ref="oval:x:tst:1"/></criteria>
</definition>
<definition class="compliance" id="oval:x:def:2" version="1"><metadata><title>t</title>
<description>d</description></metadata><criteria><criterion test_ref="oval:x:tst:2"/></criteria>
</definition>
<definition class="compliance" id="oval:x:def:3" version="1"><metadata><title>t</title>
<description>d</description></metadata><criteria>
<extend_definition definition_ref="oval:x:def:1"/></criteria></definition>
</definitions>
<tests>
<unix:file_test id="oval:x:tst:1" version="1" check="all" check_existence="at_least_one_exists"
  comment="c"><unix:object object_ref="oval:x:obj:1"/></unix:file_test>
<unix:file_test id="oval:x:tst:2" version="1" check="all" check_existence="at_least_one_exists"
  comment="c"><unix:object object_ref="oval:x:obj:2"/></unix:file_test>
</tests>
<objects>
<unix:file_object id="oval:x:obj:1" version="1"><unix:path>@DIRECTORY@</unix:path>
<unix:filename operation="pattern match">^.*$</unix:filename></unix:file_object>
<unix:file_object id="oval:x:obj:2" version="1"><unix:filepath>@DIRECTORY@/0</unix:filepath>
</unix:file_object>
</objects>
</oval_definitions>
"""


@pytest.mark.oscap
def test_rules_that_pass_without_a_look_at_everything_say_so(tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for number in range(FILES):
        (files / str(number)).touch()
    selects = "\n".join(f'<select idref="xccdf_x_rule_{n}" selected="true"/>' for n in RULES)
    rules = "".join(RULE.format(name=name, number=n) for n, name in enumerate(RULES, 1))
    (tmp_path / "xccdf.xml").write_text(CONTENT.format(selects=selects, rules=rules))
    (tmp_path / "oval.xml").write_text(DEFINITIONS.replace("@DIRECTORY@", str(files)))
    command = [shutil.which("oscap") or "oscap", "xccdf", "eval", "--profile", "xccdf_x_profile_p"]
    command += ["--results", "results.xml", "--results-arf", "arf.xml", "xccdf.xml"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env={**os.environ, "OSCAP_PROBE_MEMORY_USAGE_RATIO": "0.000001"},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, 2), done.stderr
    report = read_openscap(
        lambda: (tmp_path / "results.xml").open("rb"), lambda: (tmp_path / "arf.xml").open("rb")
    )
    finding = {rule.title.removeprefix("Rule "): rule.finding or "" for rule in report.results}
    message = "oscap did not look at everything: Object is incomplete due to memory constraints."
    if message not in finding["many"]:
        pytest.skip("this version of oscap has no such limit")
    assert message in finding["extends"]
    assert message not in finding["few"]
    (warning,) = report.warnings
    assert warning == (
        "oscap did not look at everything in the checks of 2 of the rules: "
        "xccdf_x_rule_extends, xccdf_x_rule_many"
    )


def arf(flag: str, message: str) -> str:
    """A scan whose one rule passed by an object with this flag, which a variable refers to."""
    return f"""<asset-report-collection xmlns="http://scap.nist.gov/schema/asset-reporting-format/1.1">
<reports>
<report id="xccdf1"><content>
<TestResult xmlns="http://checklists.nist.gov/xccdf/1.2" id="r" end-time="2026-01-01T00:00:00Z">
<rule-result idref="rule"><result>pass</result>
<check system="{OVAL}"><check-content-ref href="#oval1" name="oval:x:def:1"/></check>
</rule-result></TestResult></content></report>
<report id="oval1"><content>
<oval_results xmlns="{RESULTS}">
<oval_definitions xmlns="{OVAL}">
<definitions><definition id="oval:x:def:1"><criteria><criterion test_ref="oval:x:tst:1"/></criteria>
</definition></definitions>
<tests><test id="oval:x:tst:1"><object object_ref="oval:x:obj:1"/></test></tests>
<objects><variable_object id="oval:x:obj:1"><var_ref>oval:x:var:1</var_ref></variable_object>
<file_object id="oval:x:obj:2"/></objects>
<variables><local_variable id="oval:x:var:1"><object_component object_ref="oval:x:obj:2"/>
</local_variable></variables>
</oval_definitions>
<results><system><oval_system_characteristics
  xmlns="http://oval.mitre.org/XMLSchema/oval-system-characteristics-5">
<collected_objects><object id="oval:x:obj:2" flag="{flag}"><message>{message}</message></object>
</collected_objects></oval_system_characteristics></system></results>
</oval_results></content></report>
</reports></asset-report-collection>"""


@pytest.mark.parametrize(
    ("flag", "message", "is_cut_off"),
    [
        ("incomplete", "Object is incomplete because the object matches more than 9 items.", True),
        ("incomplete", "permission denied", False),
        ("complete", "Object is incomplete due to memory constraints.", False),
    ],
)
def test_only_what_a_limit_cut_off_is_reported(flag: str, message: str, is_cut_off: bool) -> None:
    report = read_openscap(None, opener(arf(flag, message)))
    (rule,) = report.results
    assert rule.status == "pass"
    expected = f"oscap did not look at everything: {message}" if is_cut_off else None
    assert rule.finding == expected
    assert len(report.warnings) == is_cut_off
