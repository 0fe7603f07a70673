"""Four real stages on a spool in which a later version has written, and the way back to it."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from receiver import Policy, Receiver
from schemas import codec
from schemas.bundle import Bundle
from schemas.command import Hold, Import, Imported, Replay, Retry, Submission
from schemas.content import FETCH_STATE, ContentCommand, FetchState
from schemas.fixes import Remediation
from schemas.manifest import Manifest
from schemas.receipt import Receipt
from schemas.request import Cancellation, Reason, Refusal, Request
from spool import bundle, frame, packing
from spool.entries import seal_report
from spool.layout import BOXES, STAGES
from tests.pipeline.agent import Agent, an_agent, until
from tests.ship.ship_spool import START, report, scan_id

NEWER = b"compliance-agent-spool 2 whatever comes after this\n\0\1"
COMMAND, OUTCOME = "20261123T060301Z-3f9c2a17", "20261123T060301Z-00000001"
NAMED = {
    f"{scan_id(1)}.request",
    f"{scan_id(2)}.request",
    scan_id(3),
    f"{scan_id(4)}.report",
    f"{COMMAND}.import",
    f"{COMMAND}.remediation",
    f"{scan_id(9)}.submission",
    f"{COMMAND}.content",
}
"""The entries that a stage wants to read, by what `status` calls them."""
REASON = Reason(source="operator", at=START)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    with Receiver(Policy(), database=tmp_path / "receiver.db") as server, an_agent(server) as agent:
        yield agent


def entries(agent: Agent) -> list[Path]:
    """An entry of another scan in every box, and commands of every kind."""
    spool = agent.spool
    commands = [f"{scan_id(7)}.hold", f"{scan_id(9)}.submission"]
    commands += [f"{COMMAND}.{kind}" for kind in ("cancel", "replay", "retry", "import", "content")]
    return [
        spool.commands.path / f"{scan_id(1)}.request",
        spool.requests.path / f"{scan_id(2)}.request",
        spool.requests.path / f"{COMMAND}.remediation",
        spool.raw.path / scan_id(3) / "manifest",
        spool.reports.path / f"{scan_id(4)}.report",
        spool.receipts.path / f"{scan_id(5)}.receipt",
        spool.reports.path / f"{OUTCOME}.imported",
        *(spool.commands.path / name for name in commands),
    ]


def test_every_kind_of_entry_is_among_them(agent: Agent) -> None:
    kinds = {entry.kind for box in BOXES for entry in agent.spool.outbox(box).kinds}
    assert {path.suffix.removeprefix(".") for path in entries(agent)} - {""} == kinds


def write_newer(agent: Agent) -> None:
    agent.spool.prepare()
    for path in entries(agent):
        path.parent.mkdir(mode=0o750, exist_ok=True)
        path.write_bytes(NEWER)
        path.chmod(0o640)


def content_command(agent: Agent) -> str | None:
    """The last content command that was carried out."""
    state = agent.spool.state_store("trigger").read(FETCH_STATE, FetchState)
    return state.command if state else None


def newer(agent: Agent) -> set[str]:
    return set(json.loads(agent.run("status", "--json"))["newer"])


def test_entries_of_a_later_version_stay_in_every_box_and_are_named(agent: Agent) -> None:
    write_newer(agent)
    agent.start()
    until(lambda: newer(agent) >= NAMED, "the names of the entries in the status")
    assert all(path.read_bytes() == NEWER for path in entries(agent))
    assert [agent.spool.outbox(box).quarantined() for box in BOXES] == [[]] * len(BOXES)
    assert agent.spool.receipts.ids() == [scan_id(5)]
    assert content_command(agent) is None
    found = json.loads(agent.run("verify", "--json"))
    assert {finding["kind"] for finding in found} == {"newer"}
    assert {Path(finding["path"]).name for finding in found} >= NAMED
    for stage in STAGES:
        assert agent.spool.is_running(stage)


def write_readable(agent: Agent) -> None:
    """The same entries as this version writes them: as if it could read the format from now on."""
    refused = {
        number: Request(
            scan_id=scan_id(number),
            scanner="openscap",
            reason=REASON,
            refusal=Refusal(reason="only a test", cause="malformed-request"),
        )
        for number in (1, 2)
    }
    manifest = Manifest(
        scan_id=scan_id(3),
        scanner="openscap",
        outcome="failed",
        error="only a test",
        started_at=START,
        completed_at=START,
        agent_version="1",
    )
    records: dict[str, tuple[str, object]] = {
        "commands/{1}.request": ("request", refused[1]),
        "requests/{2}.request": ("request", refused[2]),
        f"requests/{COMMAND}.remediation": ("remediation", Remediation(reason=REASON)),
        "raw/{3}/manifest": ("manifest", manifest),
        "receipts/{5}.receipt": (
            "receipt",
            Receipt(scan_id=scan_id(5), answer="accepted", at=START),
        ),
        f"reports/{OUTCOME}.imported": ("imported", Imported(at=START)),
        "commands/{7}.hold": ("hold", Hold(scan_id=scan_id(7), at=START)),
        f"commands/{COMMAND}.cancel": (
            "cancel",
            Cancellation(scan_ids=(scan_id(8),), reason=REASON),
        ),
        f"commands/{COMMAND}.replay": (
            "replay",
            Replay(step="ship", scan_ids=(scan_id(5),), at=START),
        ),
        f"commands/{COMMAND}.retry": ("retry", Retry(at=START)),
        f"commands/{COMMAND}.import": ("import", Import(at=START)),
        "commands/{9}.submission": (
            "submission",
            Submission(
                scan_id=scan_id(9),
                scanner="openscap",
                started_at=START,
                completed_at=START,
                at=START,
                files=(),
            ),
        ),
        f"commands/{COMMAND}.content": (
            "content",
            ContentCommand(action="remove", name="ssg-example-ds.xml", at=START),
        ),
    }
    ids = [scan_id(number) for number in range(10)]
    for name, (kind, record) in records.items():
        path = agent.spool.root / name.format(*ids)
        path.write_bytes(frame.seal(kind, codec.encode(record)))
    (agent.spool.reports.path / f"{scan_id(4)}.report").write_bytes(seal_report(report(4)))


def bundle_of(entry: bytes) -> bytes:
    index = Bundle(
        origin="0" * 64,
        hostname="offsite",
        exported_at=START,
        agent_version="1",
        reports=(bundle.listed(scan_id(6), entry),),
    )
    packed = io.BytesIO()
    bundle.write(packed, index, [entry])
    return packed.getvalue()


def bundle_of_a_later_format() -> bytes:
    readable = packing.unpacked(io.BytesIO(bundle_of(seal_report(report(6)))), 1 << 20).read()
    packed = io.BytesIO()
    packing.pack(io.BytesIO(readable.replace(b"spool 1 bundle", b"spool 2 bundle", 1)), packed)
    return packed.getvalue()


def write_bundles(agent: Agent) -> None:
    """What the import and the submission bring along."""
    agent.spool.commands.write_bundle(COMMAND, [bundle_of(seal_report(report(6)))])
    agent.spool.commands.write_bundle(scan_id(9), [b""])


@pytest.mark.parametrize(
    ("content", "where"),
    [(bundle_of_a_later_format(), "the bundle"), (bundle_of(NEWER), scan_id(6))],
    ids=["bundle", "report in it"],
)
def test_an_import_of_a_later_bundle_waits_for_that_version(
    agent: Agent, tmp_path: Path, content: bytes, where: str
) -> None:
    agent.spool.prepare()
    commands = agent.spool.commands
    commands.write_bundle(COMMAND, [content])
    commands.imports.write(COMMAND, Import(at=START))
    agent.start("parse")
    name = f"{COMMAND}.import"
    until(lambda: name in newer(agent), "the name of the import in the status")
    agent.run("scan", "--scanner", "openscap")
    assert (commands.imports.ids(), commands.bundle_ids()) == ([COMMAND], [COMMAND])
    assert agent.spool.reports.names() == []
    (found,) = json.loads(agent.run("verify", "--json"))
    assert (found["kind"], found["path"]) == ("newer", name)

    file = tmp_path / "bundle"
    file.write_bytes(content)
    refused = json.loads(agent.run("import", str(file), "--dry-run", "--json", code=1))
    assert where in refused["error"]
    assert refused["error"].endswith("install the newer version again"), "and not: export again"


def test_a_request_for_a_fix_or_its_outcome_of_a_later_version_waits_for_that_version(
    agent: Agent,
) -> None:
    agent.settings["compliance"]["server_commands"] = {"allow_remediation": True}
    agent.configure()
    spool = agent.spool
    spool.prepare()
    answered = "20261123T060302Z-3f9c2a17"
    spool.requests.remediations.write(answered, Remediation(reason=REASON))
    names = {f"{COMMAND}.remediation", f"{answered}.fix"}
    (spool.requests.path / f"{COMMAND}.remediation").write_bytes(NEWER)
    (spool.fixes.path / f"{answered}.fix").write_bytes(NEWER)
    agent.start("trigger")
    until(lambda: newer(agent) >= names, "both in the status")
    with subprocess.Popen(
        [sys.executable, "-m", agent.module, "fix", "--requested", "--config", str(agent.config)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as service:
        assert service.stdout is not None
        assert "is of format 2" in service.stdout.readline()
        # It goes on with the next one.
        following = "20261123T060303Z-3f9c2a17"
        spool.requests.remediations.write(following, Remediation(reason=REASON))
        until(lambda: following in spool.fixes.fixes.ids(), "the outcome of the next request")
        until(lambda: spool.requests.remediations.ids() == [COMMAND, answered], "its end")
        service.terminate()
    assert spool.fixes.fixes.ids() == [answered, following]
    assert (spool.fixes.path / f"{answered}.fix").read_bytes() == NEWER


def test_what_stayed_goes_on_in_every_box_when_the_version_that_reads_it_is_back(
    agent: Agent,
) -> None:
    write_newer(agent)
    write_bundles(agent)
    agent.start()
    until(lambda: newer(agent) >= NAMED, "the names of the entries in the status")
    agent.stop()
    write_readable(agent)
    agent.start()
    until(
        lambda: (
            set(agent.spool.receipts.ids()) == {scan_id(number) for number in (1, 2, 3, 4, 6, 9)}
        ),
        "a receipt for each scan, and the replayed one taken away",
    )
    spool = agent.spool
    until(lambda: content_command(agent) == COMMAND, "the content command to be carried out")
    assert [agent.report(scan_id(number)).status for number in (1, 2, 3)] == ["failed"] * 3
    assert spool.requests.cancellations.ids() == [COMMAND]
    assert spool.receipts.archived() == [f"{scan_id(5)}.receipt~{COMMAND}"]
    assert spool.reports.imported.read(COMMAND).taken == (scan_id(6),)
    assert newer(agent) == set()
    assert json.loads(agent.run("verify", "--json")) == []
