"""The `ScannerSpec` of OpenSCAP."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.capabilities import DetectedScanner, ProfileInfo
from schemas.manifest import Role
from schemas.report import Report, RuleResult
from schemas.settings import Settings
from schemas.settings_check import KeyProblem
from stages.scanners.fix_scripts import RuleScript
from stages.scanners.openscap.openscap_capability import OpenSCAPDetection
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.spec import DetectionResult, ScannerOutput, ScannerSpec, UnreadableError

if TYPE_CHECKING:
    from stages.scanners.content_support import ContentSupport
    from stages.scanners.new_tailoring import NewTailoring, TailoringChanges, TailoringRefused
    from stages.scanners.platform import Platform
    from stages.scanners.rechecking import KeptScan, RecheckPlan
    from stages.scanners.runner import CannotRun, Runner

_RESULTS, _ARF, _PROGRESS, _TAILORING = "xccdf-results", "arf", "rule-progress", "tailoring"
_UTF8_MARK = b"\xef\xbb\xbf"


def _surroundings(settings: Settings) -> Iterable[str | None]:
    from stages.scanners.openscap import openscap_detection

    section = settings.compliance.section(OpenSCAPSettings)
    return openscap_detection.surroundings(section, Path(settings.spool.path))


def _detect(settings: Settings, platform: "Platform", cache: Mapping[str, Any]) -> DetectionResult:
    from stages.scanners.openscap import openscap_detection

    section = settings.compliance.section(OpenSCAPSettings)
    return openscap_detection.detect(section, platform, cache, Path(settings.spool.path))


def _profiles_elsewhere(settings: Settings) -> Iterable[ProfileInfo]:
    from stages.scanners.openscap import openscap_detection

    return openscap_detection.all_profiles(settings.compliance.section(OpenSCAPSettings))


def _names_content(settings: Settings) -> bool:
    section = settings.compliance.section(OpenSCAPSettings)
    return any(scan.content is not None for scan in section.planned_scans)


def _fetches_content(settings: Settings) -> bool:
    return settings.compliance.section(OpenSCAPSettings).content_from_server != "never"


def _install_command(platform: "Platform") -> str | None:
    from stages.scanners.openscap.openscap_packages import scanner_command

    return scanner_command(platform)


def _content() -> "ContentSupport":
    from stages.scanners.openscap.openscap_content_support import CONTENT

    return CONTENT


def _runner(settings: Settings, detected: DetectedScanner | None) -> "Runner":
    from stages.scanners.openscap.openscap_run import OpenSCAP

    return OpenSCAP(settings.compliance.section(OpenSCAPSettings), detected)


def _profile_problem(settings: Settings, detected: DetectedScanner, requested: str) -> str | None:
    from stages.scanners.openscap import scan_choice

    if not detected.profiles:
        return None
    offers = scan_choice.offers(settings.compliance.section(OpenSCAPSettings), detected)
    found = scan_choice.choose_profile(requested, offers)
    if isinstance(found, scan_choice.NoScan):
        return found.reason
    return None


def _tailor(
    settings: Settings, changes: "TailoringChanges", at: datetime
) -> "tuple[NewTailoring, str] | TailoringRefused":
    from stages.scanners.openscap.tailoring_changes import tailor

    return tailor(settings, changes, at)


def _plan_recheck(
    settings: Settings,
    detected: DetectedScanner,
    scan: "KeptScan",
    rules: Sequence[str],
    draft: Path,
) -> "RecheckPlan | CannotRun":
    from stages.scanners.openscap.openscap_recheck import plan_recheck

    section = settings.compliance.section(OpenSCAPSettings)
    return plan_recheck(section, detected, scan, rules, draft)


def _scan_problems(settings: Settings, detected: DetectedScanner) -> Iterable[KeyProblem]:
    from stages.scanners.openscap import scan_choice

    section = settings.compliance.section(OpenSCAPSettings)
    return scan_choice.problems(scan_choice.offers(section, detected))


def _planned_profiles(
    settings: Settings, detected: DetectedScanner
) -> Sequence[ProfileInfo | None]:
    from stages.scanners.openscap import scan_choice

    section = settings.compliance.section(OpenSCAPSettings)
    offers = scan_choice.offers(section, detected)
    return list(map(scan_choice.configured_profile, offers))


def _role_of(head: bytes) -> Role | None:
    """An empty file counts as results: the reader has the right message for it."""
    if head and not head.removeprefix(_UTF8_MARK).lstrip().startswith(b"<"):
        return None
    if b"asset-report-collection" in head:
        return _ARF
    return _RESULTS


def _read(output: ScannerOutput, settings: Settings) -> Report:
    from spool.packing import PackingError
    from stages.scanners.openscap.openscap_report import Options, read_openscap
    from stages.scanners.openscap.runner_files import durations_s, script_checks
    from stages.scap.xml_errors import ScapError

    section = settings.compliance.section(OpenSCAPSettings)
    include_notselected = section.include_notselected or output.include_notselected
    try:
        options = Options(
            include_notselected=include_notselected,
            zone=output.time_zone,
            times_are_known=output.completed_at is not None,
            durations_s=durations_s(output),
            script_checks=script_checks(output),
            tailoring=output.open_file(_TAILORING),
            not_searched=output.not_searched,
        )
        return read_openscap(output.open_file(_RESULTS), output.open_file(_ARF), options)
    except (ScapError, PackingError) as error:
        raise UnreadableError(str(error)) from error


def _read_partial(output: ScannerOutput) -> tuple[RuleResult, ...]:
    from stages.scanners.openscap.runner_files import partial_results

    return partial_results(output)


def _read_scripts(output: ScannerOutput) -> Sequence[RuleScript]:
    from spool.packing import PackingError
    from stages.scanners.openscap.openscap_scripts import read_scripts
    from stages.scanners.openscap.scan_files import Options
    from stages.scap.xml_errors import ScapError

    try:
        return read_scripts(output.open_file(_RESULTS), output.open_file(_ARF), Options())
    except (ScapError, PackingError) as error:
        raise UnreadableError(str(error)) from error


OPENSCAP = ScannerSpec(
    key="openscap",
    section="openscap",
    title="OpenSCAP",
    settings=OpenSCAPSettings,
    capability=OpenSCAPDetection,
    generic_profile="OpenSCAP Scan",
    default_profile="OpenSCAP",
    roles={_RESULTS: "XCCDF results", _ARF: "ARF"},
    raw_formats={"arf": _ARF},
    surroundings=_surroundings,
    detect=_detect,
    runner=_runner,
    role_of=_role_of,
    read=_read,
    partial_role=_PROGRESS,
    read_partial=_read_partial,
    reader_modules=(
        "stages.scanners.openscap.openscap_report",
        "stages.scanners.openscap.runner_files",
        "stages.scanners.openscap.openscap_scripts",
    ),
    profile_problem=_profile_problem,
    scan_problems=_scan_problems,
    planned_profiles=_planned_profiles,
    install_command=_install_command,
    content=_content,
    names_content=_names_content,
    content_setting="compliance.openscap.content_from_server",
    fetches_content=_fetches_content,
    tailor=_tailor,
    plan_recheck=_plan_recheck,
    read_scripts=_read_scripts,
    profiles_elsewhere=_profiles_elsewhere,
)
