"""Stopping the services while their program is replaced, and starting them again.

Promises: what ran before runs afterwards, also if the installation fails. If it is killed, the next
one knows what to start, from a file that lasts until the next boot (which starts what is enabled).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.console.install.actions import Steps, answer
from stages.console.install.install_paths import SERVICES, TARGET

NOTE = Path("/run/compliance-agent.start")
_SYSTEMD_RUNS = Path("/run/systemd/system")


def systemd_runs() -> bool:
    return _SYSTEMD_RUNS.exists()


@contextmanager
def replaced(steps: Steps, *, fresh: bool) -> Iterator[tuple[str, ...]]:
    """Stop the running services meanwhile: a service must not load modules of two versions.

    Yields the services that should be running afterwards.
    """
    units = [TARGET]
    if not fresh:
        # Failed services, too: settings that the old version refuses may be right for the new one.
        units = _in_state("active", "activating", "failed")
    start = list(dict.fromkeys([*units, *_stopped_before()]))
    if not systemd_runs() or not start:
        yield ()
        return
    services = [unit for unit in start if unit != TARGET]
    steps.write(NOTE, "\n".join(start) + "\n")
    if services:
        steps.run("systemctl", "stop", *services)
    try:
        if TARGET in start:
            yield SERVICES
        else:
            yield tuple(services)
    finally:
        if services:
            # Fails for wrong settings, for example, which must not prevent an installation.
            steps.attempt("systemctl", "start", *services)
        if TARGET not in start:
            steps.remove(NOTE)
    if TARGET in start:
        steps.run("systemctl", "enable", TARGET)
        steps.attempt("systemctl", "start", TARGET)
        steps.remove(NOTE)


def failing(wanted: tuple[str, ...]) -> list[str]:
    """Which of these services are not running."""
    running = _in_state("active")
    return [unit for unit in wanted if unit not in running]


def _in_state(*wanted: str) -> list[str]:
    if not systemd_runs():
        return []
    states = [
        word
        for word in answer("systemctl", "show", "--property=ActiveState", "--value", *SERVICES)
        if word
    ]
    return [unit for unit, state in zip(SERVICES, states, strict=False) if state in wanted]


def _stopped_before() -> list[str]:
    """The units that an installation stopped before it was killed."""
    try:
        message = NOTE.read_text().split()
    except OSError:
        return []
    return [word for word in message if word in (TARGET, *SERVICES)]
