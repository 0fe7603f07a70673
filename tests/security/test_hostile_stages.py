"""What the user of one stage can do to the others, tried by that user on a spool of several users.

docs/security.md names each of these tests.
"""

import json
import os
import time
from pathlib import Path

import pytest

from spool.directory import MOST_NAMES
from spool.layout import DIRECTORIES
from stages.runtime.exits import Exit
from tests.pipeline.agent import until
from tests.security.users import USERS, SharedHost, User

OWN = {user: [p.path for p in DIRECTORIES if p.stage == user] for user in USERS}
ANSWERS = [("parse", "reports", "report"), ("ship", "receipts", "receipt")]
# Far more memory than a stage has at rest (some 35 MiB), far less than what is written here.
MOST_MIB = 90.0


def request(host: SharedHost) -> str:
    """A scan that an operator requests; its id."""
    return host.agent("scan").splitlines()[0]


def test_every_stage_works_with_the_rights_of_its_own_user_alone(host: SharedHost) -> None:
    host.start()
    scan_id = request(host)
    until(lambda: host.spool.reports.path.joinpath(f"{scan_id}.report").exists(), "its report")
    assert json.loads(host.agent("verify", "--json")) == []


@pytest.mark.parametrize("user", USERS)
def test_a_stage_writes_into_no_directory_but_its_own(host: SharedHost, user: User) -> None:
    others = [place.path or "." for place in DIRECTORIES if place.stage != user]
    for path in others:
        assert host.attempt(user, f"os.mkdir('{path}/probe')") == "PermissionError", path
    for path in OWN[user]:
        assert host.attempt(user, f"os.mkdir('{path}/probe')") == "None", path


def test_an_entry_is_read_by_the_next_stage_and_by_no_other(host: SharedHost) -> None:
    host.start()
    scan_id = request(host)
    until(lambda: host.spool.reports.path.joinpath(f"{scan_id}.report").exists(), "its report")
    entries = {
        f"requests/{scan_id}.request": {"trigger"},
        f"raw/{scan_id}/manifest": {"parse"},
        f"reports/{scan_id}.report": {"parse", "ship"},
    }
    for entry, readers in entries.items():
        for user in USERS:
            read = host.attempt(user, f"len(pathlib.Path('{entry}').read_bytes()) > 0")
            assert read == ("True" if user in readers else "PermissionError"), (entry, user)


def planted(host: SharedHost, user: User, target: Path) -> None:
    """Links to files and directories of root, under every name that root's processes use."""
    names = [
        *(".lock", "detected", "running", "trigger", "overrides", "destination", "ship-state"),
        *("content", "record", "manifest", ".tmp", ".detected.tmp", "debian12-0123456789ab"),
    ]
    scan_id = "20260601T000000Z-openscap-0000000a"
    names += [f"{scan_id}.{kind}" for kind in ("request", "report", "receipt", "damaged", "cancel")]
    names += [scan_id, f".{scan_id}.draft", f"{scan_id}~20260601T000000Z-0000000a"]
    code = f"""
import os
for directory in {OWN[user]!r}:
    for name in {names!r}:
        for wanted, link in (({str(target / "file")!r}, name), ({str(target)!r}, name + '-d')):
            try: os.symlink(wanted, os.path.join(directory, link))
            except FileExistsError: pass
for stage in ('trigger', 'scan', 'parse', 'ship'):
    for end in ('pub', 'sub', 'heartbeat', 'starts'):
        os.symlink({str(target / "file")!r}, {str(host.runtime)!r} + f'/{{stage}}.{{end}}')
"""
    host.act(user, code)


def state_of(tree: Path) -> dict[str, tuple[object, ...]]:
    """Owner, mode, times and content of every file and directory."""
    found: dict[str, tuple[object, ...]] = {}
    for path in (tree, *sorted(tree.rglob("*"))):
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        marks = (status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns)
        found[str(path)] = (*marks, status.st_nlink, content)
    return found


@pytest.mark.parametrize("user", USERS)
def test_links_that_a_stage_has_planted_lead_no_process_of_root_elsewhere(
    host: SharedHost, user: User
) -> None:
    target = host.home / "of-root"
    target.mkdir()
    (target / "file").write_text("root's own\n")
    planted(host, user, target)
    before = state_of(target)
    for command in (
        *(("status",), ("list",), ("verify",), ("scan",), ("cancel", "last"), ("metrics",)),
        *(("retry",), ("content",), ("content", "remove", "debian12-0123456789ab"), ("flush",)),
        *(("replay", "parse", "last"), ("hold", "last"), ("show", "last")),
    ):
        host.agent(*command, code=None)
    host.start("scan")
    until(lambda: "stage started" in host.log("scan"), "scan is started")
    request(host)
    until(lambda: (host.root / "state/scan/detected").exists(), "detection")
    assert state_of(target) == before


@pytest.mark.parametrize(("user", "box", "kind"), ANSWERS)
def test_an_answer_that_is_not_due_answers_no_request(
    host: SharedHost, user: User, box: str, kind: str
) -> None:
    """An empty one, while the request waits for scan, and while trigger has not even copied it."""
    waiting = request(host)
    host.act(user, f"open('{box}/{waiting}.{kind}', 'w')")
    shown = json.loads(host.agent("list", "--json"))
    assert [(scan["scan_id"], scan["state"]) for scan in shown] == [(waiting, "requested")]
    other = request(host)
    assert waiting in host.spool.commands.requests.ids()
    host.start("trigger", "scan")
    raw = host.spool.raw
    until(lambda: {waiting, other} <= set(raw.scan_ids()), "both scans have a raw entry")


