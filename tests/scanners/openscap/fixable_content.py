"""A datastream of rules that their own scripts fix: each wants a line in a file."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

PREFIX = "xccdf_io.example.fixable_rule_"
NEEDS_ROOT_AND_OSCAP = [
    pytest.mark.oscap,
    pytest.mark.skipif(os.geteuid() != 0, reason="fixes need root"),
]
PROFILE = "xccdf_io.example.fixable_profile_all"
SHELL = "urn:xccdf:fix:script:sh"
_NAMESPACES = (
    'xmlns:ds="http://scap.nist.gov/schema/scap/source/1.2" '
    'xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xmlns:cat="urn:oasis:names:tc:entity:xmlns:xml:catalog"'
)
_DEFINITIONS = "http://oval.mitre.org/XMLSchema/oval-definitions-5"
_TEXTFILE = f'xmlns="{_DEFINITIONS}#independent" id="oval:io.example.fixable'


@dataclass(frozen=True)
class FixableRule:
    """Passes where a line of `file` is `line`."""

    name: str
    file: Path
    line: str
    script: str | None
    """Markup is kept: `<sub idref="…_value_wanted" use="value"/>` becomes `filled in`."""
    severity: str = "medium"
    system: str = SHELL

    @property
    def ref(self) -> str:
        return f"{PREFIX}{self.name}"


WANTED = '<sub idref="xccdf_io.example.fixable_value_wanted" use="value"/>'


def append_line(name: str, file: Path, line: str = "filled in", **options: str) -> FixableRule:
    """A rule whose script has several lines, and the value of the content."""
    script = f"target='{file}'\nwanted='{WANTED}'\n\necho \"$wanted\" >> \"$target\"\n"
    return FixableRule(name, file, line, script, **options)


def fixable_content(rules: Sequence[FixableRule]) -> str:
    return (
        f'<ds:data-stream-collection {_NAMESPACES} id="scap_io.example_collection_fixable" '
        'schematron-version="1.2">\n'
        '<ds:data-stream id="scap_io.example_datastream_fixable" scap-version="1.2" '
        'use-case="CONFIGURATION" timestamp="2026-01-01T00:00:00">\n'
        '<ds:checklists><ds:component-ref id="scap_io.example_cref_xccdf.xml" '
        'xlink:href="#scap_io.example_comp_xccdf.xml"><cat:catalog>'
        '<cat:uri name="oval.xml" uri="#scap_io.example_cref_oval.xml"/></cat:catalog>'
        "</ds:component-ref></ds:checklists>\n"
        '<ds:checks><ds:component-ref id="scap_io.example_cref_oval.xml" '
        'xlink:href="#scap_io.example_comp_oval.xml"/></ds:checks>\n</ds:data-stream>\n'
        '<ds:component id="scap_io.example_comp_xccdf.xml" timestamp="2026-01-01T00:00:00">\n'
        f"{_benchmark(rules)}</ds:component>\n"
        '<ds:component id="scap_io.example_comp_oval.xml" timestamp="2026-01-01T00:00:00">\n'
        f"{_oval(rules)}</ds:component>\n</ds:data-stream-collection>\n"
    )


def write_fixable_content(file: Path, rules: Sequence[FixableRule]) -> Path:
    """Owned and readable as content has to be."""
    file.write_text(fixable_content(rules))
    file.chmod(0o644)
    return file


def _benchmark(rules: Sequence[FixableRule]) -> str:
    selected = "\n".join(f'<select idref="{rule.ref}" selected="true"/>' for rule in rules)
    return (
        '<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2" '
        'id="xccdf_io.example.fixable_benchmark_all" resolved="1" xml:lang="en">\n'
        '<status date="2026-01-01">accepted</status>\n<title>Fixable</title>\n'
        "<description>Rules that can be fixed.</description>\n<version>1.0.0</version>\n"
        f'<Profile id="{PROFILE}">\n<title>All of Them</title>\n'
        f"<description>All.</description>\n{selected}\n</Profile>\n"
        '<Value id="xccdf_io.example.fixable_value_wanted" type="string">\n'
        "<title>Wanted</title>\n<value>filled in</value>\n</Value>\n"
        f"{''.join(map(_rule, rules))}</Benchmark>\n"
    )


def _rule(rule: FixableRule) -> str:
    fix = ""
    if rule.script is not None:
        script = escape(rule.script).replace(escape(WANTED), WANTED)
        fix = f'<fix id="{rule.name}" system="{rule.system}">{script}</fix>\n'
    return (
        f'<Rule id="{rule.ref}" selected="false" severity="{rule.severity}">\n'
        f"<title>Line of {rule.name}</title>\n<description>A line.</description>\n{fix}"
        f'<check system="{_DEFINITIONS}">\n'
        f'<check-content-ref href="oval.xml" name="oval:io.example.fixable.{rule.name}:def:1"/>\n'
        "</check>\n</Rule>\n"
    )


def _oval(rules: Sequence[FixableRule]) -> str:
    definitions, tests, objects = "", "", ""
    for rule in rules:
        named = f"{_TEXTFILE}.{rule.name}"
        definitions += (
            f'<definition class="compliance" version="1" id="oval:io.example.fixable.{rule.name}'
            f':def:1"><metadata><title>{rule.name}</title><description>d</description></metadata>'
            f'<criteria><criterion test_ref="oval:io.example.fixable.{rule.name}:tst:1"/>'
            "</criteria></definition>\n"
        )
        tests += (
            f'<textfilecontent54_test {named}:tst:1" version="1" check="all" '
            'check_existence="at_least_one_exists" comment="line">'
            f'<object object_ref="oval:io.example.fixable.{rule.name}:obj:1"/>'
            "</textfilecontent54_test>\n"
        )
        objects += (
            f'<textfilecontent54_object {named}:obj:1" version="1">'
            f"<filepath>{rule.file}</filepath>"
            f'<pattern operation="pattern match">^{escape(rule.line)}$</pattern>'
            '<instance datatype="int">1</instance></textfilecontent54_object>\n'
        )
    return (
        f'<oval_definitions xmlns="{_DEFINITIONS}" '
        'xmlns:oval="http://oval.mitre.org/XMLSchema/oval-common-5">\n<generator>'
        "<oval:schema_version>5.11</oval:schema_version>"
        "<oval:timestamp>2026-01-01T00:00:00</oval:timestamp></generator>\n"
        f"<definitions>\n{definitions}</definitions>\n<tests>\n{tests}</tests>\n"
        f"<objects>\n{objects}</objects>\n</oval_definitions>\n"
    )
