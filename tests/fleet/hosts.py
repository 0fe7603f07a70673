"""The spool of one host of a fleet, written as its stages write it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from schemas import codec
from schemas.archive import ArchivedHost, RawBundleEnd
from schemas.ids import ScanId
from schemas.manifest import Manifest
from schemas.receipt import Receipt
from schemas.report import Report
from schemas.waiver import Waiver
from spool import raw_bundle
from spool.raw import Output
from spool.spool import Spool
from stages.parse.read_task import ReadTask
from stages.parse.reader import read_entry
from stages.scanners.openscap import rule_progress
from stages.scanners.openscap.rule_progress import EvaluatedRule, RuleProgress
from tests.scanners.openscap.scap_samples import Rule, arf

FIRST = datetime(2026, 10, 30, 6, 0, tzinfo=UTC)


def scan_id(day: int, number: int = 0) -> ScanId:
    at = FIRST + timedelta(days=day, seconds=number)
    return ScanId(f"{at:%Y%m%dT%H%M%SZ}-openscap-3f9c2a17")


@dataclass
class HostSpool:
    """A spool with raw entries, reports and receipts."""

    directory: Path
    name: str

    def __post_init__(self) -> None:
        self.directory.parent.mkdir(parents=True, exist_ok=True)
        self.spool.prepare()

    @property
    def spool(self) -> Spool:
        return Spool(self.directory)

    def host(self, **changes: Any) -> ArchivedHost:
        origin = sha256(self.name.encode()).hexdigest()
        host = ArchivedHost(hostname=self.name, origin=origin)
        return codec.replace(host, **changes)

    def scan(self, day: int, *results: str, number: int = 0) -> ScanId:
        """A raw entry whose rules have these results: `pass`, `fail`, …"""
        rules = [Rule(f"rule{at}", result) for at, result in enumerate(results)]
        return self.raw(scan_id(day, number), arf(rules).encode())

    def ended(self, day: int, *rules: str) -> ScanId:
        """A raw entry of a scan that its time limit ended after these rules."""
        evaluated = tuple(
            EvaluatedRule(rule=name, title=name, results=("fail",), duration_s=1.5)
            for name in rules
        )
        progress = codec.encode(RuleProgress(evaluated=evaluated))
        output = Output(rule_progress.ROLE, rule_progress.FILE)
        return self.raw(scan_id(day), progress, output, error="longer than its limit of 10 s")

    def raw(
        self,
        scan: ScanId,
        content: bytes,
        output: Output = Output("arf", "arf.xml"),  # noqa: B008 - a frozen value
        error: str | None = None,
    ) -> ScanId:
        spool = self.spool
        draft = spool.raw.draft(scan)
        (draft / output.name).write_bytes(content)
        at = datetime.strptime(scan[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        manifest = Manifest(
            scan_id=scan,
            scanner="openscap",
            outcome="failed" if error else "finished",
            error=error,
            started_at=at,
            completed_at=at + timedelta(seconds=9),
            agent_version="1",
        )
        spool.raw.publish(manifest, (output,))
        return scan

    def parse(self, scan: ScanId, approved: tuple[Waiver, ...] = ()) -> Path:
        """The report as the parse stage writes it; the entry's file."""
        task = ReadTask(
            spool=str(self.directory),
            scan_id=scan,
            settings=self._settings(approved),
            host=self.name,
        )
        report = codec.decode(read_entry(codec.encode(task)), Report)
        self.spool.reports.write(report)
        return self.spool.reports.path / self.spool.reports.name(scan)

    def deliver(self, scan: ScanId) -> None:
        self.spool.receipts.write(Receipt(scan_id=scan, answer="accepted", at=FIRST))

    def bundle(self, path: Path, host: ArchivedHost | None = None) -> Path:
        raw_bundle.write(
            path,
            host or self.host(),
            list(raw_bundle.scans_of_spool(self.spool)),
            lambda scans: RawBundleEnd(exported_at=FIRST, agent_version="1", scans=scans),
        )
        return path

    def _settings(self, approved: tuple[Waiver, ...]) -> dict[str, Any]:
        directory = self.directory.parent / f"{self.name}.waivers.d"
        directory.mkdir(exist_ok=True)
        path = directory / "all.yml"
        path.write_bytes(codec.encode(approved))
        path.chmod(0o644)
        return {"compliance": {"waivers": {"directory": str(directory), "open_ended": True}}}
