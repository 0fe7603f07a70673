"""Re-checks: single rules evaluated again with the real oscap, beside the scan."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.ids import ScanId
from tests.pipeline.agent import Agent, an_agent, until
from tests.scanners.openscap.fixable_content import (
    PROFILE,
    FixableRule,
    append_line,
    write_fixable_content,
)

pytestmark = pytest.mark.oscap


@pytest.fixture
def host_files(tmp_path: Path) -> Path:
    where = tmp_path / "host"
    where.mkdir()
    (where / "one").write_text("before\n")
    (where / "three").write_text("filled in\n")
    return where


@pytest.fixture
def rules(host_files: Path) -> list[FixableRule]:
    return [append_line(name, host_files / name) for name in ("one", "two", "three")]


@pytest.fixture
def agent(rules: list[FixableRule], tmp_path: Path) -> Iterator[Agent]:
    content = write_fixable_content(tmp_path / "fixable-ds.xml", rules)
    with an_agent() as agent:
        agent.settings["compliance"]["openscap"] = {"content": str(content), "profile": PROFILE}
        agent.configure()
        yield agent


def scanned(agent: Agent) -> ScanId:
    scan_id = agent.ask()
    agent.start()
    until(lambda: agent.reported(scan_id), "a report")
    return scan_id


def changes(printed: str) -> dict[str, tuple[str, str]]:
    rules = json.loads(printed)["rules"]
    return {rule["rule_ref"].rpartition("_")[2]: (rule["before"], rule["after"]) for rule in rules}


def test_failed_rules_are_evaluated_again_and_kept_beside_the_scan(
    agent: Agent, host_files: Path
) -> None:
    scan_id = scanned(agent)
    until(lambda: "set server.url" in agent.run("list", "--json"), "ship has found no server")
    before = [agent.run(command, "--json") for command in ("list", "status", "metrics")]
    (host_files / "one").write_text("filled in\n")
    found = changes(agent.run("recheck", scan_id, "--json"))
    assert found == {"one": ("fail", "pass"), "two": ("fail", "fail")}
    assert changes(agent.run("recheck", "last", "--failed", "--json")) == found
    # Nothing of it is a scan.
    assert agent.run("list", "--json") == before[0]
    for box in (agent.spool.requests, agent.spool.raw, agent.spool.reports):
        assert box.scan_ids() == [scan_id]
    shown = agent.run("show", scan_id)
    assert "2 rules re-checked: 1 rule newly passed, 1 unchanged" in shown
    assert len(json.loads(agent.run("show", scan_id, "--json"))["rechecks"]) == 2
    statuses = {rule.rule_ref: rule.status for rule in agent.report(scan_id).results}
    assert sorted(statuses.values()) == ["fail", "fail", "pass"]


def test_named_rules_are_evaluated_whatever_they_were(agent: Agent, host_files: Path) -> None:
    scan_id = scanned(agent)
    (host_files / "three").unlink()
    found = changes(agent.run("recheck", scan_id, "--rule", "three", "one", "--json"))
    assert found == {"one": ("fail", "fail"), "three": ("pass", "fail")}
    text = agent.run("recheck", scan_id, "--rule", "three")
    assert "1 rule re-checked: 1 no longer passed" in text
    assert "three: no line" in text


def test_changed_content_is_a_warning(
    agent: Agent, rules: list[FixableRule], tmp_path: Path
) -> None:
    scan_id = scanned(agent)
    content = tmp_path / "fixable-ds.xml"
    content.write_text(content.read_text().replace("All of Them", "All of These"))
    (warning,) = json.loads(agent.run("recheck", scan_id, "--json"))["warnings"]
    assert warning.startswith(f"{content} has changed since the scan (SHA-256 ")


def test_what_cannot_be_rechecked_is_refused(agent: Agent, tmp_path: Path) -> None:
    scan_id = scanned(agent)
    (tmp_path / "fixable-ds.xml").unlink()
    for arguments in (
        (scan_id, "--rule", "nothing"),
        (scan_id,),
        ("20200101T000000Z-openscap-00000000",),
    ):
        assert agent.run("recheck", *arguments, code=1) == ""
    agent.run("recheck", scan_id, "--rule", "one", "--failed", code=2)
    assert not agent.spool.fixes.rechecks.ids()


def test_rechecks_go_with_their_scan(agent: Agent) -> None:
    scan_id = scanned(agent)
    agent.run("recheck", scan_id)
    store = agent.spool.fixes
    (kept,) = store.rechecks.ids()
    store.prune_rechecks([])
    assert kept not in store.rechecks.ids()
