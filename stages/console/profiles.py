"""`profiles`: what this host can be scanned with."""

import argparse
from pathlib import Path

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
    profiles = detected.profiles
    if args.all:
        profiles = tuple(
            profile
            for spec in registry.scanners()
            for profile in spec.profiles_elsewhere(context.settings)
        )
    if not profiles:
        raise CommandError("; ".join(detected.problems) or "no profiles", Exit.NO)
    if context.json:
        show_json(profiles)
        return Exit.OK
    rows = (
        (profile.short_name, profile.title, Path(profile.file_path).name) for profile in profiles
    )
    show_table(("profile", "title", "content"), rows)
    if not args.all:
        for warning in detected.warnings:
            say(warning, "yellow")
    return Exit.OK
