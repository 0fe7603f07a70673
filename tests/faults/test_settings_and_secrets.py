"""Settings and secrets that change while the agent runs."""

from receiver import Receiver
from spool.layout import STAGES
from tests.faults.quick_agent import QuickAgent
from tests.pipeline.agent import until

KEPT = "the old ones stay in force"
BROKEN = (
    b"",
    b"spool: [",
    b'{"spool": {"path": "relative"}}',
    b"server: {url: 7}\n",
    b"\xff\xfe\x00",
    b"a: &a [*a]\n",
    b"spool: {keep_last: " + b"9" * 5000 + b"}\n",
    b"server:\n  url: http://one\n  url: http://two\n",
    b"{" * 100_000,
)


def test_settings_that_become_wrong_change_nothing(agent: QuickAgent) -> None:
    agent.start()
    until(lambda: all("stage started" in agent.log(stage) for stage in STAGES), "all run")
    for content in BROKEN:
        before = {stage: agent.log(stage).count(KEPT) for stage in STAGES}
        agent.config.write_bytes(content)
        for stage, count in before.items():
            until(
                lambda stage=stage, count=count: agent.log(stage).count(KEPT) > count,  # type: ignore[misc]
                f"{stage} reports {content[:50]!r}",
            )
    scan_id = agent.request()
    until(lambda: agent.received(scan_id), "the old settings are in force")
    assert all(process.poll() is None for process in agent.processes.values()), agent.logs
    assert "Traceback" not in agent.logs


def test_without_its_key_only_the_delivery_waits(agent: QuickAgent, server: Receiver) -> None:
    key = agent.home / "key"
    key.write_text(server.credentials.key)
    key.chmod(0o600)
    agent.configure(api={"id": server.credentials.id, "key_file": str(key)})
    agent.start()
    first = agent.request()
    until(lambda: agent.received(first), "delivered")
    key.rename(agent.home / "aside")
    second = agent.request()
    until(lambda: agent.reported(second), "scans go on")
    until(lambda: str(key) in agent.run("list", "--wide"), "the reason is shown")
    assert not agent.received(second)
    (agent.home / "aside").rename(key)
    until(lambda: agent.received(second), "delivered when it is back")
    assert all(process.poll() is None for process in agent.processes.values()), agent.logs
