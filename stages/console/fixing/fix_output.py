"""Fixes for people: what would be run, what became of each rule, what was undone."""

from collections.abc import Iterator, Sequence

from schemas.fixes import FixRun, Undone
from schemas.ids import short_rule_id
from schemas.records import Record
from stages.console.fixing.fix_counts import outcome_counts
from stages.console.fixing.fix_plan import PlannedFix, runnable
from stages.console.output import show_script, show_table, show_text
from stages.runtime.printable import counted, one_line


class DryRun(Record, frozen=True, kw_only=True):
    """One rule of `fix --dry-run --json`."""

    rule_ref: str
    title: str
    severity: str
    script: str | None
    problem: str | None
    """Why nothing would be run."""
    files: tuple[str, ...]
    """The files that the script names."""
    not_undone: tuple[str, ...]
    reboot: bool


def dry_run(planned: Sequence[PlannedFix]) -> list[DryRun]:
    return [
        DryRun(
            rule_ref=each.rule.rule_ref,
            title=each.rule.title,
            severity=each.rule.severity,
            script=each.script,
            problem=each.problem,
            files=each.found.paths,
            not_undone=each.found.not_undone,
            reboot=each.reboot,
        )
        for each in planned
    ]


def show_planned(planned: Sequence[PlannedFix]) -> None:
    """A bash script of all scripts, with what each one does as comments."""
    to_run = runnable(planned)
    for number, each in enumerate(to_run, start=1):
        for line in _heading(number, len(to_run), each):
            show_text(f"# {one_line(line)}", "bold")
        show_script(each.script or "")
    show_refused(planned)


def show_refused(planned: Sequence[PlannedFix]) -> None:
    for each in planned:
        if each.script is None:
            line = f"not fixed: {short_rule_id(each.rule.rule_ref)}: {each.problem}"
            # A text of the scanner must not end the comment: what is printed may be run.
            show_text(f"# {one_line(line)}", "yellow")


def show_effects(planned: Sequence[PlannedFix]) -> None:
    """What an operator confirms."""
    to_run = runnable(planned)
    for number, each in enumerate(to_run, start=1):
        for line in _heading(number, len(to_run), each):
            show_text(line)
    show_refused(planned)


def show_fixed(fix_id: str, run: FixRun) -> None:
    rows = [(rule.outcome, short_rule_id(rule.rule_ref), rule.reason) for rule in run.rules]
    show_table(("outcome", "rule", "reason"), rows)
    show_text(outcome_counts(run.rules))
    show_text(
        f"to undo it: compliance-agent fix --undo {fix_id}; output of the scripts: {run.directory}"
    )
    for rule in run.rules:
        for remark in rule.not_undone:
            show_text(f"  not undone by that: {short_rule_id(rule.rule_ref)}: {remark}")


def show_undone(fix_id: str, run: FixRun | None, undone: Undone) -> None:
    for path in undone.restored:
        show_text(f"restored {path}")
    for path in undone.kept:
        show_text(f"not restored: {path}", "yellow")
    show_text(f"fix {fix_id} undone: {counted(len(undone.restored), 'path')} restored")
    if run is None:
        return
    for rule in run.rules:
        for remark in rule.not_undone:
            show_text(f"not undone: {short_rule_id(rule.rule_ref)}: {remark}", "yellow")


def _heading(number: int, count: int, each: PlannedFix) -> Iterator[str]:
    rule = each.rule
    yield f"[{number}/{count}] {short_rule_id(rule.rule_ref)} ({rule.severity}): {rule.title}"
    if each.found.paths:
        yield f"  files: {', '.join(each.found.paths)}"
    for remark in each.found.not_undone:
        yield f"  not undone by --undo: {remark}"
    if each.reboot:
        yield "  takes effect after a reboot"
