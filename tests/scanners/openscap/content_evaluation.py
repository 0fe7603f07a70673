"""Runs the real oscap on a datastream, and reads what came out."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

XCCDF = "{http://checklists.nist.gov/xccdf/1.2}"
OVAL_RESULTS = "{http://oval.mitre.org/XMLSchema/oval-results-5}"


@dataclass(frozen=True)
class Evaluation:
    exit_code: int
    verdicts: dict[str, str]
    """Result word by the short name of the rule (the part after `_rule_`)."""
    tests: dict[str, tuple[str, int]]
    """Result of an OVAL test and how many items it looked at, by test id."""
    results: Path
    stderr: str

    def selected(self) -> dict[str, str]:
        return {rule: word for rule, word in self.verdicts.items() if word != "notselected"}


def evaluate(
    datastream: Path,
    profile: str,
    scratch: Path,
    *options: str,
    root: Path | None = None,
    values: Mapping[str, str] | None = None,
) -> Evaluation:
    """Evaluate a profile; `root` stands for `/`, `values` (by full id) are tailored."""
    results, arf = scratch / "results.xml", scratch / "arf.xml"
    command = [
        "oscap",
        "xccdf",
        "eval",
        "--results",
        str(results),
        "--results-arf",
        str(arf),
        *options,
    ]
    if values:
        command += ["--tailoring-file", str(_tailoring(profile, values, scratch))]
        profile = "xccdf_test_profile_tailored"
    done = subprocess.run(
        [*command, "--profile", profile, str(datastream)],
        env=environment(scratch) | ({"OSCAP_PROBE_ROOT": str(root)} if root else {}),
        capture_output=True,
        text=True,
        timeout=120,
    )
    return Evaluation(done.returncode, _verdicts(results), _tests(arf), results, done.stderr)


def environment(scratch: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TMPDIR": str(scratch)}


def _tailoring(profile: str, values: Mapping[str, str], scratch: Path) -> Path:
    settings = "".join(
        f'<set-value idref="{name}">{value}</set-value>' for name, value in values.items()
    )
    path = scratch / "tailoring.xml"
    path.write_text(
        f'<Tailoring xmlns="{XCCDF[1:-1]}" id="xccdf_test_tailoring_1">'
        '<version time="2026-11-20T00:00:00">1</version>'
        f'<Profile id="xccdf_test_profile_tailored" extends="{profile}"><title>Tailored</title>'
        f"{settings}</Profile>"
        "</Tailoring>"
    )
    return path


def _verdicts(results: Path) -> dict[str, str]:
    if not results.exists():
        return {}
    found = ElementTree.parse(results).iter(f"{XCCDF}rule-result")
    return {
        one.get("idref", "").split("_rule_")[1]: one.findtext(f"{XCCDF}result", "") for one in found
    }


def _tests(arf: Path) -> dict[str, tuple[str, int]]:
    if not arf.exists():
        return {}
    found = ElementTree.parse(arf).iter(f"{OVAL_RESULTS}test")
    return {
        one.get("test_id", ""): (
            one.get("result", ""),
            len(one.findall(f"{OVAL_RESULTS}tested_item")),
        )
        for one in found
    }
