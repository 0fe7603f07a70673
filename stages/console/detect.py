"""`detect` and what it shows: the scanners of this host, in the specification's own shape."""

import argparse

from schemas.capabilities import Detected
from stages.console.context import Context
from stages.console.output import say, show_facts, show_json
from stages.runtime.exits import Exit
from stages.scanners.detection import detect_now


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own."""


def run(args: argparse.Namespace, context: Context) -> Exit:  # noqa: ARG001
    detected = detect_now(context.settings)
    if context.json:
        show_json(detected.capabilities)
    else:
        show_detected(detected)
    return Exit.OK if detected.openscap_ready or detected.docker_bench_ready else Exit.NO


def show_detected(detected: Detected) -> None:
    openscap, docker = detected.capabilities.openscap, detected.capabilities.docker_bench
    profiles = len(openscap.available_profiles) if openscap else 0
    show_facts(
        (
            ("host", detected.os_name),
            ("openscap", openscap.version if openscap and openscap.installed else "missing"),
            ("oscap", openscap.oscap_path or None if openscap else None),
            (
                "content",
                f"{detected.content_file} ({profiles} profiles)"
                if detected.content_file
                else "missing",
            ),
            (
                "docker",
                docker.docker_version or "installed"
                if docker and docker.docker_installed
                else "missing",
            ),
            ("docker bench", docker.docker_bench_method or None if docker else None),
        )
    )
    for message in (detected.content_warning, *detected.problems, detected.docker_problem):
        if message:
            say(message, "yellow")
