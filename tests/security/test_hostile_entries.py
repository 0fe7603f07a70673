"""What the user of one stage can put in the place of entries, tried by that user.

docs/security.md names each of these tests.
"""

from pathlib import Path

import pytest

from tests.pipeline.agent import until
from tests.security.test_hostile_stages import OWN, request
from tests.security.users import USERS, SharedHost, User

# One that scans, and two of which no clock shows the time: the beginning of the calendar, its end.
_SCANS = (
    "20260601T000000Z-openscap-0000000a",
    "00010101T000000Z-openscap-0000000b",
    "99981231T235959Z-openscap-0000000c",
)
_COMMANDS = (
    *(("status",), ("status", "--json"), ("list",), ("list", "--json"), ("verify",)),
    *(("metrics",), ("content",), ("cancel", "last"), ("retry",), ("flush",)),
    *(("replay", "parse", "last"), ("replay", "ship", "last"), ("hold", "last"), ("show", "last")),
    *(("compare",), ("waivers",), ("recheck", "last"), ("fix", "last", "--dry-run")),
)
_PLANTED = """
import os, socket
names = [*%r, b'odd \\xff name', b'line\\nbreak', b'\\x1b[2J', b'-rf', b'%%s{0}$(id)', b'n' * 255]
def each(directory):
    for kind, make in enumerate((
        lambda path: os.mkfifo(path),
        lambda path: os.makedirs(os.path.join(path, b'deeper', b'still')),
        lambda path: open(path, 'wb').close(),
        lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), 1 << 40),
        lambda path: socket.socket(socket.AF_UNIX).bind(os.path.relpath(path)),
        lambda path: os.link('state/USER/first', path),
    )):
        for number, name in enumerate(names):
            if number %% 6 != kind: continue
            try: make(os.path.join(os.fsencode(directory), name))
            except OSError: pass
open('state/USER/first', 'w').close()
for directory in %r: each(directory)
"""


def names() -> list[bytes]:
    """Those that processes of root look for; the order mixes them with the forms that they get."""
    found = [".lock", "detected", "running", "trigger", "overrides", "destination", "ship-state"]
    kinds = ("request", "report", "receipt", "cancel", "remediation", "imported", "fix", "recheck")
    found += [f"20260601T000000Z-0000000a.{kind}" for kind in kinds]
    for scan_id in _SCANS:
        found += [f"{scan_id}.{kind}" for kind in (*kinds, "damaged", "newer", "unreadable")]
        found += [scan_id, f".{scan_id}.draft", f"{scan_id}.report~20260601T000000Z-0000000a"]
    return [name.encode() for name in found]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue"])
@pytest.mark.parametrize("user", USERS)
def test_whatever_lies_in_the_place_of_an_entry_fails_no_command_and_no_scan(
    host: SharedHost, user: User, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    host.act(user, (_PLANTED % (names(), OWN[user])).replace("USER", user))
    for command in _COMMANDS:
        # Pipes and sparse files hold nothing up.
        host.agent(*command, code=None, limit_s=120)
    # Without a stage trigger, which would find its own directories unusable.
    scan_id = "20260601T000001Z-openscap-0000000b"
    host.act("trigger", _request_code(scan_id))
    host.start("scan")
    until(lambda: host.spool.raw.path.joinpath(scan_id).exists(), "the scan is done")


# Written by the record's own class, which does not check what it is made of.
_WITHOUT_ZONE = """
import os, pathlib
from datetime import datetime
from schemas import codec
from schemas.command import *
from schemas.destination import *
from schemas.fixes import *
from schemas.ids import ScanId
from schemas.receipt import *
from schemas.report import *
from schemas.request import *
from schemas.schedule import *
from spool.spool import Spool
spool, at = Spool(pathlib.Path(os.getcwd())), datetime(2026, 6, 1)
last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=__import__('datetime').UTC)
scan_id = ScanId('20260601T000000Z-openscap-0000000a')
command_id = '20260601T000000Z-0000000a'
reason = Reason(source='operator', at=at)
"""
_BY_USER: dict[User, str] = {
    "trigger": """
spool.requests.write(Request(scan_id=scan_id, scanner='openscap', reason=reason))
spool.requests.cancellations.write(command_id, Cancellation(scan_ids=(scan_id,), reason=reason))
spool.requests.remediations.write(command_id, Remediation(reason=reason, rule='one'))
due = NextDue(scanner='openscap', schedule='@daily', at=last)
spool.state_store('trigger').write(TRIGGER_STATE, TriggerState(next_due=(due,), at=at))
spool.state_store('trigger').write(OVERRIDES_STATE, ServerOverrides(mode='disabled', since=last))
""",
    "parse": """
profile = Profile(name='x', type='openscap')
for number, ends in enumerate((at, last)):
    report = Report(scan_id=ScanId(f'20260601T000000Z-openscap-0000000{number}'), profile=profile,
        status='completed', started_at=ends, completed_at=last, summary=summarize(()), results=())
    spool.reports.write(report)
""",
    "ship": """
spool.receipts.write(Receipt(scan_id=scan_id, answer='accepted', at=at, profile='x'))
state = Destination(url='https://x.example', state='waiting', at=last, since=last, next_try=last)
spool.state_store('ship').write(DESTINATION_STATE, state)
""",
}


@pytest.mark.parametrize("user", USERS)
def test_a_time_that_cannot_be_calculated_with_fails_no_command_and_no_scan(
    host: SharedHost, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One without a zone, and the last one that there is."""
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    host.act(user, _WITHOUT_ZONE + _BY_USER[user])
    for command in _COMMANDS:
        host.agent(*command, code=None)
    host.start()
    scan_id = request(host)
    until(lambda: host.spool.raw.path.joinpath(scan_id).exists(), "the scan is done")
    if user != "parse":
        report = host.spool.reports.path / f"{scan_id}.report"
        until(report.exists, "the report is written")
    host.agent("status", code=None)


_LINK_EVENT = """
import os, time
end = time.monotonic() + 2
path = 'requests/20260601T000000Z-openscap-0000000a.request'
while time.monotonic() < end:
    open(path + 'x', 'wb').write(os.urandom(5000))
    os.rename(path + 'x', path)
    open(path, 'ab').write(b'more')
    os.remove(path)
    os.symlink('/etc/shadow', path)
    os.remove(path)
    os.mkfifo(path)
    os.remove(path)
"""


def test_entries_that_change_while_they_are_read_harm_no_reader(host: SharedHost) -> None:
    host.start("scan")
    scan_id = "20260601T000001Z-openscap-0000000b"
    host.act("trigger", _LINK_EVENT)
    for command in (("status",), ("list",), ("verify",)):
        host.agent(*command, code=None)
    host.act("trigger", _LINK_EVENT + "\n" + _request_code(scan_id))
    until(lambda: host.spool.raw.path.joinpath(scan_id).exists(), "another scan is done")
    assert "internal error" not in host.log("scan")
    assert "Traceback" not in host.log("scan")


def _request_code(scan_id: str) -> str:
    return f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
import pathlib, datetime
from schemas.ids import ScanId
from schemas.request import Reason, Request
from spool.spool import Spool
reason = Reason(source='operator', at=datetime.datetime.now(datetime.UTC))
request = Request(scan_id=ScanId({scan_id!r}), scanner='openscap', reason=reason)
Spool(pathlib.Path(os.getcwd())).requests.write(request)
"""
