"""The connection test against the real receiver: every step, and the first that fails."""

import time

import pytest

from receiver import Policy, Receiver
from schemas.settings import ServerSettings
from stages.patchmon import connection_test
from stages.patchmon.connection_risk import connection_risk
from stages.patchmon.connection_test import Step, StepName, StepResult
from stages.patchmon.credentials import Credentials
from stages.patchmon.server_access import ServerAccess
from stages.scanners import registry
from tests.patchmon.scripted_server import ScriptedServer, reply, silence

pytestmark = pytest.mark.slow

KEY = "k" * 64
WRONG = Credentials("patchmon_1", KEY)
HEALTHY = reply(200, {"status": "ok"})


@pytest.fixture
def server(server: ScriptedServer) -> ScriptedServer:
    server.pings = None
    return server


def run(
    url: str, credentials: Credentials | None = WRONG, **settings: object
) -> dict[StepName, Step]:
    access = ServerAccess(ServerSettings(url=url, **settings), credentials)  # type: ignore[arg-type]
    steps = {step.name: step for step in connection_test.run(access, registry.scanners())}
    assert list(steps) == list(StepName), "every step is reported, in order"
    assert KEY not in str(steps)
    return steps


def results(steps: dict[StepName, Step]) -> list[str]:
    return [step.result.value for step in steps.values()]


def test_a_host_that_the_server_knows_passes_every_step() -> None:
    policy = Policy(compliance_mode="on-demand", scanners_off=frozenset({"docker-bench"}))
    with Receiver(policy) as receiver:
        steps = run(receiver.url, receiver.credentials)
    assert results(steps) == ["ok"] * 5
    assert steps[StepName.NAME].message == "127.0.0.1 is an address"
    assert receiver.credentials.id in steps[StepName.KEY].message
    assert steps[StepName.MODE].message == "on-demand, Docker Bench is off"


def test_a_name_that_does_not_exist_ends_the_test_at_its_first_step() -> None:
    steps = run("https://patchmon.invalid")
    assert results(steps) == ["failed", "skipped", "skipped", "skipped", "skipped"]
    assert "patchmon.invalid can't be resolved" in steps[StepName.NAME].message


def test_a_server_that_is_away_fails_at_the_connection(unreachable: str) -> None:
    steps = run(unreachable)
    assert results(steps)[:2] == ["ok", "failed"]
    assert "connection failed" in steps[StepName.CONNECTION].message


def test_the_key_is_not_sent_where_the_certificate_is_not_trusted(server: ScriptedServer) -> None:
    steps = run(server.url.replace("http", "https"))
    assert steps[StepName.CONNECTION].result is StepResult.FAILED
    assert steps[StepName.CONNECTION].action
    assert WRONG.id not in str(server.requests)
    assert KEY not in str(server.requests)


def test_the_host_check_of_the_server_is_a_step_of_its_own() -> None:
    with Receiver(Policy(allowed_hosts=frozenset({"patchmon"}))) as receiver:
        steps = run(receiver.url, receiver.credentials)
    assert results(steps) == ["ok", "ok", "failed", "skipped", "skipped"]
    assert "CORS_ORIGIN" in str(steps[StepName.HOST_CHECK].action)


def test_a_proxy_that_wants_credentials_is_not_a_connection(server: ScriptedServer) -> None:
    server.answer(reply(407, "<html>", "text/html"))
    steps = run("http://patchmon.example", proxy=server.url)
    assert results(steps) == ["ok", "failed", "skipped", "skipped", "skipped"]
    assert "server.proxy" in str(steps[StepName.CONNECTION].action)


@pytest.mark.parametrize(
    ("status", "body"), [(503, '{"status": "unhealthy"}'), (200, "<html>Sign in</html>"), (404, "")]
)
def test_what_is_not_a_healthy_server_does_not_pass_the_host_check(
    server: ScriptedServer, status: int, body: str
) -> None:
    server.answer(
        reply(status, body),
        reply(200, {"message": "ok"}),
        reply(200, {"compliance_mode": "enabled"}),
    )
    steps = run(server.url)
    assert results(steps) == ["ok", "ok", "skipped", "ok", "ok"]
    assert f"not checked: HTTP {status}" in steps[StepName.HOST_CHECK].message


def test_a_wrong_key_and_a_database_that_is_down_are_distinguished() -> None:
    with Receiver() as receiver:
        wrong = run(receiver.url, Credentials(receiver.credentials.id, KEY))[StepName.KEY]
        receiver.database_is_down = True
        down = run(receiver.url, receiver.credentials)[StepName.KEY]
    assert wrong.result is down.result is StepResult.FAILED
    assert "Invalid API credentials" in wrong.message
    assert "API key" in str(wrong.action)
    assert "database error" in down.message
    assert "database" in str(down.action)


def test_a_host_without_credentials_is_tested_up_to_the_key() -> None:
    with Receiver() as receiver:
        steps = run(receiver.url, None)
    assert results(steps) == ["ok", "ok", "ok", "failed", "skipped"]


def test_compliance_that_is_off_at_the_server_is_a_warning() -> None:
    with Receiver(Policy(compliance_mode="disabled")) as receiver:
        step = run(receiver.url, receiver.credentials)[StepName.MODE]
    assert step.result is StepResult.WARNING
    assert step.action


@pytest.mark.parametrize(
    ("status", "body"), [(200, "<html>Sign in</html>"), (200, "[]"), (302, "")]
)
def test_a_page_instead_of_the_servers_answer_is_not_an_answer_to_a_ping(
    server: ScriptedServer, status: int, body: str
) -> None:
    server.answer(HEALTHY, reply(status, body, "text/html"))
    step = run(server.url)[StepName.KEY]
    assert step.result is StepResult.FAILED
    assert step.action


@pytest.mark.parametrize(
    "body", ["<html>", "[]", '{"compliance_mode": 3}', "x" * 2_000_000, '{"a": ' * 5000]
)
def test_integrations_that_can_t_be_read_fail_the_last_step(
    server: ScriptedServer, body: str
) -> None:
    server.answer(HEALTHY, reply(200, {"message": "Ping successful"}), reply(200, body))
    steps = run(server.url)
    assert results(steps) == ["ok", "ok", "ok", "ok", "failed"]


def test_a_step_that_hangs_ends_at_its_limit(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_test, "_LIMIT_S", 2.0)
    server.answer(HEALTHY, silence)
    began = time.monotonic()
    step = run(server.url)[StepName.KEY]
    assert step.result is StepResult.FAILED
    assert "no complete reply within 2 s" in step.message
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.0.0.2", "http://[::1]:80"])
def test_plain_http_on_this_host_is_not_a_risk(url: str) -> None:
    assert connection_risk(ServerSettings(url=url)) is None


def test_what_others_on_the_network_can_read_is_a_risk() -> None:
    plain = connection_risk(ServerSettings(url="http://patchmon.example.com"))
    unchecked = connection_risk(ServerSettings(url="https://patchmon.example.com", verify=False))
    assert plain is not None
    assert "plain http" in plain.message
    assert unchecked is not None
    assert "server.verify: false" in unchecked.message
    assert connection_risk(ServerSettings(url="https://patchmon.example.com")) is None
    assert connection_risk(ServerSettings()) is None
