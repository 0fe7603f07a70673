"""Stopping the services while their program is replaced, and starting them again.

Promises: what ran before runs afterwards, also if the installation fails. If it is killed, the next
one knows what to start, from a file that lasts until the next boot (which starts what is enabled).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.console.install.actions import Steps, answer
from stages.console.install.install_paths import (
    CONFIG_PATH,
    RETRY_SERVICE,
    RETRY_TIMER,
    SERVICES,
    TARGET,
)

NOTE = Path("/run/compliance-agent.start")
_SYSTEMD_RUNS = Path("/run/systemd/system")


def systemd_runs() -> bool:
    return _SYSTEMD_RUNS.exists()


def reload(steps: Steps) -> None:
    """Let systemd read the units again."""
    if systemd_runs():
        steps.run("systemctl", "daemon-reload")


@contextmanager
def replaced(steps: Steps, *, fresh: bool) -> Iterator[tuple[str, ...]]:
    """Stop the running services meanwhile: a service must not load modules of two versions.

    Yields the services that should be running afterwards.
    """
    start = _to_start(fresh)
    if not start:
        yield ()
        return
    enables_target = TARGET in start
    services = tuple(unit for unit in start if unit != TARGET)
    expected = services
    if enables_target:
        expected = SERVICES
    steps.write(NOTE, "\n".join(start) + "\n")
    _stop(steps, services)
    try:
        yield expected
    finally:
        _start(steps, services)
        if not enables_target:
            steps.remove(NOTE)
    # After a failure the note stays: the next installation enables the target.
    if enables_target:
        steps.run("systemctl", "enable", TARGET)
        steps.attempt("systemctl", "start", TARGET)
        steps.remove(NOTE)


def stop_for_good(steps: Steps, units: Path) -> None:
    """Before the units are removed. systemctl refuses units without a file, as an installation or
    an uninstallation leaves them that was killed: they do not run.
    """
    if not systemd_runs():
        return
    if (units / TARGET).exists():
        steps.run("systemctl", "disable", "--now", TARGET)
    every = (CONFIG_PATH, RETRY_TIMER, RETRY_SERVICE, *SERVICES)
    present = [unit for unit in every if (units / unit).exists()]
    if present:
        steps.run("systemctl", "stop", *present)
    # A unit that has failed would stay listed without its file.
    steps.attempt("systemctl", "reset-failed", *SERVICES)


def failing(wanted: tuple[str, ...]) -> list[str]:
    """Which of these services are not running."""
    running = _in_state("active")
    return [unit for unit in wanted if unit not in running]


def _to_start(fresh: bool) -> list[str]:
    """What has to run after the installation."""
    if not systemd_runs():
        return []
    units = [TARGET]
    if not fresh:
        # Failed services, too: the new version may accept settings that the old one refuses.
        units = _in_state("active", "activating", "failed")
    return list(dict.fromkeys([*units, *_stopped_before()]))


def _stop(steps: Steps, services: tuple[str, ...]) -> None:
    if services:
        # The timer would start failed services while their program is replaced. A service that
        # fails later starts the timer again.
        steps.attempt("systemctl", "stop", RETRY_TIMER)
        steps.run("systemctl", "stop", *services)


def _start(steps: Steps, services: tuple[str, ...]) -> None:
    if services:
        # An attempt: a service that does not start, for instance because of wrong settings, must
        # not make the installation fail.
        steps.attempt("systemctl", "start", *services)


def _in_state(*wanted: str) -> list[str]:
    lines = answer("systemctl", "show", "--property=ActiveState", "--value", *SERVICES)
    # One line for each unit, with empty lines between them.
    states = filter(None, lines)
    return [unit for unit, state in zip(SERVICES, states, strict=False) if state in wanted]


def _stopped_before() -> list[str]:
    """The units that an installation stopped before it was killed."""
    try:
        units = NOTE.read_text().split()
    except OSError:
        return []
    return [unit for unit in units if unit in (TARGET, *SERVICES)]
