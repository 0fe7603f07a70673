"""Real oscap on the test datastream, through the four real processes, to a real server."""

import json
from collections import Counter
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from receiver import Receiver
from schemas import codec
from schemas.published import DIRECTORY
from spool.layout import STAGES
from tests.pipeline.agent import Agent, an_agent, until

pytestmark = pytest.mark.oscap


def test_a_request_becomes_a_report_on_the_server(agent: Agent, server: Receiver) -> None:
    scan_id = agent.ask()
    agent.start()
    until(lambda: agent.received(scan_id), "a receipt")
    assert agent.receipt(scan_id).answer == "accepted"
    report = agent.report(scan_id)
    assert report.status == "completed"
    assert {result.status for result in report.results} == {
        "pass",
        "fail",
        "error",
        "skip",
        "notapplicable",
        "warn",
    }
    (post,) = server.posts()
    assert post["idempotency_key"] == scan_id
    assert (post["released_problem"], post["specification_problem"]) == (None, None)
    (scan,) = server.scans()
    assert Counter(r["status"] for r in scan["results"]) == Counter(
        r.status for r in report.results
    )
    agent.stop()


def test_what_the_pipeline_writes_agrees_with_the_schemas(agent: Agent) -> None:
    scan_id = agent.ask()
    agent.start()
    until(lambda: agent.received(scan_id), "a receipt")
    agent.stop()
    spool = agent.spool
    written = {
        "request": spool.requests.read(scan_id),
        "manifest": spool.raw.manifest(scan_id),
        "report": agent.report(scan_id),
        "receipt": agent.receipt(scan_id),
    }
    for name, record in written.items():
        schema = json.loads((DIRECTORY / f"{name}.schema.json").read_text())
        Draft202012Validator(schema).validate(json.loads(codec.encode(record)))
    detected = json.loads((spool.root / "state" / "scan" / "detected").read_bytes())
    Draft202012Validator(json.loads((DIRECTORY / "detected.schema.json").read_text())).validate(
        detected
    )


def test_stages_stop_cleanly_and_leave_nothing_behind(agent: Agent) -> None:
    agent.start()
    until(lambda: all(agent.spool.is_running(stage) for stage in STAGES), "all stages run")
    until(
        lambda: all("stage started" in agent.log(stage) for stage in STAGES), "all stages started"
    )
    processes = dict(agent.processes)
    agent.stop()
    assert [process.returncode for process in processes.values()] == [0, 0, 0, 0]
    assert not any(agent.spool.is_running(stage) for stage in STAGES)


def test_replaying_parse_gives_the_same_bytes_and_ships_again(
    agent: Agent, server: Receiver
) -> None:
    scan_id = agent.ask()
    agent.start()
    until(lambda: agent.received(scan_id), "a receipt")
    path = agent.spool.reports.path / f"{scan_id}.report"
    before = path.read_bytes()
    agent.run("replay", "parse", scan_id)
    until(lambda: len(server.posts()) == 2 and agent.received(scan_id), "a second delivery")
    assert path.read_bytes() == before
    assert len(agent.spool.reports.archived()) == 1
    assert len(agent.spool.receipts.archived()) == 1


def test_replaying_ship_sends_the_same_report_again(agent: Agent, server: Receiver) -> None:
    scan_id = agent.ask()
    agent.start()
    until(lambda: agent.received(scan_id), "a receipt")
    agent.run("replay", "ship", scan_id)
    until(lambda: len(server.posts()) == 2 and agent.received(scan_id), "a second delivery")
    first, second = server.posts()
    assert first["body_sha256"] == second["body_sha256"]
    assert first["idempotency_key"] == second["idempotency_key"] == scan_id


def test_a_server_that_was_unreachable_gets_everything_when_it_is_back(
    agent: Agent, server: Receiver
) -> None:
    server.stop()
    agent.start()
    scan_id = agent.ask()
    until(lambda: agent.reported(scan_id), "a report")
    until(
        lambda: "refused" in agent.log("ship").lower() or "connect" in agent.log("ship").lower(),
        "a failed try",
    )
    assert not agent.received(scan_id)
    server.start()
    until(lambda: agent.received(scan_id), "a receipt")
    assert agent.receipt(scan_id).answer == "accepted"


def test_the_pipeline_works_without_zeromq(server: Receiver, tmp_path: Path) -> None:
    (tmp_path / "zmq.py").write_text("raise ImportError('not installed')\n")
    with an_agent(server, PYTHONPATH=str(tmp_path)) as agent:
        agent.start()
        until(lambda: "no doorbell" in agent.log("scan"), "the missing doorbell is logged")
        scan_id = agent.ask()
        until(lambda: agent.received(scan_id), "a receipt")
        assert agent.receipt(scan_id).answer == "accepted"


def test_reading_commands_work_while_no_stage_runs(agent: Agent) -> None:
    scan_id = agent.ask()
    agent.start()
    until(lambda: agent.received(scan_id), "a receipt")
    agent.stop()
    assert json.loads(agent.run("status", "--json"))["stages"] == dict.fromkeys(STAGES, "stopped")
    assert [row["scan_id"] for row in json.loads(agent.run("list", "--json"))] == [scan_id]
    assert json.loads(agent.run("show", scan_id, "--json"))["state"] == "done"
    assert "all entries are intact" in agent.run("verify")
