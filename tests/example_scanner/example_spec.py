"""The example scanner, as the rest of the agent knows it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.capabilities import DetectedScanner, ProfileInfo
from schemas.codec import plain
from schemas.manifest import Role
from schemas.report import Report
from schemas.settings import Settings
from stages.scanners.spec import DetectionResult, ScannerOutput, ScannerSpec
from tests.example_scanner.example_settings import ExampleDetection, ExampleSettings

if TYPE_CHECKING:
    from stages.scanners.platform import Platform
    from stages.scanners.runner import Runner

CHECKS: Role = "checks"
PROFILE = "line-check"
PROFILE_TITLE = "Line Check"
FIRST = "line-check-first"
FIRST_TITLE = "Line Check: first"


def _settings(settings: Settings) -> ExampleSettings:
    return settings.compliance.section(ExampleSettings)


def _surroundings(settings: Settings) -> Iterable[str | None]:
    yield _settings(settings).script


def _detect(settings: Settings, platform: "Platform", cache: Mapping[str, Any]) -> DetectionResult:
    script = _settings(settings).script
    is_there = Path(script).is_file()
    profiles = (
        ProfileInfo(id=PROFILE, title=PROFILE_TITLE, description="Every line", file_path=script),
        ProfileInfo(id=FIRST, title=FIRST_TITLE, description="The first", file_path=script),
    )
    found = DetectedScanner(
        installed=is_there,
        ready=is_there,
        version="1.0" if is_there else None,
        problems=() if is_there else (f"{script}: there is no such script: set line_check.script",),
        profiles=profiles if is_there else (),
        specified=plain(ExampleDetection(script_path=script)),
    )
    return DetectionResult(found, {"detections": cache.get("detections", 0) + 1})


def _runner(settings: Settings, detected: DetectedScanner | None) -> "Runner":
    from tests.example_scanner.example_run import ExampleRunner

    return ExampleRunner(_settings(settings), detected)


def _role_of(head: bytes) -> Role | None:
    return CHECKS if head.startswith(b"line-check|") else None


def _read(output: ScannerOutput, settings: Settings) -> Report:
    from tests.example_scanner.example_reading import read_checks

    return read_checks(output)


EXAMPLE = ScannerSpec(
    key="line-check",
    section="line_check",
    title="Line Check",
    settings=ExampleSettings,
    capability=ExampleDetection,
    generic_profile="Line Check Scan",
    default_profile=PROFILE_TITLE,
    roles={CHECKS: "lines of the example scanner"},
    raw_formats={"lines": CHECKS},
    surroundings=_surroundings,
    detect=_detect,
    runner=_runner,
    role_of=_role_of,
    read=_read,
    reader_modules=("tests.example_scanner.example_reading",),
)
