"""Which scan of the settings a request means, with its content and its profile. Pure.

Each scan of a list is treated as if the settings had no other: with its own profile, tailoring and
content, and with what was detected for these. A request means

- the first scan, where it names nothing;
- the scan that it names in full, by profile, tailoring and content;
- otherwise, by its profile alone, the scan of that profile, or else the first scan whose content
  has the profile.

Security: a tailoring or content that a request names is compared with the settings and never
opened.
"""

from collections.abc import Iterator, Sequence

from schemas.capabilities import DetectedScanner, ProfileInfo
from schemas.codec import convert
from schemas.manifest import Manifest
from schemas.planned_scan import PlannedScan
from schemas.records import Struct
from schemas.request import Request
from schemas.settings_check import KeyProblem
from stages.scanners.openscap import profile_choice
from stages.scanners.openscap.openscap_details import OpenSCAPDetails
from stages.scanners.openscap.openscap_settings import OpenSCAPSettings
from stages.scanners.openscap.profile_choice import Chosen, Unknown

_SECTION = "compliance.openscap"
_NOT_DETECTED = "the content of this scan is not detected yet: request it again"


class ScanOffer(Struct, frozen=True):
    """One scan of the settings, with what was detected for it."""

    planned: PlannedScan
    settings: OpenSCAPSettings
    """As if the section were for this scan alone."""
    detected: DetectedScanner
    details: OpenSCAPDetails

    @property
    def profile_key(self) -> str:
        """The key of its profile, `compliance.openscap.scans[1].profile`."""
        return f"{_SECTION}.{self.planned.profile_key}"

    @property
    def configured(self) -> Chosen | Unknown:
        """The profile of the settings."""
        return self.find(self.settings.profile)

    def find(self, profile: str | Sequence[str]) -> Chosen | Unknown:
        return profile_choice.resolve(profile, self.detected.profiles, self.details.profile_names)


class ChosenScan(Struct, frozen=True):
    offer: ScanOffer
    chosen: Chosen

    @property
    def identity(self) -> tuple[object, ...]:
        """Equal for scans that give the same result."""
        settings = self.offer.settings
        return self.chosen.profile.id, settings.tailoring, settings.content


class NoScan(Struct, frozen=True):
    reason: str
    offer: ScanOffer
    """The scan that it is about."""


def offers(settings: OpenSCAPSettings, detected: DetectedScanner) -> list[ScanOffer]:
    """All scans of the settings, in their order."""
    details = convert(detected.details, OpenSCAPDetails)
    found: list[ScanOffer] = []
    for planned in settings.planned_scans:
        single = settings.for_scan(planned)
        own = detected
        if details.scans:
            own = _detected_for(single, details)
        found.append(ScanOffer(planned, single, own, convert(own.details, OpenSCAPDetails)))
    return found


def choose(request: Request, available: Sequence[ScanOffer]) -> ChosenScan | NoScan:
    """The scan for a request."""
    if request.tailoring is None and request.content is None:
        return choose_profile(request.profile, available)
    for offer in available:
        if offer.planned.target == (request.profile, request.tailoring, request.content):
            return _in(offer, offer.settings.profile)
    names = [request.profile_text, request.tailoring, request.content]
    named = ", ".join(filter(None, names))
    reason = f"the scan of {named} is not in the settings any more: request another"
    return NoScan(reason, available[0])


def choose_profile(
    profile: str | tuple[str, ...] | None, available: Sequence[ScanOffer]
) -> ChosenScan | NoScan:
    """The scan for a request that names at most a profile."""
    first = available[0]
    if profile is None:
        return _in(first, first.settings.profile)
    for is_meant in (_is_named_by, _is_profile_of, _has_profile):
        for offer in available:
            if is_meant(offer, profile):
                return _in(offer, profile)
    return _in(first, profile)


