"""`install`: install the agent on this host as systemd services, upgrade it, or uninstall it.

Promises: another run upgrades, and restarts the services that were running. It installs this
program as it runs now, so nothing is downloaded. Uninstalling keeps the spool and the settings.
"""

import argparse
import os
import re
import sys
from functools import partial
from pathlib import Path

from schemas.records import Record
from schemas.settings import Settings
from stages.console.context import Context
from stages.console.install import additions, environment, install_paths, installed_files, services
from stages.console.install.actions import Steps, swap_leftovers
from stages.console.install.install_paths import (
    CONFIG,
    KEY,
    PACKAGED_HOME,
    PACKAGED_UNITS,
    REMEDIATE_PATH,
    REMEDIATE_UNITS,
    SCRIPT_CHECKS_PATH,
    SERVICES,
    SPOOL,
    STATE,
    TARGET,
    InstallPaths,
)
from stages.console.output import show_json, show_progress, show_text
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.runtime.settings_file import Loaded
from stages.scanners.settings import load_settings
from stages.trigger.plans import problems as problems_of_schedules

_DEFAULT_PREFIX = Path("/usr/local")
# Services have a private /tmp, and see no home directory.
_HIDDEN = tuple(map(Path, ("/root", "/home", "/tmp", "/var/tmp")))  # noqa: S108
_PLAIN_PATH = re.compile(r"/[^\s\"'\\%$]*")
_STARTS = re.compile(r"^ExecStart=(/\S+)/bin/compliance-agent ", re.MULTILINE)


