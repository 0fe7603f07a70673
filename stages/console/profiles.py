"""`profiles`: what this host can be scanned with."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from schemas.capabilities import ProfileInfo
from schemas.settings import Settings
from stages.console.context import Context
from stages.console.errors import CommandError
from stages.console.output import say, show_json, show_table
from stages.runtime.exits import Exit
from stages.scanners import registry
from stages.scanners.detection import detect_now


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--all",
        action="store_true",
        help="profiles of all installed content, not only of that for this host",
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    detected = detect_now(context.settings)
    profiles: Sequence[ProfileInfo] = detected.profiles
    warnings = detected.warnings
    if args.all:
        # The warnings are about the content for this host.
        profiles, warnings = _of_all_content(context.settings), ()
    if not profiles:
        raise CommandError("; ".join(detected.problems) or "no profiles", Exit.NO)
    if context.json:
        show_json(profiles)
        return Exit.OK
    show_table(("profile", "title", "content"), map(_row, profiles))
    for warning in warnings:
        say(warning, "yellow")
    return Exit.OK


def _of_all_content(settings: Settings) -> list[ProfileInfo]:
    profiles: list[ProfileInfo] = []
    for spec in registry.scanners():
        profiles += spec.profiles_elsewhere(settings)
    return profiles


def _row(profile: ProfileInfo) -> tuple[str, str, str]:
    return profile.short_name, profile.title, Path(profile.file_path).name
