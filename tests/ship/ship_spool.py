"""Reports to ship, and a ship stage that works in the test's own process, on a real spool."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from schemas.command import Hold, Replay, Retry
from schemas.destination import Destination
from schemas.event import Event
from schemas.ids import ScanId, new_scan_id
from schemas.receipt import Receipt
from schemas.report import Profile, Report, RuleResult, ScanStatus, summarize
from schemas.settings import Settings
from spool.layout import new_command_id
from spool.spool import Spool
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.scanners.settings import check_settings
from stages.ship.stage import ShipStage

START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
KEY = "the-secret-key-0123456789"


def scan_id(number: int) -> ScanId:
    """The id of the scan that was requested `number` minutes after the start."""
    return new_scan_id("openscap", START + timedelta(minutes=number), f"{number:08x}")


def rules(count: int = 3, length: int = 20) -> tuple[RuleResult, ...]:
    message = ("pass", "fail", "notapplicable", "skip", "warn", "error")
    return tuple(
        RuleResult(
            rule_ref=f"rule_{number}",
            title=f"Rule {number}",
            status=message[number % len(message)],  # type: ignore[arg-type]
            severity="medium",
            description=f"description {number} " + "d" * length,
            rationale=f"rationale {number} " + "r" * length,
            remediation=f"remediation {number} " + "f" * length,
            finding=f"finding {number}",
            actual=f"actual {number}",
            expected=f"expected {number}",
        )
        for number in range(count)
    )


def report(
    number: int,
    profile: str = "CIS",
    status: ScanStatus = "completed",
    results: tuple[RuleResult, ...] | None = None,
    **fields: Any,
) -> Report:
    at = START + timedelta(minutes=number)
    found = rules() if results is None else results
    found = found if status == "completed" else ()
    error = None if status == "completed" else fields.pop("error", "the scanner crashed")
    return Report(
        scan_id=scan_id(number),
        profile=Profile(name=profile, type="openscap"),
        status=status,
        error=error,
        started_at=at,
        completed_at=at + timedelta(seconds=50),
        summary=summarize(found),
        results=found,
        **fields,
    )


class RecordingDoorbell(NoDoorbell):
    """A doorbell that keeps what was rung."""

    def __init__(self) -> None:
        self.published: list[Event] = []

    def publish(self, event: Event) -> None:
        self.published.append(event)


class Ship:
    """A ship stage, looked at step by step."""

    def __init__(self, root: Path, url: str | None, **sections: Mapping[str, Any]) -> None:
        self.root = root
        self.spool = Spool(root / "spool")
        self.settings = settings(root, url, **sections)
        self.log_file = root / "log"
        self.doorbell = RecordingDoorbell()
        self.start()

    def start(self) -> None:
        """As after a restart of the process: nothing is known but what is on disk."""
        self.spool.claim("ship")
        self.log_stream = self.log_file.open("a")
        log = Log("ship", "debug", self.log_stream)
        self.process = self.make_process(log)
        self.stage = self.make_stage()

    def make_process(self, log: Log) -> Process:
        return Process("ship", self.settings, None, self.spool, log, self.doorbell)

    def make_stage(self) -> ShipStage:
        return ShipStage(self.process)

    def restart(self) -> None:
        self.close()
        self.start()

    def close(self) -> None:
        self.stage.close()
        self.spool.release()
        self.log_stream.close()
        os.close(self.process.wake_handle)

    def put(self, *reports: Report) -> None:
        for one in reports:
            assert one.scan_id
            self.spool.reports.write(one)

    def run_once(self, times: int = 1) -> None:
        """Look, each time as if the operator had said `retry`, so no test waits for a back-off."""
        for _ in range(times):
            at = datetime.now(UTC)
            self.spool.commands.retries.write(new_command_id(at), Retry(at=at))
            self.stage.run_once()

    def hold(self, number: int) -> None:
        hold = Hold(scan_id=scan_id(number), at=datetime.now(UTC))
        self.spool.commands.holds.write(hold)

    def release(self, number: int) -> None:
        self.spool.commands.remove(f"{scan_id(number)}.hold")

    def replay(self, *numbers: int, step: Any = "ship", force: bool = False) -> str:
        at = datetime.now(UTC)
        command_id = new_command_id(at)
        ids = tuple(scan_id(number) for number in numbers)
        replay = Replay(step=step, scan_ids=ids, at=at, force=force)
        self.spool.commands.replays.write(command_id, replay)
        return command_id

    def receipt(self, number: int) -> Receipt:
        return self.spool.receipts.read(scan_id(number))

    @property
    def answers(self) -> dict[int, str]:
        """What became of every scan that has a receipt, by its number."""
        return {
            int(i.rsplit("-", 1)[1], 16): self.spool.receipts.read(i).answer
            for i in self.spool.receipts.ids()
        }

    @property
    def destination(self) -> Destination:
        noted = self.spool.state_store("ship").read("destination", Destination)
        assert noted
        return noted

    @property
    def log(self) -> str:
        return self.log_file.read_text()


def with_settings(ship: Ship, url: str | None, **sections: Any) -> None:
    """As if the settings file had changed."""
    ship.settings = ship.process.settings = settings(ship.root, url, **sections)
    ship.stage.reloaded()


def settings(root: Path, url: str | None, **sections: Mapping[str, Any]) -> Settings:
    values: dict[str, Any] = {
        "server": {"url": url, **sections.pop("server", {})},
        "api": {"id": "patchmon_1", "key": KEY},
        "delivery": {"per_minute": 0, **sections.pop("delivery", {})},
        "spool": {"path": str(root / "spool"), "check_every_s": 0.1},
        "runtime_dir": str(root / "run"),
        **sections,
    }
    found, problems = check_settings(values)
    assert not problems
    return found
