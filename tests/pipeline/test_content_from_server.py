"""Content from the server, from the download to the report, with real stages and the real oscap."""

import json
from pathlib import Path
from typing import Any

import pytest

from receiver import Policy, Receiver
from schemas.content import FETCH_STATE, FetchState
from spool.layout import Stage
from stages.scanners.host import this_platform
from stages.scanners.openscap.products import product_of
from tests.pipeline.agent import Agent, an_agent, until
from tests.scanners.openscap.content_samples import SCE, datastream, real_content

pytestmark = pytest.mark.oscap
PRODUCT = "".join(product_of(this_platform()))
FILE = f"ssg-{PRODUCT}-ds.xml"


def offer(directory: Path, version: str, content: bytes) -> None:
    directory.mkdir(exist_ok=True)
    (directory / "version").write_text(version)
    (directory / FILE).write_bytes(content)


def configured(agent: Agent, tmp_path: Path, mode: str) -> None:
    (tmp_path / "packages").mkdir(exist_ok=True)
    agent.settings["compliance"]["openscap"] = {
        "content_dirs": [str(tmp_path / "packages")],
        "content_from_server": mode,
    }
    agent.configure()
    agent.spool.prepare()


def start(agent: Agent, *stages: Stage) -> None:
    agent.start("trigger", *stages)
    until(lambda: agent.spool.is_running("trigger"), "the trigger stage")


def content(agent: Agent, *message: str, code: int = 0) -> Any:
    return json.loads(agent.run("content", *message, "--json", code=code))


def used(agent: Agent) -> dict[str, Any]:
    (entry,) = [entry for entry in content(agent)["content"] if entry["used"]]
    return dict(entry)


def test_content_of_the_server_is_scanned_with_named_and_upgraded_between_two_scans(
    tmp_path: Path,
) -> None:
    served = tmp_path / "served"
    offer(served, "0.1.80", real_content(PRODUCT, "0.1.80"))
    policy = Policy(content=served)
    with Receiver(policy, database=tmp_path / "r.db") as server, an_agent(server) as agent:
        configured(agent, tmp_path, "missing")
        start(agent, "scan", "parse")
        assert content(agent, "fetch")["outcome"] == f"{FILE} 0.1.80 fetched and checked"
        entry = used(agent)
        assert (entry["source"], entry["version"], entry["fit"]) == ("server", "0.1.80", "exact")
        scans = []
        for version in ("0.1.80", "0.1.81"):
            offer(served, version, real_content(PRODUCT, version))
            content(agent, "fetch")
            until(lambda: used(agent)["version"] == version, "the newer version")  # noqa: B023
            scan_id = agent.ask("linux_standard")
            until(lambda: agent.reported(scan_id), "a report")  # noqa: B023
            report = agent.report(scan_id)
            assert report.status == "completed", report.error
            assert report.content is not None
            assert (report.content.source, report.content.version) == ("server", version)
            assert report.content.origin == f"from the server {server.url}"
            scans.append(scan_id)
        assert len(list((agent.spool.root / "content/server").glob("[!.]*"))) == 1
        compared = agent.run("compare", *scans, code=None)
        assert "0.1.80" in compared
        assert "0.1.81" in compared
        shown = agent.run("show", scans[0], code=None)
        assert "version 0.1.80" in shown
        assert f"from the server {server.url}" in shown
        rule = report.results[0].rule_ref
        refused = agent.run("fix", scans[-1], "--rule", rule, "--dry-run", "--json", code=1)
        assert "came from the server" in json.loads(refused)["error"]
        content(agent, "remove", FILE)
        assert used(agent)["source"] == "own"


@pytest.mark.parametrize(
    ("hostile", "reason"),
    [
        (datastream(PRODUCT, system=SCE), "has checks that are scripts"),
        (datastream("rhel9999"), f"is for another product than {PRODUCT} (rhel9999): "),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "is not content that can be used"),
        (real_content(PRODUCT, "0.1.80")[:-500], "is not content that can be used"),
    ],
    ids=["scripts", "product", "dtd", "cut"],
)
def test_content_that_must_not_come_from_a_server_is_refused_and_not_fetched_again(
    tmp_path: Path, hostile: bytes, reason: str
) -> None:
    served = tmp_path / "served"
    offer(served, "0.1.80", hostile)
    policy = Policy(content=served)
    with Receiver(policy, database=tmp_path / "r.db") as server, an_agent(server) as agent:
        configured(agent, tmp_path, "missing")
        start(agent)
        refused = content(agent, "fetch", code=1)["outcome"]
        assert refused.startswith(f"{FILE}: ")
        assert reason in refused
        assert list((agent.spool.root / "content/server").iterdir()) == []
        again = content(agent, "fetch")["outcome"]
        assert again == f"{FILE} 0.1.80 was refused before, and is not fetched again"
        assert used(agent)["source"] == "own"


def test_parts_on_other_hosts_are_taken_out_of_what_is_kept(tmp_path: Path, captures: Path) -> None:
    import lzma

    if PRODUCT != "debian12":
        pytest.skip("the captured content is for Debian 12")
    whole = lzma.decompress((captures / "ssg-debian12-ds.xml.xz").read_bytes())
    served = tmp_path / "served"
    offer(served, "0.1.76", whole)
    policy = Policy(content=served)
    with Receiver(policy, database=tmp_path / "r.db") as server, an_agent(server) as agent:
        configured(agent, tmp_path, "missing")
        start(agent)
        content(agent, "fetch")
        kept = Path(used(agent)["file"]).read_bytes()
        assert b'href="https://www.debian.org' in whole
        assert b'href="https://www.debian.org' not in kept


def test_upgrade_ssg_fetches_where_that_is_allowed(tmp_path: Path) -> None:
    served = tmp_path / "served"
    offer(served, "0.1.80", real_content(PRODUCT, "0.1.80"))
    policy = Policy(content=served)
    with Receiver(policy, database=tmp_path / "r.db") as server, an_agent(server) as agent:
        configured(agent, tmp_path, "newer")
        start(agent, "scan")
        until(server.integration_statuses, "capabilities")
        server.send_command({"type": "upgrade_ssg"})
        store = agent.spool.state_store("trigger")
        until(lambda: store.read(FETCH_STATE, FetchState), "an outcome")

        def is_shown() -> bool:
            scanners = [status["scanner_info"] for status in server.integration_statuses()]
            shown = scanners[-1].get("content_file"), scanners[-1].get("ssg_version")
            return shown == (FILE, "0.1.80")

        until(is_shown, "the new content at the server")