class Installed(Record, frozen=True, kw_only=True):
    """What `install --json` prints."""

    done: tuple[str, ...]
    """With `--dry-run`: what would be done."""
    actions: tuple[str, ...]
    """What the operator has to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--uninstall", action="store_true", help="uninstall; spool and settings are kept"
    )
    parser.add_argument(
        "--prefix",
        type=Path,
        metavar="DIR",
        default=_own_prefix() or _DEFAULT_PREFIX,
        help="absolute path to install below (default: %(default)s)",
    )
    parser.add_argument(
        "--with-script-checks",
        action="store_true",
        help="give the scan unit the capabilities that checks by script need",
    )
    parser.add_argument(
        "--with-remediation",
        action="store_true",
        help="also install the service that carries out the server's requests for fixes; it runs "
        "only where compliance.server_commands.allow_remediation is true",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be done, without doing it"
    )


def run(args: argparse.Namespace, context: Context) -> Exit:
    _check_prefix(args.prefix)
    if os.geteuid() != 0 and not args.dry_run:
        raise CommandError(
            "this changes the host: run it as root, or with --dry-run to see what it would do"
        )
    where = install_paths.local(args.prefix)

    def report(step: str) -> None:
        if args.dry_run:
            step = f"would {step}"
        show_progress(step, as_json=context.json)

    steps = Steps(dry=args.dry_run, report=report)
    # The services must be able to read what is written here, whatever root's umask is.
    os.umask(0o022)
    try:
        actions = _carry_out(args, where, steps)
    except OSError as error:
        if error.filename is None:
            # Standard output: that is reported like everywhere.
            raise
        raise CommandError(
            f"{error.filename}: {error.strerror}; correct this and run it again"
        ) from error
    if context.json:
        show_json(Installed(done=tuple(steps.reported), actions=tuple(actions)))
    else:
        _show(actions, args.uninstall)
    return Exit.OK


def _check_prefix(prefix: Path) -> None:
    if not _PLAIN_PATH.fullmatch(str(prefix)):
        raise CommandError(
            f"--prefix {prefix}: must be an absolute path of plain characters", Exit.USAGE
        )
    if any(prefix.resolve().is_relative_to(place) for place in _HIDDEN):
        raise CommandError(
            f"--prefix {prefix}: hidden from the services; use a path like {_DEFAULT_PREFIX}",
            Exit.USAGE,
        )


def _carry_out(args: argparse.Namespace, where: InstallPaths, steps: Steps) -> list[str]:
    """Install, upgrade or uninstall; returns what remains for the operator to do."""
    wants_more = args.with_script_checks or args.with_remediation
    if wants_more and not args.uninstall and _has_package():
        additions.add_to_package(
            steps, script_checks=args.with_script_checks, remediation=args.with_remediation
        )
        return []
    _refuse_beside_package()
    _refuse_beside_another(where)
    if args.uninstall:
        return _uninstall(where, steps)
    if args.with_script_checks:
        steps.write(SCRIPT_CHECKS_PATH, installed_files.script_checks())
    return _install(where, steps, with_remediation=args.with_remediation)


def _install(where: InstallPaths, steps: Steps, *, with_remediation: bool) -> list[str]:
    python = environment.interpreter()
    texts = installed_files.texts(where)
    # An upgrade keeps the service for fixes where it is installed.
    fixes = with_remediation or (where.units / REMEDIATE_PATH).exists()
    if fixes:
        texts |= installed_files.remediation_units(where.home)
    with services.replaced(steps, fresh=not (where.units / TARGET).exists()) as wanted:
        _put(where, texts, steps, python)
    if fixes:
        additions.start_remediation(steps)
    loaded = _host_settings()
    actions = _remaining_actions(where, loaded)
    if not services.systemd_runs():
        actions.append(
            f"systemd is not running here, so nothing was started: systemctl enable --now {TARGET}"
        )
    elif not steps.dry and not loaded.problems:
        for unit in services.failing(wanted):
            actions.append(f"{unit} is not running: journalctl -u {unit}")
    return actions


def _host_settings() -> Loaded:
    """The defaults where this user may not read those of the host, or there are none."""
    if not os.access(CONFIG, os.R_OK):
        return Loaded(Settings(), (), None)
    return load_settings(CONFIG, problems_of_schedules)


def _put(where: InstallPaths, texts: dict[Path, str], steps: Steps, python: Path) -> None:
    """Write everything, the units last: the next run after a failure is a new installation."""
    steps.swap(where.home, partial(environment.make, home=where.home, python=python))
    for path in (where.sysusers, where.tmpfiles):
        steps.write(path, texts[path])
    steps.run("systemd-sysusers", str(where.sysusers))
    steps.run("systemd-tmpfiles", "--create", str(where.tmpfiles))
    for path, text in texts.items():
        if path not in (where.sysusers, where.tmpfiles):
            steps.write(path, text)
    steps.link(where.command, where.home / "bin/compliance-agent")
    services.reload(steps)


def _uninstall(where: InstallPaths, steps: Steps) -> list[str]:
    leftovers = swap_leftovers(where.home)
    if not any(map(os.path.lexists, (where.units / TARGET, where.home, *leftovers))):
        raise CommandError(
            f"nothing is installed below {where.home.parent.parent}: name the right --prefix"
        )
    additions.stop_remediation(steps, where.units)
    services.stop_for_good(steps, where.units)
    for path in (
        *where.files(),
        SCRIPT_CHECKS_PATH,
        *(where.units / unit for unit in REMEDIATE_UNITS),
        *leftovers,
        where.home,
        install_paths.RUNTIME,
        services.NOTE,
    ):
        steps.remove(path)
    services.reload(steps)
    kept = []
    if STATE.exists():
        kept.append(f"the spool is kept: {SPOOL} (rm -r {STATE} removes every scan in it)")
    if CONFIG.parent.exists():
        kept.append(f"settings and API key are kept: {CONFIG.parent}")
    kept.append("the users and groups compliance-* are kept, because they own the spool")
    return kept


def _has_package() -> bool:
    # `install` has its units in /etc, whatever the prefix.
    return (PACKAGED_UNITS / TARGET).exists()


def _refuse_beside_package() -> None:
    if _has_package():
        raise CommandError(
            f"{PACKAGED_HOME}: the distribution's package is installed: "
            "upgrade it with the package manager, or remove it"
        )


def _refuse_beside_another(where: InstallPaths) -> None:
    """Raises CommandError if the agent is installed below another prefix."""
    try:
        starts = _STARTS.search((where.units / SERVICES[0]).read_text())
    except FileNotFoundError:
        return
    if starts and Path(starts[1]) != where.home:
        prefix = Path(starts[1]).parent.parent
        raise CommandError(f"{starts[1]}: the agent is installed there: --prefix {prefix}")


def _own_prefix() -> Path | None:
    """The prefix that this program is installed below; None if it is not."""
    home = Path(sys.prefix)
    if home.parts[-2:] != ("lib", "compliance-agent"):
        return None
    return home.parent.parent


def _remaining_actions(where: InstallPaths, loaded: Loaded) -> list[str]:
    """What the operator has to do. `loaded` are the host's settings."""
    if loaded.problems:
        return _actions_for_problems(loaded)
    actions: list[str] = []
    if not CONFIG.exists():
        actions.append(
            f"settings: install -m 0640 -g compliance-agent {where.example} {CONFIG}, "
            "then set server.url, api.id and the schedules there"
        )
    if loaded.settings.api.key is not None:
        actions.append(
            f"{CONFIG}: every stage may read it, so it must not contain the API key: "
            f"write the key into {KEY} (mode 0600), and remove api.key"
        )
    elif not _has_key():
        actions.append(f"API key: write it into {KEY} (mode 0600), and nothing else")
    if actions:
        actions.append(f"systemctl restart {TARGET}")
    return actions


def _actions_for_problems(loaded: Loaded) -> list[str]:
    return [
        *(f"{CONFIG}: {problem}" for problem in loaded.problems),
        "correct this: the services start by themselves as soon as the settings are right",
    ]


def _has_key() -> bool:
    return KEY.exists() and KEY.stat().st_size > 0


def _show(actions: list[str], uninstalled: bool) -> None:
    show_text()
    if uninstalled:
        for message in actions:
            show_text(message)
        return
    if actions:
        show_text("still to do:", "yellow")
        for message in actions:
            show_text(f"  {message}")
    else:
        show_text("nothing else to do", "green")
    show_text(
        "to check: systemctl status 'compliance-agent-*', "
        "journalctl -u 'compliance-agent-*', compliance-agent status"
    )
