"""The operator's commands on delivery, on a real spool."""

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest

from schemas import codec
from schemas.bundle import Bundle, BundledReport
from schemas.command import Hold, Import, Imported
from schemas.ids import ScanId
from schemas.request import Reason, Request
from spool import bundle, packing
from spool.bundle import BundleError
from spool.entries import seal_report
from spool.spool import Spool
from stages.console.delivery import export
from stages.console.main import main
from stages.parse.stage import ParseStage
from stages.runtime.command_error import CommandError
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.exits import Exit
from stages.runtime.logs import Log
from stages.runtime.process import Process
from tests.patchmon.scripted_server import ScriptedServer, reply, serving, until
from tests.ship.ship_spool import KEY, START, Ship, report, scan_id
from tests.ship.test_ship_process import ShipProcess

pytestmark = pytest.mark.slow


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving() as one:
        yield one


def command_id(number: int) -> str:
    return f"20261123T060301Z-{number:08x}"


class Console:
    """The program, in this process, on the spool of a ship stage."""

    def __init__(self, root: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.ship = Ship(root, url)
        self._capsys = capsys
        self._config = root / "config.yml"
        self._config.write_text(
            f"server: {{url: '{url}'}}\napi: {{id: patchmon_1, key: '{KEY}'}}\n"
            f"spool: {{path: {root}/spool}}\nruntime_dir: {root}/run\n"
        )
        self._config.chmod(0o640)

    def be(self, api_id: str | None) -> None:
        """From now on this host has another id at the server."""
        self._config.write_text(self._config.read_text().replace("patchmon_1", api_id or "null"))

    def __call__(self, *message: str, expect: Exit = Exit.OK) -> str:
        code = main([message[0], "--config", str(self._config), *message[1:]])
        captured = self._capsys.readouterr()
        assert code == expect, captured.err
        return captured.out + captured.err

    def json(self, *message: str, expect: Exit = Exit.OK) -> Any:
        shown = self(message[0], "--json", *message[1:], expect=expect)
        # What goes to standard error comes behind the document.
        return json.JSONDecoder().raw_decode(shown)[0]

    def parse(self) -> Imported:
        """Let the parse stage do its work; what became of the last import."""
        spool = self.ship.spool
        last_import = spool.pending_imports()[-1]
        log = Log("parse", stream=io.StringIO())
        process = Process("parse", self.ship.settings, None, spool, log, NoDoorbell())
        stage = ParseStage(process)
        try:
            stage.run_once()
        finally:
            stage.close()
        return spool.reports.imported.read(last_import)

    def waits(self) -> dict[str, str]:
        return {row["scan_id"]: row["pending_reason"] for row in self.json("list", "--pending")}


@pytest.fixture
def console(
    tmp_path: Path, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> Iterator[Console]:
    one = Console(tmp_path, server.url, capsys)
    yield one
    one.ship.close()


def test_list_shows_why_each_scan_is_pending_and_the_remedy(
    console: Console, server: ScriptedServer
) -> None:
    server.answer(reply(401, {"error": "Invalid API credentials"}))
    console.ship.put(report(1), report(2))
    console("hold", scan_id(2), "--reason", "maintenance")
    console.ship.run_once()
    waits = console.waits()
    assert waits[scan_id(1)].startswith("paused: HTTP 401: Invalid API credentials; next try in ")
    assert "check api.id" in waits[scan_id(1)]
    assert "maintenance" in waits[scan_id(2)]
    assert "release" in waits[scan_id(2)]
    status = console.json("status")
    assert status["delivery"]["state"] == "paused"
    assert "Invalid API credentials" in console("status")


def test_list_shows_why_a_pending_scan_failed(console: Console, server: ScriptedServer) -> None:
    server.answer(reply(503))
    console.ship.put(report(1, status="failed"))
    console.ship.run_once()
    (row,) = console.json("list")
    assert row["message"]
    assert row["pending_reason"]
    assert f"{row['message']}; " in console("list", "--wide")


def test_list_takes_filters(console: Console, server: ScriptedServer) -> None:
    server.answer(reply(422, {"error": "no"}))
    console.ship.put(report(1), report(2, "Docker"), report(90, status="failed"))
    console.ship.run_once()

    def ids(*message: str) -> list[str]:
        return [row["scan_id"] for row in console.json("list", *message)]

    every = [scan_id(1), scan_id(2), scan_id(90)]
    assert ids() == every
    assert ids("--profile", "dock") == [scan_id(2)]
    assert ids("--status", "failed") == [scan_id(90)]
    assert ids("--answer", "refused") == [scan_id(1)]
    assert ids("--answer", "accepted", "--until", "2026-11-23T04:00Z") == [scan_id(2)]
    assert ids("--since", "2026-11-23T04:00+00:00") == [scan_id(90)]
    assert ids("--scanner", "docker-bench") == []
    assert ids("--held") == []


def test_a_held_scan_is_not_shipped_until_it_is_released(
    console: Console, server: ScriptedServer
) -> None:
    console.ship.put(report(1), report(2, "B"))
    console("hold", "--profile", "CIS")
    console.ship.run_once()
    assert console.ship.answers == {2: "accepted"}
    assert console.json("release", "--all") == {"released": [scan_id(1)]}
    console.ship.run_once()
    assert console.ship.answers == {1: "accepted", 2: "accepted"}
    console("release", "--all", expect=Exit.NO)
    console("hold", scan_id(1), expect=Exit.NO)
    console("hold", expect=Exit.USAGE)


def test_retry_tries_now_and_leaves_one_command(console: Console, server: ScriptedServer) -> None:
    server.answer(reply(503, Retry_After="3600"))
    console.ship.put(report(1))
    console.ship.stage.run_once()
    for _ in range(3):
        console("retry")
    assert len(console.ship.spool.commands.retries.ids()) == 1
    console.ship.stage.run_once()
    assert console.ship.answers == {1: "accepted"}


def test_replay_ship_leaves_out_what_would_not_be_sent(
    console: Console, server: ScriptedServer
) -> None:
    console.ship.put(report(1), report(2), report(3, "B"))
    console.ship.run_once()
    view = console.json("replay", "ship", "--since", "2026-11-23T03:00Z")
    assert view["scan_ids"] == [scan_id(2), scan_id(3)]
    assert list(view["not_sent"]) == [scan_id(1)]
    output = console("replay", "parse", "--since", "2026-11-23T03:00Z", expect=Exit.NO)
    assert "no raw entry with a report" in output


def test_list_marks_a_scan_that_was_sent_by_force_until_a_newer_one_is_sent_again(
    console: Console, server: ScriptedServer
) -> None:
    console.ship.put(report(1), report(2))
    console.ship.run_once()
    assert [row["displaced"] for row in console.json("list")] == [None, None]
    console("replay", "ship", scan_id(1), "--force")
    console.ship.run_once()
    assert [row["displaced"] for row in console.json("list")] == [scan_id(2), None]
    shown = console("list")
    assert "forced: the server has 00000001 in place of the newer 00000002" in shown
    assert f"in place of the newer {scan_id(2)}" in console("list", "--wide")
    # The same after a restart that has lost the state: the receipts show it.
    console.ship.close()
    console.ship.spool.state_store("ship").forget("ship-state")
    console.ship.start()
    console.ship.run_once()
    assert [row["displaced"] for row in console.json("list")] == [scan_id(2), None]
    console("replay", "ship", scan_id(2))
    console.ship.run_once()
    assert [row["displaced"] for row in console.json("list")] == [None, None]


def test_replay_ship_by_profile_and_time_span_with_dry_run_and_force(
    console: Console, server: ScriptedServer
) -> None:
    console.ship.put(report(1), report(2), report(3, "B"))
    console.ship.run_once()
    captured = console(
        *("replay", "ship", "--profile", "cis", "--until", "2026-11-23T03:02Z", "--dry-run"),
        "--force",
    )
    assert "would ship 1 scan again" in captured
    assert scan_id(1) in captured
    console.ship.run_once()
    assert len(server.requests) == 3
    refused = console("replay", "ship", scan_id(1), expect=Exit.NO)
    assert f"the server has a newer scan of this profile, {scan_id(2)}; --force sends it" in refused
    assert console.ship.spool.commands.replays.ids() == []
    console("replay", "ship", scan_id(1), "--force")
    console.ship.run_once()
    assert server.scan_ids[3:] == [scan_id(1)]
    console("replay", "ship", "--since", "2027-01-01", expect=Exit.NO)
    console("replay", "ship", "--since", "tomorrow", expect=Exit.USAGE)


def test_flush_reports_whether_the_spool_is_empty(console: Console, server: ScriptedServer) -> None:
    assert console.json("flush") == {"delivered": 0, "pending": 0, "held": 0}
    console.ship.put(report(1), report(2))
    console("hold", scan_id(1))
    assert console.json("flush", expect=Exit.NO) == {"delivered": 0, "pending": 1, "held": 1}
    console.ship.run_once()
    assert console.json("flush", expect=Exit.NO) == {"delivered": 0, "pending": 0, "held": 1}


def test_flush_counts_what_is_still_to_be_scanned_or_parsed(console: Console) -> None:
    spool = console.ship.spool
    pending, wanted = (
        Request(
            scan_id=scan_id(number), scanner="openscap", reason=Reason(source="operator", at=START)
        )
        for number in (1, 2)
    )
    spool.commands.requests.write(pending)
    assert console.json("flush", expect=Exit.NO) == {"delivered": 0, "pending": 1, "held": 0}
    spool.requests.write(wanted)
    (spool.raw.path / scan_id(3)).mkdir()
    (spool.raw.path / scan_id(3) / "manifest").write_text("")
    assert console.json("flush", expect=Exit.NO) == {"delivered": 0, "pending": 3, "held": 0}
    assert "the trigger stage is not running" in console("flush", "--wait", expect=Exit.UNUSABLE)
    for number in (1, 2, 3):
        console.ship.put(report(number))
        (spool.raw.path / scan_id(number)).mkdir(exist_ok=True)
    console.ship.run_once()
    assert "nothing is pending" in console("flush")


@pytest.mark.parametrize("step", ["ship", "parse"])
def test_flush_counts_what_a_replay_will_send_again(
    console: Console, server: ScriptedServer, step: str
) -> None:
    spool = console.ship.spool
    console.ship.put(report(1))
    (spool.raw.path / scan_id(1)).mkdir()
    console.ship.run_once()
    assert console.json("flush") == {"delivered": 0, "pending": 0, "held": 0}
    console("replay", step, scan_id(1), "--force")
    assert console.json("flush", expect=Exit.NO) == {"delivered": 0, "pending": 1, "held": 0}
    if step == "parse":
        waited = console("flush", "--wait", expect=Exit.UNUSABLE)
        assert "the parse stage is not running: start it" in waited
        (command_id,) = spool.commands.replays.ids()
        spool.reports.archive(spool.reports.name(scan_id(1)), command_id)
        console.ship.put(report(1))
    console.ship.run_once()
    assert console.ship.answers == {1: "accepted"}
    assert console.json("flush") == {"delivered": 0, "pending": 0, "held": 0}


def test_flush_waits_for_the_stage_and_not_for_one_that_does_not_run(
    tmp_path: Path, server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    ship = ShipProcess(tmp_path, server.url)
    ship.put(1, 2, 3)
    config = ["--config", str(tmp_path / "config.yml")]
    assert main(["flush", "--wait", *config]) == Exit.UNUSABLE
    assert "is not running" in capsys.readouterr().err
    ship.start()
    until(lambda: ship.spool.is_running("ship"))
    assert main(["flush", "--wait", "--timeout", "30", *config]) == Exit.OK
    assert "nothing is pending" in capsys.readouterr().out
    assert len(ship.receipts()) == 3
    server.answer(*[reply(401)] * 50)
    ship.put(4)
    assert main(["flush", "--wait", "--timeout", "0.5", *config]) == Exit.NO
    ship.close()


def unpacked(content: bytes) -> bytes:
    """The content of a compressed stream, some bits of which have no meaning; empty if broken."""
    try:
        return packing.unpacked(io.BytesIO(content), 1 << 24).read()
    except packing.PackingError:
        return b""


class TestBundles:
    """Reports carried to another host in one file."""

    def test_what_this_host_exported_it_takes_back_and_ships(
        self, console: Console, server: ScriptedServer, tmp_path: Path
    ) -> None:
        console.ship.put(report(1), report(2, "B"))
        file = tmp_path / "reports.bundle"
        assert len(console.json("export", str(file))["reports"]) == 2
        assert file.stat().st_mode & 0o077 == 0
        for path in console.ship.spool.reports.path.glob("*.report"):
            path.unlink()
        given = console.json("import", str(file))
        assert (given["foreign"], given["held"], given["outcome"]) == (False, [], None)
        assert console.parse() == Imported(at=ANY, hostname=ANY, taken=(scan_id(1), scan_id(2)))
        assert console.ship.spool.reports.read(scan_id(1)) == report(1)
        console.ship.run_once()
        assert console.ship.answers == {1: "accepted", 2: "accepted"}
        console.json("import", str(file))
        again = console.parse()
        assert (again.taken, again.present) == ((), (scan_id(1), scan_id(2)))

    @pytest.mark.parametrize(
        ("here", "is_foreign"), [("patchmon_1", False), (None, False), ("patchmon_2", True)]
    )
    def test_what_is_another_host_to_the_server_is_foreign_also_on_this_machine(
        self, console: Console, tmp_path: Path, here: str | None, is_foreign: bool
    ) -> None:
        console.ship.put(report(1))
        file = tmp_path / "reports.bundle"
        console("export", str(file))
        for path in console.ship.spool.reports.path.glob("*.report"):
            path.unlink()
        console.be(here)
        taken = console.json("import", str(file))
        assert (taken["new"], taken["present"]) == ([scan_id(1)], [])
        assert (taken["foreign"], taken["held"]) == (is_foreign, [scan_id(1)] if is_foreign else [])

    def foreign(self, file: Path, *numbers: int) -> None:
        """A bundle of another host."""
        entries = [seal_report(report(number)) for number in numbers]
        listed = tuple(bundle.listed(scan_id(n), e) for n, e in zip(numbers, entries, strict=True))
        index = Bundle(
            origin="0" * 64,
            hostname="offsite",
            exported_at=START,
            agent_version="1",
            reports=listed,
        )
        with file.open("wb") as target:
            bundle.write(target, index, entries)

    def test_scans_of_another_host_are_held_until_the_operator_releases_them(
        self, console: Console, server: ScriptedServer, tmp_path: Path
    ) -> None:
        self.foreign(tmp_path / "b", 1, 2)
        captured = console("import", str(tmp_path / "b"))
        assert "offsite" in captured
        assert "held" in captured
        console.parse()
        console.ship.run_once()
        assert server.requests == []
        assert "offsite" in console.waits()[scan_id(1)]
        console("release", "--all")
        console.ship.run_once()
        assert console.ship.answers == {1: "accepted", 2: "accepted"}

    def test_as_this_host_ships_them_with_this_hosts_credentials(
        self, console: Console, server: ScriptedServer, tmp_path: Path
    ) -> None:
        self.foreign(tmp_path / "b", 1)
        console("import", str(tmp_path / "b"), "--as-this-host")
        console.parse()
        console.ship.run_once()
        assert server.requests[0].headers["x-api-key"] == KEY

    def test_a_killed_import_leaves_no_hold_for_the_next_one(
        self, console: Console, server: ScriptedServer, tmp_path: Path
    ) -> None:
        self.foreign(tmp_path / "b", 1, 2)
        commands = console.ship.spool.commands
        commands.write_bundle(command_id(1), [b"the same reports"])
        commands.hold([Hold(scan_id=scan_id(number), at=START) for number in (1, 2)])
        console("import", str(tmp_path / "b"), "--as-this-host")
        console.parse()
        console.ship.run_once()
        assert console.ship.answers == {1: "accepted", 2: "accepted"}

    def test_an_import_that_is_refused_by_the_disk_takes_its_holds_back(
        self, console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.foreign(tmp_path / "b", 1, 2)
        # The bundle and the holds are written, but not the import itself.
        monkeypatch.setattr("spool.directory.MOST_NAMES", 3)
        console("import", str(tmp_path / "b"), expect=Exit.UNUSABLE)
        assert console.ship.spool.commands.names() == []

    def test_an_altered_or_cut_bundle_is_refused_whole(
        self, console: Console, tmp_path: Path
    ) -> None:
        file = tmp_path / "b"
        self.foreign(file, 1, 2, 3)
        whole = file.read_bytes()
        broken = [whole[:cut] for cut in range(0, len(whole), max(1, len(whole) // 40))]
        for place in range(10, len(whole), max(1, len(whole) // 40)):
            altered = bytearray(whole)
            altered[place] ^= 0x10
            if unpacked(bytes(altered)) != unpacked(whole):
                broken.append(bytes(altered))
        spool = console.ship.spool
        for number, content in enumerate(broken):
            file.write_bytes(content)
            assert "nothing was imported" in console(
                "import", str(file), "--dry-run", expect=Exit.NO
            )
            spool.commands.write_bundle(command_id(number), [content])
            spool.commands.imports.write(command_id(number), Import(at=START))
        console.parse()
        outcomes = [spool.reports.imported.read(i) for i in spool.reports.imported.ids()]
        assert len(outcomes) == len(broken)
        assert all(outcome.error for outcome in outcomes)
        assert spool.reports.ids() == []
        assert spool.commands.holds.ids() == []

    def test_a_bundle_with_another_entry_than_it_lists_is_refused(self, tmp_path: Path) -> None:
        one, other = (seal_report(report(number)) for number in (1, 2))
        index = Bundle(
            origin="x",
            hostname="h",
            exported_at=START,
            agent_version="1",
            reports=(bundle.listed(scan_id(1), one),),
        )
        with (tmp_path / "b").open("wb") as target, pytest.raises(BundleError):
            bundle.write(target, index, [other])

    def test_what_is_not_a_bundle_is_refused(self, console: Console, tmp_path: Path) -> None:
        for content in (
            b"",
            b"PK\x03\x04",
            b"compliance-agent-spool 1 bundle 99999999999 x\n{}",
            b"x" * 100_000,
        ):
            (tmp_path / "b").write_bytes(content)
            console("import", str(tmp_path / "b"), expect=Exit.NO)
        console("import", str(tmp_path / "missing"), expect=Exit.USAGE)

    def refusal(
        self, console: Console, file: Path, listed: Sequence[BundledReport], entries: list[bytes]
    ) -> str:
        """What the console says of a bundle; the parse stage says the same."""
        index = Bundle(
            origin="x", hostname="h", exported_at=START, agent_version="1", reports=tuple(listed)
        )
        with file.open("wb") as target:
            bundle.write(target, index, entries)
        said = console.json("import", str(file), "--dry-run", expect=Exit.NO)["error"]
        spool = console.ship.spool
        spool.commands.write_bundle(command_id(1), [file.read_bytes()])
        spool.commands.imports.write(command_id(1), Import(at=START))
        error = console.parse().error
        assert error is not None
        assert said == f"nothing was imported: {error}; export again, and copy the whole file"
        return error

    def test_a_bundle_that_lists_a_scan_twice_is_refused(
        self, console: Console, tmp_path: Path
    ) -> None:
        entry = seal_report(report(1))
        listed = [bundle.listed(scan_id(1), entry)] * 2
        error = self.refusal(console, tmp_path / "b", listed, [entry, entry])
        assert error == f"lists {scan_id(1)} twice"

    def test_the_entry_that_is_wrong_is_named(self, console: Console, tmp_path: Path) -> None:
        entry = seal_report(report(1))
        listed = [bundle.listed(scan_id(2), entry)]
        error = self.refusal(console, tmp_path / "b", listed, [entry])
        assert error == f"{scan_id(2)}: is the report of '{scan_id(1)}'"

    def test_a_host_name_has_a_length(self, console: Console, tmp_path: Path) -> None:
        index = Bundle(
            origin="x", hostname="h" * 5_000, exported_at=START, agent_version="1", reports=()
        )
        with (tmp_path / "b").open("wb") as target:
            bundle.write(target, index, [])
        refused = console.json("import", str(tmp_path / "b"), expect=Exit.NO)["error"]
        assert "hostname" in refused
        assert len(refused) < 500

    def test_ids_that_are_none_never_become_paths(self, console: Console, tmp_path: Path) -> None:
        entry = seal_report(codec.replace(report(1), scan_id="../../evil"))
        listed = (bundle.listed(ScanId("../../evil"), entry),)
        index = Bundle(
            origin="x", hostname="h", exported_at=START, agent_version="1", reports=listed
        )
        with (tmp_path / "b").open("wb") as target:
            bundle.write(target, index, [entry])
        console("import", str(tmp_path / "b"), expect=Exit.NO)
        assert not list(tmp_path.rglob("evil*"))

    def test_export_leaves_out_what_is_damaged_and_overwrites_nothing(
        self, console: Console, tmp_path: Path
    ) -> None:
        console.ship.put(report(1), report(2))
        (Spool(tmp_path / "spool").reports.path / f"{scan_id(1)}.report").write_bytes(b"junk")
        assert "left out" in console("export", str(tmp_path / "b"), expect=Exit.NO)
        with (tmp_path / "b").open("rb") as stream:
            _, entries = bundle.read(stream)
            assert [listed.scan_id for listed, _ in entries] == [scan_id(2)]
        console("export", str(tmp_path / "b"), expect=Exit.USAGE)

    def test_where_every_report_is_damaged_export_names_them(
        self, console: Console, tmp_path: Path
    ) -> None:
        console.ship.put(report(1))
        path = Spool(tmp_path / "spool").reports.path / f"{scan_id(1)}.report"
        path.write_bytes(b"junk")
        printed = console("export", str(tmp_path / "b"), expect=Exit.NO)
        assert "none of the reports can be exported" in printed
        assert path.name in printed

    def test_a_report_that_is_removed_during_an_export_does_not_end_it(
        self, console: Console, tmp_path: Path
    ) -> None:
        console.ship.put(report(1), report(2))
        spool = Spool(tmp_path / "spool")
        (spool.reports.path / f"{scan_id(1)}.report").unlink()
        # As they were listed before.
        index, damaged = export._index(spool, [scan_id(1), scan_id(2)], None)
        assert [one.scan_id for one in index.reports] == [scan_id(2)]
        assert damaged == []
        (spool.reports.path / f"{scan_id(2)}.report").unlink()
        with pytest.raises(CommandError, match="was removed since the export began: export again"):
            export._write(tmp_path / "b", spool, index)
        assert not (tmp_path / "b").exists()

    def test_export_includes_delivered_reports_only_with_all(
        self, console: Console, tmp_path: Path
    ) -> None:
        console.ship.put(report(1))
        console.ship.run_once()
        console("export", str(tmp_path / "b"), expect=Exit.NO)
        assert len(console.json("export", str(tmp_path / "b"), "--all")["reports"]) == 1

    def test_export_includes_a_delivered_report_that_is_named(
        self, console: Console, tmp_path: Path
    ) -> None:
        console.ship.put(report(1), report(2))
        console.ship.run_once()
        exported = console.json("export", str(tmp_path / "b"), scan_id(1))["reports"]
        assert [one["scan_id"] for one in exported] == [scan_id(1)]
