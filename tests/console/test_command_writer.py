"""Commands in the spool: ids increase, and finished commands are removed."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest

from schemas.command import Hold
from schemas.ids import ScanId
from schemas.request import Cancellation, Reason, Request
from spool.spool import Spool
from stages.console.command_writer import giving, writing
from stages.console.command_writer import new_scan_id as next_id
from stages.console.context import Context
from stages.console.scan_states import snapshot
from stages.scanners.settings import parse_settings as parse

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)


def ask(spool: Spool, scan_id: str) -> None:
    reason = Reason(source="operator", at=AT)
    request = Request(scan_id=ScanId(scan_id), scanner="openscap", reason=reason)
    spool.commands.requests.write(request)


def test_of_two_scanners_within_one_second_the_later_scan_is_the_newest(tmp_path: Path) -> None:
    settings, _ = parse(json.dumps({"spool": {"path": str(tmp_path / "spool")}}).encode())
    context = Context(settings, None, json=False)
    context.spool.prepare()
    first = next_id(context, "openscap", AT)
    ask(context.spool, first)
    second = next_id(context, "docker-bench", AT.replace(microsecond=200_000))
    ask(context.spool, second)
    assert snapshot(context.spool).scan_ids == [first, second]


def test_a_scan_requested_after_the_clock_was_set_back_is_the_newest(tmp_path: Path) -> None:
    settings, _ = parse(json.dumps({"spool": {"path": str(tmp_path / "spool")}}).encode())
    context = Context(settings, None, json=False)
    context.spool.prepare()
    before = next_id(context, "openscap", AT)
    ask(context.spool, before)
    after = next_id(context, "docker-bench", AT.replace(hour=7))
    ask(context.spool, after)
    assert snapshot(context.spool).scan_ids == [before, after]


@pytest.mark.slow
def test_a_cancellation_that_was_taken_up_is_not_a_command_any_more(tmp_path: Path) -> None:
    settings, _ = parse(json.dumps({"spool": {"path": str(tmp_path / "spool")}}).encode())
    context = Context(settings, None, json=False)
    reason = Reason(source="operator", at=AT)
    cancellation = Cancellation(scan_ids=(), reason=reason)
    taken, new, last = (f"20260601T00000{n}Z-0000000a" for n in range(3))
    with giving(context) as commands:
        commands.cancellations.write(taken, cancellation)
    context.spool.requests.cancellations.write(taken, cancellation)
    for command_id in (new, last):
        with giving(context) as commands:
            commands.cancellations.write(command_id, cancellation)
    assert context.spool.commands.cancellations.ids() == [new, last]


def test_several_operators_hold_the_same_scans_at_once(tmp_path: Path) -> None:
    settings, _ = parse(json.dumps({"spool": {"path": str(tmp_path / "spool")}}).encode())
    context = Context(settings, None, json=False)
    context.spool.prepare()
    scan_ids = [ScanId(f"20260601T000000Z-openscap-{number:08x}") for number in range(50)]
    operators = 4
    together = Barrier(operators)

    def hold() -> None:
        together.wait()
        with writing(context) as spool:
            for scan_id in scan_ids:
                spool.commands.holds.write(Hold(scan_id=scan_id, at=AT))

    with ThreadPoolExecutor(operators) as pool:
        for done in [pool.submit(hold) for _ in range(operators)]:
            done.result()
    assert context.spool.commands.holds.ids() == scan_ids
    assert not [path for path in context.spool.commands.path.iterdir() if path.name[0] == "."]
