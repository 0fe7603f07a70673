"""What was detected, for people."""

from schemas.capabilities import Detected, DetectedScanner
from schemas.schedule import ServerOverrides
from schemas.settings import Settings
from stages.console.output import show_facts, show_text
from stages.formats.content_fit import FIT, content_line
from stages.runtime.printable import counted
from stages.scanners import readiness, registry
from stages.scanners.spec import ScannerSpec


def show_detected(
    detected: Detected, settings: Settings, overrides: ServerOverrides | None = None
) -> None:
    """`overrides`: what the server has switched on or off, where that is known."""
    facts: list[tuple[str, str | None]] = [("host", detected.os_name)]
    problems = list(detected.problems)
    for spec in registry.scanners():
        found = detected.scanners.get(spec.key)
        if found is None:
            continue
        facts.append((spec.key, _state(spec, found, settings, overrides)))
        problems += map(str, spec.scan_problems(settings, found))
        if found.content:
            profiles = counted(len(found.profiles), "profile")
            content = content_line(found.content.file, found.content.version)
            facts.append(("content", f"{content} ({profiles})"))
            facts.append(("origin", found.content.origin))
            facts.append(("fit", FIT[found.content.fit]))
            facts += [("remark", remark) for remark in found.content.remarks]
        elif spec.needs_content:
            facts.append(("content", "none"))
    show_facts(facts)
    for message in (*detected.warnings, *problems):
        show_text(message, "yellow")


def _state(
    spec: ScannerSpec,
    found: DetectedScanner,
    settings: Settings,
    overrides: ServerOverrides | None,
) -> str:
    """Its version, and why it is not used, apart from the problems that are shown below."""
    if readiness.is_left_out(spec, settings, installed=found.installed):
        return "not on this host"
    if not found.installed:
        return "missing"
    refused = readiness.refusal(spec, settings, overrides)
    version = found.version or "installed"
    if refused:
        return f"{version}; {refused.reason}"
    if found.ready:
        return version
    return f"{version}, not ready"
