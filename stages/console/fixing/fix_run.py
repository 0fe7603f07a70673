"""Running the scripts of a fix, one after the other, and what came of them.

Promises: before the first script there is a copy of the files; a script that fails or takes too
long ends only the fix of its own rule; its output is kept; an interrupted fix can be undone. Only
one fix runs at a time.

Security: each script is a file of root's alone, run by bash as it is, without arguments, with a
fixed environment and no input.
"""

import os
import resource
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from schemas.codec import replace
from schemas.fixes import FixedRule, Recheck
from schemas.ids import short_rule_id
from schemas.records import Struct, field
from schemas.settings import FixSettings
from stages.console.fixing import host_copy
from stages.console.fixing.fix_plan import BASH, PlannedFix, runnable
from stages.console.fixing.host_files import HostFile, Scope, scope_of, survey
from stages.console.fixing.path_changes import differences
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.runtime.standalone_host import StandaloneHost
from stages.scanners.captured_output import Line
from stages.scanners.child import Child, ChildLimits, End
from stages.scanners.runner import error_of_end
from stages.scanners.secrets import masked

_OUTPUT_BYTES = 16 << 20
_UMASK = 0o022


class _Place(Struct, frozen=True):
    limits: ChildLimits
    directory: Path | None = Path("/")
    environment: Mapping[str, str] = field(
        default_factory=lambda: {
            "HOME": "/root",
            "TMPDIR": "/tmp",  # noqa: S108 - the system's own, which scripts and packages use
            "DEBIAN_FRONTEND": "noninteractive",
        }
    )


class ScriptEnds(Struct):
    """How each script ended, by rule; None: well. A rule that is missing was not run."""

    errors: dict[str, str | None] = field(default_factory=dict)
    may_have_run: bool = False
    """False until there is a copy of the files: nothing has changed the host."""


def run_scripts(
    planned: Sequence[PlannedFix],
    settings: FixSettings,
    directory: Path,
    ends: ScriptEnds,
    show: Callable[[str], None],
) -> None:
    """Copy the files, run the scripts, and record what they have changed.

    `ends` is filled meanwhile. Raises CommandError.
    """
    to_run = runnable(planned)
    named = [path for each in to_run for path in each.found.paths]
    scope = scope_of(settings.copied, named)
    try:
        before = host_copy.make_copy(directory, scope)
    except OSError as error:
        raise CommandError(
            f"{error.filename or directory}: the files can't be copied: "
            f"{error.strerror or error}; nothing was run"
        ) from error
    ends.may_have_run = True
    # Files that a script makes are for the host's other users, whatever root's umask is.
    mask = os.umask(_UMASK)
    try:
        for number, each in enumerate(to_run, start=1):
            name = short_rule_id(each.rule.rule_ref)
            show(f"[{number}/{len(to_run)}] {name}")
            error_text = _run_one(number, each, settings.time_limit_s, directory)
            ends.errors[each.rule.rule_ref] = error_text
            if error_text is not None:
                show(f"  {error_text}")
    finally:
        os.umask(mask)
        _record(directory, scope, before)


def outcomes(
    planned: Sequence[PlannedFix], ends: ScriptEnds, found: Recheck | None, not_rechecked: str
) -> tuple[FixedRule, ...]:
    """What became of each rule; `found` is None where there was no re-check, for that reason."""
    after: dict[str, str | None] = {}
    if found is not None:
        after = {rule.rule_ref: rule.after for rule in found.rules}
    return tuple(
        _outcome(each, ends, after.get(each.rule.rule_ref), not_rechecked) for each in planned
    )


def _outcome(
    each: PlannedFix, ends: ScriptEnds, after: str | None, not_rechecked: str
) -> FixedRule:
    rule = each.rule
    if each.script is None:
        return FixedRule(
            rule_ref=rule.rule_ref, title=rule.title, outcome="refused", reason=each.problem
        )
    if rule.rule_ref not in ends.errors:
        reason = "the fix was interrupted before its script had ended"
        return FixedRule(
            rule_ref=rule.rule_ref, title=rule.title, outcome="interrupted", reason=reason
        )
    error = ends.errors[rule.rule_ref]
    ran = FixedRule(
        rule_ref=rule.rule_ref,
        title=rule.title,
        outcome="fixed",
        reason=error,
        not_undone=each.found.not_undone,
    )
    if after == "pass":
        return ran
    if error is not None:
        return replace(ran, outcome="failed", reason=error)
    if after is None:
        return replace(ran, outcome="failing", reason=f"not re-checked: {not_rechecked}")
    reason = f"the rule is still {after}"
    if each.reboot:
        reason = f"{reason}; it takes effect after a reboot"
    return replace(ran, outcome="failing", reason=reason)


def _run_one(number: int, each: PlannedFix, limit_s: float, directory: Path) -> str | None:
    """Why the script failed; None where it ended well."""
    name = f"{number:03}"
    script = directory / "scripts" / name
    output = directory / "output" / name
    try:
        output.mkdir(parents=True)
        _write_script(script, each.script or "")
    except OSError as error:
        return f"{script}: the script can't be written: {error.strerror}"
    place = _Place(ChildLimits(limit_s, _OUTPUT_BYTES, file_bytes=resource.RLIM_INFINITY))
    child = Child(StandaloneHost(), output, place, _ignore)
    try:
        end = child.run((BASH, str(script)), lambda _: None, lambda: None)
    except OSError as error:
        return f"{BASH} can't be started: {error.strerror}"
    return _error(end)


def _write_script(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)


def _error(end: End) -> str | None:
    error = error_of_end("the script", end, (0,))
    if error is None:
        return None
    # It may end with a line that the script printed.
    return masked(error)


def _record(directory: Path, scope: Scope, before: Mapping[str, HostFile]) -> None:
    try:
        host_copy.record_changes(directory, differences(before, survey(scope)))
    except OSError as error:
        raise CommandError(
            f"{error.filename or directory}: what the fix has changed can't be recorded: "
            f"{error.strerror}",
            Exit.NO,
        ) from error


def _ignore(_line: Line) -> None:
    """The output of a script is kept, not shown."""