def test_8000_sparse_marks_and_cancellations_cost_scan_no_memory(host: SharedHost) -> None:
    code = """
import os
def sparse(name, length):
    with open(name, 'wb') as stream: stream.truncate(length)
for n in range(8000):
    sparse(%s, %d)
"""
    host.act("parse", code % ("f'state/parse/20260601T000000Z-openscap-{n:08x}.damaged'", 65000))
    host.act("trigger", code % ("f'requests/20260601T000000Z-{n:08x}.cancel'", 8_000_000))
    host.start("trigger", "scan")
    scan_id = request(host)
    until(lambda: host.spool.raw.path.joinpath(scan_id).exists(), "the scan is done")
    assert host.peak_mib("scan") < MOST_MIB


def test_marks_of_whole_entries_take_none_of_them_away(host: SharedHost) -> None:
    host.start("trigger", "scan")
    scan_id = request(host)
    until(lambda: host.spool.raw.path.joinpath(scan_id).exists(), "the scan is done")
    host.act("parse", f"open('state/parse/{scan_id}.damaged', 'w').write('it is damaged')")
    other = request(host)
    until(lambda: host.spool.raw.path.joinpath(other).exists(), "another scan is done")
    assert host.spool.raw.quarantined() == []
    assert host.spool.raw.check(scan_id)


FLOOD = """
import time, zmq
socket = zmq.Context().socket(zmq.PUB)
socket.setsockopt(zmq.LINGER, 0)
socket.connect('ipc://%s')
end = time.monotonic() + 4
while time.monotonic() < end:
    for _ in range(500):
        socket.send(b'DetectionWanted {"name":"DetectionWanted"}')
    time.sleep(0.001)
"""


def test_a_flood_of_events_leads_to_one_detection_and_leaves_scan_its_time(
    host: SharedHost,
) -> None:
    host.start("trigger", "scan")
    detected = host.root / "state/scan/detected"
    until(detected.exists, "the first detection")
    scan_id = request(host)
    until(lambda: host.spool.raw.path.joinpath(scan_id).exists(), "the scan is done")
    pid = host.processes["scan"].pid
    before, spent = detected.stat().st_mtime_ns, cpu_s(pid)
    host.act("ship", FLOOD % (host.runtime / "scan.sub"))
    until(lambda: detected.stat().st_mtime_ns != before, "the one detection that is due")
    after = detected.stat().st_mtime_ns
    host.act("ship", FLOOD % (host.runtime / "scan.sub"))
    assert detected.stat().st_mtime_ns == after
    # Of eight seconds; a stage that looks all the time takes nearly all of them.
    assert cpu_s(pid) - spent < 4.0
    other = request(host)
    until(lambda: host.spool.raw.path.joinpath(other).exists(), "the next scan is done")


def cpu_s(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("user", USERS)
def test_a_pipe_in_place_of_a_lock_holds_up_no_command(host: SharedHost, user: User) -> None:
    host.act(user, f"import os; os.mkfifo('state/{user}/.lock')")
    begin = time.monotonic()
    assert "stopped" in host.agent("status")
    host.agent("list")
    assert time.monotonic() - begin < 60


def test_trigger_can_cancel_every_scan_and_start_nothing_that_the_settings_forbid(
    host: SharedHost,
) -> None:
    """Its requests are believed as the server's are: they name a scanner and a profile."""
    code = """
import os, datetime
from schemas.ids import ScanId
from schemas.request import Reason, Request
from spool.spool import Spool
reason = Reason(source='operator', at=datetime.datetime.now(datetime.UTC))
for scan_id, scanner, more in (
    ('20260601T000000Z-openscap-0000000a', 'openscap', {'content': '/etc/shadow'}),
    ('20260601T000001Z-openscap-0000000a', 'openscap', {'profile': '--remediate'}),
    ('20260601T000002Z-nmap-0000000a', 'nmap', {}),
):
    request = Request(scan_id=ScanId(scan_id), scanner=scanner, reason=reason, **more)
    box = Spool(__import__('pathlib').Path(os.getcwd())).requests
    box.write(request)
"""
    host.act("trigger", code)
    host.start("scan")
    raw = host.spool.raw
    until(lambda: len(raw.scan_ids()) == 2, "those of a scanner that is there have a raw entry")
    # Only another version of the agent asks for a scanner that this one does not have.
    newer = host.spool.state_store("scan").newer
    until(
        lambda: list(newer()) == ["20260601T000002Z-nmap-0000000a.request"], "the other one stays"
    )
    manifests = [raw.manifest(scan_id) for scan_id in raw.scan_ids()]
    assert {manifest.outcome for manifest in manifests} == {"failed"}
    assert not any(manifest.command for manifest in manifests)


def test_a_full_box_takes_no_more_and_status_shows_it(host: SharedHost) -> None:
    code = f"for n in range({MOST_NAMES}): open(f'requests/{{n:06d}}', 'w')"
    host.act("trigger", code)
    host.start("trigger")
    scan_id = request(host)
    until(lambda: f"holds {MOST_NAMES} files" in host.log("trigger"), "trigger reports it")
    status = host.agent("status", code=Exit.UNUSABLE)
    assert status.startswith("trouble: trigger: ")
    assert "full" in status
    as_json = json.loads(host.agent("status", "--json", code=Exit.UNUSABLE))
    assert as_json["full"] == ["requests"]
    assert host.spool.commands.requests.ids() == [scan_id]
    host.act("trigger", code.replace("open(", "__import__('os').remove(").replace(", 'w')", ")"))
    until(lambda: scan_id in host.spool.requests.ids(), "the work goes on")
