"""The profiles of a tailoring file, beside those of the chosen content.

Where the file can't be used nothing is scanned: the content alone is not what the settings ask for.

Diagnostics: each as a problem of the content that was read, with the key, the file and the line.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from schemas.capabilities import ProfileInfo
from schemas.codec import replace
from schemas.manifest import TailoringFile
from schemas.settings_check import KeyProblem
from spool.packing import PackingError
from stages.runtime import plain_file
from stages.scanners.openscap.further_profiles import ReadableContent, add_remark
from stages.scanners.openscap.kept_tailoring import MAX_BYTES, TailoringError
from stages.scanners.openscap.openscap_details import OpenSCAPDetails
from stages.scanners.openscap.oscap_program import OscapProgram
from stages.scanners.openscap.profile_choice import AUTO
from stages.scanners.openscap.tailoring_check import benchmark_of, check_tailoring
from stages.scanners.openscap.tailoring_schema import why_invalid
from stages.scanners.path_trust import why_file_changeable
from stages.scap.benchmark_items import BenchmarkItems, read_benchmarks
from stages.scap.content_profiles import Datastream
from stages.scap.tailoring import (
    TailoredProfile,
    Tailoring,
    parse_tailoring,
    tailored_title,
    untailored_title,
)
from stages.scap.xml_errors import ScapError


def add_tailoring(
    readable: ReadableContent,
    path: Path,
    datastream: Datastream,
    oscap: OscapProgram,
    key: str = "tailoring",
) -> None:
    """Put the profiles of the tailoring before the others; remove all where it can't be used.

    `key` is the key of the section that names the file.
    """
    full_key = f"compliance.openscap.{key}"
    try:
        content = read_tailoring_file(path)
        tailoring = parse_tailoring(content, str(path))
        benchmarks = read_benchmarks(Path(datastream.path))
    except (ScapError, TailoringError, PackingError, OSError) as error:
        _refuse(readable, [str(error).removeprefix(f"{path}: ")], full_key, path)
        return
    problems = check_tailoring(tailoring, benchmarks, datastream.path)
    invalid = why_invalid(oscap, content)
    errors = [*problems.errors, *filter(None, [invalid])]
    if errors:
        _refuse(readable, errors, full_key, path)
        return
    warnings = [KeyProblem(full_key, f"{path}: {warning}") for warning in problems.warnings]
    readable.settings_problems += warnings
    file = TailoringFile(path=str(path), sha256=hashlib.sha256(content).hexdigest())
    _add_profiles(readable, tailoring, benchmarks, file)
    readable.details = replace(readable.details, tailoring_warnings=tuple(map(str, warnings)))
    add_remark(readable, f"tailored by {path}")


def read_tailoring_file(path: Path) -> bytes:
    """The content of a file that only root can have changed. Raises TailoringError."""
    try:
        content = plain_file.read(path, MAX_BYTES)
    except OSError as error:
        raise TailoringError(f"{path}: can't be read: {error.strerror}") from error
    refusal = why_file_changeable(path)
    if refusal:
        raise TailoringError(refusal)
    return content


def _refuse(readable: ReadableContent, reasons: Sequence[str], key: str, path: Path) -> None:
    problems = [KeyProblem(key, f"{path}: {reason}") for reason in reasons]
    readable.problems += map(str, problems)
    readable.settings_problems += problems
    readable.profiles = ()


def _add_profiles(
    readable: ReadableContent,
    tailoring: Tailoring,
    benchmarks: Sequence[BenchmarkItems],
    file: TailoringFile,
) -> None:
    own: list[ProfileInfo] = []
    names = dict(readable.details.profile_names)
    options = dict(readable.details.profile_options)
    counts = dict(readable.details.rule_counts)
    for each in tailoring.profiles.values():
        identifier = each.profile.id
        title = tailored_title(each.profile.title or each.profile.short_name)
        names.setdefault(untailored_title(each.profile.title), identifier)
        own.append(replace(each.profile, title=title, file_path=_content_file(readable)))
        options[identifier] = _options(each, readable.details)
        benchmark = benchmark_of(each, benchmarks)
        if benchmark is not None:
            counts[identifier] = benchmark.selection.tailored(tailoring.selection).count(identifier)
    names[AUTO] = own[0].id
    known = {info.id for info in own}
    # oscap, too, prefers the profile of the tailoring to one of the same id in the content.
    rest = [info for info in readable.profiles if info.id not in known]
    readable.profiles = (*own, *rest)
    readable.details = replace(
        readable.details,
        profile_options=options,
        profile_names=names,
        rule_counts=counts,
        tailored={**readable.details.tailored, **dict.fromkeys(known, file)},
    )


def _content_file(readable: ReadableContent) -> str:
    if readable.content is None:
        return ""
    return readable.content.file


def _options(profile: TailoredProfile, details: OpenSCAPDetails) -> tuple[str, ...]:
    """The options for a profile; they name the benchmark of the extended profile where there are
    several."""
    of_extended = details.profile_options.get(profile.extends or "", ())
    # The first two are the option --profile and the id of the extended profile.
    return ("--profile", profile.profile.id, *of_extended[2:])
