"""A spool that comes from a backup: what was sent since then is sent again as the same scans."""

import shutil

from receiver import Receiver
from tests.faults.quick_agent import QuickAgent
from tests.pipeline.agent import until


def test_what_was_sent_after_the_backup_replaces_itself_at_the_server(
    agent: QuickAgent, server: Receiver
) -> None:
    agent.start("trigger", "scan", "parse")
    scan_id = agent.request()
    until(lambda: agent.reported(scan_id), "a report")
    agent.stop()
    backup = agent.home / "backup"
    shutil.copytree(agent.spool.root, backup, symlinks=True)

    agent.start()
    until(lambda: agent.received(scan_id), "delivered")
    agent.stop()
    shutil.rmtree(agent.spool.root)
    backup.rename(agent.spool.root)

    agent.start()
    until(lambda: agent.received(scan_id), "delivered again")
    newer = agent.request()
    until(lambda: agent.received(newer), "the next one")
    assert newer > scan_id
    posts = [post for post in server.posts() if post["status"] == 200]
    assert [post["idempotency_key"] for post in posts] == [scan_id, scan_id, newer]
    assert posts[0]["body_sha256"] == posts[1]["body_sha256"]
    assert len(server.scans()) == 1
    agent.run("verify")
