"""Content from each source through detect, profiles, config check and scan to its report, with the
real oscap.
"""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from stages.scanners.host import this_platform
from stages.scanners.openscap.content import LINUX
from stages.scanners.openscap.products import product_of
from tests.pipeline.agent import Agent, an_agent, until
from tests.scanners.openscap.content_samples import guide, real_content

pytestmark = pytest.mark.oscap
PRODUCT = "".join(product_of(this_platform()))


class Expected(NamedTuple):
    """What reports name."""

    file: str
    version: str
    fit: str
    origin: str | None


def package(agent: Agent, directory: Path) -> Expected:
    file = directory / f"ssg-{PRODUCT}-ds.xml"
    file.write_bytes(real_content(PRODUCT, "0.1.70"))
    return Expected(str(file), "0.1.70", "exact", None)


def new_guide(agent: Agent, directory: Path) -> Expected:
    content = real_content(PRODUCT, "0.1.70")
    guide(directory, {"old_CIS_1": "v1.0.0", "new_CIS_2": "v2.0.0"}, PRODUCT, content)
    file = directory / f"new_CIS_2/ssg-{PRODUCT}-ds.xml.gz"
    origin = "Ubuntu Security Guide, channel new_CIS_2"
    return Expected(str(file), "v2.0.0", "exact", origin)


def old_guide(agent: Agent, directory: Path) -> Expected:
    whole = directory / "whole.xml"
    whole.write_bytes(real_content(PRODUCT, "0.1.70"))
    subprocess.run(["oscap", "ds", "sds-split", whole, directory], check=True, timeout=60)
    whole.unlink()
    file = directory / f"ssg-{PRODUCT}-xccdf.xml"
    for path in directory.glob("*.xml"):
        if path.name.endswith("xccdf.xml"):
            path.rename(file)
        elif path.name.endswith("cpe-dictionary.xml"):
            path.rename(directory / f"ssg-{PRODUCT}-cpe-dictionary.xml")
    return Expected(str(file), "0.1.70", "exact", None)


def added(agent: Agent, directory: Path) -> Expected:
    brought = directory / "brought.xml"
    brought.write_bytes(real_content(PRODUCT, "0.1.70"))
    agent.run("content", "add", str(brought))
    (entry,) = (agent.spool.root / "content/added").iterdir()
    file = entry / f"ssg-{PRODUCT}-ds.xml"
    return Expected(str(file), "0.1.70", "exact", f"added from {brought}")


def baseline(agent: Agent, directory: Path) -> Expected:
    return Expected(str(LINUX), "1.0.0", "baseline", None)


@pytest.mark.parametrize("source", [package, new_guide, old_guide, added, baseline])
def test_content_is_named_by_every_command_and_in_the_report(
    tmp_path: Path, source: Callable[[Agent, Path], Expected]
) -> None:
    directory = tmp_path / "content"
    directory.mkdir()
    with an_agent() as agent:
        agent.settings["compliance"]["openscap"] = {"content_dirs": [str(directory)]}
        agent.configure()
        expected = source(agent, directory)
        detected = agent.run("detect")
        assert f"{expected.file}, version {expected.version}" in detected
        assert expected.fit in detected
        profiles = json.loads(agent.run("profiles", "--json"))
        assert {profile["file_path"] for profile in profiles} >= {expected.file}
        remarks = json.loads(agent.run("config", "check", "--json"))["remarks"]
        named = f"OpenSCAP content: {expected.file}, version {expected.version} ("
        assert any(remark.startswith(named) for remark in remarks)
        agent.run("scan", "--profile", "typo", code=2)
        scan_id = agent.ask()
        agent.start("trigger", "scan", "parse")
        until(lambda: agent.reported(scan_id), "a report")
        report = agent.report(scan_id)
        assert report.status == "completed", report.error
        assert report.summary.total_rules > report.summary.not_applicable
        content = report.content
        assert content is not None
        found = Expected(content.path, content.version or "", content.fit, content.origin)
        assert found == expected
