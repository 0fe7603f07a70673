"""The texts of a rule: section, references, description, rationale and fixes."""

import pytest

from schemas.report import Fix, Reference, Report
from stages.scanners.openscap.openscap_report import read_openscap
from tests.scanners.openscap.scap_samples import Rule, opener, results, run_of


def read(rules: list[Rule]) -> Report:
    return read_openscap(opener(results(rules)), None)


REFERENCES = {
    '<reference href="https://www.cisecurity.org/controls/">1.2</reference>'
    '<reference href="https://www.cisecurity.org/benchmark/debian_linux/">1.1.1.1'
    "</reference>": "1.1.1.1",
    '<reference href="https://www.cisecurity.org/controls/">1.2</reference>': "Inner",
}


@pytest.mark.parametrize("body", REFERENCES)
def test_the_section_is_the_benchmark_number_or_the_title_of_the_last_group(body: str) -> None:
    report = read([Rule("a", "pass", body=body)])
    assert report.results[0].section == REFERENCES[body]
    assert report.results[0].groups == ("Outer", "Inner")


def test_the_section_of_a_profile_of_another_standard_is_its_own_number() -> None:
    body = '<reference href="https://cyber.gouv.fr/x.pdf">R28</reference>'
    rules = [Rule("a", "pass", body=body)]
    run = run_of(rules).replace("profile_standard", "profile_anssi_bp28_high")
    assert read_openscap(opener(results(rules, run=run)), None).results[0].section == "R28"


OWN = {
    ("anssi_bp28_high", "nistpubs/NIST.SP.800-53r4.pdf", "IA-5(c)"): "Inner",
    ("anssi_np_nt28_high", "nistpubs/NIST.SP.800-53r4.pdf", "IA-5(c)"): "Inner",
    ("high", "nistpubs/NIST.SP.800-53r4.pdf", "IA-5(c)"): "IA-5(c)",
    ("moderate-node", "nistpubs/NIST.SP.800-53r4.pdf", "IA-5(c)"): "IA-5(c)",
    ("rhelh-stig", "https://public.cyber.mil/stigs/", "RHEL-08-010020"): "RHEL-08-010020",
    ("stig_gui", "https://public.cyber.mil/stigs/cci/", "CCI-000366"): "Inner",
    ("pci-dss-4", "https://docs-prv.pcisecuritystandards.org/x.pdf", "2.2.6"): "2.2.6",
    ("ism_o", "https://www.cyber.gov.au/acsc/view-all-content/ism", "0421"): "0421",
    ("e8", "https://www.niap-ccevs.org/Profile/PP.cfm", "FIA_AFL.1"): "Inner",
    ("ospp-mls", "https://www.niap-ccevs.org/Profile/PP.cfm", "FIA_AFL.1"): "FIA_AFL.1",
    ("organism", "https://www.cyber.gov.au/acsc/view-all-content/ism", "0421"): "Inner",
    ("standard", "https://www.niap-ccevs.org/Profile/PP.cfm", "FIA_AFL.1"): "Inner",
}


@pytest.mark.parametrize("case", OWN)
def test_the_number_of_a_standard_that_is_not_the_profiles_own_is_not_a_section(
    case: tuple[str, str, str],
) -> None:
    profile, standard, number = case
    rules = [Rule("a", "pass", body=f'<reference href="{standard}">{number}</reference>')]
    run = run_of(rules).replace("profile_standard", f"profile_{profile}")
    assert read_openscap(opener(results(rules, run=run)), None).results[0].section == OWN[case]


def test_ids_of_other_vendors_give_their_section() -> None:
    cis, stig = Rule("a", "pass"), Rule("b", "pass", body="<version>RHEL-08-010020</version>")
    text = (
        results([cis, stig])
        .replace("xccdf_org.example_rule_a", "xccdf_org.cisecurity.benchmarks_rule_1.2.3_Ensure_x")
        .replace("xccdf_org.example_rule_b", "SV-230223r743940_rule")
    )
    report = read_openscap(opener(text), None)
    assert [rule.section for rule in report.results] == ["1.2.3", "RHEL-08-010020"]


def test_all_references_are_in_the_report() -> None:
    body = '<reference href="http://a">1</reference><reference href="http://a">2</reference>'
    body += '<ident system="https://ncp.nist.gov/cce">CCE-1</ident>'
    assert read([Rule("a", "pass", body=body)]).results[0].references == (
        Reference(standard="http://a", id="1"),
        Reference(standard="http://a", id="2"),
        Reference(standard="https://ncp.nist.gov/cce", id="CCE-1"),
    )


def test_texts_keep_lists_code_and_line_breaks_and_get_the_values_of_the_profile() -> None:
    body = (
        '<description>Set it.<h:br/>Run:<h:pre># a\n  b <sub idref="v"/>\n</h:pre>Then:<h:ul>'
        "<h:li>one</h:li>"
        "<h:li>two <h:code>x y</h:code></h:li></h:ul></description><rationale>Because.</rationale>"
    )
    rule = read([Rule("a", "pass", body=body)]).results[0]
    assert rule.description == "Set it.\nRun:\n# a\n  b 42\nThen:\n- one\n- two x y"
    assert rule.rationale == "Because."


