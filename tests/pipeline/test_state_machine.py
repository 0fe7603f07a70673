"""Laws of the pipeline, whatever happens in which order: no scan is lost, none is delivered after a
newer one of its name, and each is concluded.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from schemas.command import Hold
from schemas.ids import ScanId, new_scan_id
from schemas.report import Profile, Report, summarize
from spool.layout import STAGES, Box, Stage
from stages.runtime import worker
from stages.scanners import registry
from tests.pipeline.in_one_process import SCANNER, SCRIPTS, START, Pipeline

stages = st.sampled_from(STAGES)
moods = st.sampled_from(
    ["fair", "fair", "fair", "away", "failing", "refusing", "forgets to answer"]
)
_ROUNDS = 8
_EXAMPLES = int(os.environ.get("COMPLIANCE_AGENT_EXAMPLES", "0"))
"""How many histories are made up; each takes about a second."""


@pytest.fixture(autouse=True)
def _example_scanner() -> Iterator[None]:
    """The example scanner is registered, here and in the workers, for these tests alone."""
    from tests.example_scanner.example_spec import EXAMPLE

    imported = list(worker.IMPORTED_FIRST)
    if registry.find(SCANNER) is None:
        registry.register(EXAMPLE, "tests.example_scanner.registered")
        yield
        registry._REGISTERED.pop(SCANNER)
        worker.IMPORTED_FIRST[:] = imported
    else:
        yield


class PipelineMachine(RuleBasedStateMachine):
    """What may happen to a host; each rule is one of it."""

    scans = Bundle("scans")

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="compliance-machine-"))
        self.pipeline = Pipeline(self.home)
        self.spool = self.pipeline.spool
        self.requested: set[ScanId] = set()
        self.forced: set[str] = set()
        self.imported = 0
        self.stays: list[tuple[int, int]] = []
        """Each stay with a server: which one, and how much it had stored before."""
        self._begin_stay()

    # --- requests ---

    @initialize(target=scans)
    def the_server_has_a_scan(self) -> ScanId:
        scan_id = self.pipeline.from_the_operator()
        self._work(True)
        return scan_id

    @rule(target=scans, carried_out=st.booleans())
    def the_operator_requests_a_scan(self, carried_out: bool) -> ScanId:
        scan_id = self.pipeline.from_the_operator()
        self.requested.add(scan_id)
        self._work(carried_out)
        return scan_id

    @rule(carried_out=st.booleans())
    def the_server_requests_a_scan(self, carried_out: bool) -> None:
        self.pipeline.from_the_server()
        self._work(carried_out)

    @rule(hours=st.sampled_from([1, 30, -48]))
    def time_passes(self, hours: float) -> None:
        self.pipeline.pass_time(hours)

    @rule(scan_id=scans)
    def the_operator_cancels(self, scan_id: ScanId) -> None:
        self.pipeline.operator_cancels(scan_id)

    @rule()
    def the_server_cancels(self) -> None:
        self.pipeline.server_cancels()

    # --- the stages ---

    @rule(stage=stages)
    def a_stage_looks(self, stage: Stage) -> None:
        self.pipeline.run(stage)

    @rule()
    def every_stage_looks(self) -> None:
        self._work(True)

    @rule(stage=stages, operations=st.integers(0, 12))
    def a_stage_dies(self, stage: Stage, operations: int) -> None:
        self.pipeline.run_and_die(stage, operations)

    @rule(outcome=st.sampled_from(sorted(SCRIPTS)))
    def the_scanner_changes(self, outcome: str) -> None:
        self.pipeline.let_scans(outcome)

    # --- the operator and the server ---

    @rule(mood=moods)
    def the_server_changes(self, mood: str) -> None:
        for server in self.pipeline.servers:
            server.mood = mood

    @rule()
    def another_server_is_configured(self) -> None:
        self.pipeline.server = 1 - self.pipeline.server
        self._begin_stay()

    @rule(scan_id=scans)
    def a_scan_is_held(self, scan_id: ScanId) -> None:
        hold = Hold(scan_id=scan_id, at=self.pipeline.clock.wall)
        self.spool.commands.holds.write(hold)

    @precondition(lambda self: self.spool.commands.holds.ids())
    @rule()
    def the_oldest_hold_is_released(self) -> None:
        scan_id = self.spool.commands.holds.ids()[0]
        self.spool.commands.remove(self.spool.commands.holds.name(scan_id))

    @rule(scan_id=scans, step=st.sampled_from(["parse", "ship"]), force=st.booleans())
    def a_scan_is_replayed(self, scan_id: ScanId, step: str, force: bool) -> None:
        assume(scan_id in self.spool.receipts.ids())
        if force:
            self.forced.add(scan_id)
        self.pipeline.replay(scan_id, step, force=force)

    @rule(target=scans, carried_out=st.booleans())
    def a_report_of_another_host_is_imported(self, carried_out: bool) -> ScanId:
        self.imported += 1
        at = START - timedelta(days=30) + timedelta(minutes=self.imported)
        scan_id = new_scan_id(SCANNER, at, f"{self.imported:08x}")
        report = Report(
            scan_id=scan_id,
            profile=Profile(name="Line Check", type=SCANNER),
            status="completed",
            started_at=at,
            completed_at=at,
            summary=summarize(()),
            results=(),
        )
        self.pipeline.import_report(report)
        self._work(carried_out)
        return scan_id

    def _work(self, carried_out: bool) -> None:
        if carried_out:
            for stage in STAGES:
                self.pipeline.run(stage)

    # --- the laws ---

    @invariant()
    def no_request_is_lost(self) -> None:
        known = set().union(*self._ids().values())
        self.requested |= known
        assert self.requested <= known, f"lost: {self.requested - known}"

    @invariant()
    def no_older_scan_follows_a_newer_one(self) -> None:
        for at, (server, begin) in enumerate(self.stays):
            end = self._end_of_stay(at, server)
            newest: dict[str, str] = {}
            for name, scan_id in self.pipeline.servers[server].stored[begin:end]:
                if scan_id in self.forced:
                    continue
                assert scan_id >= newest.get(name, ""), f"{scan_id} after {newest[name]}"
                newest[name] = scan_id

    @invariant()
    def nothing_is_damaged(self) -> None:
        for box in ("requests", "raw", "reports", "receipts"):
            assert not self.spool.outbox(box).quarantined()

    def teardown(self) -> None:
        try:
            self._conclude()
        finally:
            self.pipeline.close()
            shutil.rmtree(self.home)

    def _conclude(self) -> None:
        """All is well for a while: then everything has an answer."""
        for server in self.pipeline.servers:
            server.mood = "fair"
        for scan_id in self.spool.commands.holds.ids():
            self.spool.commands.remove(self.spool.commands.holds.name(scan_id))
        self.pipeline.restart()
        for _ in range(_ROUNDS):
            self.pipeline.pass_time(0.1)
            self._work(True)
        self.no_request_is_lost()
        self.no_older_scan_follows_a_newer_one()
        self.nothing_is_damaged()
        left = sorted(self.requested.difference(self.spool.receipts.ids()))
        assert not left, f"not concluded: {left}\n{self.pipeline.log.getvalue()}"
        for scan_id in self.requested:
            self._check_end(scan_id)
        for stage in STAGES:
            names = self.spool.state_store(stage).names()
            assert not [name for name in names if name.endswith((".attempts", ".plan"))], names

    def _check_end(self, scan_id: ScanId) -> None:
        """Only what a server has in a newer form, or another scan answered, is never sent."""
        report = self.spool.reports.read(scan_id)
        receipt = self.spool.receipts.read(scan_id)
        if report.status == "merged":
            assert receipt.answer == "superseded"
            assert receipt.superseded_by == report.answered_by
            return
        assert receipt.answer in ("accepted", "refused", "superseded")
        if receipt.answer == "accepted":
            assert scan_id in self._stored()
        if receipt.answer == "superseded":
            assert receipt.superseded_by is not None
            assert receipt.superseded_by > scan_id
            assert receipt.superseded_by in self._stored()

    def _stored(self) -> set[str]:
        return {scan_id for server in self.pipeline.servers for _, scan_id in server.stored}

    def _ids(self) -> dict[Box, list[ScanId]]:
        boxes: tuple[Box, ...] = ("commands", "requests", "raw", "reports", "receipts")
        return {box: self.spool.outbox(box).scan_ids() for box in boxes}

    def _begin_stay(self) -> None:
        server = self.pipeline.server
        self.stays.append((server, len(self.pipeline.servers[server].stored)))

    def _end_of_stay(self, at: int, server: int) -> int | None:
        for later, begin in self.stays[at + 1 :]:
            if later == server:
                return begin
        return None


@pytest.mark.timeout(3600)
def test_no_scan_is_lost_overtaken_or_left_without_an_end() -> None:
    run_state_machine_as_test(
        PipelineMachine,
        settings=settings(
            max_examples=_EXAMPLES or 10,
            stateful_step_count=40,
            # Shorter histories take minutes to find, and forty steps are read in one.
            phases=(Phase.generate,),
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
