import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import zmq

from schemas.event import Event
from spool.layout import Stage
from stages.runtime.doorbell import DoorbellError, NoDoorbell, ZmqDoorbell, publish_to_stages
from tests.pipeline.agent import until

pytestmark = pytest.mark.slow


@pytest.fixture
def runtime() -> Iterator[Path]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="doorbell") as directory:
        yield Path(directory)


def receive(doorbell: ZmqDoorbell, limit_s: float = 5) -> Event | None:
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        events, _ = doorbell.wait(0.1, ())
        if events:
            return events[0]
    return None


def test_an_event_reaches_the_neighbouring_stage(runtime: Path) -> None:
    scan, parse = ZmqDoorbell(runtime, "scan", ()), ZmqDoorbell(runtime, "parse", ("ScanFinished",))
    on_event = None
    for _ in range(50):
        scan.publish(Event(name="ScanFinished", scan_id="x"))
        on_event = receive(parse, 0.1)
        if on_event:
            break
    assert on_event == Event(name="ScanFinished", scan_id="x")
    scan.close()
    parse.close()


def test_no_event_waits_for_the_next_one(runtime: Path) -> None:
    """The socket's handle shows an arrival once: whatever has arrived by then comes at once."""
    scan, parse = ZmqDoorbell(runtime, "scan", ()), ZmqDoorbell(runtime, "parse", ("ScanFinished",))
    until(lambda: is_connected(scan, parse), "a connection")
    sent = [f"{number}" for number in range(300)]
    with ThreadPoolExecutor() as pool:

        def publish() -> None:
            for scan_id in sent:
                scan.publish(Event(name="ScanFinished", scan_id=scan_id))

        publishing = pool.submit(publish)
        received: list[str | None] = []
        began = time.monotonic()
        while len(received) < len(sent):
            # An event that is overlooked would come at the end of this wait.
            events, _ = parse.wait(60.0, ())
            received += [event.scan_id for event in events if event.scan_id != "connected"]
        publishing.result()
    assert received == sent
    assert time.monotonic() - began < 60.0
    scan.close()
    parse.close()


def is_connected(scan: ZmqDoorbell, parse: ZmqDoorbell) -> bool:
    scan.publish(Event(name="ScanFinished", scan_id="connected"))
    return receive(parse, 0.1) is not None


def test_a_command_publishes_to_every_stage(runtime: Path) -> None:
    stages: tuple[Stage, ...] = ("trigger", "ship")
    doorbells = [ZmqDoorbell(runtime, stage, ("CommandGiven",)) for stage in stages]
    # A bound subscriber answers a new publisher while it waits, as a stage does all the time.
    with ThreadPoolExecutor() as pool:
        on_event = [pool.submit(receive, doorbell) for doorbell in doorbells]
        publish_to_stages(runtime, Event(name="CommandGiven"))
    assert [each.result() for each in on_event] == [Event(name="CommandGiven")] * 2
    for doorbell in doorbells:
        doorbell.close()


def test_publishing_without_running_stages_takes_no_time(runtime: Path) -> None:
    doorbell = ZmqDoorbell(runtime, "scan", ())
    before = time.monotonic()
    for _ in range(5000):
        doorbell.publish(Event(name="RuleEvaluated", rule="r" * 500))
    publish_to_stages(runtime, Event(name="CommandGiven"))
    doorbell.close()
    assert time.monotonic() - before < 5


@pytest.mark.parametrize(
    "message",
    [b"", b"ScanFinished", b"ScanFinished {", b"ScanFinished []", b"ScanFinished " + b"x" * 10**6],
)
def test_garbage_is_ignored(runtime: Path, message: bytes) -> None:
    doorbell = ZmqDoorbell(runtime, "parse", ("ScanFinished",))
    context = zmq.Context()
    forger = context.socket(zmq.XPUB)
    forger.connect(f"ipc://{runtime}/parse.sub")
    with ThreadPoolExecutor() as pool:
        on_event = pool.submit(receive, doorbell)
        assert forger.poll(5000)
        forger.send(message)
        # An oversized message costs the forger its connection: it connects and publishes again.
        while not on_event.done():
            forger.send(b'ScanFinished {"name":"ScanFinished","scan_id":"after"}')
            forger.poll(50)
    event = on_event.result()
    assert event is not None
    assert event.scan_id == "after"
    context.destroy(linger=0)
    doorbell.close()


@pytest.mark.parametrize("trap", ["file", "symlink", "directory"])
def test_any_other_file_at_the_path_of_the_socket_is_refused_and_left_alone(
    runtime: Path, trap: str
) -> None:
    path = runtime / "scan.pub"
    if trap == "file":
        path.write_text("precious")
    elif trap == "symlink":
        path.symlink_to("/etc/passwd")
    else:
        path.mkdir()
    with pytest.raises(DoorbellError, match=r"scan\.pub: is not a socket; move it away"):
        ZmqDoorbell(runtime, "scan", ())
    assert os.path.lexists(path)


def test_a_stale_socket_is_taken_over(runtime: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(runtime / "scan.pub"))
    ZmqDoorbell(runtime, "scan", ()).close()


def test_a_path_too_long_for_a_socket_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(DoorbellError, match="set a shorter runtime_dir"):
        ZmqDoorbell(tmp_path / ("x" * 120), "scan", ())


def test_without_zeromq_a_stage_is_woken_by_files() -> None:
    read, write = os.pipe()
    os.write(write, b"x")
    assert NoDoorbell().wait(5, (read,)) == ([], [read])
    os.close(read)
    os.close(write)


def test_a_stage_that_never_stops_to_subscribe_holds_up_no_command(runtime: Path) -> None:
    """Its subscriptions are of other names, and there is always one more."""
    context = zmq.Context()
    hostile = context.socket(zmq.XSUB)
    hostile.setsockopt(zmq.LINGER, 0)
    hostile.bind(f"ipc://{runtime}/ship.sub")
    begin = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        command = pool.submit(publish_to_stages, runtime, Event(name="CommandGiven"), 0.5)
        number = 0
        while not command.done():
            number += 1
            hostile.send(b"\x01Other%d" % number)
            assert time.monotonic() - begin < 30
    context.destroy(linger=0)


def test_a_wait_that_does_not_listen_leaves_events_for_the_next_one(runtime: Path) -> None:
    scan, parse = ZmqDoorbell(runtime, "scan", ()), ZmqDoorbell(runtime, "parse", ("ScanFinished",))
    end = time.monotonic() + 30
    while receive(parse, 0.1) is None:
        scan.publish(Event(name="ScanFinished"))
        assert time.monotonic() < end
    while receive(parse, 0.1):
        pass
    scan.publish(Event(name="ScanFinished", scan_id="kept"))
    assert parse.wait(0.2, (), listen=False) == ([], [])
    event = receive(parse)
    assert event is not None
    assert event.scan_id == "kept"
    scan.close()
    parse.close()
