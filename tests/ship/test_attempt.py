"""One attempt in its thread: it ends, whatever the server does."""

import time
from pathlib import Path

import pytest

from schemas.settings import ServerSettings, Settings
from spool.spool import Spool
from stages.patchmon.credentials import Credentials
from stages.patchmon.outcome import Accepted, Outcome, Temporary
from stages.patchmon.transport import Transport
from stages.runtime.doorbell import NoDoorbell
from stages.runtime.logs import Log
from stages.runtime.process import Process
from stages.ship.attempt import Attempt, deadline_s
from tests.patchmon.scripted_server import ScriptedServer, silence, trickle


@pytest.fixture
def process(tmp_path: Path) -> Process:
    return Process("ship", Settings(), None, Spool(tmp_path), Log("ship", "error"), NoDoorbell())


def carry_out(
    process: Process, server: ScriptedServer, limit_s: float
) -> tuple[Outcome | None, float]:
    transport = Transport(ServerSettings(url=server.url))
    attempt = Attempt(
        process, lambda: transport.post(b"{}", Credentials("a", "b"), "x", "1"), transport.cut
    )
    began = time.monotonic()
    outcome = attempt.carry_out(limit_s)
    taken = time.monotonic() - began
    attempt.join(5)
    assert not attempt.is_alive()
    transport.close()
    return outcome, taken


def test_an_answer_is_its_outcome(process: Process, server: ScriptedServer) -> None:
    outcome, _ = carry_out(process, server, 20)
    assert isinstance(outcome, Accepted)


@pytest.mark.parametrize("trouble", [trickle, silence])
def test_the_deadline_ends_a_server_that_trickles_or_stays_silent(
    process: Process, server: ScriptedServer, trouble: object
) -> None:
    server.say(trouble)  # type: ignore[arg-type]
    outcome, taken = carry_out(process, server, 0.5)
    assert isinstance(outcome, Temporary)
    assert "no whole answer" in outcome.message
    assert 0.5 <= taken < 3


def test_a_stopping_process_waits_a_moment_for_the_answer_and_no_longer(
    process: Process, server: ScriptedServer
) -> None:
    process.stop()
    server.say(silence)
    outcome, taken = carry_out(process, server, 60)
    assert outcome is None
    assert taken < 4


def test_a_long_body_is_given_time_at_64_kib_per_second() -> None:
    assert deadline_s(0) == 60
    assert deadline_s(5 * 1024 * 1024) == 60 + 80


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_in_the_thread_is_not_taken_for_an_outcome(process: Process) -> None:
    def fault() -> Outcome:
        raise ZeroDivisionError

    attempt = Attempt(process, fault, lambda: None)
    with pytest.raises(RuntimeError):
        attempt.carry_out(5)
    attempt.join()
