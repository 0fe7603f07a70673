"""What a fix would run: the scripts of the chosen rules, in their order, and why others have none.

Security: a script comes from the scan's own results, is never put together with other text, and is
read in a worker process without privileges. Content that came from the server has no scripts that
are run.
"""

import subprocess
from collections.abc import Sequence

from schemas.records import Struct
from schemas.report import SEVERITIES, RuleResult, Severity
from stages.console.context import Context
from stages.console.fixing.completed_scan import CompletedScan, chosen_rules, own_status
from stages.console.parse_task import MAX_BYTES
from stages.console.report_view import FAILED
from stages.console.scanner_files import read_rule_scripts
from stages.console.sources import open_sources
from stages.runtime.command_error import CommandError
from stages.runtime.exits import Exit
from stages.runtime.printable import one_line
from stages.scanners.fix_scripts import RuleScript
from stages.scanners.shell_script import ShellScript, examine

BASH = "/bin/bash"
_CHECK_LIMIT_S = 30
_NOT_FAILED = "the scanner's own results do not show it as failed: compliance-agent replay parse ID"
_NONE = ShellScript((), (), ())


class PlannedFix(Struct, frozen=True):
    """One rule."""

    rule: RuleResult
    script: str | None
    """None where nothing is run for it."""
    problem: str | None
    """Why nothing is run."""
    found: ShellScript
    """What the script was found to do."""
    reboot: bool = False


def planned_fixes(
    context: Context, scan: CompletedScan, rules: Sequence[RuleResult]
) -> list[PlannedFix]:
    """In the order in which the scripts run. Raises CommandError."""
    if scan.spec.read_scripts is None:
        raise CommandError(f"{scan.spec.title} has no scripts that fix its rules", Exit.USAGE)
    content = scan.manifest.content
    if content is not None and content.source == "server":
        raise CommandError(
            f"{content.path} came from the server, whose content is not used to change a host: "
            "install content from a package, and scan again",
            Exit.NO,
        )
    chosen = {rule.rule_ref: rule for rule in rules}
    scripts = _scripts(context, scan)
    ordered = [script for script in scripts if script.rule_ref in chosen]
    return [_planned(chosen[script.rule_ref], script) for script in ordered]


def runnable(planned: Sequence[PlannedFix]) -> list[PlannedFix]:
    """Those whose scripts are run."""
    return [each for each in planned if each.script is not None]


def rules_to_fix(
    scan: CompletedScan, named: Sequence[str] | None, severity: Severity | None
) -> list[RuleResult]:
    """The named rules, else those that failed; of these, those of a severity or a worse one.

    A waived rule is only fixed where it is named. Raises CommandError.
    """
    rules = chosen_rules(scan, named)
    if not named:
        rules = [rule for rule in rules if rule.status == "fail"]
    if severity is not None:
        wanted = SEVERITIES[: SEVERITIES.index(severity) + 1]
        rules = [rule for rule in rules if rule.severity in wanted]
    if not rules:
        raise CommandError(f"{scan.scan_id}: no such rule has failed", Exit.NO)
    return rules


def _scripts(context: Context, scan: CompletedScan) -> Sequence[RuleScript]:
    raw = context.spool.raw
    paths = []
    for file in scan.manifest.files:
        if file.role in scan.spec.roles:
            # Its digest is compared here; the worker reads the same file.
            raw.open_file(scan.scan_id, file).close()
            paths.append(raw.path / scan.scan_id / file.name)
    if not paths:
        raise CommandError(f"{scan.scan_id}: the scanner left no results", Exit.NO)
    with open_sources(paths, MAX_BYTES) as sources:
        return read_rule_scripts(sources)


def _planned(rule: RuleResult, script: RuleScript) -> PlannedFix:
    if own_status(rule) not in FAILED:
        return PlannedFix(rule, None, f"it has not failed: {rule.status}", _NONE)
    if not script.has_failed:
        # The report is the parse stage's, and does not decide alone what root runs.
        return PlannedFix(rule, None, _NOT_FAILED, _NONE)
    if script.script is None:
        return PlannedFix(rule, None, script.problem, _NONE)
    found = examine(script.script, script.optional_variables)
    problem = _problem(script.script, found)
    if problem is not None:
        return PlannedFix(rule, None, problem, found)
    return PlannedFix(rule, script.script, None, found, script.reboot)


def _problem(script: str, found: ShellScript) -> str | None:
    """Why a script must not run."""
    if found.unset:
        names = ", ".join(f"${name}" for name in found.unset)
        return f"its script uses {names}, which it never sets"
    try:
        done = subprocess.run(
            [BASH, "-n"],
            input=script.encode("utf-8", "replace"),
            capture_output=True,
            timeout=_CHECK_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bash can't read its script: {error}"
    if done.returncode != 0:
        reason = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        return f"bash can't read its script: {one_line(reason or 'syntax error')}"
    return None
