"""What `install` adds where an option wants it, also beside the distribution's package: rights for
checks by script, and the service that carries out the server's requests for fixes."""

from pathlib import Path

from stages.console.install import installed_files, services
from stages.console.install.actions import Steps
from stages.console.install.install_paths import (
    PACKAGED_HOME,
    REMEDIATE_PATH,
    REMEDIATE_SERVICE,
    SCAN_SERVICE,
    SCRIPT_CHECKS_PATH,
)


def add_to_package(steps: Steps, *, script_checks: bool, remediation: bool) -> None:
    """Beside the distribution's package, of which nothing else is changed."""
    if script_checks:
        steps.write(SCRIPT_CHECKS_PATH, installed_files.script_checks())
    if remediation:
        for path, text in installed_files.remediation_units(PACKAGED_HOME).items():
            steps.write(path, text)
    services.reload(steps)
    if script_checks and services.systemd_runs():
        steps.run("systemctl", "try-restart", SCAN_SERVICE)
    if remediation:
        start_remediation(steps)


def start_remediation(steps: Steps) -> None:
    if services.systemd_runs():
        steps.run("systemctl", "enable", "--now", REMEDIATE_PATH)


def stop_remediation(steps: Steps, units: Path) -> None:
    """Before its units are removed; nothing where it is not installed."""
    if services.systemd_runs() and (units / REMEDIATE_PATH).exists():
        steps.run("systemctl", "disable", "--now", REMEDIATE_PATH)
        steps.run("systemctl", "stop", REMEDIATE_SERVICE)
