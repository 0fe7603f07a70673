"""What happens to the host: requests from every source, and every kind of trouble.

Each action is one method; the table at the end says how often each is chosen. All of them run one
after the other in one thread, so that a seed repeats their order.
"""

import errno
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from schemas.ids import ScanId
from spool.errors import SpoolError
from tests.torture.disk_faults import CHANGES, KILL, DiskFaults, Kind
from tests.torture.disks import LoopImage
from tests.torture.front import Front
from tests.torture.host import LINE_CHECK, OPENSCAP, PROFILES, Host
from tests.torture.processes import Running
from tests.torture.run_record import RunRecord
from tests.torture.server import ServerProcess

_DISK_ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, errno.EMFILE)
_READ_ERRORS = (errno.EIO, errno.EMFILE, errno.ENOMEM)


@dataclass
class Torture:
    """One host with its server, and what is done to them."""

    chance: random.Random
    host: Host
    server: ServerProcess
    front: Front
    disk: LoopImage | None
    """None where this machine can have no disk for the spool alone."""
    faults: DiskFaults | None
    record: RunRecord = field(default_factory=RunRecord)
    done: Counter[str] = field(default_factory=Counter)
    _stopped: list[Running] = field(default_factory=list)

    def step(self) -> None:
        """One action, and a short while."""
        actions = self._actions()
        (action,) = self.chance.choices(list(actions), list(actions.values()))
        self.done[action.__name__] += 1
        action()
        self._pause(0.6)
        if not self.host.is_running:
            self.host.start()

    def end_all_trouble(self) -> None:
        """From here on everything is as it should be."""
        self._resume_all()
        self.front.be_honest()
        self.front.drop()
        if self.faults is not None:
            self.faults.disarm()
        if self.disk is not None:
            self.disk.free()

    # --- Requests ---

    def operator_requests(self) -> None:
        for _ in range(self.chance.randint(1, 4)):
            try:
                self.record.requested.append(self.host.request(*self._scan()))
            except SpoolError:
                # Nothing was acknowledged.
                return

    def operator_runs_a_command(self) -> None:
        scanner, profile = self._scan()
        words = ["scan", "--scanner", scanner]
        if profile is not None:
            words += ["--profile", profile]
        done = self.host.command(*words, "--json")
        if done.returncode == 0:
            self.record.requested += _scan_ids(done.stdout)

    def operator_gives_a_file(self) -> None:
        ticket = f"file-{len(self.record.tickets)}"
        file = self.host.home / "request.yml"
        file.write_text(f"{{scanner: {LINE_CHECK}, request_id: {ticket}}}\n")
        self.record.tickets.append(ticket)
        done = self.host.command("scan", "--request", str(file), "--json")
        if done.returncode == 0:
            self.record.requested += _scan_ids(done.stdout)

    def server_requests(self) -> None:
        ticket = f"server-{len(self.record.tickets)}"
        profile_type = self.chance.choice((LINE_CHECK, OPENSCAP))
        message = {
            "type": "compliance_scan",
            "profile_type": profile_type,
            "request_id": ticket,
        }
        self.record.tickets.append(ticket)
        self.server.send(message)

    def server_cancels(self) -> None:
        self.server.send({"type": "compliance_scan_cancel"})

    def operator_cancels(self) -> None:
        self.host.command("cancel")

    def operator_replays(self) -> None:
        scan_ids = self._some_done()
        if not scan_ids:
            return
        step = self.chance.choice(("parse", "ship"))
        done = self.host.command("replay", step, *scan_ids, "--json")
        if done.returncode == 0:
            replay = json.loads(done.stdout)
            at = datetime.fromisoformat(replay["at"])
            self.record.replayed.update(dict.fromkeys(replay["scan_ids"], at))

    def operator_holds_and_releases(self) -> None:
        self.host.command("hold", "last")
        self._pause(0.5)
        self.host.command("release", "--all")

    # --- Processes ---

    def kill_a_process(self) -> None:
        self._send_to_some(signal.SIGKILL, 1)

    def kill_two_processes(self) -> None:
        self._send_to_some(signal.SIGKILL, 2)

    def kill_run(self) -> None:
        left = self.host.kill()
        self.record.orphans += [" ".join(process.command)[:200] for process in left]

    def kill_everything(self) -> None:
        self._resume_all()
        self.host.kill_all()

    def stop_a_process_for_a_while(self) -> None:
        self._send_to_some(signal.SIGSTOP, self.chance.randint(1, 3))
        self._pause(2.0)
        self._resume_all()

    def stop_and_start(self) -> None:
        left = self.host.stop()
        self.record.orphans += [" ".join(process.command)[:200] for process in left]

    # --- Disk ---

    def disk_errors(self) -> None:
        if self.faults is not None:
            kinds = self.chance.choice((CHANGES, CHANGES, *Kind))
            errors: tuple[int, ...] = _DISK_ERRORS
            if kinds in (Kind.READ, Kind.LIST):
                errors = _READ_ERRORS
            self.faults.arm(
                self.chance.choice(errors),
                kinds=kinds,
                after=self.chance.randrange(60),
                times=self.chance.choice((1, 1, 3, 30, 1000)),
            )
            self._pause(2.0)
            self.faults.disarm()

    def kill_at_an_operation(self) -> None:
        if self.faults is not None:
            self.faults.arm(KILL, after=self.chance.randrange(80), times=self.chance.randint(1, 3))
            self.operator_requests()
            self._pause(2.0)
            self.faults.disarm()

    def full_disk(self) -> None:
        if self.disk is None:
            return
        self.disk.fill()
        self.operator_requests()
        self._pause(3.0)
        self.disk.free()

    def power_cut(self) -> None:
        if self.disk is None:
            return
        self.record.cuts += 1
        self._resume_all()
        if self.faults is not None:
            self.faults.disarm()
        self.disk.cut_power()
        # The processes live a moment longer than the disk.
        self._pause(0.3)
        self.host.kill_all()
        self.host.release_spool()
        self.disk.restore_power()

    # --- Server and network ---

    def server_lies(self) -> None:
        self._trouble_of_the_line(self.front.lie)

    def lines_break(self) -> None:
        self._trouble_of_the_line(self.front.break_lines)

    def server_is_silent(self) -> None:
        self._trouble_of_the_line(self.front.be_silent)

    def kill_the_server(self) -> None:
        self.server.kill()
        self._pause(1.5)
        self.server.start()

    def suspend_the_server(self) -> None:
        self.server.suspend()
        self._pause(1.5)
        self.server.resume()

    def _actions(self) -> dict[Callable[[], None], int]:
        """Every action that this machine allows, and how often it is chosen."""
        actions: dict[Callable[[], None], int] = {
            self.operator_requests: 30,
            self.operator_runs_a_command: 4,
            self.operator_gives_a_file: 2,
            self.server_requests: 12,
            self.server_cancels: 2,
            self.operator_cancels: 2,
            self.operator_replays: 4,
            self.operator_holds_and_releases: 2,
            self.kill_a_process: 16,
            self.kill_two_processes: 6,
            self.kill_run: 6,
            self.kill_everything: 4,
            self.stop_a_process_for_a_while: 8,
            self.stop_and_start: 3,
            self.server_lies: 6,
            self.lines_break: 8,
            self.server_is_silent: 2,
            self.kill_the_server: 4,
            self.suspend_the_server: 3,
        }
        if self.faults is not None:
            actions |= {self.disk_errors: 12, self.kill_at_an_operation: 12}
        if self.disk is not None:
            actions |= {self.full_disk: 4, self.power_cut: 6}
        return actions

    def _scan(self) -> tuple[str, str | None]:
        """A scanner and a profile."""
        if not self.host.has_oscap or self.chance.random() < 0.5:
            return LINE_CHECK, None
        return OPENSCAP, self.chance.choice(PROFILES)

    def _some_done(self) -> list[ScanId]:
        try:
            done = self.host.spool.receipts.ids()
        except SpoolError:
            return []
        return self.chance.sample(done, min(len(done), self.chance.randint(1, 3)))

    def _send_to_some(self, number: signal.Signals, count: int) -> None:
        """To stages, their children, or `run`."""
        processes = self.host.processes()
        for process in self.chance.sample(processes, min(count, len(processes))):
            process.send(number)
            if number is signal.SIGSTOP:
                self._stopped.append(process)

    def _resume_all(self) -> None:
        for process in self._stopped:
            process.send(signal.SIGCONT)
        self._stopped.clear()
        self.server.resume()

    def _trouble_of_the_line(self, begin: Callable[[], None]) -> None:
        begin()
        if self.chance.random() < 0.5:
            self.front.drop()
        self._pause(3.0)
        self.front.be_honest()
        self.front.drop()

    def _pause(self, longest_s: float) -> None:
        time.sleep(self.chance.uniform(0, longest_s))


def _scan_ids(shown: str) -> list[ScanId]:
    """The scans that `scan --json` has requested."""
    shown_scans = json.loads(shown)
    if isinstance(shown_scans, dict):
        shown_scans = [shown_scans]
    return [ScanId(one["scan_id"]) for one in shown_scans]