def details_for(manifest: Manifest, available: Sequence[ScanOffer]) -> OpenSCAPDetails:
    """The details for the content of an earlier scan: of the scan of the settings that has its file
    and its profile, else of the first one."""
    for offer in available:
        if _has_content_of(offer, manifest):
            return offer.details
    return available[0].details


def _has_content_of(offer: ScanOffer, manifest: Manifest) -> bool:
    known = offer.detected.content
    if known is None or manifest.content is None:
        return False
    ids = {info.id for info in offer.detected.profiles}
    return known.file == manifest.content.path and manifest.profile_id in ids


def problems(available: Sequence[ScanOffer]) -> Iterator[KeyProblem]:
    """What is wrong with the profiles of the settings."""
    by_title: dict[str, ScanOffer] = {}
    for offer in available:
        if not offer.detected.profiles:
            continue
        found = offer.configured
        if isinstance(found, Unknown):
            yield KeyProblem(offer.profile_key, found.reason)
            continue
        title = found.profile.title
        first = by_title.setdefault(title, offer)
        if first is not offer:
            yield _of_one_title(offer, first, title)


def other_of_its_title(scan: ChosenScan, available: Sequence[ScanOffer]) -> str | None:
    """Why the scan can't run: the server would put its result in the place of that of an earlier
    scan of the settings, whose title is the same and whose rules are not."""
    for offer in available:
        if offer is scan.offer:
            return None
        found = offer.configured
        if isinstance(found, Unknown) or found.profile.title != scan.chosen.profile.title:
            continue
        if ChosenScan(offer, found).identity != scan.identity:
            return str(_of_one_title(scan.offer, offer, found.profile.title))
    return None


def _of_one_title(offer: ScanOffer, first: ScanOffer, title: str) -> KeyProblem:
    message = (
        f"has the same title as that of {first.planned.key}, "
        f"{title!r}, and a server keeps one result for each title: choose another "
        "profile, or give the one of the tailoring a title of its own"
    )
    return KeyProblem(offer.profile_key, message)


def configured_profile(offer: ScanOffer) -> ProfileInfo | None:
    """The profile of a scan; None where the settings name one that its content does not have."""
    found = offer.configured
    if isinstance(found, Unknown):
        return None
    return found.profile


def content_case(single: OpenSCAPSettings) -> tuple[object, ...]:
    """The settings of one scan that decide about its content. Equal ones are detected once."""
    return single.content, single.tailoring, may_fall_back(single)


def may_fall_back(single: OpenSCAPSettings) -> bool:
    """Whether the built-in baseline may take the place of other content: a profile that is named is
    never replaced by another."""
    chosen = (single.content_fallback, single.profile, single.content, single.tailoring)
    return chosen == ("baseline", profile_choice.AUTO, None, None)


def _is_named_by(offer: ScanOffer, profile: str | Sequence[str]) -> bool:
    """Whether the settings have a scan with this profile, so named, and with nothing else."""
    return offer.planned.target == (profile, None, None)


def _is_profile_of(offer: ScanOffer, profile: str | Sequence[str]) -> bool:
    """Whether this is the profile of the scan, under any of its names."""
    found = offer.find(profile)
    return isinstance(found, Chosen) and found.profile == configured_profile(offer)


def _has_profile(offer: ScanOffer, profile: str | Sequence[str]) -> bool:
    return isinstance(offer.find(profile), Chosen)


def _in(offer: ScanOffer, profile: str | Sequence[str]) -> ChosenScan | NoScan:
    found = offer.find(profile)
    if isinstance(found, Unknown):
        return NoScan(found.reason, offer)
    return ChosenScan(offer, found)


def _detected_for(single: OpenSCAPSettings, details: OpenSCAPDetails) -> DetectedScanner:
    for scan in details.scans:
        if (scan.content, scan.tailoring, scan.may_fall_back) == content_case(single):
            return scan.scanner
    return DetectedScanner(installed=True, ready=False, problems=(_NOT_DETECTED,))
