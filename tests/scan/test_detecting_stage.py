"""The stage notices by itself what changes on the host: no restart, no hour to wait."""

import json
from pathlib import Path

import pytest

from schemas.capabilities import DETECTED_STATE as STATE
from schemas.capabilities import Detected, DetectedScanner
from stages.scanners.host import this_platform
from stages.scanners.openscap.content import EVERY_RESULT
from stages.scanners.openscap.openscap_packages import content_advice
from stages.scanners.openscap.products import product_of
from tests.pipeline.agent import Agent, an_agent, until

pytestmark = pytest.mark.oscap


def detected(agent: Agent) -> DetectedScanner | None:
    found = agent.spool.state_store("scan").read(STATE, Detected)
    return found.scanners["openscap"] if found else None


def test_content_that_is_installed_or_removed_is_noticed(tmp_path: Path) -> None:
    host = this_platform()
    product, version = product_of(host)
    content = tmp_path / f"ssg-{product}{version}-ds.xml"
    with an_agent() as agent:
        agent.settings["compliance"]["openscap"] = {
            "content_dirs": [str(tmp_path)],
            "profile": "all_pass",
        }
        agent.settings["spool"]["check_every_s"] = 0.2
        agent.configure()
        agent.start("trigger", "scan", "parse")
        until(
            lambda: (found := detected(agent)) and not found.ready,
            "detection without content",
        )
        early = agent.ask()
        until(lambda: agent.reported(early), "a report")
        assert (
            f"no SCAP content in {tmp_path}. {content_advice(host, (), is_server_allowed=False)}"
            in (agent.report(early).error or "")
        )
        content.symlink_to(EVERY_RESULT)
        until(
            lambda: (found := detected(agent)) and found.warnings == () and found.ready,
            "it is noticed",
        )
        later = agent.ask()
        until(lambda: agent.reported(later), "a report")
        assert (agent.report(later).status, agent.report(later).warnings) == ("completed", ())
        assert json.loads(agent.run("status", "--json"))["detected"]["scanners"]["openscap"][
            "ready"
        ]
        content.unlink()
        until(lambda: (found := detected(agent)) and not found.ready, "that it is gone, too")
