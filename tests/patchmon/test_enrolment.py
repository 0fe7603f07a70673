"""Enrolment against the real receiver: tokens, refusals, and answers that are cut or unreadable."""

from collections.abc import Iterator

import pytest
import requests

from receiver import Policy, Receiver, generate_credentials
from schemas.settings import ServerSettings
from stages.patchmon.credentials import Credentials
from stages.patchmon.enrolment import EnrolmentToken, NotEnrolled, enrol, exchange
from tests.patchmon.scripted_server import Answer, ScriptedServer, raw, reply, reset

pytestmark = pytest.mark.slow

TOKEN = EnrolmentToken(key="patchmon_ae_1", secret="s" * 48)
NAME = "web-1"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(Policy(enrolment=TOKEN, max_enrolled=1)) as running:
        yield running


def at(url: str) -> ServerSettings:
    return ServerSettings(url=url)


def refused(outcome: Credentials | NotEnrolled) -> NotEnrolled:
    assert isinstance(outcome, NotEnrolled)
    return outcome


def test_an_enrolled_host_is_known_to_the_server_by_its_new_key(receiver: Receiver) -> None:
    found = enrol(at(receiver.url), TOKEN, NAME, "0" * 32)
    assert isinstance(found, Credentials)
    host = receiver.hosts.get(found.id)
    assert (host.name, host.machine_id, host.credentials) == (NAME, "0" * 32, found)
    assert receiver.host_state(found.id) == "pending"
    headers = {"X-API-ID": found.id, "X-API-KEY": found.key}
    requests.post(f"{receiver.url}/api/v1/hosts/ping", headers=headers, timeout=30)
    assert receiver.host_state(found.id) == "active"


def test_a_wrong_secret_and_a_used_up_token_are_refused_with_what_to_do(
    receiver: Receiver,
) -> None:
    wrong = EnrolmentToken(key=TOKEN.key, secret="x")
    problem = refused(enrol(at(receiver.url), wrong, NAME, None))
    assert problem.message == "HTTP 401: Invalid token secret"
    assert "check the key and secret" in problem.action
    enrol(at(receiver.url), TOKEN, NAME, None)
    problem = refused(enrol(at(receiver.url), TOKEN, NAME, None))
    assert problem.message == "HTTP 429: Rate limit exceeded"
    assert not problem.may_be_done
    assert len(receiver.hosts.all()) == 2


def test_a_bootstrap_token_is_exchanged_once(receiver: Receiver) -> None:
    token = receiver.hosts.bootstrap_token(receiver.credentials)
    assert exchange(at(receiver.url), token) == receiver.credentials
    problem = refused(exchange(at(receiver.url), token))
    assert problem.message == "HTTP 401: Invalid or expired bootstrap token"
    assert "valid once" in problem.action


@pytest.mark.parametrize("cut", [reset, raw(b""), raw(b"HTTP/1.1 201 Created\r\nContent-Le")])
def test_an_enrolment_that_is_cut_is_not_sent_again_and_names_what_may_have_happened(
    server: ScriptedServer, cut: Answer
) -> None:
    server.answer(cut)
    problem = refused(enrol(at(server.url), TOKEN, NAME, None))
    assert problem.may_be_done
    assert 'the server may have created the host "web-1"' in problem.message
    assert problem.action == "check server.url; delete it there, then enrol again"
    assert len(server.requests) == 1
    server.answer(cut)
    problem = refused(exchange(at(server.url), "t"))
    assert "the token may be used up" in problem.message


def test_a_server_that_is_away_has_done_nothing(unreachable: str) -> None:
    problem = refused(enrol(at(unreachable), TOKEN, NAME, None))
    assert not problem.may_be_done
    assert "connection failed" in problem.message


def test_the_answer_is_not_quoted_where_it_may_hold_a_key(server: ScriptedServer) -> None:
    secret = generate_credentials().key
    for answer in (f"<html>{secret}", f'{{"host": {{"api_key": "{secret}"}}}}'):
        server.answer(reply(201, answer), reply(200, answer))
        for problem in (enrol(at(server.url), TOKEN, NAME, None), exchange(at(server.url), "t")):
            assert "has no credentials in it" in refused(problem).message
            assert secret not in str(problem)


def test_credentials_that_no_header_can_carry_are_not_accepted(server: ScriptedServer) -> None:
    server.answer(reply(200, {"apiId": "patchmon_1\r\nX-Evil: 1", "apiKey": "k"}))
    assert refused(exchange(at(server.url), "t")).may_be_done


def test_a_server_under_another_name_is_named_with_its_setting() -> None:
    with Receiver(Policy(enrolment=TOKEN, allowed_hosts=frozenset({"patchmon"}))) as receiver:
        problem = refused(enrol(at(receiver.url), TOKEN, NAME, None))
    assert "CORS_ORIGIN" in problem.action
