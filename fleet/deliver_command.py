"""`fleet deliver`."""

import argparse
from pathlib import Path
from typing import Any

from rich.progress import Progress

from fleet import delivering, queries
from fleet.archive import Archive
from fleet.arguments import add_command
from fleet.output import errors, output, progress_bar, show_problem
from stages.formats.visible import visible_line
from stages.runtime.exits import Exit
from stages.runtime.printable import counted


def add_deliver(commands: Any) -> None:
    found = add_command(commands, "deliver", _deliver, "Deliver the newest scans to a server.")
    found.add_argument(
        "--map",
        type=Path,
        required=True,
        metavar="FILE",
        help="the server, and the credentials of each host (YAML, mode 0600)",
    )
    found.add_argument("--dry-run", action="store_true", help="only show what would be sent")


def _deliver(args: argparse.Namespace) -> Exit:
    archive = Archive(args.archive)
    archive.check_hosts()
    delivery_map = delivering.read_map(args.map)
    with queries.tables(archive) as connection:
        newest = queries.rows(connection, "SELECT host, scan_id, profile FROM newest")
    wanted, unknown = delivering.plan(archive, newest, delivery_map)
    for host in unknown:
        errors.print(f"{host}: no credentials in {args.map}", style="yellow", markup=False)
    address = delivery_map.server.url
    hosts = len({scan.host for scan in wanted})
    if args.dry_run:
        for scan in wanted:
            output.print(f"{scan.host} {scan.scan_id} {visible_line(scan.profile)}", markup=False)
        errors.print(
            f"{counted(len(wanted), 'scan')} of {counted(hosts, 'host')} would go to {address}",
            markup=False,
        )
        return Exit.OK
    with archive.locked(), progress_bar() as progress:
        counts = _Counts(progress, len(wanted))
        delivering.deliver(archive, wanted, delivery_map, counts.on_delivered)
    errors.print(
        f"{counts.accepted} accepted, {counts.refused} refused, "
        f"{len(wanted) - counts.accepted - counts.refused} not sent",
        markup=False,
    )
    if counts.accepted == len(wanted) and not unknown:
        return Exit.OK
    return Exit.NO


class _Counts:
    """Counts the answers; shows the progress, and the scans that were not accepted."""

    def __init__(self, progress: Progress, scans: int) -> None:
        self.accepted = 0
        self.refused = 0
        self._progress = progress
        self._task = progress.add_task("scans", total=scans)

    def on_delivered(self, delivered: delivering.Delivered) -> None:
        self._progress.advance(self._task)
        answer = "not sent"
        if delivered.receipt is not None:
            answer = delivered.receipt.answer
            if answer == "accepted":
                self.accepted += 1
                return
            self.refused += 1
        show_problem(
            f"{delivered.scan.host} {delivered.scan.scan_id}: {answer}: {delivered.reason}"
        )
