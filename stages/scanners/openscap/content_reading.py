"""Reading content to choose from it: versions, profiles, and whether anything in it applies here.

Loads the XML library, so it is imported in worker processes and commands alone.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schemas.capabilities import DetectedContent
from schemas.codec import replace
from schemas.planned_scan import PlannedScan
from spool.packing import PackingError
from stages.runtime.printable import by_number
from stages.scanners.openscap import content_choice, content_trial, further_profiles, profile_choice
from stages.scanners.openscap.content_choice import NoContent, SelectedContent
from stages.scanners.openscap.content_files import ContentFile, ContentFiles
from stages.scanners.openscap.content_match import is_for_other_releases
from stages.scanners.openscap.further_profiles import ReadableContent, unreadable
from stages.scanners.openscap.openscap_content_check import why_not_from_server
from stages.scanners.openscap.openscap_details import OpenSCAPDetails
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.openscap.oscap_program import OscapProgram
from stages.scanners.openscap.profile_choice import AUTO
from stages.scanners.openscap.scan_choice import may_fall_back
from stages.scanners.openscap.tailored_profiles import add_tailoring
from stages.scanners.platform import Platform
from stages.scap.content_profiles import Datastream, ProfileCache
from stages.scap.xml_errors import ScapError

_ONLY_SCAN = PlannedScan()
_TRIALS, _CHECKS = "trials", "checks"


class ContentReader:
    """Reads content, with what was read before."""

    def __init__(
        self,
        settings: OpenSCAPSettings,
        platform: Platform,
        oscap: OscapProgram,
        cache: Mapping[str, Any],
        planned: PlannedScan = _ONLY_SCAN,
    ) -> None:
        """`settings` are those of one scan, `planned` names their keys."""
        self._settings = settings
        self._planned = planned
        self._platform = platform
        self._oscap = oscap
        self._cache = ProfileCache(cache)
        self._trials = dict(cache.get(_TRIALS, {}))
        self._checks = dict(cache.get(_CHECKS, {}))

    def cache(self) -> dict[str, Any]:
        """Plain values by which the next detection need not read again."""
        return {**self._cache.dump(), _TRIALS: self._trials, _CHECKS: self._checks}

    def version_of(self, path: Path) -> str | None:
        try:
            return self._cache.get(path).version
        except (ScapError, PackingError, OSError):
            return None

    def select(self, found: ContentFiles) -> SelectedContent | NoContent:
        """The content for this host, or why there is none."""
        self.refuse_unchecked(found)
        selected = content_choice.select(
            self._settings, self._platform, found, self.version_of, self._planned.content_key
        )
        return self._fallback(selected, found) or selected

    def refuse_unchecked(self, found: ContentFiles) -> None:
        """Leave out content from the server that must not come from there.

        It was checked before it was kept. It is checked again here, because the stage that did that
        has network access and may have been taken over.
        """
        allowed = []
        for file in found.files:
            refusal = None
            if file.source == "server":
                refusal = self._why_not_from_server(file)
            if refusal:
                found.problems.append(f"content is not used: {refusal}")
            else:
                allowed.append(file)
        found.files = allowed

    def _why_not_from_server(self, file: ContentFile) -> str | None:
        """Each content is checked once."""
        digest = file.sha256 or ""
        if digest not in self._checks:
            self._checks[digest] = why_not_from_server(file.path, digest)
        refusal: str | None = self._checks[digest]
        return refusal

    def read(self, selected: SelectedContent | NoContent, found: ContentFiles) -> ReadableContent:
        """The profiles of the chosen content, and what the runner needs to know."""
        if isinstance(selected, NoContent):
            details = OpenSCAPDetails(oscap_path=self._oscap.path)
            return ReadableContent(details, problems=[selected.reason])
        file = selected.file
        details = OpenSCAPDetails(
            oscap_path=self._oscap.path,
            progress_option=self._oscap.progress_option,
            script_results_option=self._oscap.script_results_option,
            skip_validation_option=self._oscap.skip_validation_option,
            content_sha256=file.sha256,
            refuses_remote_parts=self._oscap.refuses_remote_parts,
        )
        readable = ReadableContent(details)
        try:
            datastream = self._cache.counted(file.path)
        except (ScapError, PackingError) as error:
            readable.problems.append(unreadable(file.path, str(error)))
            return readable
        except OSError as error:
            readable.problems.append(unreadable(file.path, str(error.strerror)))
            return readable
        readable.profiles = datastream.profiles
        readable.content = DetectedContent(
            file=str(file.path),
            source=file.source,
            fit=selected.fit,
            version=file.version or datastream.version,
            origin=file.origin,
            warning=selected.warning,
            remarks=_script_remark(datastream.script_rules),
        )
        readable.details = replace(
            details,
            rule_counts=dict(datastream.selected or {}),
            profile_options=_checklist_options(datastream),
        )
        further_profiles.add_channels(readable, file.path, found.channels, self._cache)
        further_profiles.name_default_tailoring(readable, self._settings)
        if self._settings.tailoring:
            tailoring = Path(self._settings.tailoring)
            key = self._planned.tailoring_key
            add_tailoring(readable, tailoring, datastream, self._oscap, key)
        return readable

    def _fallback(
        self, selected: SelectedContent | NoContent, found: ContentFiles
    ) -> SelectedContent | None:
        """The built-in baseline, where nothing else would give results; None where other content is
        used, or the settings do not allow it."""
        if not may_fall_back(self._settings):
            return None
        if isinstance(selected, NoContent):
            return content_choice.baseline(selected.reason)
        if self._applies(selected):
            return None
        reason = f"no rule of the installed content would apply: {selected.mismatch}"
        advice = content_choice.advice_on_content(self._settings, self._platform, found)
        return content_choice.baseline(f"{reason}. {advice}")

    def _applies(self, selected: SelectedContent) -> bool:
        """Whether any rule of the content applies, as far as is known. Of content for this release
        that is taken for granted."""
        if selected.fit not in ("related", "older"):
            return True
        try:
            datastream = self._cache.get(selected.file.path)
        except (ScapError, PackingError, OSError):
            return True
        if selected.fit == "older" and is_for_other_releases(datastream.platforms, self._platform):
            return False
        chosen = profile_choice.resolve(AUTO, datastream.profiles)
        if isinstance(chosen, profile_choice.Unknown) or not self._oscap.is_installed:
            return True
        return self._tried(selected.file, chosen.profile.id)

    def _tried(self, file: ContentFile, profile: str) -> bool:
        """Whether a trial found a rule that applies.

        A trial is made once for each state of the file and version of the scanner.
        """
        try:
            status = file.path.stat()
        except OSError:
            return True
        name = f"{file.path} {status.st_size} {status.st_mtime_ns} {profile} {self._oscap.version}"
        if name not in self._trials:
            applies = content_trial.applies(self._oscap, file, profile)
            if applies is None:
                return True
            self._trials = {**self._trials, name: applies}
        return bool(self._trials[name])


def _checklist_options(datastream: Datastream) -> dict[str, tuple[str, ...]]:
    """The options that name the checklist of a profile: oscap searches only the first one."""
    options: dict[str, tuple[str, ...]] = {}
    for profile, checklist in datastream.checklists.items():
        named: tuple[str, ...] = ("--benchmark-id", checklist.benchmark)
        if checklist.datastream and checklist.component_reference:
            named = (
                *("--datastream-id", checklist.datastream),
                *("--xccdf-id", checklist.component_reference),
            )
        options[profile] = ("--profile", checklist.profile, *named)
    return options


def _script_remark(rules: int) -> tuple[str, ...]:
    """A remark that content has checks by script, and what these need."""
    if not rules:
        return ()
    remark = (
        f"{rules} of its rules {by_number(rules, 'is', 'are')} checked by script (SCE), which the "
        "scan unit allows only after compliance-agent install --with-script-checks"
    )
    return (remark,)
