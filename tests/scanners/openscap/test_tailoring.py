"""Tailoring files with the real oscap: what it gets, what is kept, and what is refused."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from schemas.capabilities import DetectedScanner
from schemas.codec import convert
from schemas.settings import Settings
from spool.spool import Spool
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.scanners.host import this_platform
from stages.scanners.openscap.content import LINUX
from stages.scanners.openscap.kept_tailoring import unpack_kept_tailoring
from stages.scanners.openscap.openscap_details import OpenSCAPDetails
from stages.scanners.openscap.openscap_detection import detect
from stages.scanners.openscap.openscap_recheck import plan_recheck
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.openscap.profile_choice import Chosen, resolve
from stages.scanners.rechecking import KeptScan, RecheckPlan
from tests.scanners.openscap.oscap_runs import scanned

XCCDF = "http://checklists.nist.gov/xccdf/1.2"
OF_WORKBENCH_FOR_1_1 = "http://open-scap.org/page/Xccdf-1.1-tailoring"
OWN = "xccdf_io.github.compliance-agent.content_"
PROFILE = f"{OWN}profile_linux_standard"
SHORT_OF_TAILORED = "mine"
UNSELECTED = f"{OWN}rule_umask"
CHANGES = (
    f'  <select idref="{UNSELECTED}" selected="false"/>\n'
    f'  <set-value idref="{OWN}value_pass_max_days">77</set-value>\n'
)


def tailoring(
    changes: str = CHANGES,
    *,
    extends: str = PROFILE,
    title: str = "Mine",
    benchmark: str = 'href="x-ds.xml"',
    identifier: str = f"xccdf_x_profile_{SHORT_OF_TAILORED}",
) -> str:
    """A tailoring whose changes begin in line 6."""
    return (
        f'<Tailoring xmlns="{XCCDF}" id="xccdf_x_tailoring_t">\n'
        f" <benchmark {benchmark}/>\n"
        ' <version time="2026-11-26T00:00:00">1</version>\n'
        f' <Profile id="{identifier}" extends="{extends}">\n'
        f'  <title override="true">{title}</title>\n{changes}'
        " </Profile>\n</Tailoring>\n"
    )


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "tailoring.xml"
    path.write_text(text)
    return path


def settings(file: Path, **openscap: object) -> OpenSCAPSettings:
    values = {"content": str(LINUX), "tailoring": str(file), **openscap}
    return convert(values, OpenSCAPSettings)


def found(file: Path) -> DetectedScanner:
    return detect(settings(file), this_platform(), {}).scanner


@pytest.fixture
def process(tmp_path: Path) -> Process:
    spool = Spool(tmp_path / "spool")
    spool.prepare()
    return Process("scan", Settings(), None, spool, Log("scan"), NoDoorbell())


@pytest.mark.oscap
def test_a_scan_with_a_tailoring_leaves_out_a_rule_sets_a_value_and_keeps_the_file(
    process: Process, tmp_path: Path
) -> None:
    file = written(tmp_path, tailoring())
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    manifest, report = scanned(settings(file), process)
    assert manifest.outcome == "finished", manifest.error
    assert report.profile.name == "Mine (tailored)"
    assert report.profile.id == f"xccdf_x_profile_{SHORT_OF_TAILORED}"
    assert UNSELECTED not in {result.rule_ref for result in report.results}
    (rule,) = [one for one in report.results if one.rule_ref.endswith("rule_pass_max_days")]
    assert "77" in f"{rule.description} {rule.remediation}"
    for kept in (manifest.tailoring, report.tailoring):
        assert kept is not None
        assert (kept.path, kept.sha256) == (str(file), digest)
    assert report.tailoring is not None
    assert report.tailoring.unselected == (UNSELECTED,)
    assert report.tailoring.selected == ()
    assert report.tailoring.values == {f"{OWN}value_pass_max_days": "77"}
    file.unlink()
    copy = unpack_kept_tailoring(process.spool.raw, manifest, tmp_path)
    assert copy is not None
    assert copy.read_text() == tailoring()


@pytest.mark.oscap
@pytest.mark.parametrize("title", ["Größe A", "Größe A (tailored)"])
def test_a_tailored_profile_is_found_by_its_title_with_and_without_the_mark(
    title: str, tmp_path: Path
) -> None:
    detected = found(written(tmp_path, tailoring(title=title)))
    names = convert(detected.details, OpenSCAPDetails).profile_names
    for name in ("Größe A", "Größe A (tailored)"):
        chosen = resolve(name, detected.profiles, names)
        assert isinstance(chosen, Chosen)
        assert chosen.profile.short_name == SHORT_OF_TAILORED


@pytest.mark.oscap
def test_a_scan_with_another_profile_has_no_tailoring(process: Process, tmp_path: Path) -> None:
    file = written(tmp_path, tailoring())
    manifest, report = scanned(settings(file), process, profile="linux_strict")
    assert (manifest.tailoring, report.tailoring) == (None, None)
    assert report.profile.name == "Linux Baseline - Strict"
    assert unpack_kept_tailoring(process.spool.raw, manifest, tmp_path) is None
    assert UNSELECTED in {result.rule_ref for result in report.results}


@pytest.mark.oscap
def test_a_recheck_is_given_the_tailoring_that_the_scan_kept(
    process: Process, tmp_path: Path
) -> None:
    file = written(tmp_path, tailoring())
    manifest, _ = scanned(settings(file), process)
    detected = found(file)
    file.write_text(tailoring(changes=""))
    draft = tmp_path / "draft"
    draft.mkdir()
    scan = KeptScan(manifest, process.spool.raw)
    plan = plan_recheck(settings(file), detected, scan, [f"{OWN}rule_pass_max_days"], draft)
    assert isinstance(plan, RecheckPlan), plan
    (run,) = plan.runs
    option = run.command.index("--tailoring-file")
    assert Path(run.command[option + 1]).read_text() == tailoring()
    done = subprocess.run(run.command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in run.expected, done.stderr
    assert ">77<" in run.files[0].read_text()
