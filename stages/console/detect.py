"""`detect`, and the view of what was detected: the scanners of this host."""

import argparse

from schemas.capabilities import Detected, DetectedScanner
from schemas.schedule import ServerOverrides
from schemas.settings import Settings
from stages.console.context import Context
from stages.console.output import say, show_facts, show_json
from stages.runtime.exits import Exit
from stages.scanners import readiness, registry
from stages.scanners.detection import detect_now, specified_capabilities
from stages.scanners.spec import ScannerSpec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments of its own."""


def run(args: argparse.Namespace, context: Context) -> Exit:  # noqa: ARG001
    detected = detect_now(context.settings)
    if context.json:
        show_json(specified_capabilities(detected))
    else:
        show_detected(detected, context.settings)
    is_any_ready = any(found.ready for found in detected.scanners.values())
    return Exit.OK if is_any_ready else Exit.NO


def show_detected(
    detected: Detected, settings: Settings, overrides: ServerOverrides | None = None
) -> None:
    """`overrides`: what the server has switched, where that is known."""
    facts: list[tuple[str, str | None]] = [("host", detected.os_name)]
    for spec in registry.scanners():
        found = detected.scanners.get(spec.key)
        if found is None:
            continue
        facts.append((spec.key, _state(spec, found, settings, overrides)))
        if found.content:
            count = len(found.profiles)
            profiles = "1 profile" if count == 1 else f"{count} profiles"
            facts.append(("content", f"{found.content.file} ({profiles})"))
    show_facts(facts)
    for message in (*detected.warnings, *detected.problems):
        say(message, "yellow")


def _state(
    spec: ScannerSpec,
    found: DetectedScanner,
    settings: Settings,
    overrides: ServerOverrides | None,
) -> str:
    """Its version, and what is in the way of a scan but for the problems that are shown below."""
    if not found.installed:
        return "missing"
    refused = readiness.refusal(spec, settings, overrides)
    version = found.version or "installed"
    if refused:
        return f"{version}; {refused.reason}"
    return version if found.ready else f"{version}, not ready"
