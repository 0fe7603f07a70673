"""The worker that gives notice: reads the entry, decides whether it is worth one, runs the command.

Security: an argument list, no shell; a fixed environment, so no credential of the stage's reaches
the command; the command runs as the stage's user, without privileges to gain.
"""

import subprocess
import tempfile
from pathlib import Path

from schemas import codec
from schemas.destination import DESTINATION_STATE, Destination
from schemas.ids import ScanId
from schemas.notice import MOST_RULES, Notice, NoticeEvent, NoticeRule
from schemas.report import Report
from spool.spool import Spool
from stages.formats.compare import Comparison, compare
from stages.formats.kept_scans import KeptScans
from stages.formats.visible import visible_line
from stages.runtime.printable import by_number
from stages.ship.notice_task import NoticeOutcome, NoticeTask

_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
_PROBLEM_BYTES = 500
"""Bytes of the command's standard error that are logged."""


def send_notice(payload: bytes) -> bytes:
    """Run the command where there is something to give notice of; a NoticeOutcome."""
    task = codec.decode(payload, NoticeTask)
    notice = _notice(task)
    if notice is None or notice.event not in task.events:
        return codec.encode(NoticeOutcome())
    problem = run_command(task.command, codec.encode(notice), task.time_limit_s)
    return codec.encode(NoticeOutcome(event=notice.event, problem=problem))


def run_command(command: tuple[str, ...], notice: bytes, limit_s: float) -> str | None:
    """Why the command failed; None where it did not."""
    # A file, not a pipe: what the command leaves running could keep a pipe open, and reading it
    # would wait for that.
    with tempfile.TemporaryFile() as errors:
        try:
            done = subprocess.run(
                command,
                input=notice,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=_ENVIRONMENT,
                cwd="/",
                timeout=limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"took longer than its limit of {limit_s:.0f} s and was ended"
        except OSError as error:
            return f"{command[0]} can't be started: {error.strerror}"
        errors.seek(0)
        written = errors.read(_PROBLEM_BYTES)
    if done.returncode == 0:
        return None
    text = visible_line(written.decode("utf-8", "replace"))
    return f"ended with exit code {done.returncode}: {text or 'it wrote nothing'}"


def _notice(task: NoticeTask) -> Notice | None:
    spool = Spool(Path(task.spool))
    if task.scan_id is None:
        return _destination_notice(spool, task.host)
    if task.about == "receipt":
        return _receipt_notice(spool, task.scan_id, task.host)
    report = spool.reports.read(task.scan_id)
    previous = KeptScans(spool).previous_completed(report)
    return report_notice(report, previous, task.host)


def report_notice(report: Report, previous: Report | None, host: str) -> Notice | None:
    """A failed scan, or one that is worse than the one before; None if neither."""
    if report.status == "failed":
        reason = visible_line(report.error or "no reason is known")
        message = f"{host}: the scan of {visible_line(report.profile.name)} failed: {reason}"
        return _of_report("failed", report, host, message)
    if report.status != "completed" or previous is None:
        return None
    comparison = compare(previous, report)
    if not comparison.worse:
        return None
    return _worse(report, comparison, host)


def _worse(report: Report, comparison: Comparison, host: str) -> Notice:
    failed = comparison.newly_failed
    profile = visible_line(report.profile.name)
    fail = by_number(
        len(failed), f"a rule of {profile} fails", f"{len(failed)} rules of {profile} fail"
    )
    message = f"{host}: {fail} that did not before"
    rules = tuple(
        NoticeRule(rule_ref=rule.rule_ref, title=rule.title, severity=rule.severity)
        for rule in failed[:MOST_RULES]
    )
    return codec.replace(
        _of_report("worse", report, host, message),
        newly_failed=rules,
        newly_failed_count=len(failed),
        fixed_count=len(comparison.fixed),
        compared_with=comparison.before.scan_id,
    )


def _of_report(event: NoticeEvent, report: Report, host: str, message: str) -> Notice:
    notice = Notice(
        event=event,
        host=host,
        message=message,
        scan_id=report.scan_id,
        scanner=report.profile.type,
        profile=report.profile.name,
        status=report.status,
        completed_at=report.completed_at,
        error=report.error,
    )
    if report.status != "completed":
        return notice
    summary = report.summary
    return codec.replace(
        notice,
        score=summary.score,
        applicable_score=summary.applicable_score,
        failed=summary.failed,
    )


def _receipt_notice(spool: Spool, scan_id: ScanId, host: str) -> Notice | None:
    receipt = spool.receipts.read(scan_id)
    if receipt.answer != "refused":
        return None
    reason = visible_line(receipt.message or "no reason is known")
    return Notice(
        event="refused",
        host=host,
        message=f"{host}: the server refuses scan {scan_id}: {reason}",
        scan_id=scan_id,
        profile=receipt.profile,
        status=receipt.scan_status,
        error=receipt.message,
    )


def _destination_notice(spool: Spool, host: str) -> Notice | None:
    destination = spool.state_store("ship").read(DESTINATION_STATE, Destination)
    if destination is None or destination.state != "paused":
        return None
    reason = visible_line(destination.reason or "no reason is known")
    return Notice(
        event="refused",
        host=host,
        message=f"{host}: nothing is delivered: {reason}",
        error=destination.reason,
    )
