"""Content whose rules look at files below a directory, each in another way; all of them hold."""

from pathlib import Path

OVAL = "http://oval.mitre.org/XMLSchema/oval-definitions-5"
PROFILE = "xccdf_x_profile_p"
RULE = "xccdf_x_rule_"
_TEST = """<unix:file_test id="oval:x:tst:{n}" version="1" check="all" check_existence="any_exist"
  comment="c"><unix:object object_ref="oval:x:obj:{n}"/></unix:file_test>
"""
_TEXT_TEST = """<ind:textfilecontent54_test id="oval:x:tst:{n}" version="1" check="all"
  check_existence="any_exist" comment="c"><ind:object object_ref="oval:x:obj:{n}"/>
</ind:textfilecontent54_test>
"""
_DEFINITION = """<definition class="compliance" id="oval:x:def:{n}" version="1"><metadata>
<title>t</title><description>d</description></metadata>
<criteria><criterion test_ref="oval:x:tst:{n}"/></criteria></definition>
"""
_RULE = """<Rule id="xccdf_x_rule_{name}" selected="true">
<title>Rule {name}</title>
<check system="http://oval.mitre.org/XMLSchema/oval-definitions-5">
<check-content-ref href="oval.xml" name="oval:x:def:{n}"/>
</check>
</Rule>
"""
_DOWN = '<unix:behaviors recurse_direction="down"/>'
_ANY = '<unix:filename operation="pattern match">^.*$</unix:filename>'
_OBJECTS = {
    "recursive": f"<unix:path>@TOP@</unix:path>{_ANY}",
    "pattern": '<ind:filepath operation="pattern match">^@TOP@/.*[.]conf$</ind:filepath>'
    '<ind:pattern operation="pattern match">^(.*)$</ind:pattern>'
    '<ind:instance datatype="int">1</ind:instance>',
    "variable": f'<unix:path var_ref="oval:x:var:1" var_check="at least one"/>{_ANY}',
    "set": '<set xmlns="http://oval.mitre.org/XMLSchema/oval-definitions-5">'
    "<object_reference>oval:x:obj:1</object_reference></set>",
    "above": '<unix:path>@TOP@</unix:path><unix:filename xsi:nil="true"/>',
    "files_beside": f"<unix:path>@TOP@</unix:path>{_ANY}",
    "elsewhere": f"<unix:path>/etc</unix:path>{_ANY}",
}
SEARCHING = ("recursive", "pattern", "variable", "set", "above")
"""The rules that would look at `@TOP@/left-out`, or at `@TOP@` itself."""
OTHERS = ("files_beside", "elsewhere")


def walking_content(where: Path, top: Path) -> Path:
    """The content, and below `top` a directory to leave out beside a file."""
    (top / "left-out").mkdir(parents=True)
    for file in (top / "left-out" / "a.conf", top / "b.conf"):
        file.write_text("text\n")
    rules, definitions, tests, objects = "", "", "", ""
    for n, (name, parts) in enumerate(_OBJECTS.items(), 1):
        rules += _RULE.format(name=name, n=n)
        definitions += _DEFINITION.format(n=n)
        tests += (_TEXT_TEST if name == "pattern" else _TEST).format(n=n)
        objects += _object(name, n, parts)
    (where / "oval.xml").write_text(
        f'<oval_definitions xmlns="{OVAL}" xmlns:unix="{OVAL}#unix" xmlns:ind="{OVAL}#independent" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xmlns:oval="http://oval.mitre.org/XMLSchema/oval-common-5">\n'
        "<generator><oval:schema_version>5.11</oval:schema_version>\n"
        "<oval:timestamp>2026-01-01T00:00:00</oval:timestamp></generator>\n"
        f"<definitions>\n{definitions}</definitions>\n<tests>\n{tests}</tests>\n"
        f"<objects>\n{objects}</objects>\n<variables>\n"
        '<constant_variable id="oval:x:var:1" version="1" comment="c" datatype="string">'
        f"<value>{top}/left-out</value></constant_variable>\n</variables>\n</oval_definitions>\n".replace(
            "@TOP@", str(top)
        )
    )
    content = where / "walking-xccdf.xml"
    content.write_text(
        '<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2" id="xccdf_x_benchmark_b">\n'
        '<status date="2026-01-01">draft</status>\n<title>Walks</title>\n<version>1</version>\n'
        f'<Profile id="{PROFILE}">\n<title>Walks</title>\n</Profile>\n{rules}</Benchmark>\n'
    )
    return content


def _object(name: str, n: int, parts: str) -> str:
    if name == "pattern":
        return (
            f'<ind:textfilecontent54_object id="oval:x:obj:{n}" version="1">{parts}'
            "</ind:textfilecontent54_object>\n"
        )
    behaviors = _DOWN if name == "recursive" else ""
    return (
        f'<unix:file_object id="oval:x:obj:{n}" version="1">{behaviors}{parts}</unix:file_object>\n'
    )
