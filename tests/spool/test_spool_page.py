"""The page about the format on disk, compared with what stages really leave there."""

import re
from pathlib import Path

import pytest

from receiver import Policy, Receiver
from spool.layout import BOXES, KINDS
from tests.pipeline.agent import an_agent, until

PAGE = (Path(__file__).parents[2] / "spool/README.md").read_text()
STATE_FILES = re.findall(r"^\| [a-z, ]+ \| `([^`]+)` \|", PAGE, re.MULTILINE)


def is_described(name: str) -> bool:
    patterns = (
        re.escape(note).replace("SCANNER", ".+").replace("ID", ".+").replace("NAME", ".+")
        for note in STATE_FILES
    )
    return any(re.fullmatch(pattern, name) for pattern in patterns)


def test_every_box_and_every_kind_of_entry_is_described() -> None:
    for box in BOXES:
        assert f"| `{box}/` |" in PAGE
    for kind in KINDS:
        assert f"ID.{kind}`" in PAGE, kind


@pytest.mark.oscap
def test_every_state_file_that_stages_leave_is_described(tmp_path: Path) -> None:
    with Receiver(Policy(), database=tmp_path / "receiver.db") as server, an_agent(server) as agent:
        agent.settings["compliance"]["openscap"]["schedule"] = "0 3 * * 0"
        agent.configure()
        agent.spool.prepare()
        (agent.spool.requests.path / "20261123T060301Z-openscap-3f9c2a17.request").write_bytes(
            b"\0" * 100
        )
        agent.start()
        scan_id = agent.ask("all_pass")
        until(lambda: agent.received(scan_id), "a receipt")
        seen: set[str] = set()

        def all_seen() -> bool:
            seen.update(names(agent.spool.root))
            return seen >= {"ship-state", "detected", "trigger", "schedule-openscap"}

        until(all_seen, "notes")
        assert {name for name in seen if not is_described(name)} == set()


def names(root: Path) -> set[str]:
    found = {path.name for path in (root / "state").glob("*/*")}
    return {name for name in found if not name.endswith(".tmp")}
