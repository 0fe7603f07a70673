"""docs/triggers.md agrees with the program: it names every known message, and no other."""

import json
import re
from pathlib import Path

from stages.patchmon.commands import Ignored, understand
from stages.scanners import registry
from stages.scanners.settings import every_key

PAGE = (Path(__file__).parent.parent.parent / "docs" / "triggers.md").read_text()


def test_every_message_in_the_table_is_understood() -> None:
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    kinds = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)} - {
        "enable_remediation"
    }
    assert len(kinds) == 9
    for kind in kinds:
        values = {"type": kind, "compliance_scan_interval": 60, "config": {"compliance": {}}}
        message = json.dumps(values)
        assert understand(message, registry.scanners(), {}) != Ignored(), kind


def test_every_setting_that_the_page_names_exists() -> None:
    keys = {key for key, _ in every_key()}
    for name in re.findall(r"`(?:compliance\.)?((?:schedules|server_commands)\.[a-z_]+)`", PAGE):
        assert f"compliance.{name}" in keys
