"""`profiles`: what this host can be scanned with."""

import argparse
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from schemas.capabilities import Detected, ProfileInfo
from schemas.settings import Settings
from stages.console.context import Context
from stages.console.output import show_record, show_table, show_text
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.scanners import registry
from stages.scanners.detection import detect_now


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--all",
        action="store_true",
        help="profiles of all installed content, not only of that for this host",
    )


class ListedProfile(ProfileInfo, frozen=True, kw_only=True):
    """What `profiles --json` lists."""

    scanned: str | None = None
    """For a profile of the settings its schedule, or that it is scanned on request; None for any
    other."""


def run(args: argparse.Namespace, context: Context) -> Exit:
    detected = detect_now(context.settings)
    profiles: Sequence[ProfileInfo] = detected.profiles
    warnings = detected.warnings
    if args.all:
        # The warnings are about the content for this host.
        profiles, warnings = _of_all_content(context.settings), ()
    if not profiles:
        raise CommandError("; ".join(detected.problems) or "no profiles", Exit.NO)
    listed = _listed(profiles, _scanned(context.settings, detected))
    show_record(listed, partial(_show, warnings), as_json=context.json)
    return Exit.OK


def _show(warnings: Sequence[str], listed: Sequence[ListedProfile]) -> None:
    show_table(("profile", "title", "scanned", "content"), map(_row, listed))
    for warning in warnings:
        show_text(warning, "yellow")


def _of_all_content(settings: Settings) -> list[ProfileInfo]:
    profiles: list[ProfileInfo] = []
    for spec in registry.scanners():
        profiles += spec.profiles_elsewhere(settings)
    return profiles


def _scanned(settings: Settings, detected: Detected) -> dict[tuple[str, str], str]:
    """The profiles of the settings, by file and id, each with its schedules."""
    found: dict[tuple[str, str], str] = {}
    for spec in registry.scanners():
        scanner = detected.scanners[spec.key]
        planned = spec.settings_in(settings).planned_scans
        for scan, profile in zip(planned, spec.planned_profiles(settings, scanner), strict=True):
            if profile is None:
                continue
            schedules = [scan.schedule or "on request"]
            key = (profile.file_path, profile.id)
            if key in found:
                schedules.insert(0, found[key])
            found[key] = ", ".join(schedules)
    return found


def _listed(
    profiles: Sequence[ProfileInfo], scanned: Mapping[tuple[str, str], str]
) -> list[ListedProfile]:
    return [
        ListedProfile(
            id=profile.id,
            title=profile.title,
            description=profile.description,
            file_path=profile.file_path,
            scanned=scanned.get((profile.file_path, profile.id)),
        )
        for profile in profiles
    ]


def _row(profile: ListedProfile) -> tuple[str | None, ...]:
    file = Path(profile.file_path).name
    return profile.short_name, profile.title, profile.scanned, file
