"""The command line of `oscap xccdf eval`. Pure, but for a look at which files there are.

Security: the profile is one that the content lists; nothing of a request reaches the argument list
as it is.
"""

from pathlib import Path

from schemas.capabilities import DetectedContent, ProfileInfo
from schemas.manifest import ContentSource
from schemas.records import Struct
from schemas.request import Request
from stages.scanners.openscap.openscap_details import OpenSCAPDetails

RESULTS, ARF = "results.xml", "arf.xml"


class ScanFiles(Struct, frozen=True):
    """The files that oscap reads."""

    content: Path
    tailoring: Path | None = None


def scan_command(
    request: Request,
    profile: ProfileInfo,
    content: DetectedContent,
    files: ScanFiles,
    details: OpenSCAPDetails,
    draft: Path,
) -> tuple[str, ...]:
    """The command of a scan."""
    profile_options = details.profile_options.get(profile.id, ("--profile", profile.id))
    tailoring: tuple[str, ...] = ()
    if files.tailoring is not None:
        tailoring = ("--tailoring-file", str(files.tailoring))
    remote: tuple[str, ...] = ()
    if request.fetch_remote:
        remote = ("--fetch-remote-resources",)
    evaluate = (
        *(details.oscap_path, "xccdf", "eval", *tailoring, *profile_options),
        *content_options(content.source, Path(content.file), details),
        *remote,
    )
    reporting = filter(None, [details.progress_option, details.script_results_option])
    return (
        *evaluate,
        *reporting,
        *("--results", str(draft / RESULTS)),
        *("--results-arf", str(draft / ARF)),
        str(files.content),
    )


def content_options(source: ContentSource, file: Path, details: OpenSCAPDetails) -> tuple[str, ...]:
    """The options for content: without validation, and with the CPE dictionary.

    Content of a package is valid; to validate it again takes a tenth of the time of a scan. Of a
    plain XCCDF file no rule would apply without the CPE dictionary that lies beside it.
    """
    options: tuple[str, ...] = ()
    if source in ("installed", "own") and details.skip_validation_option:
        options = (details.skip_validation_option,)
    stem, ending, _ = file.name.partition("-xccdf.xml")
    dictionary = file.with_name(f"{stem}-cpe-dictionary.xml")
    if ending and dictionary.is_file():
        options = (*options, "--cpe", str(dictionary))
    return options