def test_the_discussion_of_a_stig_is_its_description() -> None:
    body = "<description>&lt;VulnDiscussion&gt;Old.&lt;/VulnDiscussion&gt;&lt;Documentable&gt;false"
    body += "&lt;/Documentable&gt;</description><fixtext>Do this.</fixtext>"
    rule = read([Rule("a", "fail", body=body)]).results[0]
    assert rule.description == "Old."
    assert (rule.remediation, rule.advice) == ("Do this.", True)


def test_the_shell_fix_runs_as_it_is_and_the_other_systems_are_there() -> None:
    body = (
        '<fix system="urn:xccdf:fix:script:ansible">- name: x\n  y: <sub idref="v"/></fix>'
        '<fix system="urn:xccdf:fix:script:sh">\nvalue=\'<sub idref="v"/>\'\nif true; then\n  '
        'echo "$value"\nfi\n</fix>'
    )
    rule = read([Rule("a", "fail", body=body)]).results[0]
    assert not rule.advice
    assert rule.remediation == "value='42'\nif true; then\n  echo \"$value\"\nfi"
    assert rule.other_fixes == (Fix(system="ansible", text="- name: x\n  y: 42"),)


def test_a_fix_with_a_masked_secret_is_only_to_be_read() -> None:
    body = (
        '<fix system="urn:xccdf:fix:script:ansible">- name: x\n  password: Tr0ub4dor99</fix>'
        '<fix system="urn:xccdf:fix:script:puppet">class x { }</fix>'
        "<fix system=\"urn:xccdf:fix:script:sh\">bind_password='Tr0ub4dor99'\nset_it</fix>"
    )
    rule = read([Rule("a", "fail", body=body)]).results[0]
    assert rule.advice
    assert rule.remediation == (
        "# Not runnable: a secret in this fix is masked.\nbind_password=********\nset_it"
    )
    assert rule.other_fixes == (Fix(system="puppet", text="class x { }"),)


def test_a_title_does_not_repeat_the_number_of_its_rule() -> None:
    cis = '<reference href="https://www.cisecurity.org/benchmark/x/">1.1.2</reference>'
    titled = {
        "1.1.2 Ensure x": "Ensure x",
        "1.1.2: Ensure x": "Ensure x",
        "(1.1.2) - Ensure x": "Ensure x",
        "1.1.2.3 Ensure x": "1.1.2.3 Ensure x",
        "2.0 is the version of x": "2.0 is the version of x",
        "1.1.2": "1.1.2",
    }
    for title, shown in titled.items():
        text = results([Rule("a", "pass", body=cis)]).replace("Title of a", title)
        assert title in text
        assert read_openscap(opener(text), None).results[0].title == shown


def test_a_number_that_is_in_the_id_of_the_rule_alone_leaves_the_title_too() -> None:
    text = results([Rule("4.2_Ensure_x", "pass")])
    text = text.replace("Title of 4.2_Ensure_x", "4.2 Ensure x")
    assert read_openscap(opener(text), None).results[0].title == "Ensure x"


def test_a_long_section_is_cut_at_a_word_and_its_group_is_kept_whole() -> None:
    title = "Verify that all of the groups of this long benchmark have short titles"
    text = results([Rule("a", "pass")]).replace("Inner", title)
    rule = read_openscap(opener(text), None).results[0]
    assert rule.section == "Verify that all of the groups of this long benchmark have…"
    assert rule.groups == ("Outer", title)


def test_texts_of_the_content_change_no_direction_of_writing() -> None:
    body = "<description>De\u202escription</description><rationale>Ra\u2066tionale</rationale>"
    text = results([Rule("a", "pass", body=body)])
    text = text.replace("Title of a", "Ti\u202etle e" + "\u0301" * 40).replace(
        "Inner", "In\u200fner"
    )
    rule = read_openscap(opener(text), None).results[0]
    assert rule.title == "Title e" + "\u0301" * 4
    assert (rule.section, rule.description, rule.rationale) == ("Inner", "Description", "Rationale")


def test_a_finding_shows_that_a_name_has_such_a_mark() -> None:
    message = "<message>/etc/x\u202efdp.sh is bad</message>"
    rules = [Rule("a", "fail", extra=message)]
    assert read(rules).results[0].finding == "/etc/x\ufffdfdp.sh is bad"


def test_a_fix_has_no_runs_of_empty_lines_but_those_that_it_writes() -> None:
    body = (
        '<fix system="urn:xccdf:fix:script:sh">\n\n\na\n\n \n\nb\n'
        "cat &lt;&lt; 'EOF' &gt; /etc/x\n1\n\n\n2\nEOF\n\n\nc\n</fix>"
    )
    rule = read([Rule("a", "fail", body=body)]).results[0]
    assert rule.remediation == "a\n\nb\ncat << 'EOF' > /etc/x\n1\n\n\n2\nEOF\n\nc"
