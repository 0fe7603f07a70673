"""The receiver's WebSocket: who may come, who gets the commands, what is kept."""

import json
import time
from collections.abc import Callable, Iterator

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from receiver import Policy, Receiver

pytestmark = pytest.mark.slow

TRIGGER = {"type": "compliance_trigger", "profile": "standard", "request_id": "r-1"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def agent(receiver: Receiver, **headers: str) -> ClientConnection:
    url = receiver.url.replace("http", "ws", 1) + "/api/v1/agents/ws"
    return connect(url, additional_headers={**receiver.headers, **headers})


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def reaches(receiver: Receiver, connected: ClientConnection) -> bool:
    """Whether a command arrives here; the receiver may not know this connection yet."""
    if not receiver.send_command(TRIGGER):
        return False
    try:
        return bool(connected.recv(timeout=0.2))
    except TimeoutError:
        return False


def test_wrong_credentials_are_a_plain_text_401_on_the_upgrade(receiver: Receiver) -> None:
    with pytest.raises(InvalidStatus) as refused:
        agent(receiver, **{"X-API-KEY": "wrong"})
    assert refused.value.response.status_code == 401
    assert refused.value.response.headers["content-type"].startswith("text/plain")
    assert receiver.online() == set()


def test_a_command_reaches_the_agent_and_nothing_is_sent_before(receiver: Receiver) -> None:
    with agent(receiver) as connected:
        until(lambda: receiver.send_command(TRIGGER))
        assert json.loads(connected.recv(timeout=10)) == TRIGGER


def test_without_an_agent_a_command_goes_nowhere(receiver: Receiver) -> None:
    assert not receiver.send_command(TRIGGER)


def test_the_newest_connection_takes_the_commands_and_its_end_is_the_host_s(
    receiver: Receiver,
) -> None:
    with agent(receiver) as older:
        until(lambda: receiver.send_command({"to": "older"}))
        assert json.loads(older.recv(timeout=10)) == {"to": "older"}
        with agent(receiver) as newer:
            until(lambda: reaches(receiver, newer))
        until(lambda: not receiver.online())
        assert not receiver.send_command(TRIGGER)


def test_an_older_connection_that_closes_changes_nothing(receiver: Receiver) -> None:
    with agent(receiver) as older:
        until(lambda: bool(receiver.online()))
        with agent(receiver) as newer:
            older.close()
            until(lambda: reaches(receiver, newer))


def test_progress_is_kept_and_nonsense_is_ignored(receiver: Receiver) -> None:
    progress = {
        "type": "compliance_scan_progress",
        "phase": "evaluating",
        "profile_name": "CIS",
        "message": "4 of 10",
        "progress": 40,
        "error": "",
        "timestamp": "2026-11-23T06:03:01Z",
    }
    cut = {key: progress[key] for key in ("type", "phase")}
    with agent(receiver) as connected:
        for frame in (
            "no json",
            "[1]",
            b"\x00\x01",
            json.dumps({"type": "pong"}),
            json.dumps(cut),
            json.dumps(progress),
        ):
            connected.send(frame)
        until(lambda: len(receiver.messages()) == 3)
    assert receiver.progress() == [progress]


def test_a_message_over_64_kib_ends_the_connection(receiver: Receiver) -> None:
    with agent(receiver) as connected:
        connected.send("x" * (64 * 1024 + 1))
        with pytest.raises(ConnectionClosed):
            connected.recv(timeout=10)


def test_agents_are_pinged() -> None:
    with Receiver(Policy(ping_every_s=0.05, silence_s=5)) as receiver:
        url = receiver.url.replace("http", "ws", 1) + "/api/v1/agents/ws"
        with connect(url, additional_headers=receiver.headers, ping_interval=None) as connected:
            pinged: list[object] = []
            answering = connected.protocol.recv_frame

            def watch(frame: object) -> None:
                pinged.append(frame)
                answering(frame)  # type: ignore[arg-type]

            connected.protocol.recv_frame = watch  # type: ignore[method-assign]
            until(lambda: len(pinged) >= 2)


def test_agents_are_dropped_when_the_receiver_stops(receiver: Receiver) -> None:
    with agent(receiver) as connected:
        until(lambda: bool(receiver.online()))
        receiver.stop()
        with pytest.raises(ConnectionClosed):
            connected.recv(timeout=10)
    assert not receiver.send_command(TRIGGER)


def test_another_process_sends_a_command_with_the_host_s_credentials(receiver: Receiver) -> None:
    where = f"{receiver.url}/_send"
    assert requests.post(where, json=TRIGGER, timeout=30).status_code == 401
    assert (
        requests.post(where, json=TRIGGER, headers=receiver.headers, timeout=30).status_code == 409
    )
    assert requests.post(where, data=b"[]", headers=receiver.headers, timeout=30).status_code == 400
    with agent(receiver) as connected:
        until(lambda: bool(receiver.online()))
        assert (
            requests.post(where, json=TRIGGER, headers=receiver.headers, timeout=30).status_code
            == 200
        )
        assert json.loads(connected.recv(timeout=10)) == TRIGGER
