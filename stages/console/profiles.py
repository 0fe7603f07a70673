"""`profiles`: what this host can be scanned with."""

import argparse
from pathlib import Path

from schemas.capabilities import ProfileInfo
from stages.console.context import Context
from stages.console.errors import CommandError
from stages.console.output import say, show_json, show_table
from stages.runtime.exits import Exit
from stages.scanners.detection import all_content, detect_now
from stages.scanners.openscap.profiles import short_name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--all", action="store_true", help="of all content on this host, not only what fits it"
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    detected = detect_now(context.settings)
    openscap = detected.capabilities.openscap
    listed: tuple[ProfileInfo, ...] = openscap.available_profiles if openscap else ()
    if args.all:
        listed = all_content(context.settings)
    if not listed:
        raise CommandError("; ".join(detected.problems) or "no profiles", Exit.NO)
    if context.json:
        show_json(listed)
        return Exit.OK
    rows = (
        (short_name(profile.id), profile.title, Path(profile.file_path).name) for profile in listed
    )
    show_table(("profile", "title", "content"), rows)
    if detected.content_warning and not args.all:
        say(detected.content_warning, "yellow")
    return Exit.OK
